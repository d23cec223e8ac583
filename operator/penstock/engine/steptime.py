"""How long one step of a continuous batch takes on a GPU: a fitted table and the formula over it.

The coefficients were fitted to NVIDIA aiconfigurator 0.12 (silicon measurements; L4 by specification only) for
Llama-3.1-8B in bf16 on one GPU, unless the name says otherwise; the two scalars make the batch model agree with
a vLLM 0.19 run within 2 % in mean and P99 (LLMServingSim's benchmark on an RTX PRO 6000). Times in milliseconds:

    t = (max(d0 + d1·B, floor, p0 + p1·(N + B)) + d2·KV + p2·Σ n·(n + 2c)) · 1.1 + 1

N = prompt tokens computed in this step, n and c = chunk and tokens already cached of each prompt in it (the floor
holds only with one), B = decoding sequences, KV = tokens in their caches.
"""

from dataclasses import dataclass, replace
from typing import Final

from penstock.domain.errors import InvalidField

OVERHEAD_FACTOR: Final = 1.1
OVERHEAD_MS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCost:
    """One row of the table; `kv_tokens` is what the GPU's memory holds beside the weights."""

    p0_ms: float
    p1_ms: float
    p2_ms: float
    d0_ms: float
    d1_ms: float
    d2_ms: float
    prefill_floor_ms: float = 0.0
    kv_tokens: int = 0

    def kernel_ms(self, prefill_tokens: int, prefill_work: float, decodes: int, kv_tokens: int) -> float:
        """Return the time on the GPU; `prefill_work` is Σ n·(n + 2c)."""
        longest = self.d0_ms + self.d1_ms * decodes
        if prefill_tokens:
            compute = self.p0_ms + self.p1_ms * (prefill_tokens + decodes)
            longest = max(longest, compute, self.prefill_floor_ms)
        return longest + self.d2_ms * kv_tokens + self.p2_ms * prefill_work

    def step_s(self, prefill_tokens: int, prefill_work: float, decodes: int, kv_tokens: int) -> float:
        """Return the seconds of one engine step, the host's share included."""
        kernel = self.kernel_ms(prefill_tokens, prefill_work, decodes, kv_tokens)
        return (kernel * OVERHEAD_FACTOR + OVERHEAD_MS) / 1000

    def scaled(
        self, decode: tuple[float, float, float], prompt: tuple[float, float, float], floor: float
    ) -> "StepCost":
        """Return the cost with d0, d1, d2 and p0, p1, p2 times their factors, and the prefill floor times its own."""
        return replace(
            self,
            p0_ms=self.p0_ms * prompt[0],
            p1_ms=self.p1_ms * prompt[1],
            p2_ms=self.p2_ms * prompt[2],
            d0_ms=self.d0_ms * decode[0],
            d1_ms=self.d1_ms * decode[1],
            d2_ms=self.d2_ms * decode[2],
            prefill_floor_ms=self.prefill_floor_ms * floor,
        )


GPUS: Final = {
    "H100": StepCost(p0_ms=1.64, p1_ms=0.01975, p2_ms=5.63e-7, d0_ms=6.37, d1_ms=0.0112, d2_ms=4.19e-5,
                     prefill_floor_ms=7.4, kv_tokens=456_000),
    "H200": StepCost(p0_ms=0.83, p1_ms=0.02012, p2_ms=5.07e-7, d0_ms=4.92, d1_ms=0.0114, d2_ms=2.98e-5,
                     kv_tokens=897_000),
    "A100": StepCost(p0_ms=7.19, p1_ms=0.05482, p2_ms=1.58e-6, d0_ms=11.57, d1_ms=0.0315, d2_ms=8.19e-5,
                     kv_tokens=456_000),
    "L40S": StepCost(p0_ms=2.74, p1_ms=0.06623, p2_ms=2.62e-6, d0_ms=22.21, d1_ms=0.0346, d2_ms=1.91e-4,
                     prefill_floor_ms=25.0, kv_tokens=198_000),
    # its capacity is ours: (0.9 of 96 GB - 16.06 GB of weights - 1.5 GB) at 131,072 bytes a token
    "RTXPRO6000": StepCost(p0_ms=5.80, p1_ms=0.03753, p2_ms=1.02e-6, d0_ms=10.88, d1_ms=0.0152, d2_ms=8.71e-5,
                           kv_tokens=525_000),
    "L4": StepCost(p0_ms=3.0, p1_ms=0.20, p2_ms=6e-6, d0_ms=67.0, d1_ms=0.10, d2_ms=5.5e-4, kv_tokens=46_000),
    "H100-TP2": StepCost(p0_ms=1.66, p1_ms=0.01276, p2_ms=2.20e-7, d0_ms=3.97, d1_ms=0.0077, d2_ms=2.10e-5,
                         kv_tokens=1_060_000),
    # Qwen3-32B: 262,144 bytes a token, in what 0.9 of 2 x 80 GiB leave beside 65.5 GB of weights and 1.5 GB on each
    "H100-TP2-32B": StepCost(p0_ms=4.15, p1_ms=0.0496, p2_ms=1.01e-6, d0_ms=13.58, d1_ms=0.0256, d2_ms=4.32e-5,
                             kv_tokens=328_000),
}  # fmt: skip


def cost_of(gpu: str, field: str = "gpu") -> StepCost:
    """Return the row of a GPU; case does not count.

    Raises:
        InvalidField: not in the table.
    """
    cost = GPUS.get(gpu.upper())
    if cost is None:
        raise InvalidField(field, gpu, f"write one of {', '.join(GPUS)}")
    return cost
