"""The last few expositions of one engine: newest gauges, and what counters grew by since the oldest."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from penstock.domain.series import SERIES, Signal, kv_tokens
from penstock.telemetry.exposition import Line, parse
from penstock.telemetry.queries import GAUGES, MEANS
from penstock.telemetry.rows import Shard

ShardName = tuple[str, str]  # model_name, engine
Totals = dict[str, float]  # a series' name -> its sum over all labels but those two

_COUNTED: Final = tuple(
    f"{name}_{part}" for signal in MEANS for name in SERIES[signal].names for part in ("sum", "count")
)
_GAUGED: Final = tuple(name for signal in GAUGES for name in SERIES[signal].names)
_INFOS: Final = SERIES[Signal.KV_CAPACITY].names
NAMES: Final = frozenset((*_GAUGED, *_COUNTED, *SERIES[Signal.COMPLETED].names, *_INFOS))


@dataclass(frozen=True, slots=True)
class Exposition:
    """What one engine said at `at_s`; `kv_tokens` is what its caches hold, by engine and for no model."""

    at_s: float
    totals: Mapping[ShardName, Totals]
    kv_tokens: Mapping[str, float]


def read(text: str, at_s: float) -> Exposition:
    """Return the series that count out of one exposition.

    Raises:
        InvalidField: malformed text.
    """
    totals: dict[ShardName, Totals] = {}
    capacities: dict[str, float] = {}
    for line in parse(text, NAMES):
        if line.name in _INFOS:
            if (tokens := kv_tokens(line.labels)) is not None:
                capacities[line.labels.get("engine", "")] = tokens
            continue
        mine = totals.setdefault(_shard(line), {})
        mine[line.name] = mine.get(line.name, 0.0) + line.value
    return Exposition(at_s, totals, capacities)


def _shard(line: Line) -> ShardName:
    return line.labels.get("model_name", ""), line.labels.get("engine", "")


@dataclass(slots=True)
class Window:
    """Holds the newest `scrapes` + 1 expositions, so that rates are over `scrapes` intervals once it is full."""

    scrapes: int
    _kept: deque[Exposition] = field(init=False)

    def __post_init__(self) -> None:
        """Make room."""
        self._kept = deque(maxlen=self.scrapes + 1)

    def add(self, exposition: Exposition) -> None:
        """Take the newest exposition; one that is not newer than the last is dropped."""
        if not self._kept or exposition.at_s > self._kept[-1].at_s:
            self._kept.append(exposition)

    def shards(self) -> dict[ShardName, Shard]:
        """Return what is known of each engine and model by now; empty before the first exposition."""
        return {name: self._of(name) for name in self._kept[-1].totals} if self._kept else {}

    def _of(self, name: ShardName) -> Shard:
        newest, capacities = self._kept[-1].totals[name], self._kept[-1].kv_tokens
        return Shard(
            at_s=self._kept[-1].at_s,
            running=_first(newest, Signal.RUNNING),
            waiting=_first(newest, Signal.WAITING),
            kv_usage_ratio=_first(newest, Signal.KV_USAGE),
            completed_per_s=self._per_s(name, SERIES[Signal.COMPLETED].names[0]),
            counted=SERIES[Signal.COMPLETED].names[0] in newest,
            backlog_growth_per_s=self._growth(name),
            kv_capacity_tokens=capacities.get(name[1], capacities.get("")),
            means={signal: self._mean(name, signal) for signal in MEANS},
        )

    def _per_s(self, name: ShardName, series: str) -> float | None:
        """Return what a counter grew by per second. One that is new began at 0; one that fell began anew at 0."""
        if len(self._kept) < 2 or series not in self._kept[-1].totals[name]:
            return None
        values = [one.totals.get(name, {}).get(series, 0.0) for one in self._kept]
        grown = sum(after - before if after >= before else after for before, after in pairwise(values))
        return grown / (self._kept[-1].at_s - self._kept[0].at_s)

    def _mean(self, name: ShardName, signal: Signal) -> tuple[float | None, float | None]:
        newest = self._kept[-1].totals[name]
        found = next((one for one in SERIES[signal].names if f"{one}_count" in newest), None)
        if found is None:
            return None, None
        return self._per_s(name, f"{found}_sum"), self._per_s(name, f"{found}_count")

    def _growth(self, name: ShardName) -> float | None:
        points = [(one.at_s, _backlog(one.totals.get(name, {}))) for one in self._kept]
        return slope([(at_s, value) for at_s, value in points if value is not None])


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the slope of the least-squares line, as PromQL's `deriv`; None for fewer than two points."""
    if len(points) < 2:
        return None
    mean_x, mean_y = _mean(x for x, _ in points), _mean(y for _, y in points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else None


def _mean(values: Iterable[float]) -> float:
    given = list(values)
    return sum(given) / len(given)


def _first(totals: Totals, signal: Signal) -> float | None:
    return next((totals[name] for name in SERIES[signal].names if name in totals), None)


def _backlog(totals: Totals) -> float | None:
    running, waiting = _first(totals, Signal.RUNNING), _first(totals, Signal.WAITING)
    return None if running is None or waiting is None else running + waiting
