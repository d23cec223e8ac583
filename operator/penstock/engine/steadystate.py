"""One replica in the long run: step time, batch and load at a given rate of requests, without simulation.

The free variable is κ, the prompts that come in per engine step. With it everything is explicit: B = κ·(tokens after
the first) sequences decode, prompts per step are about Poisson, so the mean step time follows from the step model,
and the rate is κ over it.

Replicas that share a queue by least outstanding requests see less chance than one alone. With m requests in each on
average, the variance of their number falls from m to r·m, and (second factorial moment) the chance to have another
one arrive while one is inside from 1 to h = 1 - (1 - r)/m.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, inf, sqrt
from typing import Final, NamedTuple

from penstock.engine.lengths import Law, Lengths, law
from penstock.engine.steptime import OVERHEAD_FACTOR, OVERHEAD_MS, StepCost

_USABLE_CACHE: Final = 0.85  # fuller, preemptions begin to feed on themselves
_HALF_BLOCK: Final = 8
_MOST_FEEDBACK: Final = 0.97
_SMALLEST_ROOM: Final = 16.0
_SPREAD_LEFT: Final = 0.1
_SPREAD_POWER: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineShape:
    """An engine: what a step costs; at most so many sequences, tokens a step, cached tokens (0: as the cost says)."""

    cost: StepCost
    max_num_seqs: int = 256
    token_budget: int = 2048
    kv_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Replica:
    """An engine under given lengths, one of `peers` that share what comes in.

    `places` is how many sequences fit, by slots or, where `by_cache`, by KV cache; `densest` the highest κ.
    """

    shape: EngineShape
    law: Law
    peers: int
    places: float
    by_cache: bool
    densest: float


class State(NamedTuple):
    """A replica at one κ; times in ms, rates per ms.

    `base` is a step without prompts, `step` the mean one, `token` the mean as decoding sequences see it, `full` one
    that spends the whole budget, of which prompts get `room` tokens. Per prompt class, `extras` is what it adds to its
    steps if it is alone in them; `prompt` is the mean as it is, `sharing` times that of `extras`. `load` is the share
    of time that prompts need, by full steps. `slope` is d base/d batch, `feedback` d step/d batch. `crowd` is the
    variance of the batch over its mean; `spread` and `pairing` are r and h. `leads` are (share, ms): how long others
    may come in who are served right after one's own prompt, for prompts of one step and of several.
    """

    rate: float
    batch: float
    base: float
    step: float
    token: float
    full: float
    room: float
    extras: tuple[tuple[float, float], ...]
    sharing: float
    prompt: float
    load: float
    slope: float
    feedback: float
    crowd: float
    spread: float
    pairing: float
    leads: tuple[tuple[float, float], ...]


class Step(NamedTuple):
    """The step at a batch: its base in ms, the part that can hide prompts (kernel ms), the room for prompt tokens."""

    cost: StepCost
    batch: float
    alone: float
    base: float
    room: float

    def extra_ms(self, tokens: float) -> float:
        """Return what prompt tokens add to the kernel time, in as many steps as they need, Σ n² apart."""
        steps, rest = divmod(tokens, self.room)
        return (steps * self._over_ms(self.room) if steps else 0.0) + (self._over_ms(rest) if rest else 0.0)

    def _over_ms(self, tokens: float) -> float:
        cost, alone = self.cost, self.alone
        over = cost.p0_ms + cost.p1_ms * (tokens + self.batch) - alone
        return max(over, cost.prefill_floor_ms - alone, 0.0)


@lru_cache(maxsize=4096)
def replica(shape: EngineShape, lengths: Lengths, peers: int = 1) -> Replica:
    """Put an engine under given lengths."""
    its = law(lengths)
    cache = shape.kv_tokens or shape.cost.kv_tokens
    by_cache = _USABLE_CACHE * cache / (its.held + _HALF_BLOCK) if cache else inf
    places = max(1.0, min(shape.max_num_seqs, by_cache))
    densest = min(shape.token_budget / (its.prompt + its.decodes), places / its.decodes)
    return Replica(shape, its, peers, places, by_cache < shape.max_num_seqs, densest * 0.9999)


def state(its: Replica, prompts: float) -> State:
    """Return the state at κ = `prompts`, up to `densest`."""
    cost, lengths = its.shape.cost, its.law
    step = _step(its, prompts * lengths.decodes)
    square = OVERHEAD_FACTOR * cost.p2_ms
    extras = tuple(
        [
            (share, OVERHEAD_FACTOR * step.extra_ms(tokens) + square * tokens * tokens)
            for share, tokens in lengths.prompts
        ]
    )
    one = sum([share * extra for share, extra in extras])
    added = _added_ms(its, step, prompts, one)
    mean = step.base + added
    rate, prompt = prompts / mean, added / prompts
    sharing = prompt / one if one > 0 else 1.0
    burst = OVERHEAD_FACTOR * step.extra_ms(step.room) + square * lengths.prompt_square * step.room / lengths.prompt
    spread, pairing = _pooled(its, rate * (lengths.decodes * mean + step.base + one))
    long_step = mean + rate * _square(extras) * sharing**2 / max(0.05, 1 - (rate * prompt) ** 2)
    leads = _leads(its, step, extras, step.base + min(one + rate * prompt * long_step, max(one, burst)), burst)
    slope = OVERHEAD_FACTOR * (cost.d1_ms + cost.d2_ms * lengths.held)
    lead = sum([share * ms for share, ms in leads])
    stretch = mean / step.base
    gap = pairing * rate * prompt * max(0.0, lead - mean) / lengths.decodes * stretch + slope * stretch
    batch = step.batch * (1 + gap / mean)
    base = step.base + slope * (batch - step.batch)
    mean, full = base + added, base + burst
    rate, feedback = prompts / mean, slope * mean / base
    return State(
        rate=rate,
        batch=batch,
        base=base,
        step=mean,
        token=mean + gap,
        full=full,
        room=step.room,
        extras=extras,
        sharing=sharing,
        prompt=prompt,
        load=rate * lengths.prompt * full / step.room,
        slope=slope,
        feedback=feedback,
        crowd=spread / (1 - min(_MOST_FEEDBACK, rate * lengths.decodes * feedback)),
        spread=spread,
        pairing=pairing,
        leads=leads,
    )


def _step(its: Replica, batch: float) -> Step:
    cost = its.shape.cost
    alone = cost.d0_ms + cost.d1_ms * batch
    base = (alone + cost.d2_ms * batch * its.law.held) * OVERHEAD_FACTOR + OVERHEAD_MS
    return Step(cost, batch, alone, base, max(its.shape.token_budget - batch, _SMALLEST_ROOM))


def _square(extras: tuple[tuple[float, float], ...]) -> float:
    return sum([share * extra * extra for share, extra in extras])


def _added_ms(its: Replica, step: Step, prompts: float, one: float) -> float:
    """Return what prompts add to the mean step: none, one, two or more of them come in at a time."""
    lengths, cost = its.law, its.shape.cost
    square = OVERHEAD_FACTOR * cost.p2_ms * lengths.prompt_square
    if prompts > 30:
        return OVERHEAD_FACTOR * step.extra_ms(prompts * lengths.prompt) + prompts * square
    chance = exp(-prompts) * prompts
    total = chance * one
    chance *= prompts / 2
    if chance > 1e-6:
        pairs = sum([share * step.extra_ms(tokens + lengths.prompt) for share, tokens in lengths.prompts])
        total += chance * (OVERHEAD_FACTOR * pairs + 2 * square)
    for count in range(3, int(prompts + 4 * sqrt(prompts) + 4)):
        chance *= prompts / count
        total += chance * (OVERHEAD_FACTOR * step.extra_ms(count * lengths.prompt) + count * square)
    return total


def _pooled(its: Replica, inside: float) -> tuple[float, float]:
    """Return r and h (see above) with `inside` requests in each replica on average; fitted to simulated pools."""
    if its.peers == 1:
        return 1.0, 1.0
    least = max(1 - inside, _SPREAD_LEFT / max(inside, 1.0))
    spread = 1 - (1 - its.peers**-_SPREAD_POWER) * (1 - least)
    return spread, max(0.0, 1 - (1 - spread) / inside)


def _leads(
    its: Replica, step: Step, extras: tuple[tuple[float, float], ...], short: float, burst: float
) -> tuple[tuple[float, float], ...]:
    long_share = total = 0.0
    for (share, tokens), (_, extra) in zip(its.law.prompts, extras, strict=True):
        if tokens > step.room:
            long_share += share
            total += share * (step.base * ceil(tokens / step.room) + extra)
    if not long_share:
        return ((1.0, short),)
    return ((1 - long_share, short), (long_share, max(short, total / long_share - burst / 2)))
