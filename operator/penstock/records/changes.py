"""Finds the pass that made a variant's last change, wherever records are kept: what to look for, what to believe."""

from typing import Final

from penstock.domain.variants import ObjectKey
from penstock.records.record import Record

_SECOND: Final = 1.0  # an operator that was started again knows of earlier changes what the status told: whole seconds


def sought_s(newest: Record, key: ObjectKey) -> float | None:
    """Return until when (Unix time in seconds) the record of the last change is to be looked for.

    None: `newest` made it, or knows no such variant; there is nothing to look for.
    """
    decision = newest.decision(key)
    if decision is None or decision.changed_at_s >= newest.observation.now_s:
        return None
    at_s = decision.changed_at_s
    return at_s + _SECOND if at_s.is_integer() else at_s


def teller(newest: Record, found: Record | None, key: ObjectKey) -> Record:
    """Return what tells the last change: the record that was found, or the newest where that is of another pass."""
    if found is None or not _made(found, key):
        return newest
    told = newest.decision(key)
    late_s = found.observation.now_s - told.changed_at_s if told is not None else 0.0
    return found if 0.0 <= late_s < _SECOND else newest


def _made(record: Record, key: ObjectKey) -> bool:
    decision = record.decision(key)
    return decision is not None and decision.changed_at_s == record.observation.now_s
