"""KEDA around the HorizontalPodAutoscaler: null answers read as zero, and the way between zero and one replica.

After kedacore/keda 8b4f083c `pkg/scaling/executor` and `pkg/scalers/prometheus_scaler.go`: the metrics server queries
anew at every sync of the HPA; `ignoreNullValues` is true by default, so an empty answer is 0; activation is any value
above zero; the last replica goes `cooldownPeriod` after the last activity, and an error is no reason to sleep.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from penstock.peers.hpa import SYNC_S, Hpa, HpaBehavior, Signal
from penstock.peers.views import sole, unreachable
from penstock.sim.policies import Counts, Seen
from penstock.sim.scene import Scene

COOLDOWN_S: Final = 300.0

Signals = Callable[[Seen, Counts], Sequence[Signal]]


class Keda:
    """One ScaledObject on one variant; `sleeps` says that its triggers can wake it from zero again."""

    tick_s = SYNC_S

    def __init__(
        self,
        scene: Scene,
        behavior: HpaBehavior,
        signals: Signals,
        *,
        sleeps: bool = True,
        cooldown_s: float = COOLDOWN_S,
    ) -> None:
        spec = sole(scene)
        self._name, self._signals, self._cooldown_s = spec.name, signals, cooldown_s
        self._sleeps = sleeps and scene.idle_before_zero_s is not None and spec.min_replicas == 0
        self._least = max(1, spec.min_replicas)
        self._hpa = Hpa(behavior, self._least, spec.max_replicas)
        self._active_at_s: float | None = None

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the replicas that the ScaledObject's HPA, or KEDA itself at zero, would set."""
        counts = seen.fleet[self._name]
        signals = self._read(seen, counts)
        active = any(signal.value is None or signal.value > 0 for signal in signals)
        if active or self._active_at_s is None:
            self._active_at_s = seen.now_s
        if not counts.wanted:
            return {self._name: self._least if active or not self._sleeps else 0}
        if self._sleeps and seen.now_s - self._active_at_s >= self._cooldown_s:
            return {self._name: 0}
        return {self._name: self._hpa.step(seen.now_s, counts.wanted, [one.proposal(counts) for one in signals])}

    def _read(self, seen: Seen, counts: Counts) -> list[Signal]:
        signals = self._signals(seen, counts)
        failed = unreachable(seen)
        return [Signal(None, one.target, one.kind) if failed else one for one in signals]
