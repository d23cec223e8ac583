"""Which replicas leave, and when the scale may fall: the least loaded first, and only after they have ended their work.

Everything is decided anew in each pass from what the pods themselves carry, so that another process can go on.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from penstock.api.metadata import unix_seconds
from penstock.api.names import ANNOTATION_DELETION_COST, ANNOTATION_DRAINING
from penstock.controller.pods import PodFacts
from penstock.domain.variants import ObjectKey

SETTLE_S: Final = 2.0  # until every router has seen that a pod leaves
TIMEOUT_S: Final = 600.0  # for those of which nobody knows whether they work: as long as OpenAI clients wait for a byte
BUSY_S: Final = 1800.0  # for those seen to work: 32,000 tokens at 50 ms; the simulated platform waits as long
LEAVES: Final = "-1000000000"  # far below what people give, whose pods go first all the same
DONE: Final = "-2000000000"
ORDINAL_KINDS: Final = frozenset({"StatefulSet", "LeaderWorkerSet"})  # the highest ordinal goes, whatever a pod costs
_HASH: Final = "pod-template-hash"
_FREE: Final[Mapping[str, str | None]] = {ANNOTATION_DELETION_COST: None, ANNOTATION_DRAINING: None}


@dataclass(frozen=True, slots=True)
class Load:
    """Requests running and waiting in one pod, by a sample of Unix time `at_s`."""

    requests: float
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One target that is to shrink to `wanted`. `served`: routers of ours choose among its pods, so draining works."""

    pods: tuple[PodFacts, ...]
    kind: str
    wanted: int
    now_s: float
    instance: str
    served: bool
    loads: Mapping[ObjectKey, Load]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now: annotations by pod, and the count to lower to (None: not yet).

    `ended` requests were still there when their time was over.
    """

    annotations: Mapping[ObjectKey, Mapping[str, str | None]] = field(default_factory=dict)
    lower_to: int | None = None
    ended: float = 0.0


def step(scene: Scene) -> Step:
    """Return the next step."""
    staying = [pod for pod in scene.pods if not pod.leaving]
    victims = _victims(scene, staying)
    if not victims:
        return Step(freed(staying, scene.instance), scene.wanted)
    if scene.kind in ORDINAL_KINDS and not scene.served:
        return Step({}, scene.wanted, _requests(scene, victims))
    done = [pod for pod in victims if _is_done(scene, pod)]
    lower_to = _lower_to(scene, staying, victims, done)
    others = freed((pod for pod in staying if pod not in victims), scene.instance)
    return Step(
        annotations={**others, **_marks(scene, victims, done)},
        lower_to=lower_to,
        ended=_requests(scene, done) if lower_to is not None else 0.0,
    )


def _requests(scene: Scene, pods: Iterable[PodFacts]) -> float:
    return sum(scene.loads[pod.key].requests for pod in pods if pod.key in scene.loads)


def freed(pods: Iterable[PodFacts], instance: str) -> dict[ObjectKey, Mapping[str, str | None]]:
    """Return what frees those pods that we told to leave."""
    return {pod.key: _FREE for pod in pods if not pod.leaving and is_ours(pod, instance)}


def is_ours(pod: PodFacts, instance: str) -> bool:
    """Whether we, and not a person or another operator, told a pod to leave."""
    since_s, by = _read(pod.mark)
    told = since_s is not None and by == instance
    return told or (not pod.mark and pod.deletion_cost in {LEAVES, DONE})


def _mark(now_s: float, instance: str) -> str:
    stamp = datetime.fromtimestamp(int(now_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{stamp} {instance}".strip()


def _read(mark: str) -> tuple[float | None, str]:
    """Return since when a pod drains, and by whose word; None for what a person wrote."""
    stamp, _, instance = mark.partition(" ")
    return unix_seconds(stamp) or None, instance


def _victims(scene: Scene, staying: Sequence[PodFacts]) -> list[PodFacts]:
    """Return who leaves, in the order in which the cluster would remove them.

    A ReplicaSet takes those that are not Ready before it looks at costs. Who drains already goes on.
    """
    surplus = max(len(staying) - scene.wanted, 0)
    if scene.kind in ORDINAL_KINDS:
        return sorted(staying, key=lambda pod: -_ordinal(pod))[:surplus]

    def rank(pod: PodFacts) -> tuple[bool, bool, float, str]:
        load = scene.loads.get(pod.key)
        told = bool(pod.mark) or is_ours(pod, scene.instance)
        return pod.answers, not told, load.requests if load else math.inf, pod.key.name

    return sorted(staying, key=rank)[:surplus]


def _ordinal(pod: PodFacts) -> int:
    tail = pod.key.name.rpartition("-")[2]
    return int(tail) if tail.isdecimal() else -1


def _is_done(scene: Scene, pod: PodFacts) -> bool:
    """Whether a pod may be removed: it has ended its work, never had any, or had all the time that there is."""
    since_s, _ = _read(pod.mark)
    if since_s is None:
        return not scene.served and pod.deletion_cost in {LEAVES, DONE}
    if scene.now_s - since_s < SETTLE_S:
        return False
    load, never = scene.loads.get(pod.key), pod.birth is not None and pod.birth.ready_at_s is None
    idle = load is not None and load.at_s >= since_s + SETTLE_S and load.requests == 0
    return idle or never or not scene.served or scene.now_s - since_s >= _most_s(load)


def _most_s(load: Load | None) -> float:
    """Return how long a pod may take to end its work, of which a sample tells this."""
    return BUSY_S if load is not None and load.requests else TIMEOUT_S


def _lower_to(
    scene: Scene, staying: Sequence[PodFacts], victims: Sequence[PodFacts], done: Sequence[PodFacts]
) -> int | None:
    """Return the count at which the cluster removes those that are done, and no others; None where there is none.

    That a pod costs less must have been seen by the cluster's own controllers: it counts from the next pass on.
    While two generations of pods run nobody knows from which of them they are taken.
    """
    if len(done) == len(victims):
        late = any(scene.now_s - (_read(pod.mark)[0] or scene.now_s) >= TIMEOUT_S for pod in victims)
        return scene.wanted if late or len({pod.labels.get(_HASH) for pod in staying}) == 1 else None
    if scene.kind in ORDINAL_KINDS:
        first = next(place for place, pod in enumerate(victims) if pod not in done)
        return len(staying) - first if first else None
    others_answer = all(pod.answers for pod in staying if pod not in done)
    if done and others_answer and all(pod.deletion_cost == DONE or not pod.answers for pod in done):
        return len(staying) - len(done)
    return None


def _marks(
    scene: Scene, victims: Iterable[PodFacts], done: Sequence[PodFacts]
) -> dict[ObjectKey, Mapping[str, str | None]]:
    """Return what victims have to carry and do not yet."""
    found: dict[ObjectKey, Mapping[str, str | None]] = {}
    for pod in victims:
        wanted: dict[str, str | None] = {}
        cost = DONE if pod in done else LEAVES
        if pod.deletion_cost != cost and scene.kind not in ORDINAL_KINDS:
            wanted[ANNOTATION_DELETION_COST] = cost
        if scene.served and _read(pod.mark)[0] is None:  # a person's mark does not tell since when
            wanted[ANNOTATION_DRAINING] = _mark(scene.now_s, scene.instance)
        if wanted:
            found[pod.key] = wanted
    return found
