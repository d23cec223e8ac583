"""The replicas of one variant as its platform keeps them, and what they came to over the run."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from penstock.domain.observations import Birth
from penstock.sim.policies import Counts
from penstock.sim.replicas import Replica, Stage
from penstock.sim.scene import VariantSpec

REVERSAL_S: Final = 600.0


@dataclass(slots=True, eq=False)
class Pool:
    """One variant. `replicas` are those that are to stay, `leaving` those that drain; `events` are changes of `wanted`.

    `timeline` holds (time, wanted, provisioned, ready) at each change; `seconds` adds up what replicas were paid for.
    """

    spec: VariantSpec
    index: int
    inverse_weight: float
    length_s: float
    wanted: int = 0
    ever: int = 0
    replicas: list[Replica] = field(default_factory=list)
    leaving: list[Replica] = field(default_factory=list)
    seconds: float = 0.0
    events: int = 0
    reversals: int = 0
    timeline: list[tuple[float, int, int, int]] = field(default_factory=list)
    _last: tuple[float, int] = (-REVERSAL_S, 0)

    def want(self, replicas: int, now_s: float) -> bool:
        """Take over a wish within the variant's bounds; tell whether it changes anything."""
        spec = self.spec
        wanted = min(max(replicas, spec.min_replicas), spec.max_replicas)
        if wanted == self.wanted:
            return False
        direction = 1 if wanted > self.wanted else -1
        if now_s < self.length_s:
            self.events += 1
            then_s, before = self._last
            self.reversals += before == -direction and now_s - then_s < REVERSAL_S
            self._last = (now_s, direction)
        self.wanted = wanted
        return True

    def pay(self, replica: Replica, until_s: float) -> None:
        """Add up the time for which a replica held its place, within the length of the scene."""
        self.seconds += max(min(until_s, self.length_s) - max(replica.cost_from_s, 0.0), 0.0)

    def everything(self) -> Iterator[Replica]:
        """Return all replicas, those that drain included."""
        yield from self.replicas
        yield from self.leaving

    def count(self, stage: Stage) -> int:
        """Return how many of those that are to stay are in a stage."""
        return sum(one.stage is stage for one in self.replicas)

    def counts(self) -> Counts:
        """Return the counts that a policy sees."""
        return Counts(
            wanted=self.wanted,
            provisioned=len(self.replicas),
            ready=self.count(Stage.READY),
            stuck=self.count(Stage.STUCK),
        )

    def births(self) -> tuple[Birth, ...]:
        """Return the starts of those that are to stay."""
        return tuple(sorted((Birth(one.created_s, one.ready_s) for one in self.replicas), key=lambda b: b.created_at_s))

    def note(self, now_s: float) -> None:
        """Keep the counts where they differ from those kept last; of one instant only the last ones stay."""
        row = (now_s, self.wanted, len(self.replicas), self.count(Stage.READY))
        if self.timeline and self.timeline[-1][0] == now_s:
            self.timeline.pop()
        if not self.timeline or self.timeline[-1][1:] != row[1:]:
            self.timeline.append(row)
