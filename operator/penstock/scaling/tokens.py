"""The law of `saturation-v2`, to WVA's letter: tokens in caches and lines against what caches and steps may hold.

Source: llm-d/llm-d-workload-variant-autoscaler, February 2026 and v0.9 (saturation_v2 and its cost-aware optimiser).
Demand is the tokens in use plus queue times mean input. A replica's capacity is the smaller of a memory bound (cache
times threshold) and a compute bound: the tokens in use while its line is full, else the mean of such samples, else
what a step's token budget implies. It is a stock, no rate: what may become of it is decided in `tokenised`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from statistics import fmean, median
from typing import Final, NamedTuple

from penstock.domain.catalogue import SaturationThresholds

TOKEN_BUDGET: Final = 8192
"""Tokens a step, where the command line says nothing."""
MAX_NUM_SEQS: Final = 256
"""Requests at a time, where the command line says nothing."""
SAMPLES: Final = 10
_SHORT, _MEDIUM = 100, 500  # mean tokens out that part the classes of length


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One replica that reports: share of its cache, requests in line, size of its cache, mean lengths (0: unknown)."""

    kv_ratio: float
    queue: float
    capacity_tokens: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0


class Batches(NamedTuple):
    """How an engine is set: tokens in a step, and requests at a time."""

    token_budget: float = TOKEN_BUDGET
    max_num_seqs: float = MAX_NUM_SEQS


class Room(NamedTuple):
    """Tokens that a model misses, and tokens that it has to spare; at most one is above zero."""

    required: float
    spare: float


@dataclass(frozen=True, slots=True)
class FullLines:
    """Tokens in use while a line was full, as (kind, ((Unix seconds, tokens), ...)): the last ten of each kind."""

    rows: tuple[tuple[str, tuple[tuple[float, int], ...]], ...] = ()

    def adding(self, kind: str, at_s: float, tokens: int) -> "FullLines":
        """Return these and one sample more."""
        kept = (*dict(self.rows).get(kind, ()), (at_s, tokens))[-SAMPLES:]
        return FullLines(tuple(sorted({**dict(self.rows), kind: kept}.items())))

    def since(self, at_s: float) -> "FullLines":
        """Return those that are younger: what a line that was stuck once has taught must not count for ever."""
        young = ((kind, tuple(sample for sample in samples if sample[0] > at_s)) for kind, samples in self.rows)
        return FullLines(tuple(row for row in young if row[1]))

    def mean(self, kind: str) -> int | None:
        """Return the mean of a kind, None where nothing was seen of it."""
        samples = dict(self.rows).get(kind)
        return int(fmean(tokens for _, tokens in samples)) if samples else None


@dataclass(frozen=True, slots=True)
class Caches:
    """Sizes of caches in tokens, by kind of engine, as they were last seen: for a variant that does not run."""

    rows: tuple[tuple[str, float], ...] = ()

    def adding(self, engine: str, tokens: float) -> "Caches":
        """Return these with the newest size of one kind."""
        return Caches(tuple(sorted({**dict(self.rows), engine: tokens}.items())))

    def of(self, engine: str) -> float | None:
        """Return the size, None where it was never seen."""
        return dict(self.rows).get(engine)


def room(demand: float, supply: float, anticipated: float, limits: SaturationThresholds) -> Room:
    """Return what is missing beside everything that runs or starts, and what is spare of what is ready."""
    return Room(
        max(0.0, demand / limits.scale_up - anticipated),
        max(0.0, supply - demand / limits.scale_down),
    )


def used_tokens(replica: Replica) -> int:
    """Return the tokens in a replica's cache."""
    return min(max(round(replica.kv_ratio * replica.capacity_tokens), 0), int(replica.capacity_tokens))


def demand_tokens(replica: Replica) -> float:
    """Return the tokens that a replica holds or is about to."""
    return used_tokens(replica) + replica.queue * floor(replica.input_tokens)


