"""Decides the passes of a run again from their records, as `penstock replay` does, and looks for the unexplained."""

from collections.abc import Iterable

from penstock import __version__
from penstock.records.record import Record, pack, unpack
from penstock.records.replay import replay
from penstock.sim.ours import Pass


def replayed(passes: Iterable[Pass]) -> dict[str, float | None]:
    """Return how many passes there were, how many do not come out to the bit, and how many changes lack a sentence."""
    known = list(passes)
    differing = sum(bool(replay(unpack(pack(_record(one))))) for one in known)
    changes = [
        decision for one in known for decision in one.decisions if decision.desired not in {None, decision.previous}
    ]
    silent = sum(not decision.summary for decision in changes)
    return {"passes": len(known), "passes_differing": differing, "changes_unexplained": silent}


def _record(one: Pass) -> Record:
    return Record(
        version=__version__,
        observation=one.observation,
        memory=one.memory,
        config=one.config,
        decisions=one.decisions,
    )
