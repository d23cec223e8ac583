"""On what a model ran: accelerators by what monitoring says of pods and nodes, KV caches by what engines say."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

from penstock.advise.past import Answers
from penstock.advise.tracks import PodKey, Track, name_of
from penstock.domain.series import kv_tokens
from penstock.telemetry.labels import namespace_of
from penstock.telemetry.pastqueries import Ask

_Place = tuple[str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hardware:
    """By namespace and pod: GPU names, GPUs of a pod, tokens of its KV cache; each may be unknown."""

    gpus: Mapping[_Place, str] = field(default_factory=dict)
    counts: Mapping[_Place, int] = field(default_factory=dict)
    caches: Mapping[_Place, int] = field(default_factory=dict)

    @classmethod
    def read(cls, answers: Answers) -> Self:
        """Read the answers. What the GPU's own exporter says goes before what a label of the node says."""
        gpus = _latest(answers.get(Ask.GPU_OF_NODE, ()), lambda one: one.labels.get("label_nvidia_com_gpu_product"))
        gpus |= _latest(answers.get(Ask.GPU_SEEN, ()), lambda one: one.labels.get("modelName"))
        counts = _latest(answers.get(Ask.GPU_COUNT, ()), lambda one: round(one.points[-1][1]) or None)
        return cls(gpus, counts, _latest(answers.get(Ask.CACHE, ()), _cache))

    def gpu(self, pods: Iterable[PodKey]) -> str | None:
        """Return the GPU that most of the pods had."""
        return _most(self.gpus, pods)

    def count(self, pods: Iterable[PodKey]) -> int | None:
        """Return how many GPUs most of the pods had."""
        return _most(self.counts, pods)

    def cache(self, pods: Iterable[PodKey]) -> int | None:
        """Return the KV tokens that most of the pods had."""
        return _most(self.caches, pods)


def _cache(track: Track) -> int | None:
    tokens = kv_tokens(track.labels)
    return None if tokens is None else int(tokens)


def _latest(tracks: Iterable[Track], read: Callable[[Track], T | None]) -> dict[_Place, T]:
    """Return by pod what the series that was there last says."""
    found: defaultdict[_Place, tuple[float, T | None]] = defaultdict(lambda: (float("-inf"), None))
    for track in tracks:
        place = namespace_of(track.labels), name_of(track.labels)
        value = read(track) if track.points else None
        if value is not None and track.points[-1][0] >= found[place][0]:
            found[place] = track.points[-1][0], value
    return {place: value for place, (_, value) in found.items() if value is not None}


def _most(known: Mapping[_Place, T], pods: Iterable[PodKey]) -> T | None:
    places = ((pod.namespace, pod.pod) for pod in pods)
    counted = Counter(known[place] for place in places if place in known)
    return counted.most_common(1)[0][0] if counted else None
