"""llm-d-inference-sim's latencies: a call's own time to first token and between tokens, stretched under load.

Formulas as documented by llm-d-inference-sim ("Latency Simulation"): every deviation is at most 30 % of its mean,
a drawn value never differs from the mean by more than 70 %, and the load factor grows linearly from 1 with one
call running to `time_factor_under_load` with all slots taken.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.engine.calls import Chance

LARGEST_DEVIATION_RATIO: Final = 0.3
LARGEST_DIFFERENCE_RATIO: Final = 0.7


class Calculator(StrEnum):
    """How the time to first token comes about. Unset: constant where a constant is given, else per token."""

    UNSET = ""
    CONSTANT = "constant"
    PER_TOKEN = "per-token"  # noqa: S105 - a latency law, not a password


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Means and standard deviations, in seconds; checked when built.

    Raises:
        InvalidField: a negative time, a deviation above 30 % of its mean, or a load factor below 1.
    """

    calculator: Calculator = Calculator.UNSET
    time_to_first_token_s: float = 0.0
    time_to_first_token_std_dev_s: float = 0.0
    inter_token_latency_s: float = 0.0
    inter_token_latency_std_dev_s: float = 0.0
    prefill_overhead_s: float = 0.0
    prefill_time_per_token_s: float = 0.0
    prefill_time_std_dev_s: float = 0.0
    time_factor_under_load: float = 1.0

    def __post_init__(self) -> None:
        for name in _SECONDS:
            if getattr(self, name) < 0:
                raise InvalidField(_flag(name), f"{getattr(self, name)}s", "write 0s or more")
        for deviation, mean in _DEVIATIONS.items():
            if getattr(self, deviation) > LARGEST_DEVIATION_RATIO * getattr(self, mean) + 1e-12:
                value = f"{getattr(self, deviation):g}s"
                raise InvalidField(_flag(deviation), value, f"write at most 30 % of --{_flag(mean)}")
        if self.time_factor_under_load < 1:
            raise InvalidField("time-factor-under-load", self.time_factor_under_load, "write 1 or more")

    @property
    def per_token(self) -> bool:
        """Whether the prompt's length counts."""
        if self.calculator is Calculator.UNSET:
            return not (self.time_to_first_token_s or self.time_to_first_token_std_dev_s)
        return self.calculator is Calculator.PER_TOKEN

    def load_factor(self, running: int, slots: int) -> float:
        """Return by how much times stretch with `running` calls, the one that asks included, in `slots`."""
        if slots <= 1:
            return 1.0
        return 1 + (self.time_factor_under_load - 1) * (running - 1) / (slots - 1)

    def first_token_s(self, chance: Chance, uncached_tokens: int, factor: float) -> float:
        """Draw the seconds from the start of a call to its first token."""
        if not self.per_token:
            return drawn(chance, self.time_to_first_token_s * factor, self.time_to_first_token_std_dev_s)
        mean = (self.prefill_overhead_s + uncached_tokens * self.prefill_time_per_token_s) * factor
        return drawn(chance, mean, self.prefill_time_std_dev_s)

    def next_token_s(self, chance: Chance, factor: float) -> float:
        """Draw the seconds between two tokens."""
        return drawn(chance, self.inter_token_latency_s * factor, self.inter_token_latency_std_dev_s)


def drawn(chance: Chance, mean_s: float, std_dev_s: float) -> float:
    """Draw around a mean, never further from it than 70 %; without deviation the mean itself."""
    if std_dev_s == 0:
        return mean_s
    furthest = LARGEST_DIFFERENCE_RATIO * mean_s
    return min(max(chance.gauss(mean_s, std_dev_s), mean_s - furthest), mean_s + furthest)


_SECONDS: Final = tuple(name for name in Latencies.__annotations__ if name.endswith("_s"))
# the deviation of per-token prefill has no mean of its own, so nothing bounds it but the 70 %
_DEVIATIONS: Final = {
    "time_to_first_token_std_dev_s": "time_to_first_token_s",
    "inter_token_latency_std_dev_s": "inter_token_latency_s",
}


def _flag(name: str) -> str:
    return name.removesuffix("_s").replace("_", "-")
