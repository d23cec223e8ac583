"""The last few expositions of one engine: newest gauges, and what counters grew by since the oldest."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.domain.series import SERIES, Signal, kv_tokens
from penstock.domain.slope import slope
from penstock.telemetry.exposition import Line, parse
from penstock.telemetry.queries import GAUGES, LENGTHS, MEANS
from penstock.telemetry.rows import Shard

ShardName = tuple[str, str]  # model_name, engine
Totals = dict[str, float]  # a series' name -> its sum over all labels but those two
Buckets = dict[tuple[Signal, float], float]  # (which lengths, bound) -> requests of at most so many tokens

_COUNTED: Final = tuple(
    f"{name}_{part}" for signal in MEANS for name in SERIES[signal].names for part in ("sum", "count")
)
_GAUGED: Final = tuple(name for signal in GAUGES for name in SERIES[signal].names)
_INFOS: Final = SERIES[Signal.KV_CAPACITY].names
_BUCKETS: Final = {f"{name}_bucket": signal for signal in LENGTHS for name in SERIES[signal].names}
LOAD_NAMES: Final = frozenset(_GAUGED)
NAMES: Final = LOAD_NAMES.union(_COUNTED, SERIES[Signal.COMPLETED].names, _INFOS, _BUCKETS)


@dataclass(frozen=True, slots=True)
class Exposition:
    """What one engine said at `at_s`; `kv_tokens` is what its caches hold, by engine and for no model."""

    at_s: float
    totals: Mapping[ShardName, Totals]
    kv_tokens: Mapping[str, float]
    buckets: Mapping[ShardName, Buckets] = field(default_factory=dict)


def read(text: str, at_s: float, names: frozenset[str] = NAMES) -> Exposition:
    """Return the series of these names, out of those that count, of one exposition.

    Raises:
        InvalidField: malformed text.
    """
    totals: dict[ShardName, Totals] = {}
    capacities: dict[str, float] = {}
    buckets: dict[ShardName, Buckets] = {}
    for line in parse(text, names):
        if line.name in _INFOS:
            if (tokens := kv_tokens(line.labels)) is not None:
                capacities[line.labels.get("engine", "")] = tokens
            continue
        if (signal := _BUCKETS.get(line.name)) is not None:
            _count(buckets.setdefault(_shard(line), {}), signal, line)
            continue
        mine = totals.setdefault(_shard(line), {})
        mine[line.name] = mine.get(line.name, 0.0) + line.value
    return Exposition(at_s, totals, capacities, buckets)


def _count(buckets: Buckets, signal: Signal, line: Line) -> None:
    """Add a bucket.

    Raises:
        InvalidField: a bound that is no number.
    """
    try:
        bound = float(line.labels["le"])
    except (KeyError, ValueError) as error:
        raise InvalidField("le", line.labels.get("le", ""), "give each bucket a bound") from error
    buckets[signal, bound] = buckets.get((signal, bound), 0.0) + line.value


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

    def buckets(self) -> dict[tuple[str, Signal], dict[float, float]]:
        """Return what each bucket of each model's lengths grew by per second, over its engines."""
        found: dict[tuple[str, Signal], dict[float, float]] = {}
        if len(self._kept) < 2:
            return found
        span_s = self._kept[-1].at_s - self._kept[0].at_s
        for name, newest in self._kept[-1].buckets.items():
            for key in newest:
                mine = found.setdefault((name[0], key[0]), {})
                grown = _grown([one.buckets.get(name, {}).get(key, 0.0) for one in self._kept])
                mine[key[1]] = mine.get(key[1], 0.0) + grown / span_s
        return found

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
        """Return what a counter grew by per second; one that is new began at 0."""
        if len(self._kept) < 2 or series not in self._kept[-1].totals[name]:
            return None
        values = [one.totals.get(name, {}).get(series, 0.0) for one in self._kept]
        return _grown(values) / (self._kept[-1].at_s - self._kept[0].at_s)

    def _mean(self, name: ShardName, signal: Signal) -> tuple[float | None, float | None]:
        newest = self._kept[-1].totals[name]
        found = next((one for one in SERIES[signal].names if f"{one}_count" in newest), None)
        if found is None:
            return None, None
        return self._per_s(name, f"{found}_sum"), self._per_s(name, f"{found}_count")

    def _growth(self, name: ShardName) -> float | None:
        points = [(one.at_s, _backlog(one.totals.get(name, {}))) for one in self._kept]
        return slope([(at_s, value) for at_s, value in points if value is not None])


def _grown(values: Iterable[float]) -> float:
    """Return by how much a counter grew; one that fell began anew at 0."""
    return sum(after - before if after >= before else after for before, after in pairwise(values))


def _first(totals: Totals, signal: Signal) -> float | None:
    return next((totals[name] for name in SERIES[signal].names if name in totals), None)


def _backlog(totals: Totals) -> float | None:
    running, waiting = _first(totals, Signal.RUNNING), _first(totals, Signal.WAITING)
    return None if running is None or waiting is None else running + waiting
