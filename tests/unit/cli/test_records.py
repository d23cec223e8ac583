"""`penstock replay` and `penstock what-if` on files: what they print, and what they refuse."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.records.test_replay import passes

from penstock.cli.app import run
from penstock.cli.faults import FINE, PROBLEM, USAGE
from penstock.records.record import Record, pack


def written(folder: Path, *records: Record) -> Path:
    """Write records as an operator would, and return the first file."""
    for number, record in enumerate(records):
        (folder / f"{number:013d}.json.gz").write_bytes(pack(record))
    return folder / f"{0:013d}.json.gz"


def test_a_folder_of_records_is_decided_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, *passes(3))

    assert run(["replay", str(tmp_path), "-q"]) == FINE
    assert capsys.readouterr().out == "3 of 3 passes decided again to the bit\n"


def test_a_bit_that_differs_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record,) = passes(1)
    first, *others = record.decisions
    file = written(tmp_path, replace(record, decisions=(replace(first, desired=42), *others)))

    assert run(["replay", str(file), "-o", "json"]) == PROBLEM
    ((difference,),) = json.loads(capsys.readouterr().out).values()
    assert (difference["where"], difference["recorded"]) == ("llm/cheap desired", 42)


def test_a_file_that_is_no_record_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "record"
    file.write_text("{}")

    assert run(["replay", str(file)]) == USAGE
    assert f"{file}: schema = None" in capsys.readouterr().err


def test_more_demand_would_have_meant_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, *passes(1))

    assert run(["what-if", str(file), "--set", "demand=+200%"]) == FINE
    assert "instead of 2: DemandUp, 2 -> " in capsys.readouterr().out


@pytest.mark.parametrize("change", ["demand", "=3", "demand=", "weather=fine"])
def test_a_change_nobody_understands(change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, *passes(1))

    assert run(["what-if", str(file), "--set", change]) == USAGE
    assert "write demand=+20%" in capsys.readouterr().err
