"""The cluster under the fleet: starts what is wanted, finds places, drains what has to go, and has its faults."""

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random
from typing import Final

from penstock.sim.agenda import Rank
from penstock.sim.balancer import Balancer
from penstock.sim.engines import EngineLaw
from penstock.sim.pools import Pool
from penstock.sim.replicas import Replica, Stage, active, attempt_s, victims
from penstock.sim.results import KILLED, LOST
from penstock.sim.scene import Scene

_AGO_S: Final = 3600.0  # how long before the run the replicas that it begins with became ready


class Platform:
    """Does what a ReplicaSet, a scheduler and a node autoscaler do.

    Chance is drawn for each replica by itself, from seed, variant and how many there were before it, so that two
    policies that ask for the same get the same.
    """

    def __init__(self, scene: Scene, pools: Sequence[Pool], balancer: Balancer, seed: int, engines: EngineLaw) -> None:
        self.pools = tuple(pools)
        self._scene, self._balancer = scene, balancer
        self._ledger, self._agenda = balancer.ledger, balancer.agenda
        self._seed, self._engines = seed, engines
        self._placed = dict.fromkeys((pool.spec.accelerator for pool in pools), 0)
        self._by_name: Mapping[str, Pool] = {pool.spec.name: pool for pool in pools}
        for pool in pools:
            self._begin(pool)
        for fault in scene.faults:
            if fault.kind == "crash":
                self._agenda.at(fault.from_s, Rank.PLATFORM, partial(self._crash, fault.variant))
            elif fault.kind == "out-of-stock":
                self._agenda.at(fault.until_s, Rank.PLATFORM, self._place_waiting)

    def _begin(self, pool: Pool) -> None:
        """Let the variant's first replicas be ready; they were started long ago, as the others will be."""
        pool.wanted = pool.spec.initial
        for _ in range(pool.spec.initial):
            replica = self._new(pool, 0.0)
            self._place(pool, replica, 0.0)
            took_s = attempt_s(pool.spec, replica.chance, placed=0, factor=1.0)
            replica.created_s, replica.ready_s = -_AGO_S - took_s, -_AGO_S
            self._open(pool, replica, 0.0)
        pool.note(0.0)

    # --- what a policy asks for

    def scale(self, wishes: Mapping[str, int], now_s: float) -> None:
        """Make the replicas of each named variant as many as is wished."""
        for name, replicas in wishes.items():
            pool = self._by_name[name]
            if pool.want(replicas, now_s):
                self._reconcile(pool, now_s)

    def _reconcile(self, pool: Pool, now_s: float) -> None:
        surplus = len(pool.replicas) - pool.wanted
        for replica in victims(pool.replicas, surplus) if surplus > 0 else ():
            self._leave(pool, replica, now_s)
        for _ in range(-surplus):
            self._try(pool, self._new(pool, now_s), now_s)
        pool.note(now_s)

    # --- coming

    def _new(self, pool: Pool, now_s: float) -> Replica:
        name = f"{pool.spec.name}-{pool.ever}"
        chance = Random(f"{self._seed}/{name}")
        engine = self._engines(pool.spec, chance)
        replica = Replica(name, pool.index, engine, chance, pool.inverse_weight, created_s=now_s)
        pool.ever += 1
        pool.replicas.append(replica)
        self._balancer.enlist(replica)
        return replica

    def _try(self, pool: Pool, replica: Replica, now_s: float) -> None:
        """Give a replica its place, if there is one; else it stays stuck until one is free."""
        spec = pool.spec
        most = self._scene.quotas.get(spec.accelerator)
        full = most is not None and self._placed[spec.accelerator] + spec.accelerators_per_replica > most
        if full or active(self._scene.faults, "out-of-stock", now_s, spec.name):
            return
        self._place(pool, replica, now_s)
        self._attempt(pool, replica, now_s)

    def _place(self, pool: Pool, replica: Replica, now_s: float) -> None:
        self._placed[pool.spec.accelerator] += pool.spec.accelerators_per_replica
        replica.stage, replica.cost_from_s = Stage.STARTING, now_s

    def _place_waiting(self, now_s: float) -> None:
        stuck = [(one.created_s, pool.index, one) for pool in self.pools for one in pool.replicas]
        for _, index, replica in sorted(stuck, key=lambda row: row[:2]):
            if replica.stage is Stage.STUCK:
                self._try(self.pools[index], replica, now_s)

    def _attempt(self, pool: Pool, replica: Replica, now_s: float) -> None:
        slow = active(self._scene.faults, "slow-start", now_s, pool.spec.name)
        placed = sum(one.stage is not Stage.STUCK for one in pool.everything())
        took_s = attempt_s(pool.spec, replica.chance, placed=placed, factor=slow.factor if slow else 1.0)
        self._agenda.at(now_s + took_s, Rank.PLATFORM, partial(self._attempted, pool, replica))

    def _attempted(self, pool: Pool, replica: Replica, now_s: float) -> None:
        if replica.stage is not Stage.STARTING:
            return
        if replica.chance.random() < pool.spec.startup.failure_ratio:
            self._attempt(pool, replica, now_s)
            return
        replica.ready_s = now_s
        self._open(pool, replica, now_s)
        pool.note(now_s)

    def _open(self, pool: Pool, replica: Replica, now_s: float) -> None:
        replica.stage = Stage.READY
        replica.on_idle = partial(self._drained, pool, replica)
        self._balancer.open(replica, now_s)

    # --- going

    def _leave(self, pool: Pool, replica: Replica, now_s: float) -> None:
        pool.replicas.remove(replica)
        if not replica.outstanding:
            self._gone(pool, replica, now_s)
            return
        replica.stage = Stage.DRAINING
        pool.leaving.append(replica)
        self._balancer.close(replica)
        self._agenda.at(now_s + pool.spec.drain_s, Rank.PLATFORM, partial(self._kill, pool, replica))

    def _drained(self, pool: Pool, replica: Replica, now_s: float) -> None:
        """Hear that a replica has nothing left to do."""
        if replica.stage is Stage.DRAINING:
            pool.leaving.remove(replica)
            self._gone(pool, replica, now_s)

    def _kill(self, pool: Pool, replica: Replica, now_s: float) -> None:
        if replica.stage is Stage.DRAINING:
            for call_id in self._balancer.drop(replica):
                self._ledger.end(call_id, KILLED)
            self._drained(pool, replica, now_s)

    def _gone(self, pool: Pool, replica: Replica, now_s: float) -> None:
        self._balancer.close(replica)
        held, replica.stage = replica.stage is not Stage.STUCK, Stage.GONE
        if held:
            pool.pay(replica, now_s)
            self._placed[pool.spec.accelerator] -= pool.spec.accelerators_per_replica
            self._place_waiting(now_s)

    def _crash(self, variant: str, now_s: float) -> None:
        """Let one ready replica die with all it works on; another is started in its place."""
        pools = [pool for pool in self.pools if variant in {"", pool.spec.name}]
        ready = [(pool, one) for pool in pools for one in pool.replicas if one.stage is Stage.READY]
        if not ready:
            return
        pool, replica = Random(f"{self._seed}/crash/{now_s}").choice(ready)
        for call_id in self._balancer.drop(replica):
            self._ledger.end(call_id, LOST)
        pool.replicas.remove(replica)
        self._gone(pool, replica, now_s)
        self._reconcile(pool, now_s)

    # --- the end

    def settle(self, now_s: float) -> None:
        """Pay for what is still there."""
        for pool in self.pools:
            for replica in pool.everything():
                if replica.stage is not Stage.STUCK:
                    pool.pay(replica, now_s)
