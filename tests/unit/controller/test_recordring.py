"""The ring keeps the newest records within its room and finds the one of a moment, also after a restart."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.records.made import passes

from penstock.controller.recordring import KEPT_IN_MEMORY, Ring
from penstock.records.record import Record, pack

(RECORD,) = passes(1)
FIRST_S = RECORD.observation.now_s


def at(seconds: float) -> Record:
    """Return the record as of another moment."""
    return replace(RECORD, observation=replace(RECORD.observation, now_s=FIRST_S + seconds))


def test_the_newest_record_before_a_moment_is_found_after_a_restart(tmp_path: Path) -> None:
    ring = Ring(tmp_path / "records", 10**6)
    for second in (0, 15, 30):
        ring.add(at(second))

    again = Ring(tmp_path / "records", 10**6)

    assert again.find(FIRST_S + 16) == pack(at(15))
    assert again.find(FIRST_S + 9000) == pack(at(30))
    assert again.find(FIRST_S - 1) is None


def test_the_oldest_give_way(tmp_path: Path) -> None:
    one = len(pack(RECORD))
    ring = Ring(tmp_path, 3 * one + one // 2)
    for number in range(KEPT_IN_MEMORY + 5):
        ring.add(at(15 * number))

    files = sorted(tmp_path.iterdir())

    assert len(files) == 3
    assert sum(file.stat().st_size for file in files) <= 3 * one + one // 2
    assert Ring(tmp_path, 10**6).find(FIRST_S + 15 * (KEPT_IN_MEMORY + 1)) is None


def test_what_cannot_be_written_is_still_told(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file where the folder belongs")
    ring = Ring(tmp_path / "records", 10**6)

    with pytest.raises(OSError, match="records"):
        ring.add(RECORD)

    assert ring.find(FIRST_S) == pack(RECORD)


def test_strangers_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    ring = Ring(tmp_path, len(pack(RECORD)))

    ring.add(at(0))
    ring.add(at(15))

    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert len(list(tmp_path.glob("*.json.gz"))) == 1
