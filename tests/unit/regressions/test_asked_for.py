"""What of the index other rooms leave open: targets by class, short lengths, numbers that tell nothing, prices."""

from dataclasses import replace

import pytest
from tests.unit.scaling.scene import MODEL, by_name, decide_one, known, observe, remembering, row, rows, target, variant

from penstock.domain.catalogue import Catalogue, ServiceTarget
from penstock.domain.readings import ABSENT, Absent
from penstock.domain.reasons import MetricsReason, OptimizationReason
from penstock.domain.variants import ObjectKey, SloOverride

CHAT = variant()


def test_a_stricter_class_gets_more_replicas() -> None:
    def listed(name: str, tpot_s: float) -> ServiceTarget:
        return ServiceTarget(
            class_name=name, priority=1, configmap="s/c", key=f"{name}.yaml", model=MODEL, ttft_s=0.5, tpot_s=tpot_s
        )

    classes = Catalogue(service_targets=(listed("premium", 0.0215), listed("freemium", 0.05)))

    def desired(name: str) -> int:
        one = replace(CHAT, slo=SloOverride(), slo_class_ref=ObjectKey("c", f"{name}.yaml"))
        busy = observe(one, targets={one.key: target(one, 4)}, seen=rows(one, 4, total=2.4), catalogue=classes)
        return decide_one(busy, remembering((one, 4))).desired or 0

    assert desired("premium") > desired("freemium") > 0


def test_numbers_that_decide_nothing_keep_what_runs() -> None:
    """There are metrics, and yet neither a rate nor a gauge that could tell how many replicas are needed."""
    unrated = Absent("one sample only, so there is no rate yet")
    seen = [
        replace(row(CHAT, number, rate=unrated), running=known(1), kv_usage_ratio=ABSENT, waiting=ABSENT)
        for number in range(3)
    ]
    observation = observe(CHAT, targets={CHAT.key: target(CHAT, 3)}, seen=seen)

    held, first = decide_one(observation, remembering((CHAT, 3))), decide_one(observation)

    for decision in (held, first):
        assert (decision.metrics.reason, decision.desired) == (MetricsReason.FOUND, 3), "never the minimum"
        assert decision.optimization.reason is not OptimizationReason.SUCCEEDED


@pytest.mark.parametrize("tokens", [0.4, 0.9, 1.6])
def test_lengths_are_never_cut_to_whole_tokens(tokens: float) -> None:
    """Below one they were taken for none, and the model for idle."""
    short = rows(CHAT, 2, total=400.0, output_tokens=known(tokens), input_tokens=known(tokens))

    decision = decide_one(observe(CHAT, targets={CHAT.key: target(CHAT, 2)}, seen=short), remembering((CHAT, 2)))

    assert (decision.alloc.input_tokens, decision.alloc.output_tokens) == (tokens, tokens)
    assert (decision.desired or 0) > 2


def test_an_idle_variant_costs_what_it_costs() -> None:
    """It was taken to cost nothing, so that any of several would do."""
    full = variant("full", max_replicas=1, cost_per_replica_per_h=20.0)
    dear, cheap = (
        variant(name, min_replicas=0, cost_per_replica_per_h=cost) for name, cost in (("a", 90.0), ("b", 10.0))
    )
    at = {full.key: target(full, 1), dear.key: target(dear, 0), cheap.key: target(cheap, 0)}
    past = remembering((full, 1), (dear, 0), (cheap, 0))

    found = by_name(observe(full, dear, cheap, targets=at, seen=[row(full, rate=1.2)]), past)

    assert (found["full"].desired, found["a"].desired, (found["b"].desired or 0) > 0) == (1, 0, True)
    assert found["b"].alloc.cost_per_replica_per_h == 10.0
    assert found["b"].alloc.accelerator == "A100"
