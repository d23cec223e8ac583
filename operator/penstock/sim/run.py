"""The door of the room: one scene, its traffic and a policy in, what became of it out; the same seed, the same run."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from penstock.engine.capacity import capacity
from penstock.sim.agenda import Agenda, Rank
from penstock.sim.balancer import Balancer
from penstock.sim.engines import EngineLaw, batching
from penstock.sim.ledger import Ledger
from penstock.sim.platform import Platform
from penstock.sim.policies import Policy
from penstock.sim.pools import Pool
from penstock.sim.results import KILLED, LOST, UNFINISHED, RunResult
from penstock.sim.scene import Scene
from penstock.sim.scrape import Scraper
from penstock.sim.sights import Sights
from penstock.sim.traces import Arrival, mean_lengths

Progress = Callable[[float], None]
PATIENCE_S: Final = 3600.0
"""How long after the end of arrivals the run goes on for answers; later ones count as never finished."""

_STEPS: Final = 100
_PUSH_S: Final = 0.1  # from a request that nobody can take to the decision that it causes


def run(
    scene: Scene,
    arrivals: Sequence[Arrival],
    policy: Policy,
    seed: int,
    *,
    on_progress: Progress | None = None,
    engines: EngineLaw = batching,
) -> RunResult:
    """Play the arrivals on the scene's fleet under a policy; `on_progress` is told the part that is done, 0 to 1."""
    return _Run(scene, arrivals, policy, seed, engines).play(on_progress)


class _Run:
    def __init__(
        self, scene: Scene, arrivals: Sequence[Arrival], policy: Policy, seed: int, engines: EngineLaw
    ) -> None:
        self._scene, self._policy, self._seed = scene, policy, seed
        self._agenda = Agenda()
        self._ledger = Ledger(arrivals, [spec.name for spec in scene.variants])
        self._balancer = Balancer(self._ledger, self._agenda)
        weights = capacities(scene, arrivals)
        pools = [
            Pool(spec=spec, index=index, inverse_weight=1 / weights[spec.name], length_s=scene.length_s)
            for index, spec in enumerate(scene.variants)
        ]
        self._platform = Platform(scene, pools, self._balancer, seed, engines)
        self._scraper = Scraper(scene, pools, self._balancer, Random(f"{seed}/scrape"))
        self._sights = Sights(scene, pools, self._scraper, self._balancer, self._ledger)
        self._passes = self._blind = 0
        self._balancer.on_wait = self._push if getattr(policy, "wakes", False) else None

    def play(self, on_progress: Progress | None) -> RunResult:
        agenda, count = self._agenda, len(self._ledger.arrival_s)
        agenda.at(0.0, Rank.SCRAPE, self._scrape)
        agenda.at(0.0, Rank.POLICY, self._tick)
        if on_progress:
            self._report(on_progress)
        sent, now_s = 0, 0.0
        while now_s < self._scene.length_s + PATIENCE_S:
            sent = self._balancer.flow(sent)
            if sent == count and not self._ledger.open and now_s >= self._scene.length_s:
                break
            now_s = agenda.next_s
            agenda.step()
        self._platform.settle(now_s)
        return self._result(now_s)

    # --- what comes round

    def _scrape(self, now_s: float) -> None:
        self._scraper.run(now_s)
        self._agenda.at(now_s + self._scene.scrape_s, Rank.SCRAPE, self._scrape)

    def _tick(self, now_s: float) -> None:
        self._decide(now_s, woken=False)
        self._agenda.at(now_s + self._policy.tick_s, Rank.POLICY, self._tick)

    def _push(self, now_s: float) -> None:
        """Have a decision at once: a request waits, and nothing runs or starts that could take it."""
        if not any(pool.wanted for pool in self._platform.pools):
            self._agenda.at(now_s + _PUSH_S, Rank.POLICY, lambda at_s: self._decide(at_s, woken=True))

    def _decide(self, now_s: float, *, woken: bool) -> None:
        self._passes += 1
        self._blind += self._scraper.scrape.problem is not None
        self._platform.scale(self._policy.decide(self._sights.look(now_s, woken=woken)), now_s)

    def _report(self, on_progress: Progress) -> None:
        for part in range(1, _STEPS + 1):
            at_s = self._scene.length_s * part / _STEPS
            self._agenda.at(at_s, Rank.PLATFORM, lambda now_s: on_progress(min(now_s / self._scene.length_s, 1.0)))

    def _result(self, now_s: float) -> RunResult:
        ledger, pools, status = self._ledger, self._platform.pools, bytes(self._ledger.status)
        return RunResult(
            policy=type(self._policy).__name__,
            seed=self._seed,
            length_s=self._scene.length_s,
            ended_s=now_s,
            arrival_s=ledger.arrival_s,
            ttft_s=ledger.ttft_s,
            tpot_s=ledger.tpot_s,
            status=status,
            usd=sum(pool.seconds * pool.spec.usd_per_h for pool in pools) / 3600,
            gpu_hours=sum(pool.seconds * pool.spec.accelerators_per_replica for pool in pools) / 3600,
            replica_seconds={pool.spec.name: pool.seconds for pool in pools},
            timeline={pool.spec.name: tuple(pool.timeline) for pool in pools},
            scale_events=sum(pool.events for pool in pools),
            reversals=sum(pool.reversals for pool in pools),
            killed=status.count(KILLED),
            lost=status.count(LOST),
            unfinished=status.count(UNFINISHED),
            passes=self._passes,
            blind_passes=self._blind,
        )


def capacities(scene: Scene, arrivals: Sequence[Arrival]) -> dict[str, float]:
    """Return what one replica of each variant serves per second at the mean lengths, by which the router weighs."""
    lengths = mean_lengths(arrivals)
    return {spec.name: capacity(spec.shape, lengths, scene.slo).per_s for spec in scene.variants}
