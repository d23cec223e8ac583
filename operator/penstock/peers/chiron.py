"""B20, after Chiron: spare instances by global back-pressure, batch size of an instance by local back-pressure.

Source: Patke et al., "Hierarchical Autoscaling for Large Language Model Serving with Chiron", arXiv 2501.08090. What is
kept: an instance's batch size follows its local back-pressure (observed latency over target, the worse of TTFT and
TPOT), and instances are added or removed so that the spare ones are a share Θ of those that the running requests fill.
What is simplified: one pool (all requests are interactive, no batch jobs grouped by deadline, no mixed instances);
the batch size is an estimate of the autoscaler and does not change the engine's own limit, which the other laws leave
alone too; the back-pressure is the mean over a variant's engines.
"""

from collections.abc import Mapping, Sequence
from math import ceil

from penstock.domain.observations import PodMetrics
from penstock.domain.variants import Slo
from penstock.peers.replicas import clamp
from penstock.peers.rivals import Rival
from penstock.peers.split import per_variant
from penstock.peers.views import mean, ongoing, rows, sole
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene

_GAIN = 0.5  # how much of the room below the target the batch grows by at a time
_FIRST_BATCH = 16.0
_BUSY = 0.8  # of the batch: below it, latency says nothing about a larger one


class Chiron:
    """A batch size that latency allows, and instances for the requests plus the spare share."""

    tick_s = 15.0

    def __init__(self, scene: Scene, *, spare: float = 0.3) -> None:
        self._spec = sole(scene)
        self._slo = scene.slo
        self._spare = spare
        self._batch = min(_FIRST_BATCH, self._spec.max_num_seqs)
        self._read_at_s = -1.0

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the instances."""
        if seen.observation.scrape.at_s > self._read_at_s:
            self._read_at_s = seen.observation.scrape.at_s
            self._tune(seen)
        running = ongoing(seen, self._spec.name) / self._batch
        return {self._spec.name: clamp(ceil(running * (1 + self._spare)), self._spec)}

    def _tune(self, seen: Seen) -> None:
        pressure = local_pressure(rows(seen, self._spec.name), self._slo)
        ready = seen.fleet[self._spec.name].ready
        if pressure is not None and ready:
            each = seen.router.in_flight.get(self._spec.name, 0) / ready
            self._batch = next_batch(self._batch, pressure, each, self._spec.max_num_seqs)


def local_pressure(pods: Sequence[PodMetrics], slo: Slo) -> float | None:
    """Return observed latency over its target, the worse of the two; None where neither is known."""
    ttft_s, tpot_s = mean(pods, lambda row: row.ttft_s), mean(pods, lambda row: row.tpot_s)
    ratios = [value / target for value, target in ((ttft_s, slo.ttft_s), (tpot_s, slo.tpot_s)) if value is not None]
    return max(ratios, default=None)


def next_batch(batch: float, pressure: float, each: float, most: int) -> float:
    """Return the batch size after one look: down in proportion when late, up by half the room when early and in use."""
    if pressure > 1:
        return max(1.0, batch / pressure)
    if each >= _BUSY * batch:
        return min(float(most), batch * (1 + _GAIN * (1 - pressure)))
    return batch


FAMILY: tuple[Rival, ...] = (
    Rival(
        code="B20",
        name="chiron-like",
        source="arXiv 2501.08090 (simplified: one interactive pool)",
        defaults={"spare": 0.3},
        grid={"spare": (0.1, 0.2, 0.3, 0.4, 0.5)},
        build=per_variant(Chiron),
    ),
)
