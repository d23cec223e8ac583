"""What one replica of a variant serves within its targets: from its profile, or from what is known of its engine."""

from dataclasses import dataclass
from math import floor, log10

from penstock.domain.decisions import Verdict
from penstock.domain.reasons import OptimizationReason
from penstock.domain.variants import PerfProfile, Slo
from penstock.engine.queueing import Sizing, Work, size, size_for_throughput
from penstock.scaling.cases import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Requests per second of one replica; `missed` names the target that it misses even when idle.

    `error_ratio` is how far off that may be, and `samples` how many passes taught it; None where nothing was learnt.
    """

    per_s: float
    missed: str = ""
    error_ratio: float | None = None
    samples: int = 0

    @property
    def verdict(self) -> Verdict[OptimizationReason]:
        """What the owner is told of it."""
        if self.missed:
            return Verdict(OptimizationReason.SLO_INFEASIBLE, {"field": self.missed})
        return Verdict(OptimizationReason.SUCCEEDED)


def capacity(case: Case, input_tokens: float, output_tokens: float) -> Capacity | None:
    """Return what a replica serves at these mean lengths; None where nobody knows anything of its engine.

    Lengths count to three digits, which is finer than they are measured, and lets most passes reuse the last answer.
    """
    lengths = _three_digits(input_tokens), _three_digits(output_tokens)
    if case.terms.profile is not None:
        return by_profile(case.terms.profile, case.terms.objective.slo, *lengths)
    return None


def by_profile(profile: PerfProfile, slo: Slo, input_tokens: float, output_tokens: float) -> Capacity:
    """Size one replica by its written profile; where the targets cannot be met, for throughput."""
    work = Work(profile=profile, input_tokens=input_tokens, output_tokens=output_tokens)
    found = size(work, slo.ttft_s, slo.tpot_s)
    if isinstance(found, Sizing):
        return Capacity(per_s=found.capacity_per_s)
    return Capacity(per_s=size_for_throughput(work).capacity_per_s, missed=f"slo.{found.field}")


def _three_digits(tokens: float) -> float:
    return 0.0 if tokens <= 0 else round(tokens, 2 - floor(log10(tokens)))
