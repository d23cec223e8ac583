"""Tunes rivals: which points of their grids to try next, and which one is a rival's best.

Every rival is tried at its defaults in every shape first. What is left of the budget goes, round by round, to the
grid points beside the best ones of those that stand nearest to winning, so that rivals are as strong as they can be.
The size of a fleet that never changes is found by halving.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from penstock.bench.jobs import Job, Outcome

Point = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A rival in one shape: its code, the shape, and its points; the first one, empty, stands for the `defaults`.

    These are what the knobs that are swept are unless they are set, which need not be a point of the grid.
    """

    policy: str
    shape: str
    points: tuple[Point, ...]
    defaults: Point

    def job(self, point: Point, workload: str, *, quick: bool) -> Job:
        """Return the run of a point on the first seed."""
        return Job(workload=workload, seed=0, policy=self.policy, shape=self.shape, knobs=point, quick=quick)


def track(policy: str, shape: str, points: Iterable[Mapping[str, float]], defaults: Mapping[str, float]) -> Track:
    """Return a rival in one shape with these points; `defaults` are its own, by the bare name of each knob."""
    exact = tuple(tuple(sorted((knob, float(value)) for knob, value in point.items())) for point in points)
    swept = sorted({knob for point in exact for knob, _ in point})
    home = tuple((knob, float(defaults[knob.partition("@")[0]])) for knob in swept)
    return Track(policy=policy, shape=shape, points=exact, defaults=home)


def best(outcomes: Iterable[Outcome], level: float) -> Outcome | None:
    """Return the cheapest outcome that reaches the level, else the one that comes nearest to it."""
    return min(outcomes, key=lambda one: rank(one, level), default=None)


def rank(outcome: Outcome, level: float) -> tuple[bool, float, float]:
    """Return by what outcomes are ordered, the best first."""
    reached = outcome.attainment >= level
    return not reached, outcome.usd_per_h if reached else -outcome.attainment, outcome.usd_per_h


def first(tracks: Iterable[Track], each: int) -> Iterator[tuple[Track, Point]]:
    """Yield the defaults of all, and of each so many points more, spread evenly over its grid."""
    for one in tracks:
        grid = one.points[1:]
        count = min(each, len(grid))
        spread = {grid[(2 * number + 1) * len(grid) // (2 * count)]: None for number in range(count)}
        yield from ((one, point) for point in (one.points[0], *spread))


def further(
    tracks: Sequence[Track], seen: Mapping[tuple[str, str], Sequence[Outcome]], level: float, count: int
) -> list[tuple[Track, Point]]:
    """Return at most `count` points to try next: one for each track, those first whose best is nearest to winning.

    `seen` holds the outcomes so far by rival and shape. A track whose every point was tried is done.
    """
    ranked = []
    for one in tracks:
        outcomes = seen.get((one.policy, one.shape), ())
        leader = best(outcomes, level)
        tried = {outcome.job.knobs for outcome in outcomes}
        left = [point for point in one.points if point not in tried]
        if leader is not None and left:
            ranked.append((rank(leader, level), one, _beside(leader.job.knobs or one.defaults, left, one)))
    ranked.sort(key=lambda row: row[0])
    return [(one, point) for _, one, point in ranked[:count]]


def halfway(one: Track, outcomes: Sequence[Outcome], level: float) -> Point | None:
    """Return the point in the middle between the last one that misses the level and the first that reaches it.

    For a track of one knob that serves the more the higher it is, and costs the more; None where none is left between.
    """
    ordered = sorted(one.points, key=lambda point: (point or one.defaults)[0][1])
    reached = {ordered.index(each.job.knobs): each.attainment >= level for each in outcomes}
    high = min((place for place, well in reached.items() if well), default=len(ordered))
    low = max((place for place, well in reached.items() if not well and place < high), default=-1)
    return ordered[(low + high) // 2] if high - low > 1 else None


def _beside(leader: Point, left: Sequence[Point], one: Track) -> Point:
    """Return the point that differs from the leader in the fewest knobs, and then by the fewest steps of the grid.

    Of several the farthest from the defaults: where they are not the best, it goes on the way that led from them.
    """
    axes = {
        knob: sorted({value for point in one.points for name, value in point if name == knob}) for knob, _ in leader
    }

    def away(point: Point, other: Point) -> tuple[int, float]:
        homes = dict(other)
        steps = [abs(_place(axes[knob], value) - _place(axes[knob], homes[knob])) for knob, value in point]
        return sum(step > 0 for step in steps), sum(steps)

    def order(point: Point) -> tuple[int, float, int, float]:
        knobs, steps = away(point, one.defaults)
        return *away(point, leader), -knobs, -steps

    return min(left, key=order)


def _place(axis: Sequence[float], value: float) -> float:
    """Return where a value stands among those of a grid, half a step beside its neighbour if it is none of them."""
    place = bisect_left(axis, value)
    return place if place < len(axis) and axis[place] == value else place - 0.5
