"""One replica in the long run: its step time, batch and queue at a given rate of requests, without simulation."""

from dataclasses import dataclass
from math import erf, exp, inf, sqrt
from typing import Final, NamedTuple

from penstock.engine.steptime import OVERHEAD_FACTOR, OVERHEAD_MS, StepCost

_ITERATIONS: Final = 60
_TOLERANCE: Final = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineShape:
    """An engine: what a step costs, and the limits of its batch (sequences, tokens a step, tokens of KV cache)."""

    cost: StepCost
    max_num_seqs: int = 256
    token_budget: int = 2048
    kv_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Mean tokens of a request and of its answer, and their coefficients of variation.

    The defaults lie between those of Azure's public traces of 2023: conversation .96 and .77, code .96 and 2.1.
    """

    input_tokens: float
    output_tokens: float
    input_cv: float = 0.96
    output_cv: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Means: time to first token, time per further token, requests inside the replica."""

    ttft_s: float
    tpot_s: float
    concurrency: float


class Within(NamedTuple):
    """Shares of requests that meet a target: the first token's, the further ones', both."""

    ttft: float
    tpot: float
    both: float


@dataclass(frozen=True, slots=True)
class _State:
    step_ms: float
    base_ms: float
    batch: float
    prompt_ms: float
    load: float


def _held_tokens(lengths: Lengths) -> float:
    """Mean context of a decoding sequence: its prompt and what it has generated, long answers seen more often."""
    return lengths.input_tokens + lengths.output_tokens * (1 + lengths.output_cv**2) / 2


def _slots(shape: EngineShape, lengths: Lengths) -> float:
    kv_tokens = shape.kv_tokens or shape.cost.kv_tokens
    return max(1.0, min(shape.max_num_seqs, kv_tokens / _held_tokens(lengths) if kv_tokens else inf))


def _base_ms(cost: StepCost, batch: float, held: float) -> float:
    return (cost.d0_ms + cost.d1_ms * batch + cost.d2_ms * batch * held) * OVERHEAD_FACTOR + OVERHEAD_MS


def _token_ms(shape: EngineShape, lengths: Lengths) -> float:
    """Time that a prompt token adds to a step that is already bound by compute."""
    mean_square_per_token = lengths.input_tokens * (1 + lengths.input_cv**2)
    return (shape.cost.p1_ms + shape.cost.p2_ms * mean_square_per_token) * OVERHEAD_FACTOR


def _extra_ms(shape: EngineShape, lengths: Lengths, batch: float, tokens: float) -> float:
    """Time that a step of `tokens` prompt tokens takes beyond one without any."""
    cost = shape.cost
    alone = cost.d0_ms + cost.d1_ms * batch
    mixed = max(alone, cost.p0_ms + cost.p1_ms * (tokens + batch), cost.prefill_floor_ms)
    return (mixed - alone) * OVERHEAD_FACTOR + (_token_ms(shape, lengths) - cost.p1_ms * OVERHEAD_FACTOR) * tokens


def _mean_extra_ms(shape: EngineShape, lengths: Lengths, batch: float, prompts: float) -> float:
    """Mean over Poisson many prompts in a step; beyond a few the mean number stands for all."""
    if prompts > 4:
        return _extra_ms(shape, lengths, batch, prompts * lengths.input_tokens)
    total, chance = 0.0, exp(-prompts)
    for count in range(1, 16):
        chance *= prompts / count
        total += chance * _extra_ms(shape, lengths, batch, count * lengths.input_tokens)
    return total


def _solve(shape: EngineShape, lengths: Lengths, per_ms: float) -> _State | None:
    """Find the step time that reproduces itself; None where there is none within the batch's limits."""
    held, slots = _held_tokens(lengths), _slots(shape, lengths)
    decodes = max(lengths.output_tokens - 1.0, 0.0)
    batch, step = 0.0, _base_ms(shape.cost, 0.0, held)
    base = step
    for _ in range(_ITERATIONS):
        batch = per_ms * decodes * step
        if batch > slots or per_ms * step * lengths.input_tokens > shape.token_budget:
            return None
        base = _base_ms(shape.cost, batch, held)
        new = base + _mean_extra_ms(shape, lengths, batch, per_ms * step)
        if abs(new - step) < _TOLERANCE * step:
            break
        step = new
    free = max(shape.token_budget - batch, 1.0)
    full = base + _extra_ms(shape, lengths, batch, free)
    prompt = lengths.input_tokens * full / free
    load = per_ms * prompt
    return _State(step, base, batch, prompt, load) if load < 1 else None


def highest_per_s(shape: EngineShape, lengths: Lengths) -> float:
    """Return the rate beyond which the replica falls behind, latencies apart."""
    low, high = 0.0, 1000.0 * shape.token_budget / lengths.input_tokens / _base_ms(shape.cost, 0.0, 0.0)
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (middle, high) if _solve(shape, lengths, middle / 1000) else (low, middle)
    return low or high


def latencies(shape: EngineShape, lengths: Lengths, rate_per_s: float) -> Latencies | None:
    """Return the means at a rate; None above what the replica sustains."""
    state = _solve(shape, lengths, rate_per_s / 1000)
    if state is None:
        return None
    waiting = state.load * state.prompt_ms * (1 + lengths.input_cv**2) / 2 / (1 - state.load)
    own = state.base_ms + _extra_ms(shape, lengths, state.batch, lengths.input_tokens)
    ttft = waiting + state.step_ms / 2 + own
    inside = state.batch + rate_per_s / 1000 * ttft
    return Latencies(ttft_s=ttft / 1000, tpot_s=state.step_ms / 1000, concurrency=inside)


def within_ratio(shape: EngineShape, lengths: Lengths, rate_per_s: float, ttft_s: float, tpot_s: float) -> Within:
    """Return the shares of requests that meet the targets at a rate; zeros where it is not sustained."""
    state = _solve(shape, lengths, rate_per_s / 1000)
    if state is None:
        return Within(0.0, 0.0, 0.0)
    first = _first_within(shape, lengths, state, ttft_s * 1000)
    further = _further_within(shape, lengths, state, tpot_s * 1000)
    return Within(first, further, max(0.0, first + further - 1))


def _first_within(shape: EngineShape, lengths: Lengths, state: _State, target_ms: float) -> float:
    own = state.step_ms / 2 + state.base_ms + _extra_ms(shape, lengths, state.batch, lengths.input_tokens)
    left = target_ms - own
    if left <= 0:
        return 0.0
    decay = 2 * (1 - state.load) / (state.prompt_ms * (1 + lengths.input_cv**2))
    return 1 - state.load * exp(-decay * left)


def _further_within(shape: EngineShape, lengths: Lengths, state: _State, target_ms: float) -> float:
    cost = shape.cost
    held = _held_tokens(lengths)
    slope = (cost.d1_ms + cost.d2_ms * held) * OVERHEAD_FACTOR * state.step_ms / state.base_ms
    window = max(lengths.output_tokens / 2, 1.0) * state.step_ms
    extra = _extra_ms(shape, lengths, state.batch, lengths.input_tokens)
    prompts = state.batch / window / max(lengths.output_tokens - 1.0, 1.0) * lengths.output_tokens / 2
    bursts = extra * (1 + lengths.input_cv**2) * extra * prompts * state.step_ms**2 / window if window else 0.0
    spread = sqrt(slope * slope * max(state.batch, 1e-9) + bursts) or 1e-9
    return 0.5 * (1 + erf((target_ms - state.step_ms) / spread / sqrt(2)))
