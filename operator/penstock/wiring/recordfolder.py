"""Finds the record behind a decision in a folder of them: the operator's recordDir, or a copy of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from penstock.controller.recordring import Ring
from penstock.domain.errors import InvalidField, NotEnoughData
from penstock.domain.variants import ObjectKey
from penstock.records import changes
from penstock.records.record import Record, unpack

_EVER: Final = 1e11  # Unix seconds, the year 5138: later than any record
_PASSED_OVER: Final = 20
"""So many files in a row are passed over; where more cannot be read, none of the folder can, as a rule."""

Fault = InvalidField | OSError


@dataclass(frozen=True, slots=True)
class Found:
    """A variant, and the record of a pass that knows it; `passed_over` tells of newer files that cannot be read."""

    key: ObjectKey
    record: Record
    passed_over: tuple[Fault, ...]


def record_in(folder: Path, name: str, namespace: str | None, at_s: float | None) -> Found:
    """Return a variant and the record of the pass that last changed it, or of the newest pass not after `at_s`.

    `namespace` None takes the first variant of that name. A change whose own record is gone is told by the newest one,
    and where a file cannot be read (half copied, another's, of another version), the one before it is taken.

    Raises:
        NotEnoughData: no record that old, or none of that time knows the variant.
        InvalidField, OSError: of the newest file, where that and those before it cannot be read.
    """
    records = _Folder(Ring(folder, limit_bytes=0))
    record = records.find(_EVER if at_s is None else at_s)
    if record is None:
        remedy = "ask for a later time by --at, or name another folder: files are called <Unix milliseconds>.json.gz"
        raise next(iter(records.faults.values()), NotEnoughData(f"no record of that time is in {folder}", remedy))
    key = named(record, name, namespace)
    if key is None:
        known = ", ".join(str(one.key) for one in record.decisions)
        remedy = f"ask for one of {known}; of one that has gone, by --at for a time when it was there"
        raise NotEnoughData(f"the newest record of that time knows no variant {name}", remedy)
    sought_s = changes.sought_s(record, key) if at_s is None else None
    told = record if sought_s is None else changes.teller(record, records.find(sought_s), key)
    return Found(key, told, tuple(records.faults.values()))


def named(record: Record, name: str, namespace: str | None) -> ObjectKey | None:
    """Return the first variant of that name that a record knows, None where there is none."""
    keys = (one.key for one in record.decisions)
    return next((key for key in keys if key.name == name and namespace in {None, key.namespace}), None)


@dataclass(slots=True)
class _Folder:
    """The records of a folder; `faults` are those of files that could not be read, in the order of the attempts."""

    ring: Ring
    faults: dict[int, Fault] = field(default_factory=dict)

    def find(self, at_s: float) -> Record | None:
        """Return the newest record not after `at_s` (Unix time in seconds) that can be read."""
        for _ in range(_PASSED_OVER):
            at_ms = self.ring.newest(at_s)
            if at_ms is None:
                return None
            try:
                return unpack(self.ring.read(at_ms), str(self.ring.path(at_ms)))
            except (InvalidField, OSError) as error:
                self.faults[at_ms] = error
            at_s = (at_ms - 1) / 1000
        return None