def held_back_tokens(requests: float, input_tokens: float, output_tokens: float) -> float:
    """Return the tokens of requests that wait before any engine; WVA has the formula and never asks it."""
    return requests * (input_tokens + output_tokens)


def derived_tokens(replica: Replica, batches: Batches) -> int | None:
    """Return the compute bound that follows from the token budget of a step; None without lengths."""
    fed, made = replica.input_tokens, replica.output_tokens
    if made <= 0:
        return None
    return floor(min(batches.token_budget * made / (fed + made), batches.max_num_seqs) * (fed + made / 2))


def kind_of(engine: str, replica: Replica) -> str:
    """Return the kind under which a full line is remembered: the engine's, and a class of output length."""
    made = replica.output_tokens
    return f"{engine}|{'short' if made < _SHORT else 'medium' if made < _MEDIUM else 'long'}"


def learn(
    lines: FullLines, engine: str, pool: Sequence[Replica], limits: SaturationThresholds, at_s: float
) -> FullLines:
    """Return the lines with those that are full now."""
    for replica in pool:
        if _is_full(replica, limits):
            lines = lines.adding(kind_of(engine, replica), at_s, used_tokens(replica))
    return lines


def per_replica_tokens(
    pool: Sequence[Replica], engine: str, batches: Batches, lines: FullLines, limits: SaturationThresholds
) -> float:
    """Return the capacity of a variant's replica: the median over those whose cache is known, 0 where none is."""
    bounds = [_effective(replica, engine, batches, lines, limits) for replica in pool if replica.capacity_tokens > 0]
    return median(bounds) if bounds else 0.0


def _is_full(replica: Replica, limits: SaturationThresholds) -> bool:
    return replica.queue >= limits.queue_length and used_tokens(replica) > 0


def _effective(replica: Replica, engine: str, batches: Batches, lines: FullLines, limits: SaturationThresholds) -> int:
    memory = floor(replica.capacity_tokens * limits.kv_cache)
    if _is_full(replica, limits):
        return min(memory, used_tokens(replica))
    compute = lines.mean(kind_of(engine, replica))
    if compute is None:
        compute = derived_tokens(replica, batches)
    return memory if compute is None else min(memory, compute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A variant as the optimiser sees it: price and tokens of a replica, and between which counts it may be."""

    price: float
    each: float
    current: int
    floor: int = 0
    ceiling: int | None = None


def optimise(found: Room, pools: Sequence[Pool]) -> list[int]:
    """Return the replicas of each: what is missing comes from the best value, what is spare from the dearest.

    WVA knows no ceiling, so that the best value takes everything. Of equals the first counts.
    """
    if found.required > 0:
        return _more(found.required, pools)
    return _fewer(found.spare, pools) if found.spare > 0 else [pool.current for pool in pools]


def _more(required: float, pools: Sequence[Pool]) -> list[int]:
    plan = [pool.current for pool in pools]
    able = [index for index, pool in enumerate(pools) if pool.each > 0]
    for index in sorted(able, key=lambda i: pools[i].price / pools[i].each):
        pool, wanted = pools[index], ceil(required / pools[index].each)
        added = wanted if pool.ceiling is None else max(min(wanted, pool.ceiling - pool.current), 0)
        plan[index] += added
        required -= added * pool.each
        if required <= 0:
            break
    return plan


def _fewer(spare: float, pools: Sequence[Pool]) -> list[int]:
    """Take away by price alone; only the cheapest keeps a replica, and only where no other has one."""
    plan = [pool.current for pool in pools]
    cheapest = min(range(len(pools)), key=lambda i: pools[i].price)
    for index in sorted(range(len(pools)), key=lambda i: -pools[i].price):
        pool = pools[index]
        alone = index == cheapest and sum(plan) == plan[index]
        if pool.each > 0:
            fewer = max(min(floor(spare / pool.each), pool.current - max(pool.floor, int(alone))), 0)
            plan[index] -= fewer
            spare -= fewer * pool.each
    return plan
