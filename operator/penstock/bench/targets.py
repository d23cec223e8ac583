"""The targets that the comparison is held to, each a function of what was found: met, or missed by how much."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from penstock.bench.campaign import STATIC, Findings, mean, reactive
from penstock.bench.frontier import cheapest
from penstock.bench.jobs import WVA, Outcome
from penstock.bench.verdicts import EQUAL, against

All = Mapping[str, Findings]

_KPA: Final = "B8"
_STEADY: Final = ("W1", "W3-rising", "W3-falling")
_WINDOWS: Final = ("W3-rising", "W3-falling", "W3-spike")
_TOLD: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One number that is wanted not to be above zero: `missed_by` in the unit told; `text` says it all.

    None where there was nothing to compare with, so that nobody can tell.
    """

    text: str
    missed_by: float | None
    unit: str = "points"

    @property
    def met(self) -> bool | None:
        """Tell whether it is as wanted."""
        return None if self.missed_by is None else self.missed_by <= _TOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target and its checks; without any, what it needs was not run."""

    code: str
    wanted: str
    checks: tuple[Check, ...]

    @property
    def met(self) -> bool | None:
        """Tell whether all checks are met; None where none is missed but one is open, or there is none."""
        found = {one.met for one in self.checks}
        return False if False in found else True if found == {True} else None

    def told(self) -> str:
        """Return it in a few words."""
        if self.met is None:
            return f"{self.code} open: not all was run" if self.checks else f"{self.code} not run"
        if self.met:
            return f"{self.code} met"
        by, unit = max((one.missed_by or 0.0, one.unit) for one in self.checks)
        return f"{self.code} missed by {by:.3g} {unit}"


def targets(findings: Iterable[Findings]) -> tuple[Target, ...]:
    """Return all targets, in order."""
    known = {one.subject.name: one for one in findings}
    return tuple(
        Target(code=code, wanted=wanted, checks=tuple(check(known))) for code, (wanted, check) in _TARGETS.items()
    )


def _g1(known: All) -> Iterable[Check]:
    for one in _among(known, _STEADY):
        yield _attains(one, 0.995)
        alone = [row for row in one.swept if row.job.single and reactive(row.job.policy)]
        yield _saves(one, alone, 0.995, 0.20, "reactive law on one variant")
        wva = [row for row in one.swept if row.job.policy in WVA and not row.job.single]
        yield _saves(one, wva, one.bar - EQUAL, 0.20, "WVA on the mix")


def _g2(known: All) -> Iterable[Check]:
    for one in _among(known, _STEADY):
        above = mean(row.usd_per_h for row in one.ours) / mean(row.usd_per_h for row in one.bounds) - 1
        yield Check(
            text=f"{one.subject.name}: {above * 100:.1f} % above the clairvoyant bound",
            missed_by=(above - 0.20) * 100,
            unit="% of the bound",
        )


def _g3(known: All) -> Iterable[Check]:
    for one in _among(known, ("W2",)):
        yield _attains(one, 0.98)
        laws = [row for row in one.swept if row.job.policy != STATIC]
        yield _saves(one, laws, 0.98, 0.0, "rival")


def _g4(known: All) -> Iterable[Check]:
    for one in _among(known, ("W6",)):
        yield _attains(one, 0.99)
        replicas = mean(row.mean_replicas for row in one.ours)
        yield Check(text=f"W6: {replicas:.2f} replicas on average", missed_by=replicas - 5.6, unit="replicas")


def _g5(known: All) -> Iterable[Check]:
    for one in _among(known, ("W10",)):
        loss = mean(_half(row, first=True) - _half(row, first=False) for row in one.ours)
        text = f"W10: {loss * 100:.2f} points lower after the drift than before"
        yield Check(text=text, missed_by=loss * 100 - 1.0)


def _g6(known: All) -> Iterable[Check]:
    for one in _among(known, ("W9",)):
        yield _blind(one)
        killed = max(row.killed for row in one.ours)
        yield Check(text=f"W9: {killed} requests ended by scaling", missed_by=killed, unit="requests")
        yield _spilling(one)


def _blind(one: Findings) -> Check:
    dips = _told_by(one, "blind_dip")
    if not dips:
        return Check(
            text="W9: nobody was ever blind, so that nothing is known of what is given up then", missed_by=None
        )
    dip = 0.0 - min(dips)  # never -0
    return Check(text=f"W9: {dip:.0f} replicas given up while blind", missed_by=dip, unit="replicas")


def _spilling(one: Findings) -> Check:
    spills = _told_by(one, "spill_s")
    if not spills:
        return Check(text="W9: nobody had to step in for replicas without a place", missed_by=None)
    text = f"W9: others served the need again after {max(spills) / 15:.0f} passes at most"
    return Check(text=text, missed_by=(max(spills) - 30.0) / 15, unit="passes")


def _told_by(one: Findings, fact: str) -> list[float]:
    """Return a fact of our runs, of those that have it."""
    return [value for row in one.ours if (value := row.facts.get(fact)) is not None]


def _g7(known: All) -> Iterable[Check]:
    for one in known.values():
        for name, count in (("scale events", _events), ("reversals", _reversals)):
            least = min((mean(map(count, row)) for row in _alike(one)), default=None)
            own = mean(map(count, one.ours))
            told = "nobody comes near" if least is None else f"the least of those near is {least:.1f}"
            text = f"{one.subject.name}: {own:.1f} {name}; {told if _adaptive(one) else 'no adaptive rival was run'}"
            near = None if least is None else own - least
            yield Check(text=text, missed_by=near or 0.0 if _adaptive(one) else None, unit=name)
    yield from map(_against_kpa, _among(known, _WINDOWS))


def _against_kpa(one: Findings) -> Check:
    """Compare with Knative's autoscaler at the point of its that was chosen."""
    row = next((row for row in one.finals if row[0].job.policy == _KPA), None)
    if row is None:
        return Check(text=f"{one.subject.name}: KPA was not run", missed_by=None)
    own, theirs = mean(map(_events, one.ours)), mean(map(_events, row))
    text = f"{one.subject.name}: {own:.1f} scale events, KPA {theirs:.1f}"
    return Check(text=text, missed_by=own - theirs / 4, unit="scale events")


