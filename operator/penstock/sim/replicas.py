"""One replica's life and counters, and the law by which its start goes."""

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random
from typing import Final, NamedTuple

from penstock.engine.scatter import token_bounds
from penstock.sim.engines import Engine
from penstock.sim.scene import Fault, VariantSpec

SNAPSHOTS_KEPT: Final = 64
BOUNDS: Final = (*token_bounds(131_072), math.inf)
"""Buckets of token counts, as of an engine that takes so many."""


class Stage(Enum):
    """Where a replica stands. STUCK: the platform has no place for it."""

    STUCK = auto()
    STARTING = auto()
    READY = auto()
    DRAINING = auto()
    GONE = auto()


class Snapshot(NamedTuple):
    """An engine's counters and gauges as one scrape read them; `prompts` and `answers` are requests by `BOUNDS`."""

    at_s: float
    finished: int
    input_tokens: int
    output_tokens: int
    first_tokens: int
    ttft_s: float
    prefill_s: float
    gaps: int
    gap_s: float
    running: int
    waiting: int
    kv_tokens: int
    prompts: tuple[int, ...]
    answers: tuple[int, ...]


@dataclass(slots=True, eq=False)
class Replica:
    """One replica. `due_s` is its engine's next event; `slot` its place at the balancer, -1 when it is not there.

    `cost_from_s` is when it got its place: a pod that waits for one costs nothing. `prefill_s` adds up the times from
    a request's first step to its first token.
    """

    name: str
    pool: int
    engine: Engine
    chance: Random
    inverse_weight: float
    created_s: float
    stage: Stage = Stage.STUCK
    cost_from_s: float = 0.0
    ready_s: float | None = None
    due_s: float = math.inf
    slot: int = -1
    number: int = 0
    outstanding: int = 0
    unanswered: int = 0
    finished: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    first_tokens: int = 0
    ttft_s: float = 0.0
    prefill_s: float = 0.0
    prompts: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))
    answers: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))
    on_idle: Callable[[float], None] | None = None
    snapshots: deque[Snapshot] = field(default_factory=lambda: deque(maxlen=SNAPSHOTS_KEPT))

    def count(self, input_tokens: int, output_tokens: int) -> None:
        """Count a request that has finished."""
        self.finished += 1
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.prompts[bisect_left(BOUNDS, input_tokens)] += 1
        self.answers[bisect_left(BOUNDS, output_tokens)] += 1

    def snapshot(self, at_s: float) -> Snapshot:
        """Return what a scrape reads now; the engine has been brought to this time."""
        engine = self.engine
        return Snapshot(
            at_s,
            self.finished,
            self.input_tokens,
            self.output_tokens,
            self.first_tokens,
            self.ttft_s,
            self.prefill_s,
            *engine.gaps,
            engine.running,
            engine.waiting,
            engine.kv_tokens,
            tuple(self.prompts),
            tuple(self.answers),
        )


def victims(replicas: Sequence[Replica], count: int) -> list[Replica]:
    """Return whom to take out: those without a place, then those that start, the youngest first; then the least loaded.

    Like a ReplicaSet, which prefers pods without a node and unready ones, and then those of the lowest
    `controller.kubernetes.io/pod-deletion-cost`, which is where an operator writes their load.
    """
    order = {Stage.STUCK: 0, Stage.STARTING: 1, Stage.READY: 2}
    ranked = sorted(replicas, key=lambda one: (order[one.stage], one.outstanding, -one.created_s, one.name))
    return ranked[:count]


def attempt_s(spec: VariantSpec, chance: Random, *, placed: int, factor: float) -> float:
    """Draw how long one attempt to start takes; with more than the warm nodes `placed`, a node comes first."""
    law = spec.startup
    node_s = law.node_s if placed > law.warm_nodes else 0.0
    return factor * (node_s + law.median_s * math.exp(chance.gauss(0.0, law.sigma)))


def active(faults: Sequence[Fault], kind: str, now_s: float, variant: str = "") -> Fault | None:
    """Return a fault of a kind that holds now; one that names no variant holds for all of them."""
    return next(
        (
            fault
            for fault in faults
            if fault.kind == kind and fault.from_s <= now_s < fault.until_s and fault.variant in {"", variant}
        ),
        None,
    )
