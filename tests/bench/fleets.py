"""Worlds of many models for benchmarks: each on five kinds of GPUs in a namespace of its own, every load another."""

import random
from collections.abc import Iterator
from itertools import starmap
from typing import Final

from tests.unit.scaling.scene import known, observe, pod_name, row, target, variant

from penstock.domain.observations import Observation, PodMetrics
from penstock.domain.variants import SloOverride, Variant

MODEL: Final = "meta-llama/Llama-3.1-8B-Instruct"
PRICES_USD_PER_H: Final = {"L4": 0.7, "L40S": 1.86, "A100": 3.67, "H100": 7.52, "H200": 8.5}
START_S: Final = 1_700_000_000.0
TICK_S: Final = 15.0


class Fleet:
    """So many models; `observation(n)` is the n-th pass, with loads of its own where `varying`."""

    def __init__(self, models: int, pods: int, *, varying: bool) -> None:
        self.pods, self.varying = pods, varying
        self.variants = tuple(starmap(_variant, self._places(models)))
        self.targets = {one.key: target(one, pods) for one in self.variants}

    def _places(self, models: int) -> Iterator[tuple[int, str]]:
        return ((number, gpu) for number in range(models) for gpu in PRICES_USD_PER_H)

    def observation(self, number: int) -> Observation:
        """Return what the n-th pass sees."""
        now_s, chance = START_S + TICK_S * number, random.Random(number if self.varying else 0)
        rows = [one for each in self.variants for one in self._rows(each, chance, now_s)]
        return observe(*self.variants, targets=self.targets, seen=rows, now_s=now_s)

    def _rows(self, one: Variant, chance: random.Random, now_s: float) -> Iterator[PodMetrics]:
        busy = chance.uniform(0.9, 1.1)
        for number in range(self.pods):
            yield row(
                one,
                number,
                rate=busy * chance.uniform(0.8, 1.2),
                at_s=now_s,
                pod=pod_name(one, number),
                backlog_growth_per_s=known(chance.uniform(-0.01, 0.01), now_s),
                input_tokens=known(chance.uniform(950, 1150), now_s),
                output_tokens=known(chance.uniform(180, 230), now_s),
                ttft_s=known(0.2, now_s),
                tpot_s=known(chance.uniform(0.028, 0.032), now_s),
                prefill_s=known(0.1, now_s),
                kv_capacity_tokens=known(456_000, now_s),
            )


def _variant(number: int, gpu: str) -> Variant:
    return variant(
        f"chat-{gpu.lower()}",
        f"team-{number}",
        model=MODEL,
        accelerator=gpu,
        cost_per_replica_per_h=PRICES_USD_PER_H[gpu],
        max_replicas=40,
        profiles=(),
        slo=SloOverride(),
    )
