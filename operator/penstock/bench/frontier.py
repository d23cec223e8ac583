"""The plane of money against attainment: who is not beaten on it, and how much of it somebody covers."""

from collections.abc import Iterable, Sequence

from penstock.bench.jobs import Outcome


def frontier(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return those that nobody beats in one thing without losing in the other, the cheapest first."""
    found: list[Outcome] = []
    for one in sorted(outcomes, key=lambda one: (one.usd_per_h, -one.attainment)):
        if not found or one.attainment > found[-1].attainment:
            found.append(one)
    return found


def hypervolume(outcomes: Iterable[Outcome], dearest_usd_per_h: float, worst: float) -> float:
    """Return the share of the plane that outcomes cover: cheaper than the dearest, better than the worst; 1 is all."""
    area, reached = 0.0, worst
    for one in frontier(outcomes):
        if one.usd_per_h < dearest_usd_per_h and one.attainment > reached:
            area += (dearest_usd_per_h - one.usd_per_h) * (one.attainment - reached)
            reached = one.attainment
    return area / (dearest_usd_per_h * (1 - worst))


def cheapest(outcomes: Iterable[Outcome], level: float) -> Outcome | None:
    """Return the cheapest outcome that reaches a level, None if none does."""
    reaching: Sequence[Outcome] = [one for one in outcomes if one.attainment >= level]
    return min(reaching, key=lambda one: one.usd_per_h, default=None)
