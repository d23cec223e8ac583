"""Decides the passes of a run again from their records, as `penstock replay` does, and looks for the unexplained."""

from collections.abc import Iterable

from penstock.records.record import Record, pack, unpack
from penstock.records.replay import replay


def replayed(records: Iterable[Record]) -> dict[str, float | None]:
    """Return how many passes there were, how many do not come out to the bit, and how many changes lack a sentence."""
    known = list(records)
    differing = sum(bool(replay(unpack(pack(one)))) for one in known)
    changes = [
        decision for one in known for decision in one.decisions if decision.desired not in {None, decision.previous}
    ]
    silent = sum(not decision.summary for decision in changes)
    return {"passes": len(known), "passes_differing": differing, "changes_unexplained": silent}
