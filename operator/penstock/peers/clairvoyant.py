"""B22, the bounds that no law can pass: the cheapest fleets for traffic that is known beforehand.

Every slot's need is served in full by a whole number of replicas of each variant, each at the exact highest rate within
its targets; quotas and bounds hold. A slot is 15 s (a minute where a run lasts over three hours); its need is the mean
rate over the minute around it, for what is shorter is in the capacity already, which is one for Poisson arrivals.

* Free: the cheapest such fleet in each slot by itself, with neither start-up nor churn.
* Paid: every replica beyond those at the beginning costs its median start-up as well, and cannot serve before that has
  passed since the run began. Solved exactly by dynamic programming over fleets. That each replica stays at least as
  long as it took to start is relaxed there, so that this is a lower bound; the plan keeps to it, built from the same
  table slot by slot, and what it costs above the bound is its gap. Where the gap is zero, both are optimal.

A law may spend less by serving less: what is cut off where even the whole quota does not serve the need is not held
against it, a missed request elsewhere is.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, inf
from typing import Final

from penstock.peers.fleets import Grid, State, changed_usd
from penstock.peers.slots import Rates, Slot, served, slots
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene
from penstock.sim.traces import Arrival

SLOT_S: Final = 15.0
RATE_S: Final = 60.0
_LONG_S: Final = 3 * 3600.0
_A_LITTLE_PER_S: Final = 1e-9  # so that one replica stays where nothing may go to zero
_ROUNDING: Final = 1e-9
_LATE_SIGMAS: Final = 2.0  # the plan asks for a replica so early that 98 of 100 are ready in time


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Serving replicas of each variant, slot by slot; `usd_per_h` pays start-ups and keeps the minimum residence."""

    slot_s: float
    names: tuple[str, ...]
    fleets: tuple[State, ...]
    usd_per_h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Dollars per hour: without and with the cost of change; the second is a lower bound of the first plan's cost."""

    free_usd_per_h: float
    paid_usd_per_h: float
    plan: Plan

    @property
    def gap_ratio(self) -> float:
        """Return by how much the plan is dearer than the bound; 0 proves both optimal."""
        return self.plan.usd_per_h / self.paid_usd_per_h - 1 if self.paid_usd_per_h else 0.0


def bounds(
    scene: Scene,
    arrivals: Sequence[Arrival],
    *,
    slot_s: float | None = None,
    rate_s: float = RATE_S,
    margin: float = 1.0,
) -> Bounds:
    """Return the bounds of a scene for these arrivals, which are in order; `margin` multiplies what is needed."""
    slot_s = slot_s or (SLOT_S if scene.length_s <= _LONG_S else RATE_S)
    needs = slots(scene, arrivals, slot_s=slot_s, rate_s=rate_s)
    return bounds_of(scene, [slot._replace(need_per_s=slot.need_per_s * margin) for slot in needs], slot_s)


def bounds_of(scene: Scene, needs: Sequence[Slot], slot_s: float) -> Bounds:
    """Return the bounds for needs that are given slot by slot."""
    problem = _Problem(scene, needs, slot_s)
    hours = len(needs) * slot_s / 3600
    table = problem.table()
    fleets, usd = problem.walk(table)
    paid = min(problem.rest(table, -1)[problem.grid.index(problem.initial)], usd)
    return Bounds(
        free_usd_per_h=problem.free_usd() / hours,
        paid_usd_per_h=paid / hours,
        plan=Plan(
            slot_s=slot_s,
            names=tuple(spec.name for spec in scene.variants),
            fleets=tuple(fleets),
            usd_per_h=usd / hours,
        ),
    )


