"""The engine as it must have been: what is supposed of its GPU, made faster or slower until it fits the record."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final, NamedTuple

from penstock.advise.past import Sample, VariantPast
from penstock.engine.capacity import EngineShape, Lengths, latency
from penstock.engine.priors import generic, prior

_MOST: Final = 32  # samples that are looked at
_ROUNDS: Final = 12
_FASTER: Final = 0.8
_FARTHEST: Final = 0.4
_BOUNDS: Final = (1 / 30, 30.0)
_FEW: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """An engine fitted to what was recorded.

    `supposed` says whether GPU and model size told where to begin; `samples` are those that the fit rests on, none:
    as supposed. `decode` and `prompt` are the factors that its times were multiplied by.
    """

    shape: EngineShape
    supposed: bool
    samples: int
    decode: float
    prompt: float


def fitted(
    variant: VariantPast, model: str, accelerator: str, count: int, cvs: tuple[float | None, float | None]
) -> Fitted:
    """Fit the engine of a variant: decoding by the time between tokens, prompts by the time to the first one."""
    begun = prior(accelerator, count, model)
    shape = (begun or generic()).shape
    if variant.kv_tokens:
        shape = replace(shape, cost=replace(shape.cost, kv_tokens=variant.kv_tokens))
    chosen = _spread([one for one in variant.samples if one.input_tokens >= 1 and one.output_tokens > 1])
    best = _search(shape, chosen, cvs) if len(chosen) >= _FEW else _Found(math.inf, 1.0, 1.0, 0)
    return Fitted(
        shape=_scaled(shape, best.decode, best.prompt),
        supposed=begun is not None,
        samples=best.samples,
        decode=best.decode,
        prompt=best.prompt,
    )


class _Found(NamedTuple):
    """Two factors, how far off they leave what is foretold, and for how many samples anything was."""

    off: float
    decode: float
    prompt: float
    samples: int


def _search(shape: EngineShape, samples: Sequence[Sample], cvs: tuple[float | None, float | None]) -> _Found:
    """Return the best of the factors that lead from the supposed engine to the recorded one, step by step."""
    best = _Found(math.inf, 1.0, 1.0, 0)
    decode = prompt = 1.0
    for _ in range(_ROUNDS):
        off = _off(_scaled(shape, decode, prompt), samples, cvs)
        if len(off) < max(_FEW, len(samples) // 2):  # so slow an engine could not have served what it did
            decode, prompt = decode * _FASTER, prompt * _FASTER
            continue
        gaps, first = median(one for one, _ in off), _first(off)
        best = min(best, _Found(abs(gaps) + abs(first), decode, prompt, len(off)))
        decode, prompt = _moved(decode, gaps), _moved(prompt, 0.7 * first)
    return best


def _first(off: Sequence[tuple[float, float]]) -> float:
    """Return by how much prompts are off, by the quieter half: a queue's wait tells of load more than of prompts."""
    return median(sorted(one for _, one in off)[: max(len(off) // 2, 1)])


def _spread(samples: Sequence[Sample]) -> list[Sample]:
    """Return at most so many, from the idlest to the busiest alike."""
    ranked = sorted(samples, key=lambda one: one.per_s)
    every = max(len(ranked) / _MOST, 1.0)
    return [ranked[int(index * every)] for index in range(int(len(ranked) / every))]


def _off(
    shape: EngineShape, samples: Sequence[Sample], cvs: tuple[float | None, float | None]
) -> list[tuple[float, float]]:
    """Return the logarithms of recorded over foretold, of the time between tokens and of that to the first one."""
    found = []
    for one in samples:
        lengths = Lengths(
            input_tokens=one.input_tokens, output_tokens=one.output_tokens, input_cv=cvs[0], output_cv=cvs[1]
        )
        told = latency(shape, lengths, one.per_s, one.replicas)
        if told is not None and told.tpot_s > 0 and told.ttft_s > 0:
            found.append((math.log(one.tpot_s / told.tpot_s), math.log(one.ttft_s / told.ttft_s)))
    return found


def _moved(factor: float, by: float) -> float:
    """Return a factor, moved by a logarithm, but not far at once: what is foretold bends near an engine's limit."""
    return min(max(factor * math.exp(min(max(by, -_FARTHEST), _FARTHEST)), _BOUNDS[0]), _BOUNDS[1])


def _scaled(shape: EngineShape, decode: float, prompt: float) -> EngineShape:
    return replace(shape, cost=shape.cost.scaled((decode,) * 3, (prompt,) * 3, floor=prompt))
