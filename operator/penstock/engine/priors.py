"""What an engine is taken for before it has been seen at work: from its profile, a measured row, or data sheets.

Measured rows (`steptime.GPUS`) are for 8 billion parameters in 16 bits. Other models and GPUs follow by roofline:
decoding is bound by the bytes of weights and cache that are read, prompts by floating-point operations.
"""

from dataclasses import dataclass, replace
from math import hypot, log, log2
from typing import Final

from penstock.domain.variants import PerfProfile
from penstock.engine.gpus import FACTS, Gpu, known
from penstock.engine.modelnames import ModelSize, size_of
from penstock.engine.steadystate import EngineShape
from penstock.engine.steptime import GPUS, OVERHEAD_FACTOR, OVERHEAD_MS, StepCost

TOKEN_BUDGET: Final = 2048
"""vLLM's default for tokens a step, but for its API servers on GPUs of the H100's class (8192)."""

_MEASURED: Final = ModelSize(8.03, 8.03, 2.0)
_MEASURED_PAIRS: Final = {("H100", 8.03): "H100-TP2", ("H100", 32.8): "H100-TP2-32B"}
_NEAR: Final = 0.1
_MEMORY_USED: Final = 0.9
_ACTIVATIONS_GB: Final = 1.5
_CACHE_BYTES: Final = 131_072
_CACHE_POWER: Final = 0.45  # cache bytes per token against active parameters, over Llama 3 and Qwen 3
_SQUARE_POWER: Final = 0.75
_SPLIT_LOSS: Final = 0.8  # of what each doubling of the GPUs should bring, it does
_EXPERTS_READ: Final = 0.8  # of all weights of a mixture, in a batch of some tens
_LEAST_MS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Doubt:
    """One standard deviation of the logarithm of: all decode coefficients together, all prompt ones, each by itself."""

    decode: float
    prompt: float
    each: float


_OF_A_ROW: Final = Doubt(0.15, 0.15, 0.1)
_OF_A_PROFILE: Final = Doubt(0.15, 0.15, 0.15)
_OF_DATA_SHEETS: Final = Doubt(0.3, 0.35, 0.15)
_OF_NOTHING: Final = Doubt(1.0, 1.0, 0.3)


@dataclass(frozen=True, slots=True)
class Prior:
    """An engine as supposed, how sure that is, and by which factor at most any coefficient may turn out otherwise."""

    shape: EngineShape
    doubt: Doubt
    bound: float = 5.0


def prior(
    accelerator: str | None,
    accelerators_per_replica: int | None,
    model: str,
    profile: PerfProfile | None = None,
    max_num_seqs: int | None = None,
    token_budget: int = TOKEN_BUDGET,
) -> Prior | None:
    """Return what is supposed of an engine; None where neither profile nor GPU and model size are known."""
    count = max(1, accelerators_per_replica or 1)
    gpu, size = known(accelerator or ""), size_of(model)
    slots = max_num_seqs or (profile.max_batch if profile else 0) or 256
    budget = max(token_budget, slots)
    sheet = _by_sheet(gpu, size, count) if gpu and size else None
    if profile is not None:
        cost = replace(_by_profile(profile), kv_tokens=sheet[0].kv_tokens if sheet else 0)
        return Prior(EngineShape(cost=cost, max_num_seqs=slots, token_budget=budget), _OF_A_PROFILE)
    if sheet is None:
        return None
    return Prior(EngineShape(cost=sheet[0], max_num_seqs=slots, token_budget=budget), sheet[1])


def generic(max_num_seqs: int | None = None, token_budget: int = TOKEN_BUDGET) -> Prior:
    """Return what any engine is taken for until some samples of it have come in: hardly more than a form."""
    slots = max_num_seqs or 256
    return Prior(
        EngineShape(cost=GPUS["A100"], max_num_seqs=slots, token_budget=max(token_budget, slots)), _OF_NOTHING, 30.0
    )


def _by_profile(profile: PerfProfile) -> StepCost:
    """Write decode α + βB and prefill γ + δ·input·B as a step cost; the host's share is part of α and γ."""

    def kernel_ms(total_ms: float) -> float:
        return max((total_ms - OVERHEAD_MS) / OVERHEAD_FACTOR, _LEAST_MS)

    return StepCost(
        p0_ms=kernel_ms(profile.gamma_ms),
        p1_ms=profile.delta_ms / OVERHEAD_FACTOR,
        p2_ms=0.0,
        d0_ms=kernel_ms(profile.alpha_ms),
        d1_ms=profile.beta_ms / OVERHEAD_FACTOR,
        d2_ms=0.0,
    )


def _by_sheet(gpu: Gpu, size: ModelSize, count: int) -> tuple[StepCost, Doubt] | None:
    """Return cost and doubt by the nearest measured row; None where the model does not fit into the memory."""
    cache_gb = _MEMORY_USED * gpu.memory * count - size.weights_gb - _ACTIVATIONS_GB * count
    per_token = _CACHE_BYTES * (size.active / _MEASURED.active) ** _CACHE_POWER
    if cache_gb * 1e9 < per_token * TOKEN_BUDGET:
        return None
    pair = _measured_pair(gpu, size, count)
    if pair is not None:
        return GPUS[pair], _OF_A_ROW
    far = hypot(
        log(gpu.bandwidth / FACTS[gpu.row].bandwidth),
        log(gpu.flops / FACTS[gpu.row].flops),
        log(size.weights_gb / _MEASURED.weights_gb),
        log(count),
    )
    if far < _NEAR:
        return GPUS[gpu.row], _OF_A_ROW
    return replace(_scaled(gpu, size, count), kv_tokens=int(cache_gb * 1e9 / per_token)), _OF_DATA_SHEETS


def _measured_pair(gpu: Gpu, size: ModelSize, count: int) -> str | None:
    if count != 2 or gpu != FACTS["H100"] or size.bytes_each != 2 or size.active != size.parameters:
        return None
    near = (row for (_, measured), row in _MEASURED_PAIRS.items() if abs(log(size.parameters / measured)) < _NEAR)
    return next(near, None)


def _scaled(gpu: Gpu, size: ModelSize, count: int) -> StepCost:
    row, kin = GPUS[gpu.row], FACTS[gpu.row]
    split = count * _SPLIT_LOSS ** log2(count)
    slower_reads = kin.bandwidth / gpu.bandwidth / split
    slower_flops = kin.flops / gpu.flops / split
    larger = size.active / _MEASURED.active
    read = (
        size.weights_gb
        if size.active == size.parameters
        else max(_EXPERTS_READ * size.weights_gb, size.active * size.bytes_each)
    )
    weights = slower_reads * read / _MEASURED.weights_gb
    return StepCost(
        p0_ms=row.p0_ms * weights,
        p1_ms=row.p1_ms * slower_flops * larger,
        p2_ms=row.p2_ms * slower_flops * larger**_SQUARE_POWER,
        d0_ms=row.d0_ms * weights,
        d1_ms=row.d1_ms * slower_flops * larger,
        d2_ms=row.d2_ms * slower_reads * larger**_CACHE_POWER,
        prefill_floor_ms=row.prefill_floor_ms * weights,
    )
