"""`penstock replay`, `what-if` and `explain` on files: what they print, and what they refuse."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.records.made import passes

from penstock.cli.app import run
from penstock.cli.faults import FINE, PROBLEM, REFUSED, USAGE
from penstock.controller.recordring import Ring
from penstock.domain.decisions import Decision
from penstock.records.codec import encode
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
    file = written(tmp_path, replace(record, decisions=(first._replace(desired=42), *others)))

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


def test_a_file_explains_a_variant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, *passes(1))

    assert run(["explain", "va/cheap", "--record", str(file)]) == FINE
    assert capsys.readouterr().out.startswith("cheap  2 at ")


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        pytest.param(["va/nobody"], "the record knows llm/cheap, llm/dear", id="a variant that it lacks"),
        pytest.param(["pod/x"], "write va/NAME", id="another kind"),
    ],
)
def test_what_a_record_cannot_explain(
    arguments: list[str], remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, *passes(1))

    assert run(["explain", *arguments, "--record", str(file)]) == USAGE
    assert remedy in capsys.readouterr().err


def kept(folder: Path, *records: Record) -> None:
    """Write records as an operator would, each called by its time."""
    ring = Ring(folder, limit_bytes=1 << 30)
    for record in records:
        ring.add(record)


def changed(record: Record, at_s: float) -> Record:
    """Return a record whose decisions say that the last change was then."""
    return replace(record, decisions=tuple(one._replace(changed_at_s=at_s) for one in record.decisions))


def test_a_folder_explains_the_pass_of_the_last_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = passes(3)
    change_s = second.observation.now_s
    kept(tmp_path, first, changed(second, change_s), changed(third, change_s))

    assert run(["explain", "va/cheap", "--record", str(tmp_path), "-o", "json"]) == FINE
    assert json.loads(capsys.readouterr().out) == encode(Decision, changed(second, change_s).decisions[0])


def test_a_folder_explains_a_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = passes(3)
    kept(tmp_path, first, second, third)
    between = datetime.fromtimestamp(second.observation.now_s + 1, UTC).isoformat()

    assert run(["explain", "va/cheap", "--record", str(tmp_path), "--at", between, "-o", "json"]) == FINE
    assert json.loads(capsys.readouterr().out) == encode(Decision, second.decisions[0])


def half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200])


def nobodys(file: Path) -> None:
    """Let it be unreadable for everybody, root included."""
    file.unlink()
    file.mkdir()


UNREADABLE = [
    pytest.param(half, "a value cannot be used", "take a file that penstock wrote, whole", id="half of it"),
    pytest.param(nobodys, "is a directory", "name a path that this user can read", id="not a file"),
]


@pytest.mark.parametrize(("spoil", "what", "remedy"), UNREADABLE)
def test_a_record_that_cannot_be_read_is_named_and_the_one_before_it_answers(
    spoil: Callable[[Path], None], what: str, remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = passes(2)
    kept(tmp_path, first, second)
    newest = max(tmp_path.iterdir())
    spoil(newest)

    assert run(["explain", "va/cheap", "--record", str(tmp_path), "-o", "json"]) == FINE

    said = capsys.readouterr()
    assert json.loads(said.out) == encode(Decision, first.decisions[0])
    assert said.err.startswith(f"note: a record was passed over, an older one answers: {what}\n  at:  {newest}")
    assert remedy in said.err
    assert said.err.endswith("; or delete it from the folder\n")


@pytest.mark.parametrize(("spoil", "what", "remedy"), UNREADABLE)
def test_where_none_can_be_read_the_newest_is_named(
    spoil: Callable[[Path], None], what: str, remedy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, *passes(3))
    for file in tmp_path.iterdir():
        spoil(file)

    assert run(["explain", "va/cheap", "--record", str(tmp_path)]) == USAGE

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: {what}\n  at:  {max(tmp_path.iterdir())}")
    assert f"fix: {remedy}" in said.err


def test_a_folder_of_which_nothing_new_can_be_read_is_not_gone_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (record,) = passes(1)
    kept(tmp_path, record)
    begin_ms = round(record.observation.now_s * 1000)
    others = [tmp_path / f"{begin_ms + later:013d}.json.gz" for later in range(1, 22)]
    for other in others:
        other.write_text("{}")

    assert run(["explain", "va/cheap", "--record", str(tmp_path)]) == USAGE
    assert f"{others[-1]}: schema" in capsys.readouterr().err

    others[0].unlink()
    assert run(["explain", "va/cheap", "--record", str(tmp_path)]) == USAGE

    others[1].unlink()
    assert run(["explain", "va/cheap", "--record", str(tmp_path)]) == FINE


def test_a_change_whose_own_record_cannot_be_read_is_told_by_the_newest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = passes(3)
    change_s = second.observation.now_s
    kept(tmp_path, first, changed(second, change_s), changed(third, change_s))
    own = sorted(tmp_path.iterdir())[1]
    half(own)

    assert run(["explain", "va/cheap", "--record", str(tmp_path), "-o", "json"]) == FINE

    said = capsys.readouterr()
    assert json.loads(said.out) == encode(Decision, changed(third, change_s).decisions[0])
    assert f"  at:  {own}" in said.err


@pytest.mark.parametrize(
    ("name", "at", "said"),
    [
        pytest.param("va/cheap", ["--at", "2001-01-01T00:00:00Z"], "no record of that time", id="before all"),
        pytest.param("va/nobody", [], "ask for one of llm/cheap, llm/dear", id="a variant that it lacks"),
        pytest.param("va/nobody", [], "of one that has gone, by --at", id="one that may have been there"),
        pytest.param("va/cheap", ["-n", "elsewhere"], "ask for one of llm/cheap, llm/dear", id="a namespace too"),
    ],
)
def test_what_a_folder_cannot_explain(
    name: str, at: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(tmp_path, *passes(1))

    assert run(["explain", name, "--record", str(tmp_path), *at]) == REFUSED
    assert said in capsys.readouterr().err


def test_a_file_is_of_one_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, *passes(1))

    assert run(["explain", "va/cheap", "--record", str(file), "--at", "2026-11-20T09:11:30Z"]) == USAGE
    assert "a file is of one moment" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["wp/chat", "request/a1"])
def test_only_variants_have_records(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", what, "--at", "2026-11-20T09:11:30Z"]) == USAGE
    assert "it is for va/NAME alone" in capsys.readouterr().err


def test_a_time_nobody_can_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "va/chat", "--at", "yesterday"]) == USAGE
    assert "write a time such as" in capsys.readouterr().err
