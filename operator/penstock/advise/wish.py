"""What was asked for: targets, prices, and whatever the history cannot tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.domain.variants import Slo
from penstock.scaling.config import DEFAULT_SLO
from penstock.sim.scene import PRICES_USD_PER_H


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Prices are of one accelerator and hour, by its name. `accelerator` and `count` stand in where nothing tells.

    `startup_s` is how long replicas take to start, None: as measured. `most_requests` bounds how many are played for
    each model, in blocks of `block_s`.
    """

    slo: Slo = DEFAULT_SLO
    accelerator: str | None = None
    count: int | None = None
    prices: Mapping[str, float] = field(default_factory=lambda: PRICES_USD_PER_H)
    startup_s: float | None = None
    most_requests: float = 1_200_000.0
    block_s: float = 4 * 3600.0
    seed: int = 1

    def price(self, accelerator: str) -> float | None:
        """Return the price of one accelerator: that of the longest name that its own begins with."""
        names = sorted(self.prices, key=len, reverse=True)
        plain = accelerator.upper().removeprefix("NVIDIA").strip(" -")
        return next((self.prices[name] for name in names if plain.startswith(name.upper())), None)
