"""Settings of the scaling pass that hold for the whole cluster."""

from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Final

from penstock.domain.variants import Actuation, Slo, SloSource


class Analyzer(StrEnum):
    """What turns load into replicas: latency targets, gauges of full engines, or tokens in caches and lines."""

    SLO = "slo"
    SATURATION_V1 = "saturation-v1"
    SATURATION_V2 = "saturation-v2"


OF_WVA: Final = {"saturation": Analyzer.SATURATION_V2}
"""What WVA's `analyzerName` may say besides."""


DEFAULT_SLO: Final = Slo(ttft_s=2.0, tpot_s=0.1, attainment_ratio=0.995, source=SloSource.DEFAULT)
LONGEST_WINDOW_S: Final = 300.0
"""The most for which less must suffice before replicas go where nobody chose it: the window of an HPA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `max_accelerators` of one type (empty: of all), in one namespace or (empty) over all of them.

    `where` says who set it.
    """

    accelerator: str
    max_accelerators: int
    namespace: str = ""
    where: str = "quotas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What the operator was told; the defaults are what holds where nobody says otherwise. Times in seconds.

    `idle_before_zero_s` says how long a model must idle before zero, once something could wake it.
    `scale_down_window_s` is how long less must suffice before replicas go; None leaves it to `window_s`.
    `retry_after_s` is how long a variant whose replicas found no place is not asked, the first time.
    `rate_window_s` is the time over which rates are measured, in which forecasts reckon.
    `shared_namespaces` hold the ConfigMaps that count for every namespace; empty means that any does.
    """

    default_actuation: Actuation = Actuation.SCALE
    default_slo: Slo = DEFAULT_SLO
    analyzer: Analyzer = Analyzer.SLO
    scale_to_zero: bool = False
    idle_before_zero_s: float = 600.0
    stale_after_s: float = 120.0
    scale_down_window_s: float | None = None
    startup_prior_s: float = 180.0
    retry_after_s: float = 900.0
    rate_window_s: float = 60.0
    quotas: tuple[Quota, ...] = ()
    controller_instance: str = ""
    shared_namespaces: frozenset[str] = frozenset()

    def window_s(self, startup_s: float = inf) -> float:
        """Return how long less must suffice before replicas go that take so long to start.

        What nobody chose is the time to have one back: who keeps a thing for as long as it takes to pay for it again
        never pays more than twice what was right (Karlin et al., "Competitive snoopy caching", 1988). It is no shorter
        than what rates are means over: half a window full tells of half the demand.
        """
        if self.scale_down_window_s is not None:
            return self.scale_down_window_s
        return min(max(startup_s, self.rate_window_s), LONGEST_WINDOW_S)

    def analyzing(self, name: str) -> Analyzer:
        """Return the analyser by the name that a model's entry gives; every other name of WVA's looks at saturation."""
        if not name:
            return self.analyzer
        return named(name) or Analyzer.SATURATION_V1


def named(name: str) -> Analyzer | None:
    """Return the analyser that is called so, by us or by WVA."""
    return Analyzer(name) if name in set(Analyzer) else OF_WVA.get(name)
