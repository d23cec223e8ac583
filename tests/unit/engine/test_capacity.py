"""The analytic capacity: what holds whatever the engine, and what it says where nothing fits."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.domain.errors import InvalidField
from penstock.domain.variants import Slo, SloSource
from penstock.engine.capacity import MOST, Binding, Capacity, EngineShape, Lengths, capacity, latency
from penstock.engine.steadystate import replica, state
from penstock.engine.steptime import GPUS
from penstock.engine.tails import missed

MEASURED = json.loads((Path(__file__).parent / "capacity_measured.json").read_text())
MEANS = {
    "conv": Lengths(input_tokens=1154.7, output_tokens=211.1),
    "code": Lengths(input_tokens=2047.8, output_tokens=27.9),
}
# there the few longest prompts decide, of which means tell nothing; all of them serve next to nothing
FAR = {
    "L40S conv 0.5s/50ms 0.995 x1": 2.8,
    "A100 conv 0.5s/50ms 0.995 x1": 1.4,
    "L4 conv 2s/100ms 0.995 x1": 1.3,
}
CONV = Lengths(input_tokens=1154.7, output_tokens=211.1)


def _slo(ttft_s: float, tpot_s: float, ratio: float = 0.95) -> Slo:
    return Slo(ttft_s=ttft_s, tpot_s=tpot_s, attainment_ratio=ratio, source=SloSource.DEFAULT)


def _shape(gpu: str) -> EngineShape:
    return EngineShape(cost=GPUS[gpu], max_num_seqs=256, token_budget=2048, kv_tokens=GPUS[gpu].kv_tokens)


def _asked(row: dict[str, Any]) -> Capacity:
    lengths = MEANS.get(row["traffic"])
    if lengths is None:
        prompt, prompt_cv, answer, answer_cv = row["lengths"]
        lengths = Lengths(input_tokens=prompt, output_tokens=answer, input_cv=prompt_cv, output_cv=answer_cv)
    shape = EngineShape(cost=GPUS[row["gpu"]], max_num_seqs=row["max_num_seqs"], token_budget=row["token_budget"])
    return capacity(shape, lengths, _slo(row["ttft_s"], row["tpot_s"], row["ratio"]), row["replicas"])


@pytest.mark.parametrize("row", [pytest.param(row, id=row["id"]) for row in MEASURED])
def test_capacity_is_what_simulation_measures(row: dict[str, Any]) -> None:
    """Within a tenth where the share of long prompts does not decide; `tests.bench.capacity_table` measured."""
    answer = _asked(row)

    if row["per_s"] is None:
        assert answer.missed or answer.per_s < 0.05
    else:
        far = FAR.get(row["id"], 1.1)
        assert row["per_s"] / far <= answer.per_s <= row["per_s"] * far
        assert not answer.missed


def test_a_dearer_gpu_serves_more() -> None:
    rates = [capacity(_shape(gpu), CONV, _slo(2, 0.1)).per_s for gpu in ("L4", "L40S", "A100", "H100", "H200")]

    assert rates == sorted(rates)
    assert rates[0] > 0


def test_a_target_that_an_idle_replica_misses_is_named() -> None:
    answer = capacity(_shape("L4"), CONV, _slo(2, 0.05))

    assert answer.missed == Binding.TPOT
    assert answer.per_s > 0


def test_latency_is_told_up_to_what_the_replica_sustains() -> None:
    calm, busy = latency(_shape("H100"), CONV, 1.0), latency(_shape("H100"), CONV, 15.0)

    assert calm is not None
    assert busy is not None
    assert calm.ttft_s < busy.ttft_s
    assert calm.tpot_s < busy.tpot_s
    assert latency(_shape("H100"), CONV, 1000.0) is None


def test_the_same_question_is_answered_from_memory() -> None:
    shape, slo = _shape("A100"), _slo(2, 0.1)

    assert capacity(shape, CONV, slo) is capacity(shape, CONV, slo)


@pytest.mark.parametrize("gpu", ["L40S", "H100"])
def test_looser_targets_never_serve_less(gpu: str) -> None:
    tight, loose = capacity(_shape(gpu), CONV, _slo(1, 0.06)), capacity(_shape(gpu), CONV, _slo(2, 0.1))

    assert tight.per_s <= loose.per_s


_GPUS = st.sampled_from(["L4", "L40S", "A100", "H100", "H200"])
_TOKENS = st.floats(20, 6000)
_RATIO = st.sampled_from([0.9, 0.95, 0.99, 0.995])
_SLOS = st.builds(_slo, st.floats(0.2, 10), st.floats(0.02, 0.3), _RATIO)
_BUT_ROUNDING = 1.02


def _per_s(gpu: str, lengths: Lengths, slo: Slo) -> float:
    """A target that an idle replica misses for half as many as may miss it counts as nothing: more may do so then."""
    its = replica(_shape(gpu), lengths)
    idle = missed(its, state(its, its.densest * 1e-6), slo.ttft_s * 1000, slo.tpot_s * 1000)
    return 0.0 if idle.either > (1 - slo.attainment_ratio) / 2 else capacity(_shape(gpu), lengths, slo).per_s


@settings(max_examples=25)
@given(_GPUS, _TOKENS, _TOKENS, _SLOS, st.floats(1.02, 4))
def test_more_work_per_request_never_raises_capacity(
    gpu: str, prompt: float, answer: float, slo: Slo, factor: float
) -> None:
    base = _per_s(gpu, Lengths(input_tokens=prompt, output_tokens=answer), slo)

    longer_prompt = _per_s(gpu, Lengths(input_tokens=prompt * factor, output_tokens=answer), slo)

    assert longer_prompt <= base * _BUT_ROUNDING + 1e-6


@settings(max_examples=25)
@given(_GPUS, _TOKENS, _TOKENS, _SLOS, st.floats(1, 5), st.floats(1, 5))
def test_looser_targets_never_lower_capacity(
    gpu: str, prompt: float, answer: float, slo: Slo, ttft: float, tpot: float
) -> None:
    lengths = Lengths(input_tokens=prompt, output_tokens=answer)

    looser = _slo(slo.ttft_s * ttft, slo.tpot_s * tpot, slo.attainment_ratio)

    assert _per_s(gpu, lengths, slo) <= _per_s(gpu, lengths, looser) * _BUT_ROUNDING + 1e-6


@settings(max_examples=25)
@given(_GPUS, _TOKENS, _TOKENS, _SLOS)
def test_a_higher_share_never_raises_capacity(gpu: str, prompt: float, answer: float, slo: Slo) -> None:
    lengths = Lengths(input_tokens=prompt, output_tokens=answer)

    rates = [_per_s(gpu, lengths, _slo(slo.ttft_s, slo.tpot_s, ratio)) for ratio in (0.9, 0.95, 0.99, 0.995)]

    assert all(after <= before * _BUT_ROUNDING for before, after in pairwise(rates))


@settings(max_examples=25)
@given(_GPUS, _TOKENS, _TOKENS, _SLOS)
def test_more_replicas_never_lower_the_rate_of_each(gpu: str, prompt: float, answer: float, slo: Slo) -> None:
    lengths = Lengths(input_tokens=prompt, output_tokens=answer)

    rates = [capacity(_shape(gpu), lengths, slo, replicas).per_s for replicas in (1, 2, 4, 8)]

    assert all(before <= after * _BUT_ROUNDING for before, after in pairwise(rates))


@pytest.mark.parametrize(
    ("lengths", "slo", "field"),
    [
        (Lengths(input_tokens=0.5, output_tokens=10), _slo(1, 0.1), "inputTokens"),
        (Lengths(input_tokens=10, output_tokens=float("nan")), _slo(1, 0.1), "outputTokens"),
        (CONV, _slo(0, 0.1), "slo.ttft"),
        (CONV, _slo(1, float("nan")), "slo.tpot"),
        (CONV, _slo(1, 0.1, 1.0), "slo.attainment"),
    ],
)
def test_an_impossible_question_is_refused_by_name(lengths: Lengths, slo: Slo, field: str) -> None:
    with pytest.raises(InvalidField, match=field):
        capacity(_shape("H100"), lengths, slo)


def test_targets_that_nothing_can_miss_leave_throughput_to_decide() -> None:
    answer = capacity(_shape("H100"), CONV, _slo(1e9, 1e9, 0.5))

    assert answer.binding is Binding.THROUGHPUT
    assert not answer.missed


def test_equal_lengths_serve_more_than_scattered_ones() -> None:
    equal = Lengths(input_tokens=1154.7, output_tokens=211.1, input_cv=0.0, output_cv=0.0)
    scattered = Lengths(input_tokens=1154.7, output_tokens=211.1, input_cv=1.5, output_cv=1.5)

    assert capacity(_shape("A100"), equal, _slo(2, 0.1)).per_s > capacity(_shape("A100"), scattered, _slo(2, 0.1)).per_s


def test_the_rate_falls_steadily_where_ever_more_are_too_long_for_an_idle_replica() -> None:
    """It leapt to the throughput, four times as much, as soon as one in a hundred was."""
    scatters = [Lengths(input_tokens=5000, output_tokens=300, input_cv=cv / 10, output_cv=0.9) for cv in range(5, 15)]

    found = [capacity(_shape("H100"), lengths, _slo(1.0, 0.1, 0.99), 4) for lengths in scatters]

    assert (found[0].missed, found[-1].missed) == ("", "slo.ttft")
    assert all(before / 2 < after <= before * _BUT_ROUNDING for before, after in pairwise([one.per_s for one in found]))


def test_whom_no_idle_replica_answers_in_time_is_given_throughput() -> None:
    hopeless = capacity(_shape("H100"), CONV, _slo(0.005, 0.1))
    loose = capacity(_shape("H100"), CONV, _slo(1e9, 1e9))

    assert (hopeless.missed, hopeless.binding) == ("slo.ttft", Binding.THROUGHPUT)
    assert hopeless.missed_ratio > MOST
    assert hopeless.per_s == pytest.approx(0.9 * loose.per_s, rel=0.02)


def test_how_many_an_idle_replica_misses_is_told() -> None:
    lengths = Lengths(input_tokens=5000, output_tokens=300, input_cv=1.3, output_cv=0.9)

    slow, fast = (capacity(_shape(gpu), lengths, _slo(0.5, 0.1, 0.99)) for gpu in ("L40S", "H100"))

    assert slow.missed == fast.missed == Binding.TTFT
    assert slow.missed_ratio > 2 * fast.missed_ratio > 0.02
