"""What an engine's own series should show at a given load, and how each coefficient of its step cost weighs in that."""

from dataclasses import dataclass
from math import ceil, expm1
from typing import Final, NamedTuple

from penstock.engine.lengths import Law
from penstock.engine.steptime import OVERHEAD_FACTOR, OVERHEAD_MS, StepCost

Weights = tuple[float, float, float, float, float, float]
"""d ln(prediction) / d ln(coefficient), for d0, d1, d2, p0, p1, p2."""

_LEAST: Final = 1e-9
_SCATTER, _MOST_SCATTER = 1.4, 0.9  # how steps of unlike length gather prompts; fitted to simulation


class Prediction(NamedTuple):
    """A mean in ms and its weights."""

    ms: float
    weights: Weights


@dataclass(frozen=True, slots=True)
class Load:
    """What a replica works on: requests per ms, its mean time per token in ms, lengths, tokens a step at most."""

    per_ms: float
    token_ms: float
    law: Law
    token_budget: int

    @property
    def batch(self) -> float:
        """Sequences that decode, by Little's law."""
        return self.per_ms * self.law.decodes * self.token_ms


class _Prompts(NamedTuple):
    """Kernel time that the prompts of one class mean add: steps above what decoding hides, their tokens, all steps."""

    longer: float
    tokens: float
    steps: float
    floor_ms: float


def token_ms(cost: StepCost, load: Load) -> Prediction:
    """Predict the mean time per further token, which decoding sequences see: one's own counts in the batch."""
    prompts = load.per_ms * load.token_ms
    some = -expm1(-prompts)
    at_once = prompts / some if some > _LEAST else 1.0
    batch = load.batch
    added = _prompts(cost, load, at_once)
    alone = cost.d0_ms + cost.d1_ms * batch
    square = cost.p2_ms * load.law.prompt_square
    extra = cost.p0_ms * added.longer + cost.p1_ms * added.tokens - alone * added.longer + added.floor_ms
    base = cost.d0_ms + (cost.d1_ms + cost.d2_ms * load.law.held) * (batch + 1)
    one = extra / at_once + square
    # what comes in during one's own prompt is served right after it
    lead = max(0.0, (base + one) * OVERHEAD_FACTOR - load.token_ms) / (load.law.decodes * load.token_ms)
    shown = some * (1 + min(lead, 1.0))
    total = base + shown * extra + prompts * (1 + min(lead, 1.0)) * square
    return _prediction(
        total,
        (
            cost.d0_ms * (1 - shown * added.longer),
            cost.d1_ms * (batch + 1 - shown * added.longer * batch),
            cost.d2_ms * load.law.held * (batch + 1),
            cost.p0_ms * shown * added.longer,
            cost.p1_ms * shown * added.tokens,
            prompts * (1 + min(lead, 1.0)) * square,
        ),
    )


def prompt_ms(cost: StepCost, load: Load) -> Prediction:
    """Predict the mean time from a request's first step to its first token: its steps, and prompts that ride along."""
    batch, law = load.batch, load.law
    own = _prompts(cost, load, 1.0)
    alone = cost.d0_ms + cost.d1_ms * batch
    extra = cost.p0_ms * own.longer + cost.p1_ms * own.tokens - alone * own.longer + own.floor_ms
    square = cost.p2_ms * law.prompt_square
    busy = min(load.per_ms * (extra + square) * OVERHEAD_FACTOR, 0.9)
    scatter = law.prompt_square / law.prompt**2
    long_steps = min(_SCATTER * busy * busy * scatter / (1 - busy * busy), _MOST_SCATTER)
    with_others = 1 + load.per_ms * load.token_ms + long_steps
    base = cost.d0_ms + (cost.d1_ms + cost.d2_ms * law.held) * batch
    longer = with_others * own.longer
    return _prediction(
        own.steps * base + with_others * (extra + square),
        (
            cost.d0_ms * (own.steps - longer),
            cost.d1_ms * batch * (own.steps - longer),
            cost.d2_ms * law.held * batch * own.steps,
            cost.p0_ms * longer,
            cost.p1_ms * with_others * own.tokens,
            with_others * square,
        ),
        steps=own.steps,
    )


def _prediction(kernel_ms: float, parts: Weights, steps: float = 1.0) -> Prediction:
    total = max(kernel_ms * OVERHEAD_FACTOR + OVERHEAD_MS * steps, _LEAST)
    d0, d1, d2, p0, p1, p2 = parts
    share = OVERHEAD_FACTOR / total
    return Prediction(total, (d0 * share, d1 * share, d2 * share, p0 * share, p1 * share, p2 * share))


def _prompts(cost: StepCost, load: Load, at_once: float) -> _Prompts:
    """Return sums over the classes of prompts, `at_once` times as long each."""
    batch = load.batch
    room = max(load.token_budget - batch, 16.0)
    alone = cost.d0_ms + cost.d1_ms * batch
    hidden = (alone - cost.p0_ms) / cost.p1_ms - batch if cost.p1_ms > 0 else room
    longer = tokens = steps = floor_ms = 0.0
    floor = cost.prefill_floor_ms - alone
    for share, size in load.law.prompts:
        whole, rest = divmod(size * at_once, room)
        steps += share * ceil(size / room)
        for count, chunk in ((whole, room), (1.0, rest)):
            if count and chunk > hidden and cost.p0_ms + cost.p1_ms * (chunk + batch) - alone > floor:
                longer += share * count
                tokens += share * count * (chunk + batch)
            elif count and chunk and floor > 0:
                floor_ms += share * count * floor
    return _Prompts(longer, tokens, steps, floor_ms)
