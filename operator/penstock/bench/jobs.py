"""One run of the comparison as a value: which policy with which knobs on which workload, and what it came to."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

OURS: Final = "ours"
QUOTA: Final = "quota"  # everything that the quota allows, all the time
BOUND: Final = "bound"  # what no policy can do better
WVA: Final = ("B15", "B16")  # whose analysers are ours, as `saturation-v1` and `-v2`
MIX: Final = "mix"
SPLIT: Final = "split"

Knobs = tuple[tuple[str, float], ...]

# whose source decides what a run comes to; our own decision only matters to runs that decide by it
_WORLD: Final = ("domain", "engine", "sim", "peers")
_OWN: Final = ("scaling", "records")
# of this room, those that play; the others choose what to play, and tell what came of it
_PLAY: Final = frozenset({"jobs.py", "play.py", "replayed.py", "spills.py"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Job:
    """A run. `shape`: `mix` (the policy chooses between variants), `split` (one law for each), or a variant's name."""

    workload: str
    seed: int
    policy: str
    shape: str
    knobs: Knobs = ()
    quick: bool = False

    @property
    def single(self) -> bool:
        """Tell whether the fleet is of one variant."""
        return self.shape not in {MIX, SPLIT}

    @property
    def swept(self) -> bool:
        """Tell whether this is another point than the policy's defaults."""
        return bool(self.knobs)

    def at(self, seed: int) -> "Job":
        """Return the same run at another seed."""
        return replace(self, seed=seed)

    def key(self, traffic: str = "") -> str:
        """Return a name that only this run of this very code on this traffic has."""
        text = json.dumps([asdict(self), version(own=self.policy in {OURS, *WVA}), traffic], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to. `parts` are attainments of ten equal stretches of the arrivals' time, None where none came.

    `ready` holds for each variant the serving replicas at 121 instants from start to end. `facts` are measures that
    only some workloads have; `took_s` is time of the processor.
    """

    job: Job
    requests: int
    attainment: float
    usd_per_h: float
    mean_replicas: float = 0.0
    scale_events: int = 0
    reversals: int = 0
    killed: int = 0
    lost: int = 0
    unfinished: int = 0
    blind_passes: int = 0
    ttft_p50_s: float | None = None
    ttft_p99_s: float | None = None
    tpot_p99_s: float | None = None
    parts: tuple[float | None, ...] = ()
    ready: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    facts: Mapping[str, float | None] = field(default_factory=dict)
    length_s: float = 0.0
    took_s: float = 0.0

    def line(self, key: str) -> str:
        """Return it as one line of JSON, under the key of its job."""
        body = {name: getattr(self, name) for name in self.__slots__ if name != "job"}
        body["ready"], body["facts"] = dict(self.ready), dict(self.facts)
        return json.dumps({"key": key, "job": asdict(self.job), **body}, separators=(",", ":"))


def read(line: str) -> tuple[str, Outcome] | None:
    """Return the key and the outcome of a line; None where it is not a whole one, as after an interruption."""
    try:
        body = json.loads(line)
        key, job = body.pop("key"), body.pop("job")
        return key, Outcome(**{"job": _job(job), **{name: _plain(value) for name, value in body.items()}})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _job(body: dict[str, Any]) -> Job:
    knobs = tuple((str(name), float(value)) for name, value in body.pop("knobs"))
    return Job(knobs=knobs, **body)


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value


@lru_cache(maxsize=2)
def version(*, own: bool) -> str:
    """Return a digest of the source that a run depends on; of our own decision only for those that decide by it."""
    digest = hashlib.sha256()
    for room, source in sources(own=own):
        digest.update(f"{room}/{source.name}".encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def sources(*, own: bool) -> list[tuple[str, Traversable]]:
    """Return the files that a run depends on, each after its room, in order."""
    return [
        (room, source)
        for room in ("bench", *_WORLD, *(_OWN if own else ()))
        for source in sorted(files("penstock").joinpath(room).iterdir(), key=lambda one: one.name)
        if source.name.endswith(".py") and _counts(room, source.name, own=own)
    ]


def _counts(room: str, name: str, *, own: bool) -> bool:
    return name in _PLAY if room == "bench" else own or name != "ours.py"
