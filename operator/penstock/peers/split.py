"""One independent law for each variant of a mixed fleet, each shown its own pods and its share of the traffic."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TypeVar, overload

from penstock.domain.observations import Observation
from penstock.peers.rivals import Knobs, own_knobs
from penstock.sim.policies import FirstToken, Policy, RouterView, Seen, Served
from penstock.sim.scene import Scene

_T = TypeVar("_T", Served, FirstToken)


def per_variant(law: Callable[..., Policy]) -> Callable[[Scene, Knobs], Policy]:
    """Return how a rival is built from a law for one variant: alone, or as independent laws of a mixed fleet.

    `law` takes a scene of one variant and its knobs by name.
    """

    def build(scene: Scene, knobs: Knobs) -> Policy:
        names = [spec.name for spec in scene.variants]
        laws = {name: law(scene.only(name), **own_knobs(knobs, name)) for name in names}
        return laws[names[0]] if len(names) == 1 else Split(laws)

    return build


class Split:
    """Independent laws on one fleet: what the router sees as a whole is shared out as it shares out requests."""

    def __init__(self, laws: Mapping[str, Policy]) -> None:
        self._laws = dict(laws)
        self._shares = _Shares(tuple(laws))
        self._seen_last: Observation | None = None
        self._own: dict[str, Observation] = {}

    @property
    def tick_s(self) -> float:
        """Time from one decision to the next, that of the most frequent law."""
        return min(law.tick_s for law in self._laws.values())

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return what each law wants of its own variant."""
        if seen.observation is not self._seen_last:
            self._seen_last = seen.observation
            self._own = {name: _own_observation(seen.observation, name) for name in self._laws}
        views = self._shares.views(seen)
        wanted: dict[str, int] = {}
        for name, law in self._laws.items():
            shown = Seen(
                now_s=seen.now_s, observation=self._own[name], router=views[name],
                fleet={name: seen.fleet[name]}, served=_Only(name, seen.served),
                first_tokens=_Only(name, seen.first_tokens),
            )  # fmt: skip
            wanted.update(law.decide(shown))
        return wanted


def _own_observation(observation: Observation, name: str) -> Observation:
    targets = {key: target for key, target in observation.targets.items() if key.name == name}
    pods = {pod for target in targets.values() for pod in target.pods}
    rows = tuple(row for row in observation.scrape.rows if row.pod in pods)
    variants = tuple(variant for variant in observation.variants if variant.key.name == name)
    return replace(observation, variants=variants, targets=targets, scrape=replace(observation.scrape, rows=rows))


class _Shares:
    """Each variant's part of the router's view; its counters grow by the part of the moment."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._arrived = dict.fromkeys(names, 0.0)
        self._tokens = dict.fromkeys(names, 0.0)
        self._last = (0, 0)

    def views(self, seen: Seen) -> dict[str, RouterView]:
        router, parts = seen.router, self._parts(seen)
        arrived, tokens = router.arrived - self._last[0], router.arrived_input_tokens - self._last[1]
        self._last = (router.arrived, router.arrived_input_tokens)
        for name, part in parts.items():
            self._arrived[name] += arrived * part
            self._tokens[name] += tokens * part
        return {name: self._view(router, name, part) for name, part in parts.items()}

    def _parts(self, seen: Seen) -> dict[str, float]:
        inside = {name: float(seen.router.in_flight.get(name, 0)) for name in self._arrived}
        ready = {name: float(seen.fleet[name].ready) for name in self._arrived}
        weights = next((one for one in (inside, ready) if sum(one.values())), dict.fromkeys(self._arrived, 1.0))
        return {name: weight / sum(weights.values()) for name, weight in weights.items()}

    def _view(self, router: RouterView, name: str, part: float) -> RouterView:
        return RouterView(
            queued=-int(-router.queued * part // 1), in_flight={name: router.in_flight.get(name, 0)},
            in_flight_tokens=round(router.in_flight_tokens * part),
            arrived=round(self._arrived[name]), arrived_input_tokens=round(self._tokens[name]),
        )  # fmt: skip


class _Only(Sequence[_T]):
    """What happened on one variant, filtered only as far as somebody looks."""

    def __init__(self, name: str, happened: Sequence[_T]) -> None:
        self._name = name
        self._happened: Sequence[_T] = happened

    @cached_property
    def _kept(self) -> list[_T]:
        return list(iter(self))

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, index: int) -> _T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[_T]: ...
    def __getitem__(self, index: int | slice) -> _T | Sequence[_T]:
        return self._kept[index]

    def __iter__(self) -> Iterator[_T]:
        return (one for one in self._happened if one.variant == self._name)

    def __reversed__(self) -> Iterator[_T]:
        return (one for one in reversed(self._happened) if one.variant == self._name)
