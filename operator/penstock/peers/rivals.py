"""A rival: somebody else's law for replica counts, its documented defaults, and the points it is swept over."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.sim.policies import Policy
from penstock.sim.scene import Scene, VariantSpec
from penstock.sim.traces import Arrival

Knobs = Mapping[str, float]

SINGLE: Final = "single"  # one law on one variant
SPLIT: Final = "split"  # one independent law for each variant of a mix
MIX: Final = "mix"  # the law itself chooses between variants
SINGLE_OR_SPLIT: Final = frozenset({SINGLE, SPLIT})
NO_KNOBS: Final[Knobs] = MappingProxyType({})
CONCURRENCIES: Final = (8, 12, 16, 24, 32, 48, 64, 96)
"""Requests inside a replica that laws with such a target are swept over."""


def over_all(law: Callable[..., Policy]) -> Callable[[Scene, Knobs], Policy]:
    """Return how a rival is built from a law that takes a whole scene, and its knobs by name."""

    def build(scene: Scene, knobs: Knobs) -> Policy:
        return law(scene, **knobs)

    return build


def concurrencies(knob: str) -> Mapping[str, Mapping[str, Sequence[float]]]:
    """Return which of `CONCURRENCIES` make sense on which GPU, as `Rival.by_accelerator` of a knob."""
    return {"L40S": {knob: CONCURRENCIES[:4]}, "H100": {knob: CONCURRENCIES[4:]}}


def own_knobs(knobs: Knobs, name: str) -> dict[str, float]:
    """Return the knobs of one variant by their bare names: `knob@variant` goes before `knob`."""
    own = {knob.partition("@")[0]: value for knob, value in knobs.items() if knob.endswith(f"@{name}")}
    return {**{knob: value for knob, value in knobs.items() if "@" not in knob}, **own}


def anything(_: Knobs) -> bool:
    """Tell that a rival can be set in any way."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """One row of the table of baselines: `code` is its number there, `source` the project, file and version read.

    `grid` names the values of every knob that is swept, its default among them; `by_accelerator` narrows a knob's
    values to those that make sense on one GPU, beside the default, which is tried everywhere. `able` refuses settings
    that the autoscaler itself refuses. `shapes` tells on what it can be run. `build` takes a scene of one variant for
    "single"; `foreseen`, in its place, takes the traffic as well, for what must be known beforehand.
    """

    code: str
    name: str
    source: str
    defaults: Knobs
    grid: Mapping[str, Sequence[float]]
    build: Callable[[Scene, Knobs], Policy]
    reactive: bool = True
    shapes: frozenset[str] = SINGLE_OR_SPLIT
    by_accelerator: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=lambda: MappingProxyType({}))
    able: Callable[[Knobs], bool] = anything
    foreseen: Callable[[Scene, Knobs, Sequence[Arrival]], Policy] | None = None

    def policy(self, scene: Scene, knobs: Knobs = NO_KNOBS, arrivals: Sequence[Arrival] = ()) -> Policy:
        """Return the law for one run, `knobs` over the defaults; `knob@variant` sets one variant of a split.

        `arrivals` are those of the run, in order; a law that has no `foreseen` is never shown them.

        Raises:
            InvalidField: a knob that this law does not have, or that names no variant of the scene.
        """
        names = {variant.name for variant in scene.variants}
        for knob in knobs:
            bare, _, variant = knob.partition("@")
            if bare not in self.defaults or (variant and variant not in names):
                raise InvalidField("knob", knob, f"{self.code} has {', '.join(sorted(self.defaults)) or 'none'}")
        told = {**self.defaults, **knobs}
        return self.build(scene, told) if self.foreseen is None else self.foreseen(scene, told, arrivals)

    def points(self, scene: Scene) -> tuple[dict[str, float], ...]:
        """Return what to sweep on this scene: the defaults first (empty), then the grid, no point twice."""
        axes = [self._axis(knob, scene) for knob in self.grid]
        joined = [{name: value for step in steps for name, value in step.items()} for steps in itertools.product(*axes)]
        distinct = {tuple(sorted(point.items())): point for point in joined if self._tells(point, scene)}
        return ({}, *distinct.values())

    def _tells(self, point: Knobs, scene: Scene) -> bool:
        """Return whether a point is another than the defaults, and one that can be set on every variant."""
        each = [{**self.defaults, **own_knobs(point, spec.name)} for spec in scene.variants]
        return any(knobs != self.defaults for knobs in each) and all(map(self.able, each))

    def _axis(self, knob: str, scene: Scene) -> list[dict[str, float]]:
        if len(scene.variants) < 2 or knob not in {name for grid in self.by_accelerator.values() for name in grid}:
            values = sorted({value for spec in scene.variants for value in self._values(knob, spec)})
            return [{knob: value} for value in values]
        # the n-th value of every GPU together: a full product over GPUs would say nothing more
        columns = [[(f"{knob}@{spec.name}", value) for value in self._narrowed(knob, spec)] for spec in scene.variants]
        default = tuple((f"{knob}@{spec.name}", self.defaults[knob]) for spec in scene.variants)
        return [dict(row) for row in dict.fromkeys((*zip(*columns, strict=False), default))]

    def _values(self, knob: str, spec: VariantSpec) -> set[float]:
        return {*self._narrowed(knob, spec), self.defaults[knob]}

    def _narrowed(self, knob: str, spec: VariantSpec) -> Sequence[float]:
        return self.by_accelerator.get(spec.accelerator, {}).get(knob, self.grid[knob])
