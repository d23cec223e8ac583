"""Finds the record behind a decision in a folder of them: the operator's recordDir, or a copy of it."""

from pathlib import Path
from typing import Final

from penstock.controller.recordring import Ring
from penstock.domain.errors import NotEnoughData
from penstock.domain.variants import ObjectKey
from penstock.records.record import Record, unpack

_EVER: Final = 1e11  # Unix seconds, the year 5138: later than any record


def record_in(folder: Path, name: str, namespace: str | None, at_s: float | None) -> tuple[ObjectKey, Record]:
    """Return a variant and the record of the pass that last changed it, or of the newest pass not after `at_s`.

    `namespace` None takes the first variant of that name. A change whose own record is gone is told by the newest one.

    Raises:
        NotEnoughData: no record that old, or none of that time knows the variant.
        InvalidField: a file is no record of this version.
    """
    ring = Ring(folder, limit_bytes=0)
    record = _find(ring, _EVER if at_s is None else at_s)
    if record is None:
        remedy = "ask for a later time by --at, or name another folder: files are called <Unix milliseconds>.json.gz"
        raise NotEnoughData(f"no record of that time is in {folder}", remedy)
    key = named(record, name, namespace)
    if key is None:
        known = ", ".join(str(one.key) for one in record.decisions)
        remedy = f"ask for one of {known}; of one that has gone, by --at for a time when it was there"
        raise NotEnoughData(f"the newest record of that time knows no variant {name}", remedy)
    return key, record if at_s is not None else _change(ring, key, record)


def named(record: Record, name: str, namespace: str | None) -> ObjectKey | None:
    """Return the first variant of that name that a record knows, None where there is none."""
    keys = (one.key for one in record.decisions)
    return next((key for key in keys if key.name == name and namespace in {None, key.namespace}), None)


def _change(ring: Ring, key: ObjectKey, newest: Record) -> Record:
    decision = newest.decision(key)
    if decision is None or decision.changed_at_s >= newest.observation.now_s:
        return newest
    found = _find(ring, decision.changed_at_s)
    return found if found is not None and found.observation.now_s == decision.changed_at_s else newest


def _find(ring: Ring, at_s: float) -> Record | None:
    packed = ring.find(at_s)
    return None if packed is None else unpack(packed, f"record in {ring.directory}")
