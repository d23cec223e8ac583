"""Knative's own pod autoscaler, KPA (B8): concurrency over a stable window, and over a short one in a panic.

After knative/serving 98e5ef90 `pkg/autoscaler/scaling/autoscaler.go` and `config-autoscaler`: tick 2 s, stable window
60 s, panic window a tenth of it, panic from twice the capacity on, target utilisation 70 %, up × 1,000, down ÷ 2,
`container-concurrency-target-default` 100, `scale-down-delay` 0, `scale-to-zero-grace-period` 30 s. Concurrency comes
from the pods' own proxies and from the activator, which also holds requests while there is no pod: not from Prometheus.
"""

import math
from collections.abc import Mapping
from typing import Final

from penstock.peers.rivals import CONCURRENCIES, Rival, concurrencies
from penstock.peers.split import per_variant
from penstock.peers.views import sole
from penstock.peers.windows import Delay, Window
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene

TICK_S: Final = 2.0
STABLE_S: Final = 60.0
PANIC_S: Final = 6.0
PANIC_THRESHOLD: Final = 2.0
UTILISATION: Final = 0.7
MAX_UP: Final = 1000.0
MAX_DOWN: Final = 2.0
GRACE_S: Final = 30.0


class Kpa:
    """B8. One revision's autoscaler; `target` requests at once in a pod, of which it aims at 70 %.

    Like the real one it starts in panic with more than one ready pod, so that nothing is shed before a whole stable
    window was seen. Where the scene allows no zero it keeps one replica (`min-scale`).
    """

    tick_s = TICK_S

    def __init__(self, scene: Scene, *, target: float, delay_s: float) -> None:
        self._spec = sole(scene)
        self._target = target * UTILISATION
        self._stable, self._panic = Window(STABLE_S), Window(PANIC_S)
        self._delay = Delay(delay_s)
        self._panicked_s: float | None = None
        self._most_in_panic = 0
        self._started = False
        self._sleeps = scene.idle_before_zero_s is not None and not self._spec.min_replicas
        self._idle_since_s: float | None = None

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the scale that the autoscaler would set."""
        name, counts = self._spec.name, seen.fleet[self._spec.name]
        if not self._started:
            self._begin(seen.now_s, counts.ready)
        concurrency = float(seen.router.in_flight.get(name, 0) + seen.router.queued)
        self._stable.record(seen.now_s, concurrency)
        self._panic.record(seen.now_s, concurrency)
        wanted = self._delay.most(seen.now_s, self._scale(seen.now_s, counts.ready))
        return {name: self._bounded(seen.now_s, wanted)}

    def _begin(self, now_s: float, ready: int) -> None:
        self._started = True
        if ready > 1:
            self._panicked_s, self._most_in_panic = now_s, ready

    def _scale(self, now_s: float, ready_count: int) -> int:
        ready = max(1, ready_count)
        stable = math.ceil((self._stable.mean or 0.0) / self._target)
        panic = math.ceil((self._panic.mean or 0.0) / self._target)
        most, least = math.ceil(MAX_UP * ready), math.floor(ready / MAX_DOWN)
        wanted = min(max(stable, least), most)
        self._calm_or_panic(now_s, over=panic / ready >= PANIC_THRESHOLD)
        if self._panicked_s is None:
            return wanted
        # a panic never takes away: the most that it ever wanted stands until it is over
        self._most_in_panic = max(self._most_in_panic, wanted, min(max(panic, least), most))
        return self._most_in_panic

    def _calm_or_panic(self, now_s: float, *, over: bool) -> None:
        if over:
            self._panicked_s = now_s
        elif self._panicked_s is not None and self._panicked_s + STABLE_S < now_s:
            self._panicked_s, self._most_in_panic = None, 0

    def _bounded(self, now_s: float, wanted: int) -> int:
        spec = self._spec
        if wanted:
            self._idle_since_s = None
            return min(max(wanted, spec.min_replicas), spec.max_replicas)
        if self._idle_since_s is None:
            self._idle_since_s = now_s
        asleep = self._sleeps and now_s - self._idle_since_s >= GRACE_S
        return 0 if asleep else max(1, spec.min_replicas)


FAMILY: Final = (
    Rival(
        code="B8",
        name="Knative KPA",
        source="knative/serving pkg/autoscaler/scaling/autoscaler.go and config-autoscaler at 98e5ef90",
        defaults={"target": 100, "delay_s": 0},
        grid={"target": (*CONCURRENCIES, 100), "delay_s": (0, 300)},
        by_accelerator=concurrencies("target"),
        build=per_variant(Kpa),
    ),
)
