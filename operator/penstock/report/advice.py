"""What an advice tells, as values: whoever asked the past fills these in, and every format is made of them."""

from dataclasses import dataclass

from penstock.report.parts import Fact, Table

Points = tuple[tuple[float, float | None], ...]
"""(Unix seconds, value) in order; None is drawn as a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of a chart. `steps`: values hold until the next point. `colour` is of the page's list."""

    label: str
    points: Points
    colour: str
    dashed: bool = False
    steps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Curves over days. `share`: values are shares from 0 to 1, drawn as percentages; else whole numbers from 0."""

    title: str
    say: str
    curves: tuple[Curve, ...]
    share: bool = False
    level: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model that was judged."""

    name: str
    say: str
    facts: tuple[Fact, ...]
    charts: tuple[Chart, ...]
    worst: Table
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A whole advice. `data` is for programs and only stands in the JSON."""

    title: str
    lead: str
    summary: Table
    not_judged: Table
    models: tuple[Model, ...]
    objects: tuple[str, ...]
    notes: tuple[str, ...]
    data: dict[str, object]