def _g9(known: All) -> Iterable[Check]:
    for one in known.values():
        passes = sum(row.facts.get("passes") or 0.0 for row in one.ours)
        if passes:
            differing = sum(row.facts.get("passes_differing") or 0.0 for row in one.ours)
            silent = sum(row.facts.get("changes_unexplained") or 0.0 for row in one.ours)
            text = f"{one.subject.name}: {differing:.0f} of {passes:.0f} passes come out otherwise when decided again"
            yield Check(text=text, missed_by=differing, unit="passes")
            text = f"{one.subject.name}: {silent:.0f} changes of replicas without a reason told"
            yield Check(text=text, missed_by=silent, unit="changes")


_TARGETS: Final[Mapping[str, tuple[str, Callable[[All], Iterable[Check]]]]] = {
    "G1": (
        "W1, W3 rising and falling: 99.5 % met at 20 % less money than the cheapest reactive law on one variant, "
        "and than WVA on the mix",
        _g1,
    ),
    "G2": ("the same: at most 20 % above the clairvoyant bound", _g2),
    "G3": ("W2: 98 % met at no more money than the cheapest rival that reaches it", _g3),
    "G4": ("W6: 99 % met with 5.6 replicas", _g4),
    "G5": ("W10: at most 1 point lost to length drift", _g5),
    "G6": ("W9: nothing given up while blind, no request ended by scaling, spill-over within 2 passes", _g6),
    "G7": (
        "among adaptive policies within 0.2 points and 1.1 times the money: fewest scale events and reversals; "
        "at most a quarter of KPA's on W3",
        _g7,
    ),
    "G9": ("every change of replicas explained, every pass of a quick run decided again to the bit", _g9),
}


def _among(known: All, names: Iterable[str]) -> Iterable[Findings]:
    return (known[name] for name in names if name in known)


def _attains(one: Findings, wanted: float) -> Check:
    got = mean(row.attainment for row in one.ours)
    text = f"{one.subject.name}: {got * 100:.2f} % met, wanted {wanted * 100:g} %"
    return Check(text=text, missed_by=(wanted - got) * 100)


def _saves(one: Findings, rivals: Sequence[Outcome], level: float, share: float, whom: str) -> Check:
    """Compare with the cheapest of some rivals that reaches a level: on all seeds where it was run on all of them."""
    rival = cheapest(rivals, level)
    if rival is None:
        return _unrivalled(one, rivals, level, whom)
    row = next((row for row in one.finals if row[0].job == rival.job), (rival,))
    money = against(one.ours, row)
    text = (
        f"{one.subject.name}: {money.value * 100:+.1f} % money against the cheapest {whom} that reaches "
        f"{level * 100:.1f} % ({_where(rival)}, {len(row)} seeds)"
    )
    return Check(text=text, missed_by=(money.value + share) * 100, unit="% of its money")


def _unrivalled(one: Findings, rivals: Sequence[Outcome], level: float, whom: str) -> Check:
    """Tell of a level that no rival reaches: beaten where we reach it, at whatever cost; else nobody can tell."""
    name, wanted = one.subject.name, f"{level * 100:.1f} %"
    if not rivals:
        return Check(text=f"{name}: nothing to compare with: no {whom} was run", missed_by=None)
    best = max(rivals, key=lambda row: row.attainment)
    text = f"{name}: no {whom} reaches {wanted} at any of {len(rivals)} points tried, to compare money with; the best "
    text += f"({_where(best)}) {best.attainment * 100:.2f} %"
    if mean(row.attainment for row in one.ours) < level:
        return Check(text=f"{text}, and neither do we", missed_by=None)
    return Check(text=f"{text}: beaten by reaching it", missed_by=0.0)


def _where(row: Outcome) -> str:
    return f"{row.job.policy} on {row.job.shape}"


def _adaptive(one: Findings) -> bool:
    """Tell whether anybody was run on all seeds who does not stand still."""
    return any(row[0].job.policy != STATIC for row in one.finals)


def _alike(one: Findings) -> list[tuple[Outcome, ...]]:
    """Return the finals of adaptive policies within 0.2 points of ours and 1.1 times our money."""
    met, spent = mean(row.attainment for row in one.ours), mean(row.usd_per_h for row in one.ours)
    return [
        row
        for row in one.finals
        if row[0].job.policy != STATIC
        and mean(each.attainment for each in row) >= met - EQUAL
        and mean(each.usd_per_h for each in row) <= 1.1 * spent
    ]


def _half(row: Outcome, *, first: bool) -> float:
    middle = len(row.parts) // 2
    known = [part for part in (row.parts[:middle] if first else row.parts[middle:]) if part is not None]
    return mean(known) if known else 1.0


def _events(row: Outcome) -> float:
    return row.scale_events


def _reversals(row: Outcome) -> float:
    return row.reversals
