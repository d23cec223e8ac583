"""Penstock's own decision as a policy: the same code that the operator runs, fed with simulated observations."""

from collections.abc import Mapping
from dataclasses import replace

from penstock import __version__
from penstock.domain.decisions import Decision
from penstock.records.record import Record
from penstock.scaling.config import Config, Quota
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene


class Ours:
    """`scaling.decide` every 15 s, which is the operator's default. With `recording` it keeps a record of every pass.

    `changes` are the decisions that asked for another number than the one before, with their times.
    """

    tick_s = 15.0
    wakes = True

    def __init__(self, scene: Scene, config: Config | None = None, *, recording: bool = False) -> None:
        self.config = _configured(config or Config(), scene)
        self.memory = Memory()
        self.records: list[Record] = []
        self.decisions: tuple[Decision, ...] = ()
        self.changes: list[tuple[float, Decision]] = []
        self._desired: dict[str, int | None] = {}
        self._recording = recording

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return what is desired of each variant; of those that something forbids to act upon, nothing."""
        before = self.memory
        self.decisions, self.memory = decide(seen.observation, before, self.config)
        if self._recording:
            self.records.append(
                Record(
                    version=__version__,
                    observation=seen.observation,
                    memory=before,
                    config=self.config,
                    decisions=self.decisions,
                )
            )
        self._note(seen.now_s)
        return {
            decision.key.name: decision.desired
            for decision in self.decisions
            if decision.desired is not None and decision.active is None
        }

    def _note(self, now_s: float) -> None:
        for decision in self.decisions:
            if self._desired.setdefault(decision.key.name, decision.desired) != decision.desired:
                self.changes.append((now_s, decision))
            self._desired[decision.key.name] = decision.desired


def _configured(config: Config, scene: Scene) -> Config:
    """Return the operator's settings with what the scene says of targets, quotas and zero."""
    idle_s = scene.idle_before_zero_s
    return replace(
        config,
        default_slo=scene.slo,
        scale_to_zero=idle_s is not None,
        idle_before_zero_s=config.idle_before_zero_s if idle_s is None else idle_s,
        quotas=tuple(Quota(accelerator=name, max_accelerators=most) for name, most in scene.quotas.items()),
    )
