"""How many requests miss their latency targets at a replica's steady state: tails of waiting and of decoding."""

from math import ceil, exp, expm1, log1p, sqrt
from typing import Final, NamedTuple

from penstock.engine.laws import gamma_tail, noisy_tail, normal_tail
from penstock.engine.steadystate import Replica, State
from penstock.engine.steptime import OVERHEAD_FACTOR

_FAR: Final = 6.0  # standard deviations beyond which a normal tail is nothing
# fitted to simulated replicas
_YOUNGER: Final = 0.8
_YOUNGER_NOISE: Final = 0.5
_OVERLAP: Final = 0.2
_FIRST_PASSAGE: Final = 0.25


class Missed(NamedTuple):
    """Shares of requests that miss the first token's target, the further ones', either."""

    ttft: float
    tpot: float
    either: float


class _Wait(NamedTuple):
    """Wait before one's own prompt. With chance `busy` prompts stand before: then `mean` and `variance` hold (ms).

    With chance `full` no place is free at all: `all_mean` and `all_variance` then hold, `places` on top.
    """

    busy: float
    mean: float
    variance: float
    all_mean: float
    all_variance: float
    full: float
    places: float


def missed(its: Replica, at: State, ttft_ms: float, tpot_ms: float) -> Missed:
    """Return which shares miss; everything where the load is not sustained."""
    if at.load >= 0.999:
        return Missed(1.0, 1.0, 1.0)
    first = min(1.0, _late_first(its, at, ttft_ms))
    further = min(1.0, _slow_tokens(its, at, tpot_ms))
    return Missed(first, further, max(first, further, first + further - _OVERLAP * min(first, further)))


def mean_ttft_ms(its: Replica, at: State) -> float:
    """Return the mean time to first token."""
    wait = _wait(its, at)
    own = sum(
        [
            share * (at.base * ceil(tokens / at.room) + extra)
            for (share, tokens), (_, extra) in zip(its.law.prompts, at.extras, strict=True)
        ]
    )
    return own + wait.all_mean + wait.full * wait.places


# --- the first token


def _wait(its: Replica, at: State) -> _Wait:
    """M/G/1 in token time (Pollaczek, Khinchine) behind a decode step under way; younger prompts ride along."""
    lengths, ms_per_token = its.law, at.full / at.room
    rate, busy = at.rate * at.pairing, max(at.load * at.pairing, 1e-12)
    square = lengths.prompt_square * ms_per_token**2
    wait = rate * square / 2 / (1 - busy)
    second = 2 * wait * wait + rate * lengths.prompt_cube * ms_per_token**3 / 3 / (1 - busy)
    begun, begun_variance = at.base / 2, at.base**2 / 12
    burst, per_ms = at.full - at.base, _YOUNGER * rate * at.prompt
    behind = wait / busy
    younger = min(per_ms * (begun + behind), burst)
    alone = min(per_ms * begun, burst)
    noise = square / (lengths.prompt * ms_per_token)
    stretch = (1 + younger / (begun + behind)) ** 2
    both = busy * younger + (1 - busy) * alone
    full, places = _no_place(its, at)
    return _Wait(
        busy=busy,
        mean=behind + begun + younger,
        variance=(second / busy - behind**2 + begun_variance) * stretch + younger * noise * _YOUNGER_NOISE,
        all_mean=wait + begun + both,
        all_variance=second - wait * wait + begun_variance + both * noise,
        full=full,
        places=places,
    )


def _no_place(its: Replica, at: State) -> tuple[float, float]:
    """Return the chance that all places are taken and the mean wait then; as M(n)/M/c, with a normal batch below c."""
    places = its.places - at.rate * (at.base + at.prompt)
    if places <= at.batch:
        return 1.0, 1e9
    variance = at.batch * at.crowd
    if its.by_cache:
        variance *= 1 + its.law.held_variance / its.law.held**2
    deviation = sqrt(max(variance, 1e-12))
    z = (places - at.batch) / deviation
    if z > (2 * _FAR if its.by_cache else _FAR):
        return 0.0, 0.0
    ratio = min(0.9999, at.batch / places * (at.step + at.feedback * (places - at.batch)) / at.step)
    beyond = exp(-z * z / 2) / (2.5066 * deviation) / (1 - ratio)
    spare = at.rate / ratio * (1 - ratio) * its.peers
    full = beyond / (normal_tail(-z) + beyond)
    if its.by_cache:
        full = min(1.0, max(full, gamma_tail(places, at.batch, variance) / (1 - ratio)))
    return full, (1 + its.law.answer_cv**2) / 2 / spare


def _late_first(its: Replica, at: State, target: float) -> float:
    wait = _wait(its, at)
    total = 0.0
    for (share, tokens), (_, extra), span in zip(its.law.prompts, at.extras, its.law.spans, strict=True):
        steps = ceil(tokens / at.room)
        own = at.base * steps + extra
        late = _late(at, wait, target - own, span * own)
        if steps > 1 and late < 1:
            late = _joined(at, wait, late, target - own, _Long(own, tokens, tokens - (steps - 1) * at.room))
        total += share * late
    return total


