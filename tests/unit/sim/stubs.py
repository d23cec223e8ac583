"""Engines and policies of which everything is known, so that runs can be checked against formulas and by hand."""

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from penstock.engine.fastforward import DONE, FIRST, Emitted
from penstock.engine.steptime import GPUS
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene, StartupLaw, VariantSpec
from penstock.sim.traces import Arrival

TOKENS_PER_S = 1000


class Servers:
    """So many servers in front of one queue; a call holds one for its output tokens' time, its first token comes at
    once when it gets one. So the time to the first token is the wait in the queue."""

    def __init__(self, servers: int) -> None:
        self._free = servers
        self._line: deque[tuple[int, float]] = deque()
        self._busy: list[tuple[float, int, float]] = []
        self._out: list[Emitted] = []
        self.gaps = 0, 0.0
        self.kv_tokens = 0
        self.kv_capacity_tokens = 1000

    @property
    def running(self) -> int:
        return len(self._busy)

    @property
    def waiting(self) -> int:
        return len(self._line)

    def submit(self, call_id: int, prompt_tokens: int, output_tokens: int, now_s: float) -> None:
        del prompt_tokens
        self._pass(now_s)
        self._line.append((call_id, output_tokens / TOKENS_PER_S))
        self._serve(now_s)

    def next_event_s(self) -> float | None:
        if self._out:
            return self._out[0].at_s
        return self._busy[0][0] if self._busy else None

    def advance(self, now_s: float) -> list[Emitted]:
        self._pass(now_s)
        out, self._out = self._out, []
        return out

    def cancel_all(self) -> list[int]:
        ids = [call for _, call, _ in self._busy] + [call for call, _ in self._line]
        self._busy, self._line = [], deque()
        return ids

    def _pass(self, now_s: float) -> None:
        while self._busy and self._busy[0][0] <= now_s:
            at_s, call_id, started_s = heapq.heappop(self._busy)
            self._out.append(Emitted(call_id, DONE, at_s, started_s))
            tokens, seconds = self.gaps
            self.gaps = tokens + round((at_s - started_s) * TOKENS_PER_S) - 1, seconds + at_s - started_s
            self._free += 1
            self._serve(at_s)

    def _serve(self, at_s: float) -> None:
        while self._free and self._line:
            call_id, takes_s = self._line.popleft()
            self._free -= 1
            heapq.heappush(self._busy, (at_s + takes_s, call_id, at_s))
            self._out.append(Emitted(call_id, FIRST, at_s, at_s))


def servers(count: int) -> Callable[[VariantSpec, Random], Servers]:
    return lambda spec, chance: Servers(count)  # noqa: ARG005 - the shape of an EngineLaw


class Script:
    """Wants what a script says from each time on; keeps everything that it saw."""

    def __init__(self, steps: Mapping[float, Mapping[str, int]], *, tick_s: float = 15.0, wakes: bool = False) -> None:
        self.tick_s, self.wakes = tick_s, wakes
        self.seen: list[Seen] = []
        self._steps = steps

    def decide(self, seen: Seen) -> Mapping[str, int]:
        # the run goes on filling these lists, and cuts what is old
        self.seen.append(replace(seen, served=list(seen.served), first_tokens=list(seen.first_tokens)))
        wishes: dict[str, int] = {}
        for since_s, wanted in self._steps.items():
            if since_s <= seen.now_s:
                wishes |= wanted
        return wishes


def variant(name: str = "v", **fields: object) -> VariantSpec:
    given: dict[str, object] = {
        "name": name,
        "accelerator": "H100",
        "cost": GPUS["H100"],
        "usd_per_h": 3.6,
        "max_replicas": 9,
        "startup": StartupLaw(median_s=100.0, sigma=0.0),
        **fields,
    }
    return VariantSpec(**given)  # type: ignore[arg-type]  # a test names the fields it needs


def scene(*variants: VariantSpec, length_s: float = 600.0, **fields: object) -> Scene:
    return Scene(model="m", variants=variants or (variant(),), length_s=length_s, **fields)  # type: ignore[arg-type]  # same


def each(times: list[float], *, output_tokens: int = 1000, input_tokens: int = 10) -> list[Arrival]:
    return [Arrival(at_s=at_s, input_tokens=input_tokens, output_tokens=output_tokens) for at_s in times]
