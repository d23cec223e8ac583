"""The queries of one scaling pass: always the same fifteen, however many variants there are.

Each returns its numbers per shard, which is one engine of one pod as one scrape target: copies of a series that
several Prometheis or scrape jobs made fall together (`max`), and everything else is left for `rows` to add up. Only
buckets come per model: a replica's own requests of a minute tell nothing of a tail, seventeen series each would be most
of the answer, and shares are the same whether copies count or not.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from penstock.domain.series import BLOCK_SIZE_LABEL, BLOCKS_LABEL, SERIES, Signal
from penstock.telemetry.labels import FINISH, MODEL, SHARD
from penstock.telemetry.promql import checked, first_of, labelled, one_of, selector, span

SAMPLE_TIME: Final = "sample_time"
GROWTH: Final = "backlog_growth"
GAUGES: Final = (Signal.RUNNING, Signal.WAITING, Signal.KV_USAGE)
MEANS: Final = (Signal.INPUT_TOKENS, Signal.OUTPUT_TOKENS, Signal.TTFT, Signal.TPOT, Signal.PREFILL)
LENGTHS: Final = (Signal.INPUT_TOKENS, Signal.OUTPUT_TOKENS)
BUCKETS: Final = MappingProxyType({signal: f"{signal}_buckets" for signal in LENGTHS})
PART: Final = "penstock_part"  # tells apart what one query brings: _sum and _count of a histogram, rate and value
NEWEST: Final = "newest"
PICKERS: Final = "pickers"


class Part(StrEnum):
    """What the one query about endpoint pickers brings, by the label `PART`; `TIME` is of a picker, for no model."""

    TIME = "time"
    WAITING = "waiting"
    GROWTH = "growth"
    ARRIVALS = "arrivals"


PICKER: Final = ("namespace", "exported_namespace", "pod", "exported_pod", "instance")  # one of them

_PICKER: Final = ", ".join(PICKER)
_FLOW: Final = f"{_PICKER}, inference_pool, fairness_id, priority, model_name, target_model_name"
_WIDER: Final = 4  # where two scrapes do not fit into the window, one of four times its length has to do
_TIME_STEP_S: Final = 15.0
_LOOKBACK_S: Final = 300.0  # how far Prometheus itself looks for the newest sample


@dataclass(frozen=True, slots=True)
class Query:
    """A query and the name that people and metrics know it by."""

    name: str
    promql: str


def lookback_s(stale_after_s: float) -> float:
    """Return how old a sample may be and still be found, so that it can be called stale instead of missing."""
    return max(_LOOKBACK_S, 2 * stale_after_s)


@lru_cache(maxsize=8)
def queries(namespaces: frozenset[str], window_s: float, stale_after_s: float) -> tuple[Query, ...]:
    """Return the queries of one pass over these namespaces; no namespace means all of them."""
    build = _Builder(namespaces, window_s, lookback_s(stale_after_s))
    found = [Query(SAMPLE_TIME, build.sample_time()), Query(GROWTH, build.growth())]
    found += [Query(signal.value, build.gauge(signal)) for signal in GAUGES]
    found += [Query(Signal.COMPLETED.value, build.completed())]
    found += [Query(signal.value, build.mean(signal)) for signal in MEANS]
    found += [Query(name, build.buckets(signal)) for signal, name in BUCKETS.items()]
    found += [Query(Signal.KV_CAPACITY.value, build.kv_capacity()), Query(PICKERS, build.pickers())]
    return tuple(Query(query.name, checked(query.promql)) for query in found)


class _Builder:
    def __init__(self, namespaces: frozenset[str], window_s: float, lookback_s: float) -> None:
        self._window_s, self._lookback_s = window_s, lookback_s
        # series without a namespace come along, since some Prometheis drop the label; `exported_` is where the label
        # of the engine itself ends up when the scrape has one of its own
        self._scopes = (
            ((one_of("namespace", namespaces, or_none=True),), (one_of("exported_namespace", namespaces),))
            if namespaces
            else ((),)
        )

    def sample_time(self) -> str:
        """Newest sample's own time. Where a scrape failed, the subquery still sees the samples before it."""
        names = SERIES[Signal.RUNNING].names + SERIES[Signal.COMPLETED].names
        now = [f"timestamp({one})" for one in self._selectors(names)]
        steps = f"[{span(self._lookback_s)}:{span(_TIME_STEP_S)}]"
        return _per_shard(first_of(now + [f"max_over_time({one}{steps})" for one in now]))

    def gauge(self, signal: Signal) -> str:
        """Newest value; a failed scrape does not hide it, its age will tell."""
        found = self._selectors(SERIES[signal].names, self._lookback_s)
        return _per_shard(first_of(f"last_over_time({one})" for one in found))

    def growth(self) -> str:
        """Slope of running plus waiting; both come from the same scrape, so their slopes add up."""
        running, waiting = (
            _per_shard(self._windowed("deriv", SERIES[signal].names)) for signal in (Signal.RUNNING, Signal.WAITING)
        )
        return f"{running} + {waiting}"

    def completed(self) -> str:
        """Finished requests per second, over all ways in which a request can finish.

        A counter that began while its engine was watched began at 0, which `rate` cannot know. The newest value goes
        along with a label, since a counter without a rate must not look like an engine that never served.
        """
        names = SERIES[Signal.COMPLETED].names
        newest = first_of(f"last_over_time({one})" for one in self._selectors(names, self._lookback_s))
        told = labelled(_per_shard(newest), PART, NEWEST)
        return first_of([_finishes(self._windowed("rate", names)), self._begun(names), told])

    def _begun(self, names: Sequence[str]) -> str:
        """Rate of a counter that fewer scrapes saw than saw its engine."""
        seconds = self._window_s * _WIDER
        newest = first_of(f"last_over_time({one})" for one in self._selectors(names, seconds))
        engine, counter = (
            _per_shard(first_of(f"count_over_time({one})" for one in self._selectors(which, seconds)))
            for which in (SERIES[Signal.RUNNING].names, names)
        )
        return f"({_finishes(newest)} / {self._window_s:g} and {engine} > {counter})"

    def mean(self, signal: Signal) -> str:
        """Growth per second of a histogram's sum and count, told apart by a label."""
        return first_of(self._part(signal, part) for part in ("sum", "count"))

    def buckets(self, signal: Signal) -> str:
        """Growth per second of a histogram's buckets, over all engines of a model."""
        rate = self._windowed("rate", [f"{name}_bucket" for name in SERIES[signal].names])
        return f"sum by ({MODEL}, le) ({rate})"

    def kv_capacity(self) -> str:
        """When each size of a KV cache was told last; vLLM writes it into labels, beside which no model is named."""
        told = first_of(f"timestamp({one})" for one in self._selectors(SERIES[Signal.KV_CAPACITY].names))
        return f"max by ({SHARD}, {BLOCKS_LABEL}, {BLOCK_SIZE_LABEL}) ({told})"

    def pickers(self) -> str:
        """Of endpoint pickers: requests that wait, their growth, arrivals, and when each spoke last."""
        queue, requests = SERIES[Signal.PICKER_QUEUE].names, SERIES[Signal.PICKER_REQUESTS].names
        spoke = [f"timestamp({one})" for one in self._selectors((*queue, *requests))]
        steps = f"[{span(self._lookback_s)}:{span(_TIME_STEP_S)}]"
        parts = {
            Part.TIME: f"max by ({_PICKER}) ({first_of(spoke + [f'max_over_time({one}{steps})' for one in spoke])})",
            Part.WAITING: _flows(
                first_of(f"last_over_time({one})" for one in self._selectors(queue, self._lookback_s))
            ),
            Part.GROWTH: _flows(self._windowed("deriv", queue)),
            Part.ARRIVALS: _flows(self._windowed("rate", requests)),
        }
        return first_of(labelled(promql, PART, part) for part, promql in parts.items())

    def _part(self, signal: Signal, part: str) -> str:
        rate = self._windowed("rate", [f"{name}_{part}" for name in SERIES[signal].names])
        return labelled(_per_shard(rate), PART, part)

    def _windowed(self, function: str, names: Sequence[str]) -> str:
        windows = (self._window_s, self._window_s * _WIDER)
        return first_of(f"{function}({one})" for window_s in windows for one in self._selectors(names, window_s))

    def _selectors(self, names: Iterable[str], window_s: float | None = None) -> Iterator[str]:
        for name in names:
            yield from (selector(name, scope, window_s) for scope in self._scopes)


def _finishes(expression: str) -> str:
    return f"sum by ({SHARD}) (max by ({SHARD}, {FINISH}) ({expression}))"


def _flows(expression: str) -> str:
    """Sum over the flows of each picker and model; copies of a series fall together."""
    return f"sum by ({_PICKER}, model_name, target_model_name) (max by ({_FLOW}) ({expression}))"


def _per_shard(expression: str) -> str:
    return f"max by ({SHARD}) ({expression})"