def _late(at: State, wait: _Wait, left: float, span: float = 0.0) -> float:
    """P(the wait takes more than what is `left`) of prompts whose own times lie within `span` ms around their mean."""
    idle = min(max(0.0, 1 - (left + span / 2) / (at.base + span)), 1.0)
    late = (1 - wait.busy) * idle + wait.busy * gamma_tail(left, wait.mean, wait.variance)
    if wait.full:
        mean, variance = wait.all_mean + wait.places, wait.all_variance + wait.places**2
        late = (1 - wait.full) * late + wait.full * gamma_tail(left, mean, variance)
    return late


class _Long(NamedTuple):
    """A prompt of several steps: time of its own, tokens, those in its last step."""

    own: float
    tokens: float
    last: float


def _joined(at: State, wait: _Wait, late: float, left: float, prompt: _Long) -> float:
    """Let those that came in during the other steps of a long prompt fill up its last one, which then takes longer."""
    expected = at.rate * at.pairing * (prompt.own - at.base) * (1 - prompt.last / prompt.tokens)
    some = -expm1(-expected)
    if some <= 0:
        return late
    longer = min(at.prompt * expected / some, (1 - prompt.last / at.room) * (at.full - at.base))
    return (1 - some) * late + some * _late(at, wait, left - longer)


# --- the tokens after it


def _slow_tokens(its: Replica, at: State, target: float) -> float:
    """Return the share of answers to whose n steps others' prompts add more than n·(target - base).

    Slow changes of the batch add noise, averaged over the answer's time as an Ornstein-Uhlenbeck process is.
    """
    burst = at.full - at.base
    base = at.base + at.slope
    largest = max([extra for _, extra in at.extras]) * at.sharing
    square = sum([share * extra * extra for share, extra in at.extras]) * at.sharing**2
    cache = OVERHEAD_FACTOR * its.shape.cost.d2_ms * at.step / at.base
    variance = (at.feedback**2 + cache * cache * its.law.held_variance) * at.batch * at.crowd
    memory = max(its.law.age * at.step * at.crowd, 1e-9)
    total = 0.0
    for share, tokens in its.law.answers:
        steps = tokens - 1.0
        if steps < 0.5:
            continue
        spare = steps * (target - base)
        noise = max(steps * sqrt(variance * _averaged(steps * target / memory)) * at.base / at.step, 1e-6)
        if spare < -_FAR * noise:
            total += share
        elif spare < steps * burst + _FAR * noise:
            total += share * _overrun(its, at, steps, target, _Spare(spare, noise, steps * burst, largest, square))
    return total


def _averaged(times: float) -> float:
    """Variance of the mean of an Ornstein-Uhlenbeck process over `times` its memory, against that of one instant."""
    return 1 - times / 3 if times < 0.01 else 2 * (times + expm1(-times)) / (times * times)


class _Spare(NamedTuple):
    """Time to spare over an answer, its noise, the most that prompts can add, the most of one, and its mean square."""

    ms: float
    noise: float
    most: float
    largest: float
    square: float


def _overrun(its: Replica, at: State, steps: float, target: float, spare: _Spare) -> float:
    """P(prompts add more than there is to spare): none, one, or a compound Poisson number of them, as a gamma law.

    The first has to come in before the answer would have ended without it; the others have somewhat longer.
    """
    rate = at.rate * at.pairing
    none = normal_tail(spare.ms / spare.noise)
    one = _one_is_enough(at, spare)
    total = 0.0
    for share, lead in at.leads:
        early = rate * (lead + (steps - 1) * at.base)
        some = -expm1(-early)
        expected = early + rate * (steps - 1) * (target - at.base) * some**_FIRST_PASSAGE
        exactly_one = exp(-expected) * early
        several = some - exactly_one
        total += share * ((1 - some) * none + exactly_one * one)
        if several > 1e-7:
            total += share * several * _several_are_enough(its, at, expected, spare)
    return total


def _one_is_enough(at: State, spare: _Spare) -> float:
    if spare.ms > min(spare.largest, spare.most) + _FAR * spare.noise:
        return 0.0
    return sum(
        [
            share * normal_tail((spare.ms - min(extra * at.sharing, spare.most)) / spare.noise)
            for share, extra in at.extras
        ]
    )


def _several_are_enough(its: Replica, at: State, expected: float, spare: _Spare) -> float:
    if spare.ms <= 0:
        return 1.0
    none = exp(-expected)
    chance = max(-expm1(log1p(expected) - expected), 1e-12)
    mean = (expected - expected * none) * at.prompt / chance
    second = ((expected - expected * none) * spare.square + (expected * at.prompt) ** 2) / chance
    if its.peers > 1:
        times = expected / max(1e-9, at.batch * at.spread)
        second -= (1 - at.spread) * (1 - _averaged(times)) * expected * at.prompt**2
    variance = max(second - mean * mean, 1e-9)
    if spare.ms >= spare.most and spare.most < mean + _FAR * sqrt(variance):
        return 0.0
    return noisy_tail(spare.ms, mean, variance, spare.noise**2)
