"""Who won where: ours against the cheapest rival that does as well, with an interval, and in one line of text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from penstock.bench.campaign import STATIC, Findings, mean
from penstock.bench.intervals import Interval, cost_ratio, difference
from penstock.bench.jobs import Outcome
from penstock.peers.all import rival

EQUAL: Final = 0.002
"""Attainments no further apart than this count as equal."""


class Result(StrEnum):
    """What became of a comparison."""

    WON = "won"
    EVEN = "even"
    LOST = "lost"
    ALONE = "nobody else reaches it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Ours against one rival on all seeds. `rival` is None where no rival does as well."""

    findings: Findings
    attainment: float
    usd_per_h: float
    above_bound: float
    result: Result
    rival: Outcome | None = None
    rival_attainment: float = 0.0
    rival_usd_per_h: float = 0.0
    money: Interval | None = None
    met: Interval | None = None

    @property
    def reached(self) -> bool:
        """Tell whether ours reaches the workload's level."""
        return self.attainment >= self.findings.subject.level


def verdict(findings: Findings) -> Verdict:
    """Compare ours with the cheapest rival, tuned, whose attainment is as good as the bar or equal to it.

    A static fleet is no rival but, like the bounds, something that must be known beforehand.
    """
    laws = [row for row in findings.finals if row[0].job.policy != STATIC]
    able = [row for row in laws if mean(one.attainment for one in row) >= findings.bar - EQUAL]
    if not able:
        return _alone(findings)
    best = min(able, key=lambda row: mean(one.usd_per_h for one in row))
    money = against(findings.ours, best)
    ours = _frame(findings)
    result = Result.LOST if money.low > 0 else Result.WON if money.high < 0 else Result.EVEN
    return Verdict(
        findings=findings,
        attainment=ours[0],
        usd_per_h=ours[1],
        above_bound=ours[2],
        result=result,
        rival=best[0],
        rival_attainment=mean(one.attainment for one in best),
        rival_usd_per_h=mean(one.usd_per_h for one in best),
        money=money,
        met=difference([one.attainment for one in findings.ours], [one.attainment for one in best]),
    )


def _alone(findings: Findings) -> Verdict:
    attainment, usd_per_h, above = _frame(findings)
    return Verdict(
        findings=findings, attainment=attainment, usd_per_h=usd_per_h, above_bound=above, result=Result.ALONE
    )


def _frame(findings: Findings) -> tuple[float, float, float]:
    spent = mean(one.usd_per_h for one in findings.ours)
    bound = mean(one.usd_per_h for one in findings.bounds)
    return mean(one.attainment for one in findings.ours), spent, spent / bound - 1 if bound else 0.0


def against(ours: Sequence[Outcome], theirs: Sequence[Outcome]) -> Interval:
    """Return our money over theirs, less 1, on the seeds that both were run on."""
    spent = {one.job.seed: one.usd_per_h for one in theirs}
    pairs = [(one.usd_per_h, spent[one.job.seed]) for one in ours if one.job.seed in spent]
    return cost_ratio([own for own, _ in pairs], [other for _, other in pairs])


def lines(verdicts: Iterable[Verdict]) -> list[str]:
    """Return one line of text for each workload."""
    rows = list(verdicts)
    width = max((len(one.findings.subject.name) for one in rows), default=0)
    return [f"{one.findings.subject.name:<{width}}  {line(one)}" for one in rows]


def line(one: Verdict) -> str:
    """Return a verdict in one line."""
    met = f"ours, default  {one.attainment * 100:5.1f} % met  {one.usd_per_h:6.2f}/h"
    if one.money is None or one.rival is None:
        return f"{met}  no tuned rival comes to {one.findings.bar * 100:.1f} %"
    percents = " ".join(f"{part:+.0f}," for part in (one.money.low * 100, one.money.high * 100)).removesuffix(",")
    name = rival(one.rival.job.policy).name
    ends = {
        Result.WON: "  against the best tuned rival",
        Result.EVEN: f"  even with {name}, tuned",
        Result.LOST: f"  LOST to {name}, tuned",
    }
    return f"{met}  {one.money.value * 100:+4.0f} % [{percents}]{ends[one.result]}"