class _Problem:
    """The grid of fleets, what each costs in a slot, and which of them serve a slot's need."""

    def __init__(self, scene: Scene, needs: Sequence[Slot], slot_s: float) -> None:
        self._scene = scene
        self._ready_slot = [ceil(spec.startup.median_s / slot_s - 1e-9) for spec in scene.variants]
        self._start_usd = [spec.usd_per_h * spec.startup.median_s / 3600 for spec in scene.variants]
        self.grid = _grid(scene, needs)
        self.initial = self.grid.clip(tuple(spec.initial for spec in scene.variants))
        self._states = self.grid.states
        allowed = _allowed(scene)
        prices = [spec.usd_per_h * slot_s / 3600 for spec in scene.variants]
        self._hold_usd = [
            sum(count * usd for count, usd in zip(state, prices, strict=True)) if allowed(state) else inf
            for state in self._states
        ]
        self._rates: dict[Rates, list[float]] = {}
        self._needs = [self._attainable(number, slot) for number, slot in enumerate(needs)]

    def _attainable(self, number: int, slot: Slot) -> Slot:
        """Cut a need to what all replicas that can be there by then serve; nothing is still a little above zero."""
        most = tuple(
            high if number >= ready else first
            for high, ready, first in zip(self.grid.most, self._ready_slot, self.initial, strict=True)
        )
        could = max(
            (
                per_s
                for state, per_s, usd in zip(self._states, self._served(slot.each_per_s), self._hold_usd, strict=True)
                if usd < inf and all(count <= high for count, high in zip(state, most, strict=True))
            ),
            default=0.0,
        )
        least = 0.0 if self._scene.idle_before_zero_s is not None else _A_LITTLE_PER_S
        return slot._replace(need_per_s=min(max(slot.need_per_s, least), could))

    def _served(self, each_per_s: Rates) -> list[float]:
        """Return what every fleet serves; slots with the same lengths share it."""
        if each_per_s not in self._rates:
            self._rates[each_per_s] = [served(state, each_per_s) for state in self._states]
        return self._rates[each_per_s]

    def _serving_usd(self, slot: Slot) -> list[float]:
        return [
            usd if per_s >= slot.need_per_s * (1 - _ROUNDING) else inf
            for per_s, usd in zip(self._served(slot.each_per_s), self._hold_usd, strict=True)
        ]

    def _rise_usd(self, number: int) -> list[float]:
        """Return what one replica more costs in a slot; inf before any that was asked for can be ready."""
        return [usd if number >= ready else inf for usd, ready in zip(self._start_usd, self._ready_slot, strict=True)]

    def free_usd(self) -> float:
        """Return the cost of the cheapest fleet of each slot."""
        return sum(min(self._serving_usd(slot)) for slot in self._needs)

    def table(self) -> list[Sequence[float]]:
        """Return for each slot and fleet the least cost of this slot and all later ones, standing so in this slot."""
        rows: list[Sequence[float]] = []
        later: list[float] = [0.0] * len(self._states)
        for number in range(len(self._needs) - 1, -1, -1):
            serving = self._serving_usd(self._needs[number])
            row = array("d", [now + then for now, then in zip(serving, later, strict=True)])
            rows.append(row)
            later = self.grid.before(row, self._rise_usd(number))
        rows.reverse()
        return rows

    def rest(self, table: Sequence[Sequence[float]], number: int) -> list[float]:
        """Return for each fleet of a slot the least cost of all later ones, changes included."""
        return self.grid.before(table[number + 1], self._rise_usd(number + 1))

    def walk(self, table: Sequence[Sequence[float]]) -> tuple[list[State], float]:
        """Return the fleets of a plan that keeps to the minimum residence, and its cost."""
        fleets, usd, fleet = [], 0.0, self.initial
        starts: list[State] = []
        for number, row in enumerate(table):
            rise = self._rise_usd(number)
            young = self._young(starts, number)
            chosen = self._best(row, fleet, rise, young)
            usd += changed_usd(fleet, chosen, rise) + self._hold_usd[self.grid.index(chosen)]
            starts.append(tuple(max(new - old, 0) for old, new in zip(fleet, chosen, strict=True)))
            fleets.append(chosen)
            fleet = chosen
        return fleets, usd

    def _young(self, starts: Sequence[State], number: int) -> State:
        """Return the replicas that have not stayed for as long as they took to start; the oldest leave first."""
        return tuple(
            sum(start[axis] for start in starts[max(0, number - ready + 1) :]) if ready else 0
            for axis, ready in enumerate(self._ready_slot)
        )

    def _best(self, row: Sequence[float], fleet: State, rise: Sequence[float], young: State) -> State:
        return min(
            (
                (value + changed_usd(fleet, state, rise), state)
                for value, state in zip(row, self._states, strict=True)
                if value < inf and all(count >= stays for count, stays in zip(state, young, strict=True))
            ),
            default=(inf, fleet),
        )[1]


def _grid(scene: Scene, needs: Sequence[Slot]) -> Grid:
    """Return the grid, without counts that alone serve more than is ever needed."""
    peak = max(slot.need_per_s for slot in needs)
    most = []
    for axis, spec in enumerate(scene.variants):
        slowest = min(slot.each_per_s[axis][0] for slot in needs)
        useful = ceil(peak / slowest) if slowest > 0 else spec.max_replicas
        most.append(min(spec.max_replicas, max(useful, spec.min_replicas, 1)))
    return Grid(tuple(spec.min_replicas for spec in scene.variants), tuple(most))


def _allowed(scene: Scene) -> Callable[[State], bool]:
    """Return whether a fleet keeps the quotas."""
    specs = scene.variants
    quotas = [
        ([spec.accelerators_per_replica if spec.accelerator == name else 0 for spec in specs], most)
        for name, most in scene.quotas.items()
    ]

    def allowed(state: State) -> bool:
        return all(
            sum(count * size for count, size in zip(state, sizes, strict=True)) <= most for sizes, most in quotas
        )

    return allowed


class Clairvoyant:
    """Carries a plan out: asks for each replica so early that it is very likely ready when the plan has it serve."""

    def __init__(self, scene: Scene, plan: Plan) -> None:
        self.tick_s = min(plan.slot_s, SLOT_S)
        self._plan = plan
        self._lead_s = [
            spec.startup.median_s * exp(_LATE_SIGMAS * spec.startup.sigma) + self.tick_s for spec in scene.variants
        ]

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the most of each variant that serves from now until a replica asked for now would be ready."""
        first = int(seen.now_s / self._plan.slot_s + 1e-9)
        wanted = {}
        for axis, name in enumerate(self._plan.names):
            until = int((seen.now_s + self._lead_s[axis]) / self._plan.slot_s) + 1
            ahead = self._plan.fleets[first:until] or self._plan.fleets[-1:]
            wanted[name] = max(fleet[axis] for fleet in ahead)
        return wanted
