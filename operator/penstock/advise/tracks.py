"""Recorded series laid on a grid of equal steps, and whose pods they are of."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from penstock.telemetry.labels import address_of, namespace_of, pod_of

# what a ReplicaSet, a StatefulSet or a LeaderWorkerSet appends to the name of its owner
_SAFE: Final = "bcdfghjklmnpqrstvwxz2456789"
_OF_DEPLOYMENT: Final = re.compile(rf"(.+)-[{_SAFE}]{{6,10}}-[{_SAFE}]{{5}}")
_OF_SET: Final = re.compile(r"(.+?)(-\d+){1,2}")


class Track(Protocol):
    """One series: (Unix seconds, value) in order, with gaps where nothing was scraped."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels by name."""
        ...

    @property
    def points(self) -> Sequence[tuple[float, float]]:
        """Values by time."""
        ...


Column = list[float | None]
"""One value for each step of a grid; None is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Instants `start_s`, `start_s + step_s`, ... in Unix seconds."""

    start_s: float
    step_s: float
    count: int

    def at(self, step: int) -> float:
        """Return the instant of a step."""
        return self.start_s + step * self.step_s

    def place(self, at_s: float) -> int | None:
        """Return the step of an instant."""
        place = round((at_s - self.start_s) / self.step_s)
        return place if 0 <= place < self.count else None

    def column(self, points: Iterable[tuple[float, float]]) -> Column:
        """Return values by step."""
        column: Column = [None] * self.count
        for at_s, value in points:
            if (place := self.place(at_s)) is not None:
                column[place] = value
        return column


@dataclass(frozen=True, slots=True, order=True)
class PodKey:
    """A pod that served a model; of one without a name its address."""

    namespace: str
    model: str
    pod: str


@dataclass(frozen=True, slots=True)
class Owner:
    """What a pod's name says it belongs to; an empty `kind` means that it says nothing."""

    kind: str
    name: str


def name_of(labels: Mapping[str, str]) -> str:
    """Return the pod that a series is of, or else its address."""
    return pod_of(labels) or address_of(labels)


def key_of(labels: Mapping[str, str]) -> PodKey:
    """Return whose series it is."""
    return PodKey(namespace_of(labels), labels.get("model_name", ""), name_of(labels))


def owner_of(pod: str) -> Owner:
    """Return who made a pod, by the shape of its name."""
    if match := _OF_DEPLOYMENT.fullmatch(pod):
        return Owner("Deployment", match[1])
    if (match := _OF_SET.fullmatch(pod)) and not re.fullmatch(r"[\d.-]+", pod):
        return Owner("LeaderWorkerSet" if pod.removeprefix(match[1]).count("-") > 1 else "StatefulSet", match[1])
    return Owner("", "")


def by_pod(tracks: Iterable[Track], grid: Grid) -> dict[PodKey, Column]:
    """Return the columns of pods; what several series say of one pod adds up."""
    found: dict[PodKey, Column] = {}
    for track in tracks:
        key, column = key_of(track.labels), grid.column(track.points)
        found[key] = added([found[key], column]) if key in found else column
    return found


def added(columns: Sequence[Column]) -> Column:
    """Return the sums step by step of what is known; None where nothing is."""
    return [
        sum(known) if (known := [one for one in at if one is not None]) else None for at in zip(*columns, strict=True)
    ]


def grouped(keys: Iterable[PodKey]) -> dict[tuple[str, str, Owner], list[PodKey]]:
    """Return pods by namespace, model and owner; those whose name tells no owner count as one variant."""
    found: defaultdict[tuple[str, str, Owner], list[PodKey]] = defaultdict(list)
    for key in sorted(keys):
        found[key.namespace, key.model, owner_of(key.pod)].append(key)
    return found
