"""Laws that arrivals and lengths are drawn from, where no recording is played."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from penstock.sim.traces import Arrival

Rate = Callable[[float], float]
"""Requests per second at a time."""

Lengths = Callable[[Random], tuple[int, int]]
"""Draws the input and output tokens of one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal:
    """A log-normal number of tokens; `mu` and `sigma` are of its logarithm, and what is above `longest` is cut."""

    mu: float
    sigma: float
    longest: int = 8000

    def draw(self, chance: Random) -> int:
        """Return a length, at least one."""
        return max(1, min(self.longest, round(chance.lognormvariate(self.mu, self.sigma))))


def fixed(input_tokens: int, output_tokens: int) -> Lengths:
    """Return the same lengths for every request."""
    return lambda _: (input_tokens, output_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clipped:
    """A normal number of tokens, `least` or `most` where it would be beyond them."""

    mean: float
    deviation: float
    least: int
    most: int

    def draw(self, chance: Random) -> int:
        """Return a length."""
        return max(self.least, min(self.most, round(chance.gauss(self.mean, self.deviation))))


def both(inputs: LogNormal | Clipped, outputs: LogNormal | Clipped) -> Lengths:
    """Return lengths that know nothing of each other."""
    return lambda chance: (inputs.draw(chance), outputs.draw(chance))


def drawn(arrivals: Sequence[Arrival]) -> Lengths:
    """Return the lengths of a recording, each pair as likely as any other."""
    pairs = [(arrival.input_tokens, arrival.output_tokens) for arrival in arrivals]
    return lambda chance: chance.choice(pairs)


def poisson(rate: Rate, most_per_s: float, length_s: float, chance: Random) -> Iterator[float]:
    """Yield the times of a Poisson process whose rate is never above `most_per_s` (thinning; Lewis, Shedler 1979)."""
    at_s = chance.expovariate(most_per_s)
    while at_s < length_s:
        if chance.random() * most_per_s < rate(at_s):
            yield at_s
        at_s += chance.expovariate(most_per_s)


def load_stages(steps: Sequence[tuple[float, float]], chance: Random) -> Iterator[float]:
    """Yield times for steps of (seconds, requests per second) as kubernetes-sigs/inference-perf's `constant` load does.

    In each stage there are exactly as many as its rate says, at exponential gaps that are scaled to fill it.
    """
    begin_s = 0.0
    for length_s, per_s in steps:
        gaps = [chance.expovariate(1.0) for _ in range(int(length_s * per_s))]
        scale_s, at_s = length_s / math.fsum(gaps), begin_s
        for gap in gaps[:-1]:  # the last one would be the stage's end
            at_s += gap * scale_s
            yield at_s
        begin_s += length_s
        yield math.nextafter(begin_s, 0.0)


def gamma(rate: Rate, cv: float, length_s: float, chance: Random) -> Iterator[float]:
    """Yield the times of a renewal process with Gamma gaps of this coefficient of variation, at a changing rate.

    Gaps are drawn with mean 1 and stand in operational time, which runs as fast as the rate at the gap's beginning.
    """
    shape = 1 / cv**2
    at_s = chance.gammavariate(shape, 1 / shape) / rate(0.0)
    while at_s < length_s:
        yield at_s
        at_s += chance.gammavariate(shape, 1 / shape) / rate(at_s)


def swing(mean_per_s: float, share: float, period_s: float) -> Rate:
    """Return a rate that swings by a share around its mean, lowest at the start of each period."""
    return lambda at_s: mean_per_s * (1 - share * math.cos(2 * math.pi * at_s / period_s))


def stages(steps: Sequence[tuple[float, float]]) -> Rate:
    """Return a rate of (seconds, requests per second) one after the other; the last one holds on."""

    def rate(at_s: float) -> float:
        ends_s = 0.0
        for length_s, per_s in steps:
            ends_s += length_s
            if at_s < ends_s:
                return per_s
        return steps[-1][1]

    return rate


def dressed(times_s: Iterator[float], lengths: Lengths, chance: Random) -> list[Arrival]:
    """Return arrivals at these times, with lengths."""
    found = []
    for at_s in times_s:
        input_tokens, output_tokens = lengths(chance)
        found.append(Arrival(at_s=at_s, input_tokens=input_tokens, output_tokens=output_tokens))
    return found
