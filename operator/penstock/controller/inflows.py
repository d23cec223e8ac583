"""What routers tell of requests before any engine sees them, added up per model; a silent router makes it unknown."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.controller.pods import PodFacts, PodState
from penstock.controller.selectors import Selector, parse_selector
from penstock.domain.catalogue import ModelScope
from penstock.domain.errors import InvalidField
from penstock.domain.observations import Inflow
from penstock.domain.readings import Absent, Known, Reading

FRESH_S: Final = 3.0  # a router tells each second
WINDOW_S: Final = 60.0  # the collector's: growth of queues and rates of engines have to be over the same time


@dataclass(frozen=True, slots=True)
class Place:
    """One variant's model, and labels that its pods have, or will."""

    scope: ModelScope
    labels: tuple[Mapping[str, str], ...]


@dataclass(slots=True)
class _Told:
    """The last `queued` of one router; a `selector` of None may mean any pod of the namespace."""

    at_s: float
    waiting: float
    arrivals_per_s: float | None
    starved: bool
    namespace: str
    selector: Selector | None
    history: "deque[tuple[float, float]]" = field(default_factory=deque)

    @property
    def growth_per_s(self) -> float | None:
        """What waits more now than when the window began, per second."""
        (then_s, before), *_ = self.history
        return (self.waiting - before) / (self.at_s - then_s) if self.at_s > then_s else None


@dataclass(slots=True)
class Inflows:
    """The newest of every router; `wake` is called when requests begin to wait where there is no endpoint at all."""

    clock: Callable[[], float] = time.monotonic
    wake: Callable[[], None] = lambda: None
    _told: dict[str, _Told] = field(default_factory=dict)

    def hear(self, router: PodFacts, event: Mapping[str, Any]) -> None:
        """Take one `queued` event in.

        Raises:
            KeyError, TypeError, ValueError: no event of ours.
        """
        before, now_s = self._told.get(router.uid), self.clock()
        arrivals, waiting = event.get("arrivals"), float(event["requests"])
        told = self._told[router.uid] = _Told(
            at_s=now_s,
            waiting=waiting,
            arrivals_per_s=None if arrivals is None else float(arrivals),
            starved=waiting > 0 and not int(event["endpoints"]),
            namespace=str(event.get("namespace") or router.key.namespace),
            selector=_selector(event.get("selector")),
            history=before.history if before else deque(),
        )
        told.history.append((now_s, waiting))
        while told.history[0][0] < now_s - WINDOW_S:
            told.history.popleft()
        if told.starved and not (before and before.starved):
            self.wake()

    def keep(self, uids: Iterable[str]) -> None:
        """Forget all routers but these."""
        wanted = set(uids)
        self._told = {uid: told for uid, told in self._told.items() if uid in wanted}

    def serves(self, routers: Iterable[PodFacts], pods: Iterable[PodFacts]) -> bool:
        """Whether a router chooses among these pods, or may for all that is known of it yet."""
        places = [Place(ModelScope(pod.key.namespace, ""), (pod.labels,)) for pod in pods]
        return any(_serves(router, self._told.get(router.uid), place) for router in routers for place in places)

    def of(self, routers: Iterable[PodFacts], places: Iterable[Place], now_s: float) -> dict[ModelScope, Inflow]:
        """Return the inflow of every model that a router serves, at Unix time `now_s`.

        A router that is Ready and silent makes the inflow of all that it may serve unknown, as does one that serves
        several models, since it does not tell them apart. What certainly waits for a model without endpoints is told
        all the same: it has to be woken, whoever else is silent.
        """
        heard_at_s, places = self.clock(), tuple(places)
        sums: defaultdict[ModelScope, _Sum] = defaultdict(_Sum)
        for router in routers:
            told = self._told.get(router.uid)
            fresh = told is not None and heard_at_s - told.at_s <= FRESH_S
            if not fresh and router.state is not PodState.READY:
                continue
            scopes = {place.scope for place in places if _serves(router, told, place)}
            for scope in scopes:
                sums[scope].add(told if fresh else None, heard_at_s, alone=len(scopes) == 1)
        return {scope: one.inflow(now_s) for scope, one in sums.items()}


@dataclass(slots=True)
class _Sum:
    """Routers of one model, added up."""

    told: list[_Told] = field(default_factory=list)
    age_s: float = 0.0
    doubt: str = ""

    def add(self, told: _Told | None, heard_at_s: float, *, alone: bool) -> None:
        """Take one router in; None: it is silent."""
        if told is None:
            self.doubt = self.doubt or "a router is silent"
        elif not alone:
            self.doubt = self.doubt or "a router serves several models"
        else:
            self.told.append(told)
            self.age_s = max(self.age_s, heard_at_s - told.at_s)

    def inflow(self, now_s: float) -> Inflow:
        """Return what is known of all of them together."""
        at_s = now_s - self.age_s
        if self.doubt:
            starved = sum(one.waiting for one in self.told if one.starved)
            absent = Absent(self.doubt)
            return Inflow(
                waiting=Known(starved, at_s) if starved else absent, growth_per_s=absent, arrivals_per_s=absent
            )
        return Inflow(
            waiting=Known(sum(one.waiting for one in self.told), at_s),
            growth_per_s=_total((one.growth_per_s for one in self.told), at_s),
            arrivals_per_s=_total((one.arrivals_per_s for one in self.told), at_s),
        )


def _total(numbers: Iterable[float | None], at_s: float) -> Reading:
    total = 0.0
    for number in numbers:
        if number is None:
            return Absent("a router is too young to tell")
        total += number
    return Known(total, at_s)


def _serves(router: PodFacts, told: _Told | None, place: Place) -> bool:
    """Whether a router sends to a model's pods, or may do so for all that is known."""
    if place.scope.namespace != (told.namespace if told else router.key.namespace):
        return False
    if told is None or told.selector is None:
        return True
    return any(told.selector.matches(labels) for labels in place.labels)


def _selector(text: object) -> Selector | None:
    try:
        return parse_selector(text) if isinstance(text, str) else None
    except InvalidField:
        return None
