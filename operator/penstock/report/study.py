"""What a comparison tells, as values: whoever compared fills these in, and every format is made of them."""

from dataclasses import dataclass
from typing import Final

from penstock.report.parts import Fact, Table

SWEPT: Final = "What rivals were tuned over"
"""Heads the tables of sweeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One policy at one setting on the plane.

    `kind` is `ours`, `best` (chosen, on all seeds), `swept`, `quota`, or `still` for a fleet that never changes.
    `name` is written beside it where it is not empty; `told` is what a reader hears who points at it.
    """

    usd_per_h: float
    attainment: float
    kind: str
    told: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Replicas over time at equal steps from start to end; `dashed` are the rival's. `colour` is of the page's list."""

    label: str
    values: tuple[int, ...]
    colour: str
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One workload: the plane of money and attainment, with level and bounds, and replicas of the two best."""

    name: str
    title: str
    say: str
    notes: tuple[str, ...]
    points: tuple[Point, ...]
    level: float
    bounds: tuple[tuple[str, float], ...]
    lines: tuple[Line, ...]
    length_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A target, whether it is met (None: nobody can tell), and the numbers that say so, those that miss first."""

    code: str
    wanted: str
    told: str
    met: bool | None
    checks: tuple[tuple[bool | None, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What a rival was tuned over, in a line and a table."""

    name: str
    say: str
    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A whole comparison. `data` is for programs and only stands in the JSON."""

    title: str
    lead: str
    facts: tuple[Fact, ...]
    losses: Table
    wins: Table
    goals: tuple[Goal, ...]
    panels: tuple[Panel, ...]
    sweeps: tuple[Sweep, ...]
    notes: tuple[str, ...]
    data: dict[str, object]
