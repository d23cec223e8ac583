"""The engine as it must have been: what is supposed of its GPU, made faster or slower until it fits the record."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from penstock.advise.past import Sample, VariantPast
from penstock.engine.capacity import EngineShape, Lengths, latency
from penstock.engine.priors import generic, prior
from penstock.engine.steptime import StepCost

_MOST: Final = 32  # samples that are looked at
_ROUNDS: Final = 8
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
    decode = prompt = 1.0
    used = 0
    for _ in range(_ROUNDS if len(chosen) >= _FEW else 0):
        off = _off(_scaled(shape, decode, prompt), chosen, cvs)
        used = len(off)
        if used < max(_FEW, len(chosen) // 2):  # so slow an engine could not have served what it did
            decode, prompt = decode * 0.7, prompt * 0.7
            continue
        decode, prompt = (
            _bound(decode * math.exp(median(one for one, _ in off))),
            _bound(prompt * math.exp(_first(off))),
        )
    return Fitted(
        shape=_scaled(shape, decode, prompt), supposed=begun is not None, samples=used, decode=decode, prompt=prompt
    )


def _first(off: Sequence[tuple[float, float]]) -> float:
    """Return by how much prompts are off, by the quieter half: a queue's wait tells of load more than of prompts."""
    return 0.7 * median(sorted(one for _, one in off)[: max(len(off) // 2, 1)])


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


def _bound(factor: float) -> float:
    return min(max(factor, _BOUNDS[0]), _BOUNDS[1])


def _scaled(shape: EngineShape, decode: float, prompt: float) -> EngineShape:
    cost = shape.cost
    return replace(
        shape,
        cost=StepCost(
            p0_ms=cost.p0_ms * prompt,
            p1_ms=cost.p1_ms * prompt,
            p2_ms=cost.p2_ms * prompt,
            d0_ms=cost.d0_ms * decode,
            d1_ms=cost.d1_ms * decode,
            d2_ms=cost.d2_ms * decode,
            prefill_floor_ms=cost.prefill_floor_ms * prompt,
            kv_tokens=cost.kv_tokens,
        ),
    )
