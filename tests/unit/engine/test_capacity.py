"""The analytic capacity: what holds whatever the engine, and what it says where nothing fits."""

import pytest

from penstock.domain.variants import Slo, SloSource
from penstock.engine.capacity import Binding, EngineShape, Lengths, capacity, latency
from penstock.engine.steptime import GPUS

CONV = Lengths(input_tokens=1154.7, output_tokens=211.1)


def _slo(ttft_s: float, tpot_s: float, ratio: float = 0.95) -> Slo:
    return Slo(ttft_s=ttft_s, tpot_s=tpot_s, attainment_ratio=ratio, source=SloSource.DEFAULT)


def _shape(gpu: str) -> EngineShape:
    return EngineShape(cost=GPUS[gpu], max_num_seqs=256, token_budget=2048, kv_tokens=GPUS[gpu].kv_tokens)


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
