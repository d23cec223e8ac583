"""B17 to B19, NVIDIA Dynamo's planner for aggregated engines: by forecast throughput, by engine load, by both, easy.

Source: ai-dynamo/dynamo, components/src/dynamo/planner/core/{throughput,load}_scaling.py (2026). Throughput, every
180 s: one-step forecasts of requests, input and output lengths, over the rate of one engine at the targets. Load, every
5 s: one more where *every* engine's estimated TTFT, or every one's ITL, is late; one fewer where both would keep within
80 % of the target with the load of N engines on N - 1 and the cache would hold it; nothing while a scaling is under
way. With both, throughput is the floor of load. Easy: the cache in use and queued over what there is, any engine up,
all engines down. Replicas are at least one; the default budget of 8 GPUs gives way to the scene's quota, as everywhere.
Favourable to it: the planner learns step times by regression from 64 samples, here it knows the simulator's exact step
cost and capacity. Its forward-pass metrics are as old as the last scrape.
"""

from collections.abc import Mapping
from functools import partial
from math import ceil
from types import MappingProxyType
from typing import Final

from penstock.domain.variants import Slo
from penstock.engine.capacity import Lengths, capacity
from penstock.peers.dynamoload import Engine, easy_step, engines, load_step
from penstock.peers.forecasts import PREDICTORS
from penstock.peers.profile import Profile, rounded
from penstock.peers.replicas import clamp
from penstock.peers.rivals import Rival
from penstock.peers.split import per_variant
from penstock.peers.views import rows, sole
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene

_LOAD_S: Final = 5.0
_EASY: Final[Mapping[str, tuple[float, float]]] = MappingProxyType({"throughput": (1.0, 0.6), "latency": (0.4, 0.1)})


def tightened(slo: Slo, scale: float) -> Slo:
    """Return the targets that the planner is told: a share of the real ones."""
    return Slo(
        ttft_s=slo.ttft_s * scale,
        tpot_s=slo.tpot_s * scale,
        attainment_ratio=slo.attainment_ratio,
        source=slo.source,
    )


class Throughput:
    """Replicas of one variant from the next interval's forecast traffic."""

    def __init__(self, scene: Scene, *, predictor: float = 1.0, interval_s: float = 180.0, scale: float = 1.0) -> None:
        self.tick_s = interval_s
        self._spec = sole(scene)
        self._slo = tightened(scene.slo, scale)
        kind = PREDICTORS[int(predictor)]
        self._requests, self._inputs, self._outputs = kind(), kind(), kind()
        self._profile = Profile(scene)
        self._counted = (0.0, 0, 0)

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the replicas; they stay before there is traffic."""
        rate, lengths = self._forecast(seen)
        if lengths is None:
            return {}
        each = capacity(self._spec.shape, lengths, self._slo).per_s
        return {self._spec.name: clamp(ceil(rate / each), self._spec)}

    def _forecast(self, seen: Seen) -> tuple[float, Lengths | None]:
        """Return requests per second and lengths of the next interval."""
        self._profile.learn(seen)
        began_s, arrived, tokens = self._counted
        self._counted = (seen.now_s, seen.router.arrived, seen.router.arrived_input_tokens)
        requests, passed_s = seen.router.arrived - arrived, seen.now_s - began_s
        lately = self._profile.lengths()
        if passed_s <= 0 or lately is None:
            return 0.0, None
        self._requests.add(requests * self.tick_s / passed_s)
        self._inputs.add((seen.router.arrived_input_tokens - tokens) / requests if requests else 0.0)
        self._outputs.add(lately.output_tokens)
        most = self._spec.cost.kv_tokens  # none is longer, whatever an autoregression that blew up foresees
        lengths = Lengths(
            input_tokens=rounded(min(self._inputs.next() or lately.input_tokens, most)),
            output_tokens=rounded(min(self._outputs.next(), most)),
        )
        return max(self._requests.next(), 0.0) / self.tick_s, lengths


class Load:
    """One replica more or fewer from what its engines would do to the next request."""

    tick_s = _LOAD_S

    def __init__(self, scene: Scene, *, sensitivity: float = 0.8, scale: float = 1.0, easy: str = "") -> None:
        self._spec = sole(scene)
        self._slo = tightened(scene.slo, scale)
        self._sensitivity = sensitivity
        self._thresholds = _EASY.get(easy)

    def decide(self, seen: Seen, floor: int = 1) -> Mapping[str, int]:
        """Return the replicas, `floor` at least; nothing while a scaling is under way or engines are unheard of."""
        count = seen.fleet[self._spec.name]
        fleet = engines(self._spec, rows(seen, self._spec.name))
        if count.ready != count.wanted or not fleet or len(fleet) != count.ready:
            return {}
        return {self._spec.name: clamp(max(count.wanted + self._step(fleet), floor), self._spec)}

    def _step(self, fleet: tuple[Engine, ...]) -> int:
        if self._thresholds is not None:
            return easy_step([engine.cache_ratio for engine in fleet], *self._thresholds)
        return load_step(fleet, self._slo, self._sensitivity)


class Combined:
    """Load every 5 s over a floor from throughput every 180 s."""

    tick_s = _LOAD_S

    def __init__(
        self,
        scene: Scene,
        *,
        predictor: float = 1.0,
        interval_s: float = 180.0,
        sensitivity: float = 0.8,
        scale: float = 1.0,
    ) -> None:
        self._throughput = Throughput(scene, predictor=predictor, interval_s=interval_s, scale=scale)
        self._load = Load(scene, sensitivity=sensitivity, scale=scale)
        self._name = sole(scene).name
        self._floor = 1
        self._next_s = 0.0

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the replicas; nothing while a scaling is under way."""
        if seen.now_s >= self._next_s - 1e-6:
            self._next_s = seen.now_s + self._throughput.tick_s
            self._floor = self._throughput.decide(seen).get(self._name, self._floor)
        return self._load.decide(seen, self._floor)


_SOURCE: Final = "ai-dynamo/dynamo components/src/dynamo/planner/core"
_SCALES: Final = (0.5, 0.7, 0.85, 1.0)

FAMILY: tuple[Rival, ...] = (
    Rival(
        code="B17",
        name="dynamo-throughput",
        source=_SOURCE,
        defaults={"predictor": 1.0, "interval_s": 180.0, "scale": 1.0},
        grid={"predictor": (0.0, 1.0, 2.0), "interval_s": (60.0, 180.0), "scale": (0.5, 0.7, 1.0)},
        build=per_variant(Throughput),
        reactive=False,
    ),
    Rival(
        code="B18",
        name="dynamo-load",
        source=_SOURCE,
        defaults={"sensitivity": 0.8, "scale": 1.0},
        grid={"sensitivity": (0.5, 0.8), "scale": _SCALES},
        build=per_variant(Load),
    ),
    Rival(
        code="B17+B18",
        name="dynamo-combined",
        source=_SOURCE,
        defaults={"predictor": 1.0, "interval_s": 180.0, "sensitivity": 0.8, "scale": 1.0},
        grid={"predictor": (0.0, 1.0, 2.0), "scale": _SCALES},
        build=per_variant(Combined),
        reactive=False,
    ),
    Rival(
        code="B19t",
        name="dynamo-easy-throughput",
        source=_SOURCE,
        defaults={},
        grid={},
        build=per_variant(partial(Load, easy="throughput")),
    ),
    Rival(
        code="B19l",
        name="dynamo-easy-latency",
        source=_SOURCE,
        defaults={},
        grid={},
        build=per_variant(partial(Load, easy="latency")),
    ),
)
