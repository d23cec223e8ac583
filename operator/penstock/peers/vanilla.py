"""A plain HorizontalPodAutoscaler on vLLM's own series: waiting requests (B1), KV cache or running requests (B2).

B1 is what vllm-project/production-stack a6c01db0 ships (`VLLMRuntime` and Helm chart: a KEDA Prometheus trigger on
`vllm:num_requests_waiting`, threshold 5, polling 15 s, cool-down 360 s, behaviour left to the HPA). B2 is the usual
recipe with a Prometheus adapter: a metric of type Pods, as in the Kubernetes documentation's HPA walkthrough.
"""

import math
from collections.abc import Mapping
from typing import Final

from penstock.domain.observations import PodMetrics
from penstock.domain.readings import Known, Reading, known
from penstock.peers.hpa import DEFAULT, SYNC_S, Hpa, Signal, pods_proposal
from penstock.peers.keda import Keda
from penstock.peers.rivals import CONCURRENCIES, Rival, concurrencies
from penstock.peers.split import per_variant
from penstock.peers.views import gauges, sole, unreachable
from penstock.sim.policies import Counts, Seen
from penstock.sim.scene import Scene


def waiting(scene: Scene, *, target: float) -> Keda:
    """B1. ⌈Σ waiting / target⌉: with nothing waiting it goes to the minimum, whatever runs.

    To wake from zero it needs a second trigger on the router's queue, as the project's documentation says.
    """
    name = sole(scene).name

    def signals(seen: Seen, counts: Counts) -> list[Signal]:
        queued = seen.router.queued if not counts.ready else 0
        return [Signal(math.fsum(gauges(seen, name, lambda row: row.waiting)) + queued, target)]

    return Keda(scene, DEFAULT, signals, cooldown_s=360)


class PodsHpa:
    """B2. An HPA on one metric of type Pods: the use of KV cache, or requests inside the engine."""

    tick_s = SYNC_S

    def __init__(self, scene: Scene, *, kv: float = 0.0, running: float = 0.0) -> None:
        spec = sole(scene)
        self._name, self._least = spec.name, max(1, spec.min_replicas)
        self._gauge, self._target = (inside, running) if running else (kv_use, kv)
        self._hpa = Hpa(DEFAULT, self._least, spec.max_replicas)

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the replicas to set; an HPA has no zero, and without any series it changes nothing."""
        counts = seen.fleet[self._name]
        values = [] if unreachable(seen) else gauges(seen, self._name, self._gauge)
        proposal = pods_proposal(values, self._target, counts)
        wanted = self._hpa.step(seen.now_s, counts.wanted, [proposal]) if counts.wanted else self._least
        return {self._name: wanted}


def kv_use(row: PodMetrics) -> Reading:
    """Return the used share of a pod's KV cache."""
    return row.kv_usage_ratio


def inside(row: PodMetrics) -> Reading:
    """Return the requests in a pod, running or waiting."""
    running, queued = known(row.running), known(row.waiting)
    if running is None or queued is None:
        return row.running
    return Known(running + queued, row.sampled_at_s)


FAMILY: Final = (
    Rival(
        code="B1",
        name="production-stack queue",
        source="vllm-project/production-stack KEDA trigger on vllm:num_requests_waiting at a6c01db0",
        defaults={"target": 5},
        grid={"target": (1, 2, 5, 10)},
        build=per_variant(waiting),
    ),
    Rival(
        code="B2",
        name="HPA on KV cache",
        source="Kubernetes HPA v2, metric type Pods, behaviour by default",
        defaults={"kv": 0.7},
        grid={"kv": (0.1, 0.2, 0.35, 0.5, 0.7)},
        build=per_variant(PodsHpa),
    ),
    Rival(
        code="B2r",
        name="HPA on requests inside",
        source="Kubernetes HPA v2, metric type Pods, behaviour by default",
        defaults={"running": 16},
        grid={"running": CONCURRENCIES},
        by_accelerator=concurrencies("running"),
        build=per_variant(PodsHpa),
    ),
)
