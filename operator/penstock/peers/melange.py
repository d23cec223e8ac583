"""AIBrix's GPU optimiser (B11): the cheapest fleet for the request sizes of late, by integer programming.

After vllm-project/aibrix e3e10f9e `python/aibrix/aibrix/gpu_optimizer` (monitor.py, optimizer.py, solver/melange.py;
Mélange, arXiv 2404.14527): every 10 s the requests of 240 s are grouped by the logarithms of their input and output
lengths, min Σ cost·y with every group's load spread over the types, load ÷ profiled throughput ≤ y. Demand is the
larger of the window's and the latest rate; the answer is applied at once, with no thought of start-up or churn.
In its favour: rates are those of arrivals, profiles are exact (a replica's capacity at the group's lengths and the
scene's targets), groups are the cells of the profile's grid instead of DBSCAN clusters, and none is dropped.
"""

import math
from collections import Counter, deque
from collections.abc import Mapping
from itertools import takewhile
from typing import Final

from penstock.engine.capacity import Lengths, capacity
from penstock.peers.packing import cheapest
from penstock.peers.rivals import MIX, SINGLE, Rival, over_all
from penstock.peers.windows import Delay
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene

TICK_S: Final = 10.0
WINDOW_S: Final = 240.0
_USELESS: Final = 1e-6

Bucket = tuple[int, int]


class Optimiser:
    """B11. `load` is the share of a profile's throughput that a replica may be asked for (the guide's target value).

    `delay_s` is the scale-down delay of the autoscaler that follows the optimiser, 0 in the guide.
    """

    tick_s = TICK_S

    def __init__(self, scene: Scene, *, load: float, delay_s: float) -> None:
        self._scene, self._load = scene, load
        self._slots: deque[tuple[float, Counter[Bucket]]] = deque()
        self._sizes: Counter[Bucket] = Counter()
        self._read_s = 0.0
        self._delays = {spec.name: Delay(delay_s) for spec in scene.variants}
        self._arrivals: deque[tuple[float, int]] = deque([(0.0, 0)])

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the cheapest fleet for the rate and sizes of late; before anything was answered, what there is."""
        self._read(seen)
        per_s = self._rate(seen)
        total = self._sizes.total()
        if not total:
            return {} if seen.now_s < WINDOW_S else self._least()
        fleet = self._solve({bucket: per_s * count / total for bucket, count in self._sizes.items()})
        return {name: self._delays[name].most(seen.now_s, wanted) for name, wanted in fleet.items()}

    def _rate(self, seen: Seen) -> float:
        self._arrivals.append((seen.now_s, seen.router.arrived))
        while self._arrivals[1][0] <= seen.now_s - WINDOW_S:
            self._arrivals.popleft()
        (latest_s, latest), (first_s, first) = self._arrivals[-2], self._arrivals[0]
        spans = [
            (seen.now_s - at_s, seen.router.arrived - count) for at_s, count in ((first_s, first), (latest_s, latest))
        ]
        return max((count / span_s for span_s, count in spans if span_s >= 1), default=0.0)

    def _read(self, seen: Seen) -> None:
        fresh = takewhile(lambda one: one.at_s > self._read_s, reversed(seen.served))
        latest = Counter((_log2(one.input_tokens), _log2(one.output_tokens)) for one in fresh)
        self._read_s = seen.now_s
        self._slots.append((seen.now_s, latest))
        self._sizes.update(latest)
        while self._slots[0][0] <= seen.now_s - WINDOW_S:
            self._sizes.subtract(self._slots.popleft()[1])
        self._sizes = +self._sizes

    def _solve(self, rates: Mapping[Bucket, float]) -> dict[str, int]:
        specs = self._scene.variants
        loads = [[rate / per_s for per_s in self._throughputs(bucket)] for bucket, rate in rates.items() if rate > 0]
        counts = cheapest(loads, [spec.usd_per_h for spec in specs], [spec.max_replicas for spec in specs])
        fleet = {spec.name: max(count, spec.min_replicas) for spec, count in zip(specs, counts, strict=True)}
        return fleet if any(fleet.values()) else self._least()

    def _throughputs(self, bucket: Bucket) -> list[float]:
        """Return requests per second of every type; one that misses the targets at these sizes is useless for them."""
        lengths = Lengths(input_tokens=2.0 ** bucket[0], output_tokens=2.0 ** bucket[1], input_cv=0, output_cv=0)
        found = [capacity(spec.shape, lengths, self._scene.slo) for spec in self._scene.variants]
        hopeless = all(one.missed for one in found)
        return [self._load * one.per_s * (_USELESS if one.missed and not hopeless else 1.0) for one in found]

    def _least(self) -> dict[str, int]:
        fleet = {spec.name: spec.min_replicas for spec in self._scene.variants}
        if not any(fleet.values()):
            fleet[min(self._scene.variants, key=lambda spec: spec.usd_per_h).name] = 1
        return fleet


def _log2(tokens: int) -> int:
    return round(math.log2(max(1, tokens)))


FAMILY: Final = (
    Rival(
        code="B11",
        name="AIBrix GPU optimiser",
        source="vllm-project/aibrix python/aibrix/aibrix/gpu_optimizer at e3e10f9e",
        defaults={"load": 1.0, "delay_s": 0},
        grid={"load": (0.6, 0.7, 0.8, 0.9, 1.0), "delay_s": (0, 300)},
        build=over_all(Optimiser),
        shapes=frozenset({SINGLE, MIX}),
    ),
)
