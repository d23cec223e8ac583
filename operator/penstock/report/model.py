"""What the demo's report tells, as values: whoever ran it fills these in, and every format is made of them."""

from dataclasses import dataclass
from typing import Final

from penstock.report.parts import Fact

Numbers = tuple[float | None, ...]  # one per instant of the report's grid; None is unknown and drawn as a gap

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantTrack:
    """Replicas of one variant over time, and what one of them serves within the SLO."""

    name: str
    accelerator: str
    desired: Numbers
    ready: Numbers
    each_per_s: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatched:
    """One request in the order of dispatch; `arrived` is its place in the order of arrival, from 1."""

    request_id: str
    workload: str
    criticality: int
    arrived: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The order in which a burst left the queue, and the policy that made it, in one line."""

    title: str
    at_s: float
    policy: str
    dispatched: tuple[Dispatched, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A decision that changed a variant's replicas; None is unknown. `reason` is its class, `why` its sentence."""

    at_s: float
    variant: str
    before: int | None
    after: int | None
    reason: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at one instant, drawn as a line through all charts."""

    at_s: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole run. Times are seconds since its start; `grid_s` are the instants of all series, in order."""

    title: str
    lead: str
    facts: tuple[Fact, ...]
    grid_s: tuple[float, ...]
    demand_per_s: Numbers
    attainment_ratio: Numbers
    target_ratio: float
    queued: Numbers
    variants: tuple[VariantTrack, ...]
    marks: tuple[Mark, ...] = ()
    orders: tuple[Order, ...] = ()
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    schema: int = SCHEMA
