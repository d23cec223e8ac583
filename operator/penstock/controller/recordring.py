"""Records of the last passes in a folder of bounded size: the oldest give way, and a full disk stops nobody."""

import bisect
import os
import re
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from penstock.records.record import Record, pack

_NAME: Final = re.compile(r"(\d{13})\.json\.gz")
KEPT_IN_MEMORY: Final = 20
"""Records kept beside the folder, so that the last minutes can be told of even where nothing can be written."""


@dataclass(slots=True)
class Ring:
    """Writes and finds records. `sizes` are the files by their milliseconds of Unix time, oldest first."""

    directory: Path
    limit_bytes: int
    _sizes: dict[int, int] | None = None
    _recent: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=KEPT_IN_MEMORY))

    def add(self, record: Record) -> None:
        """Keep a record.

        Raises:
            OSError: the folder cannot be written; the record is kept in memory all the same.
        """
        at_ms, packed = round(record.observation.now_s * 1000), pack(record)
        self._recent.append((at_ms, packed))
        sizes = self._files()
        self._make_room(sizes, len(packed))
        unfinished = self.directory / f".{at_ms:013d}.new"
        unfinished.write_bytes(packed)
        os.replace(unfinished, self.path(at_ms))
        sizes[at_ms] = len(packed)

    def find(self, at_s: float) -> bytes | None:
        """Return the newest record not after `at_s` (Unix time in seconds), packed; None where there is none."""
        at_ms = self.newest(at_s)
        return None if at_ms is None else self.read(at_ms)

    def newest(self, at_s: float) -> int | None:
        """Return of when (Unix time in milliseconds) the newest record not after `at_s` is; None: there is none."""
        known = sorted({*dict(self._recent), *self._readable()})
        place = bisect.bisect_right(known, round(at_s * 1000))
        return known[place - 1] if place else None

    def read(self, at_ms: int) -> bytes:
        """Return the record of that very moment, packed.

        Raises:
            OSError: its file cannot be read.
        """
        return dict(self._recent).get(at_ms) or self.path(at_ms).read_bytes()

    def path(self, at_ms: int) -> Path:
        """Return where the record of that moment is kept."""
        return self.directory / f"{at_ms:013d}.json.gz"

    def _files(self) -> dict[int, int]:
        """Return the files that are there; the folder is looked through once."""
        if self._sizes is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            found = ((_NAME.fullmatch(entry.name), entry) for entry in os.scandir(self.directory))
            self._sizes = dict(sorted((int(match[1]), entry.stat().st_size) for match, entry in found if match))
        return self._sizes

    def _readable(self) -> dict[int, int]:
        try:
            return self._files()
        except OSError:  # told by `add`; what is in memory can still be found
            return {}

    def _make_room(self, sizes: dict[int, int], wanted: int) -> None:
        taken = sum(sizes.values())
        while sizes and taken + wanted > self.limit_bytes:
            oldest = next(iter(sizes))
            self.path(oldest).unlink(missing_ok=True)
            taken -= sizes.pop(oldest)
