"""AIBrix's pod autoscalers: APA as it is meant (B9), and KPA exactly as it is coded (B10).

After vllm-project/aibrix e3e10f9e `pkg/controller/podautoscaler` (algorithm/apa.go, algorithm/kpa.go, context.go,
podautoscaler_controller.go: stabilizeRecommendation; the guard for pending pods of #2670 in autoscaler.go). Tick 10 s;
windows 180 s (stable) and 60 s (panic); up ×2, down ÷2; tolerances .1; down cool-down 300 s. Metrics are read from the
pods themselves and averaged over them.
"""

import math
from collections import deque
from collections.abc import Mapping
from typing import Final

from penstock.peers.replicas import clamp, whole
from penstock.peers.rivals import CONCURRENCIES, Rival, concurrencies
from penstock.peers.split import per_variant
from penstock.peers.vanilla import inside, kv_use
from penstock.peers.views import gauges, sole
from penstock.peers.windows import Window
from penstock.sim.policies import Counts, Seen
from penstock.sim.scene import Scene

TICK_S: Final = 10.0
STABLE_S: Final = 180.0
PANIC_S: Final = 60.0
TOLERANCE: Final = 0.1
RATE: Final = 2.0
COOLDOWN_S: Final = 300.0


class _Autoscaler:
    """What APA and KPA share: one metric averaged over pods, recorded into windows, and the wishes of late."""

    tick_s = TICK_S

    def __init__(self, scene: Scene, *, kv: float = 0.0, running: float = 0.0) -> None:
        self._spec = sole(scene)
        self._gauge, self._target = (inside, running) if running else (kv_use, kv)
        self._stable, self._panic = Window(STABLE_S), Window(PANIC_S)
        self._wishes: deque[tuple[float, int]] = deque()

    def _record(self, seen: Seen, missing: float | None) -> None:
        values = gauges(seen, self._spec.name, self._gauge)
        mean = sum(values) / len(values) if values else missing
        if mean is not None:
            self._stable.record(seen.now_s, mean)
            self._panic.record(seen.now_s, mean)

    def _remember(self, now_s: float, wish: int) -> list[int]:
        self._wishes.append((now_s, wish))
        while self._wishes[0][0] <= now_s - COOLDOWN_S:
            self._wishes.popleft()
        return [replicas for _, replicas in self._wishes]

    def _bounded(self, wanted: int) -> dict[str, int]:
        return {self._spec.name: clamp(wanted, self._spec)}


class Apa(_Autoscaler):
    """B9. ⌈n·mean/target⌉ outside the tolerance, at most doubled or halved, less only after 300 s of wishing less.

    Pods that are not ready yet count as idle going up, and as at their target going down. Without any series it holds.
    The cool-down is the one meant (the most of 300 s): the controller takes the least, which is left to B10.
    """

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the replicas that the controller would set."""
        counts = seen.fleet[self._spec.name]
        self._record(seen, missing=None)
        if self._stable.mean is None or not counts.wanted:
            return self._bounded(counts.wanted)
        ratio = self._stable.mean / self._target
        wish = _apa_guarded(_apa(counts.wanted, ratio), counts, ratio)
        recent = self._remember(seen.now_s, wish)
        return self._bounded(wish if wish >= counts.wanted else min(counts.wanted, max(recent)))


def _apa(n: int, ratio: float) -> int:
    if ratio > 1 + TOLERANCE:
        return min(whole(n * ratio), whole(n * RATE))
    if ratio < 1 - TOLERANCE:
        return max(whole(n * ratio), math.floor(n / RATE))
    return n


def _apa_guarded(wish: int, counts: Counts, ratio: float) -> int:
    n, ready = counts.wanted, min(counts.ready, counts.wanted)
    if n in {ready, wish}:
        return wish
    if wish > n:
        return min(max(whole(ready * ratio), n), wish)
    return max(min(whole(ready * ratio + n - ready), n), wish)


class KpaAsCoded(_Autoscaler):
    """B10. Knative's formula on an average over pods, and what else the code does that it should not.

    ⌈mean/target⌉ is not multiplied by n, so it does not grow with the fleet; series that are gone count as zero; the
    wish that counts going down is the *least* of 300 s; in a panic the highest scale so far is never remembered, so
    that nothing keeps the fleet from shrinking.
    """

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the replicas that the controller would set."""
        counts = seen.fleet[self._spec.name]
        self._record(seen, missing=0.0)
        if not counts.wanted:
            return self._bounded(0)
        panic = (self._panic.mean or 0.0) / self._target
        wish = _kpa_guarded(self._wish(counts.wanted, panic), counts, panic)
        recent = self._remember(seen.now_s, wish)
        return self._bounded(wish if wish >= counts.wanted else min(recent))

    def _wish(self, n: int, panic: float) -> int:
        least, most = math.floor(n / RATE), max(1, whole(n * RATE))
        stable = min(max(whole((self._stable.mean or 0.0) / self._target), least), most)
        if whole(panic) / n < 2:
            return stable
        return max(stable, min(max(whole(panic), least), most))


def _kpa_guarded(wish: int, counts: Counts, ratio: float) -> int:
    n, ready = counts.wanted, min(counts.ready, counts.wanted)
    if n in {ready, wish}:
        return wish
    if wish > n:
        return min(max(whole(ratio * ready / n), n), wish)
    return max(min(whole(ratio * ready + n - ready), n), wish)


_SOURCE: Final = "vllm-project/aibrix pkg/controller/podautoscaler at e3e10f9e"

FAMILY: Final = (
    Rival(
        code="B9",
        name="AIBrix APA on KV cache",
        source=_SOURCE,
        defaults={"kv": 0.5},
        grid={"kv": (0.1, 0.2, 0.35, 0.5, 0.7)},
        build=per_variant(Apa),
    ),
    Rival(
        code="B9r",
        name="AIBrix APA on requests inside",
        source=_SOURCE,
        defaults={"running": 16},
        grid={"running": CONCURRENCIES},
        by_accelerator=concurrencies("running"),
        build=per_variant(Apa),
    ),
    Rival(
        code="B10",
        name="AIBrix KPA as coded",
        source=_SOURCE,
        defaults={"kv": 0.5},
        grid={"kv": (0.1, 0.2, 0.35, 0.5, 0.7)},
        build=per_variant(KpaAsCoded),
    ),
)
