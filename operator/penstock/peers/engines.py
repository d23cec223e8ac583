"""What the laws read off a scrape and a router, variant by variant: sums, means and rates over a window."""

from collections import deque
from collections.abc import Callable, Iterable

from penstock.domain.observations import PodMetrics
from penstock.domain.readings import Absent, Reading
from penstock.sim.policies import Seen
from penstock.sim.scene import VariantSpec

Gauge = Callable[[PodMetrics], Reading]


def value(reading: Reading) -> float | None:
    """Return what an instant query answers: the last sample, old or not; nobody but us asks how old it is."""
    return None if isinstance(reading, Absent) else reading.value


def pools(seen: Seen) -> dict[str, tuple[PodMetrics, ...]]:
    """Return the rows of every variant's live pods, by variant name; empty where nothing reports."""
    owners = {pod: key.name for key, target in seen.observation.targets.items() for pod in target.pods}
    found: dict[str, list[PodMetrics]] = {key.name: [] for key in seen.observation.targets}
    for row in seen.observation.scrape.rows:
        if row.pod in owners:
            found[owners[row.pod]].append(row)
    return {name: tuple(rows) for name, rows in found.items()}


def total(rows: Iterable[PodMetrics], gauge: Gauge) -> float | None:
    """Return the sum over the rows that say something; None where none does."""
    values = [number for row in rows if (number := value(gauge(row))) is not None]
    return sum(values) if values else None


def mean(rows: Iterable[PodMetrics], gauge: Gauge) -> float | None:
    """Return the mean over finished requests, a plain one while none has finished; None where nothing is known."""
    pairs = [(number, value(row.completed_per_s) or 0.0) for row in rows if (number := value(gauge(row))) is not None]
    weight = sum(rate for _, rate in pairs)
    if not pairs:
        return None
    if weight == 0:
        return sum(number for number, _ in pairs) / len(pairs)
    return sum(number * rate for number, rate in pairs) / weight


def ongoing(seen: Seen, name: str) -> int:
    """Return a variant's requests in flight and those that no engine has yet."""
    return seen.router.in_flight.get(name, 0) + seen.router.queued


def clamp(wanted: float, spec: VariantSpec, least: int = 1) -> int:
    """Return the wanted replicas within the variant's bounds and never fewer than `least`."""
    return max(spec.min_replicas, min(least, spec.max_replicas), min(int(wanted), spec.max_replicas))


class Meter:
    """How fast a counter grew over a trailing window, from samples taken now and then."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, float]] = deque([(0.0, 0.0)])

    def per_s(self, now_s: float, count: float) -> float:
        """Take a sample and return the growth over the window per second of it, short windows at the start included."""
        self._samples.append((now_s, count))
        while len(self._samples) > 1 and self._samples[1][0] <= now_s - self._window_s:
            self._samples.popleft()
        began_s, began = self._samples[0]
        return (count - began) / (now_s - began_s) if now_s > began_s else 0.0


class Steady:
    """How long the wish to go one way has lasted without a break; the other way or none begins anew."""

    def __init__(self) -> None:
        self._way = 0
        self._since_s = 0.0

    def held_s(self, way: int, now_s: float) -> float:
        """Tell the way wished for now (-1, 0, 1) and return for how long it has been the same."""
        if way != self._way:
            self._way, self._since_s = way, now_s
        return now_s - self._since_s

    def forget(self) -> None:
        """Begin anew after the wish was granted."""
        self._way = 0
