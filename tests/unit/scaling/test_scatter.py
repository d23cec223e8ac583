"""How far lengths scatter: what is remembered of it, for how long, and what it does to a decision."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.scaling.scene import NOW, known, observe, row, rows, target, variant

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision
from penstock.domain.observations import Spread
from penstock.domain.variants import SloOverride
from penstock.engine.lengths import cv_of, prior_squares
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.demand import lengths
from penstock.scaling.history import LengthSums, Moment, Scatter
from penstock.scaling.join import join
from penstock.scaling.memory import Memory
from penstock.scaling.observe import Load, load

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
CHAT = variant(model=LLAMA, accelerator="H100", profiles=(), slo=SloOverride(ttft_s=2.0, tpot_s=0.05))


def seen(spread: Spread, namespace: str = "llm") -> Load:
    observation = observe(CHAT, seen=[row(CHAT)], spreads={ModelScope(namespace, LLAMA): spread})
    joined = join(observation.variants, observation.targets, observation.scrape.rows)
    return load(CHAT, joined[CHAT.key], observation, 120.0)


def taught(cv: float, requests: float) -> LengthSums:
    return more(LengthSums(), cv, requests)


def more(sums: LengthSums, cv: float, requests: float) -> LengthSums:
    fed, made = sums.input_tokens + requests * 4000.0, sums.output_tokens + requests * 1000.0
    inputs, outputs = sums.inputs.adding(requests, cv), sums.outputs.adding(requests, cv)
    return LengthSums(sums.requests + requests, fed, made, inputs, outputs)


def capacity(spread: Spread | None, passes: int = 20) -> float:
    """Return what is thought of a replica after some minutes of five requests a second."""
    memory, decision = Memory(), None
    for number in range(passes):
        now_s = NOW + 15.0 * number
        scrape = rows(
            CHAT, 4, total=5.0, at_s=now_s, input_tokens=known(4000, now_s), output_tokens=known(1000, now_s),
            tpot_s=known(0.02, now_s),
        )  # fmt: skip
        observation = observe(
            CHAT, targets={CHAT.key: target(CHAT, 4)}, seen=scrape, now_s=now_s,
            spreads={} if spread is None else {ModelScope("llm", LLAMA): spread},
        )  # fmt: skip
        (decision,), memory = decide(observation, memory, Config())
    assert isinstance(decision, Decision)
    assert decision.capacity_per_s is not None
    return decision.capacity_per_s


def test_lengths_that_are_much_alike_let_a_replica_serve_more() -> None:
    alike = capacity(Spread(input_cv=known(0.05), output_cv=known(0.1)))
    usual = capacity(None)
    tailed = capacity(Spread(input_cv=known(2.5), output_cv=known(3.0)))

    assert tailed < usual < alike


def test_traffic_like_public_chat_and_code_changes_little() -> None:
    assert capacity(Spread(input_cv=known(0.94), output_cv=known(1.08))) == pytest.approx(capacity(None), rel=0.05)


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        pytest.param(0.0, (None, None), id="none"),
        pytest.param(10.0, (0.8, 0.9), id="too few to tell much"),
        pytest.param(1000.0, (0.3, 0.3), id="enough"),
    ],
)
def test_few_requests_do_not_tell(requests: float, expected: tuple[float | None, float | None]) -> None:
    assert taught(0.2, requests).cvs == expected


def test_what_was_seen_is_forgotten_in_some_minutes() -> None:
    then = taught(0.1, 3000.0)
    other = more(then.faded(1800.0), 3.0, 3000.0)

    assert then.faded(3600.0 * 3).cvs == tuple(map(cv_of, prior_squares()))
    assert other.cvs == (pytest.approx(2.8, abs=0.2), pytest.approx(2.8, abs=0.2))


def test_a_histogram_without_buckets_leaves_the_other_alone() -> None:
    busy = seen(Spread(output_cv=known(0.1)))._replace(finished_per_s=17.0)

    sums, _ = lengths(LengthSums(), [busy], 60.0, 60.0)

    assert (sums.inputs, sums.cvs[0]) == (Scatter(), None)
    assert sums.cvs[1] is not None


def test_variants_of_a_model_are_weighed_by_what_they_finish() -> None:
    busy, calm = Load(**_measured(9.0, 3.0)), Load(**_measured(1.0, 0.0))

    sums, _ = lengths(LengthSums(), [busy, calm], 60.0, 60.0)

    assert sums.inputs.requests == pytest.approx(600.0, rel=0.15)
    assert sums.inputs.squares / sums.inputs.requests == pytest.approx(0.9 * 9.0)


def _measured(finished_per_s: float, cv: float) -> dict[str, object]:
    verdict = seen(Spread()).verdict
    return {
        "verdict": verdict, "finished_per_s": finished_per_s, "input_tokens": 100.0, "output_tokens": 10.0,
        "input_cv": cv, "output_cv": cv,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("finished_per_s", "expected"),
    [
        pytest.param(20.0, 4000.0, id="many requests: at once"),
        pytest.param(0.02, 1285.0, id="few: by and by"),
    ],
)
def test_another_mix_counts_as_soon_as_it_is_surely_another(finished_per_s: float, expected: float) -> None:
    verdict = seen(Spread()).verdict

    def mixed(sums: LengthSums, tokens: float, seconds: int) -> LengthSums:
        one = Load(verdict=verdict, finished_per_s=finished_per_s, input_tokens=tokens, output_tokens=100.0)
        for _ in range(seconds // 15):
            sums, _ = lengths(sums, [one], 15.0, 60.0)
        return sums

    drifted = mixed(mixed(LengthSums(), 1000.0, 1800), 4000.0, 30)

    assert drifted.means == (pytest.approx(expected, rel=0.01), pytest.approx(100.0))


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        pytest.param([20.0] * 30, True, id="steady"),
        pytest.param([16.0, 24.0] * 15, True, id="within a quarter"),
        pytest.param([20.0] * 20 + [60.0] * 4 + [20.0] * 6, False, id="after a burst only its longest are left"),
        pytest.param([20.0] * 26 + [60.0] * 4, False, id="its shortest end first"),
        pytest.param([20.0] * 4 + [60.0] * 4 + [20.0] * 22, True, id="long after it"),
        pytest.param([1.0, 1.5, 0.6] * 10, True, id="few come by chance"),
        pytest.param([], False, id="nobody knows how they came"),
        pytest.param([20.0], False, id="an operator that was just started again"),
        pytest.param([20.0] * 16, False, id="known for four minutes less a pass"),
        pytest.param([20.0] * 17, True, id="known for four minutes"),
    ],
)
def test_answers_tell_of_another_mix_while_requests_come_steadily(rates: list[float], told: bool) -> None:
    """Bursts of equal lengths were taken for other traffic fifty times in two hours, and capacities fell to a tenth."""
    moments = [Moment(15.0 * at, rate) for at, rate in enumerate(rates)]
    before = more(LengthSums(), 0.9, 3000.0)
    longer = Load(verdict=seen(Spread()).verdict, finished_per_s=5.0, input_tokens=4000.0, output_tokens=4000.0)
    fed = longer._replace(input_tokens=1000.0, output_tokens=1000.0)

    assert lengths(before, [longer], 15.0, 60.0, moments)[1] is told
    assert lengths(before, [fed], 15.0, 60.0, moments)[1]


@pytest.mark.parametrize("namespace", ["llm", ""])
def test_a_load_knows_the_scatter_of_its_model(namespace: str) -> None:
    found = seen(Spread(input_cv=known(0.4)), namespace)

    assert (found.input_cv, found.output_cv) == (0.4, None)


def test_the_scatter_of_another_namespace_is_not_ours() -> None:
    assert seen(Spread(input_cv=known(0.4)), "other").input_cv is None


@given(st.lists(st.tuples(st.floats(0, 1e4), st.one_of(st.none(), st.floats(0, 100)), st.floats(0, 1e5)), max_size=20))
def test_whatever_is_seen_the_mean_lies_between_what_was_seen_and_what_is_usual(
    windows: list[tuple[float, float | None, float]],
) -> None:
    found, (usual, _) = Scatter(), prior_squares()
    for requests, cv, after_s in windows:
        found = found.faded(after_s).adding(requests, cv)

    squares = [usual, *(cv * cv for _, cv, _ in windows if cv is not None)]
    assert min(squares) * 0.999 <= found.square(usual) <= max(squares) * 1.001
