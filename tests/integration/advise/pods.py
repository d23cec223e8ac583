"""What simulated engines say, as vLLM's page has it, and a tape that takes down every series of a fleet."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from penstock.emulator.exposition import Histogram, Page, go_float
from penstock.emulator.meters import Life, Meters
from penstock.engine.calls import Finish, Finished, FirstToken, Gauges, Started
from penstock.engine.fastforward import FIRST, Emitted
from penstock.sim.engines import Engine

MAX_MODEL_LEN: Final = 32_768
GAP: Final = -math.inf  # where nothing was scraped


class Metered:
    """An engine with the meters of a vLLM server beside it."""

    def __init__(self, inner: Engine) -> None:
        self._inner = inner
        self._meters = Meters(MAX_MODEL_LEN, as_vllm=True)
        self._lives: dict[int, Life] = {}

    @property
    def running(self) -> int:
        return self._inner.running

    @property
    def waiting(self) -> int:
        return self._inner.waiting

    @property
    def kv_tokens(self) -> int:
        return self._inner.kv_tokens

    @property
    def kv_capacity_tokens(self) -> int:
        return self._inner.kv_capacity_tokens

    @property
    def gaps(self) -> tuple[int, float]:
        return self._inner.gaps

    def submit(self, call_id: int, prompt_tokens: int, output_tokens: int, now_s: float) -> None:
        self._inner.submit(call_id, prompt_tokens, output_tokens, now_s)
        self._lives[call_id] = Life(prompt_tokens, output_tokens, None, now_s)

    def next_event_s(self) -> float | None:
        return self._inner.next_event_s()

    def advance(self, now_s: float) -> Sequence[Emitted]:
        happened = self._inner.advance(now_s)
        for call_id, kind, at_s, started_s in happened:
            if kind is FIRST:
                life = self._lives[call_id]
                self._meters.started(life, Started(call_id, started_s, 0))
                self._meters.first_token(life, FirstToken(call_id, at_s))
            else:
                self._meters.finished(self._lives.pop(call_id), Finished(call_id, at_s, Finish.STOP))
        return happened

    def cancel_all(self) -> Sequence[int]:
        self._lives.clear()
        return self._inner.cancel_all()

    def show(self, page: Page, model: str) -> None:
        """Put what it would say now on a page."""
        usage = self.kv_tokens / self.kv_capacity_tokens
        self._meters.show(page, model, Gauges(running=self.running, waiting=self.waiting, kv_usage_ratio=usage))


class Values(Page):
    """A page that keeps the numbers of the names that are asked about, and writes no text."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__()
        self.values: dict[tuple[str, str], float] = {}
        self._names = names

    def add(self, name: str, kind: str, labels: Mapping[str, str], value: float) -> None:
        del kind, labels
        if name in self._names:
            self.values[name, ""] = value

    def histogram(self, name: str, labels: Mapping[str, str], histogram: Histogram) -> None:
        del labels
        if f"{name}_sum" not in self._names:
            return
        total = 0
        for bound, count in zip((*histogram.bounds, math.inf), histogram._counts, strict=True):
            total += count
            self.values[f"{name}_bucket", go_float(bound)] = total
        self.values[f"{name}_sum", ""], self.values[f"{name}_count", ""] = histogram._sum, total


@dataclass(slots=True)
class Line:
    """One series from the scrape `first` on."""

    name: str
    labels: Mapping[str, str]
    first: int
    values: "array[float]" = field(default_factory=lambda: array("d"))


class Tape:
    """All series of a fleet, scrape by scrape, of the names that somebody asks about."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        self.lines: dict[tuple[str, tuple[str, ...]], Line] = {}

    def put(self, scrape: int, name: str, labels: Mapping[str, str], value: float) -> None:
        if name not in self.names:
            return
        line = self.lines.setdefault((name, tuple(labels.values())), Line(name, labels, scrape))
        line.values.extend([GAP] * (scrape - line.first - len(line.values)))
        line.values.append(value)
