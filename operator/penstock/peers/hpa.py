"""The Kubernetes HorizontalPodAutoscaler v2, which most rivals end in: proposals, stabilisation, rate policies.

After kubernetes/kubernetes v1.34 `pkg/controller/podautoscaler` (horizontal.go: computeReplicasForMetrics,
stabilizeRecommendationWithBehaviors, convertDesiredReplicasWithBehaviorRate; replica_calculator.go) and its
documentation, "Horizontal Pod Autoscaling" and KEP-853.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from penstock.peers.replicas import whole
from penstock.sim.policies import Counts

SYNC_S: Final = 15.0
TOLERANCE: Final = 0.1


class Kind(Enum):
    """How a target is meant: per replica, or of the whole metric."""

    AVERAGE_VALUE = auto()
    VALUE = auto()


@dataclass(frozen=True, slots=True)
class Signal:
    """One external metric and its target; `value` is None when the metrics API gave an error."""

    value: float | None
    target: float
    kind: Kind = Kind.AVERAGE_VALUE

    def proposal(self, counts: Counts) -> int | None:
        """Return the replicas this metric asks for, the tolerance applied.

        GetExternalPerPodMetricReplicas measures AverageValue against the replicas that exist and
        GetExternalMetricReplicas multiplies the ratio of Value with the ready ones only.
        """
        if self.value is None:
            return None
        if self.kind is Kind.VALUE:
            ratio = self.value / self.target
            return counts.wanted if abs(ratio - 1) <= TOLERANCE else whole(ratio * counts.ready)
        existing = counts.provisioned
        near = existing and abs(self.value / (self.target * existing) - 1) <= TOLERANCE
        return existing if near else whole(self.value / self.target)


def pods_proposal(values: Sequence[float], target: float, counts: Counts) -> int | None:
    """Return what a metric of type Pods asks for, given the values of its ready pods (calcPlainMetricReplicas).

    Going up, a pod that is not ready yet counts as zero; a ready pod without a value counts as zero going up, and as
    at its target going down. What would turn the direction by that changes nothing.
    """
    if not values:
        return None
    ratio = sum(values) / len(values) / target
    unready = max(0, counts.provisioned - counts.ready) if ratio > 1 else 0
    missing = max(0, counts.ready - len(values))
    if not unready and not missing:
        return counts.wanted if abs(ratio - 1) <= TOLERANCE else whole(ratio * len(values))
    pods = len(values) + unready + missing
    assumed = target * missing if ratio < 1 else 0.0
    corrected = (sum(values) + assumed) / pods / target
    turned = (ratio < 1 < corrected) or (corrected < 1 < ratio)
    if turned or abs(corrected - 1) <= TOLERANCE:
        return counts.wanted
    proposed = whole(corrected * pods)
    backwards = (corrected < 1 and proposed > counts.wanted) or (corrected > 1 and proposed < counts.wanted)
    return counts.wanted if backwards else proposed


class By(Enum):
    """What a rate policy counts."""

    PODS = auto()
    PERCENT = auto()


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate policy: at most `value` pods or per cent within `period_s`."""

    by: By
    value: float
    period_s: float


@dataclass(frozen=True, slots=True)
class Direction:
    """The brakes of one direction; of several policies the one that changes most counts."""

    window_s: float
    rates: tuple[Rate, ...]


FASTEST: Final = (Rate(By.PERCENT, 100, 15), Rate(By.PODS, 4, 15))
ALL_AT_ONCE: Final = (Rate(By.PERCENT, 100, 15),)


@dataclass(frozen=True, slots=True, kw_only=True)
class HpaBehavior:
    """`spec.behavior`; without one it is this."""

    up: Direction = Direction(0, FASTEST)
    down: Direction = Direction(300, ALL_AT_ONCE)


DEFAULT: Final = HpaBehavior()


class Hpa:
    """One autoscaler's memory: what was proposed lately, and what was changed lately."""

    def __init__(self, behavior: HpaBehavior, min_replicas: int, max_replicas: int) -> None:
        self._behavior, self._min, self._max = behavior, min_replicas, max_replicas
        self._proposed: deque[tuple[float, int]] = deque()
        self._changed: deque[tuple[float, int]] = deque()
        self._kept_s = max(rate.period_s for way in (behavior.up, behavior.down) for rate in way.rates)
        self._remembered_s = max(behavior.up.window_s, behavior.down.window_s)

    def step(self, now_s: float, current: int, proposals: Sequence[int | None]) -> int:
        """Return the replicas to set; `proposals` are those of each metric, None for one without an answer.

        Zero replicas switch the autoscaler off. Without any answer, or with one missing where the others would
        shrink, nothing changes (computeReplicasForMetrics).
        """
        if current == 0:
            return 0
        if not self._proposed:
            self._proposed.append((now_s, current))
        if not self._min <= current <= self._max:
            return self._change(now_s, current, self._clamp(current))
        known = [proposal for proposal in proposals if proposal is not None]
        if not known or (len(known) < len(proposals) and max(known) < current):
            return current
        wanted = self._stabilised(now_s, current, self._clamp(max(known)))
        return self._change(now_s, current, self._limited(now_s, current, wanted))

    def _stabilised(self, now_s: float, current: int, proposed: int) -> int:
        self._proposed.append((now_s, proposed))
        while self._proposed[0][0] <= now_s - self._remembered_s and len(self._proposed) > 1:
            self._proposed.popleft()
        lowest = min(self._within(now_s, self._behavior.up.window_s), default=proposed)
        highest = max(self._within(now_s, self._behavior.down.window_s), default=proposed)
        return min(max(current, min(lowest, proposed)), max(highest, proposed))

    def _within(self, now_s: float, window_s: float) -> list[int]:
        return [replicas for at_s, replicas in self._proposed if at_s > now_s - window_s]

    def _limited(self, now_s: float, current: int, wanted: int) -> int:
        if wanted > current:
            limits = (_up_limit(rate, self._period_start(now_s, current, rate)) for rate in self._behavior.up.rates)
            return min(wanted, max(current, *limits), self._max)
        if wanted < current:
            limits = (_down_limit(rate, self._period_start(now_s, current, rate)) for rate in self._behavior.down.rates)
            return max(wanted, min(current, *limits), self._min)
        return current

    def _period_start(self, now_s: float, current: int, rate: Rate) -> int:
        return current - sum(by for at_s, by in self._changed if at_s > now_s - rate.period_s)

    def _change(self, now_s: float, current: int, wanted: int) -> int:
        while self._changed and self._changed[0][0] <= now_s - self._kept_s:
            self._changed.popleft()
        if wanted != current:
            self._changed.append((now_s, wanted - current))
        return wanted

    def _clamp(self, replicas: int) -> int:
        return min(max(replicas, self._min), self._max)


def _up_limit(rate: Rate, start: int) -> int:
    return int(start + rate.value) if rate.by is By.PODS else whole(start * (1 + rate.value / 100))


def _down_limit(rate: Rate, start: int) -> int:
    return int(start - rate.value) if rate.by is By.PODS else int(start * (1 - rate.value / 100))
