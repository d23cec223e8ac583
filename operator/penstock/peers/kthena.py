"""B14, Kthena over several types of hardware: instances counted together, kept in an order of doubling batches by cost.

Source: volcano-sh/kthena, pkg/autoscaler/autoscaler/optimizer.go and pkg/autoscaler/algorithm (2026). How many: the
sum of the metric over its target, unless within 10 % of what runs; up by the least of the last 60 s and at most
max(1, 100 %) in 15 s, down by the most of the last 300 s; from 150 % of what runs on, five minutes of panic, in which
nothing falls and up to ten times as many may be added (its examples' settings). Which: every type's
replicas above its minimum, in batches of 1, 2, 4 … (`costExpansionRatePercent` 200), all batches ordered by what they
cost together; the first K instances of that order run. An L4 counts like an H100. The metric here is running plus
waiting requests, as waiting alone is zero until it is too late.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from math import ceil

from penstock.peers.rivals import MIX, SINGLE, Rival, over_all
from penstock.peers.views import pools, total
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene, VariantSpec

_TOLERANCE = 0.1
_UP_WINDOW_S = 60.0
_DOWN_WINDOW_S = 300.0
_PERIOD_S = 15.0
_PANIC_FACTOR = 11  # itself and 1,000 % more


def batches(variants: Sequence[VariantSpec], rate: float = 2.0) -> list[tuple[str, int]]:
    """Return the order in which instances are added: (variant, how many at once), by the cost of each batch."""
    found = []
    for index, spec in enumerate(variants):
        left, length = spec.max_replicas - spec.min_replicas, 1.0
        while left > 0:
            size = min(left, left if rate == 1 else max(int(length), 1))
            cents = round(spec.usd_per_h * 100)
            found.append((cents * (1 if rate == 1 else size), index, spec.name, size))
            left -= size
            length *= rate
    return [(name, size) for _, _, name, size in sorted(found, key=lambda batch: batch[:2])]


class Kthena:
    """One policy over all variants of the scene."""

    tick_s = 15.0

    def __init__(
        self, scene: Scene, *, target: float = 10.0, panic_ratio: float = 1.5, panic_hold_s: float = 300.0
    ) -> None:
        self._variants = scene.variants
        self._order = batches(scene.variants)
        self._target = target
        self._panic_ratio = panic_ratio
        self._panic_hold_s = panic_hold_s
        self._panic_until_s = -1.0
        self._least = max(1, sum(spec.min_replicas for spec in scene.variants))
        self._most = sum(spec.max_replicas for spec in scene.variants)
        self._recommended: deque[tuple[float, int]] = deque()
        self._corrected: deque[tuple[float, int]] = deque()

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the replicas of every type; all stay where no engine says anything."""
        rows = [row for pool in pools(seen).values() for row in pool]
        running, waiting = total(rows, lambda row: row.running), total(rows, lambda row: row.waiting)
        if running is None or waiting is None:
            return {}
        current = sum(seen.fleet[spec.name].wanted for spec in self._variants)
        return self._restored(self.instances(seen.now_s, running + waiting, current))

    def instances(self, now_s: float, metric: float, current: int) -> int:
        """Return how many instances should run, of whatever type."""
        raw = metric / self._target
        near = current > 0 and abs(raw / current - 1) <= _TOLERANCE
        recommended = self._bounded(current if near else ceil(raw))
        if recommended >= current * self._panic_ratio:
            self._panic_until_s = now_s + self._panic_hold_s
        corrected = self._bounded(self._corrected_from(now_s, recommended, current))
        _append(self._recommended, now_s, recommended, _DOWN_WINDOW_S)
        _append(self._corrected, now_s, corrected, _PERIOD_S)
        return corrected

    def _corrected_from(self, now_s: float, recommended: int, current: int) -> int:
        before = min([value for at_s, value in self._corrected if at_s >= now_s - _PERIOD_S] + [current])
        if now_s <= self._panic_until_s:
            return max(min(recommended, before * _PANIC_FACTOR) if before else recommended, current)
        if recommended < current:
            past = [value for at_s, value in self._recommended if at_s >= now_s - _DOWN_WINDOW_S]
            return min(max([recommended, *past]), current)
        past = [value for at_s, value in self._recommended if at_s >= now_s - _UP_WINDOW_S]
        return max(min([recommended, *past, before + max(1, before)]), current)

    def _bounded(self, instances: int) -> int:
        return max(self._least, min(self._most, instances))

    def _restored(self, instances: int) -> dict[str, int]:
        plan = {spec.name: spec.min_replicas for spec in self._variants}
        left = instances - sum(plan.values())
        for name, size in self._order:
            plan[name] += min(left, size)
            left -= min(left, size)
        return plan


def _append(window: deque[tuple[float, int]], now_s: float, value: int, keep_s: float) -> None:
    window.append((now_s, value))
    while window[0][0] < now_s - keep_s:
        window.popleft()


FAMILY: tuple[Rival, ...] = (
    Rival(
        code="B14",
        name="kthena-heterogeneous",
        source="volcano-sh/kthena pkg/autoscaler/autoscaler/optimizer.go",
        defaults={"target": 10.0, "panic_ratio": 1.5, "panic_hold_s": 300.0},
        grid={"target": (8.0, 10.0, 16.0, 32.0, 64.0, 96.0)},
        build=over_all(Kthena),
        shapes=frozenset({SINGLE, MIX}),
    ),
)
