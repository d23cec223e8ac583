"""Whether routers and engines can both be right: those who count clearly less than engines serve are not before all.

Traffic that reaches engines by another way, a second gateway or their Service, is in no router's count. Believed alone,
that count would take replicas away that work.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import Final

from penstock.domain.decisions import Verdict
from penstock.domain.observations import Inflow
from penstock.domain.readings import Absent, known
from penstock.domain.reasons import MetricsReason
from penstock.scaling.cases import Case
from penstock.scaling.config import Config
from penstock.scaling.observe import Load

MORE: Final = 1.25
DEVIATIONS: Final = 4.0
"""Engines serve clearly more than was counted beyond this ratio and so many deviations of a Poisson count."""
_BYPASSED: Final = Absent("engines serve more than routers count")


def believed(cases: Sequence[Case], inflow: Inflow | None, config: Config) -> tuple[Sequence[Case], Inflow | None]:
    """Return both as they may be decided upon: where they contradict each other engines count, and nothing falls."""
    if inflow is None or not _contradict(cases, known(inflow.arrivals_per_s), config.rate_window_s):
        return cases, inflow
    return [case._replace(load=_incomplete(case.load)) for case in cases], replace(inflow, arrivals_per_s=_BYPASSED)


def _contradict(cases: Sequence[Case], told_per_s: float | None, window_s: float) -> bool:
    served_per_s = sum(_served_per_s(case.load) for case in cases)
    if told_per_s is None or not served_per_s:
        return False
    return served_per_s > MORE * told_per_s + DEVIATIONS * sqrt(served_per_s / window_s)


def _served_per_s(load: Load) -> float:
    """Return what certainly came: what was finished, and less where that was a line; a line that grows is a guess."""
    return min(load.finished_per_s, load.arrivals_per_s or 0.0)


def _incomplete(load: Load) -> Load:
    verdict = load.verdict
    if verdict.reason is MetricsReason.FOUND:
        verdict = Verdict(MetricsReason.FOUND, {**verdict.facts, "bypassed": "yes"})
    return load._replace(complete=False, verdict=verdict)
