"""Jobs and outcomes: a line of the file is the whole outcome again, and keys tell runs apart."""

import ast
import dataclasses
import re
from functools import cache
from pathlib import Path

import pytest
from tests.unit.bench.made import job, outcome

import penstock
from penstock.bench import jobs
from penstock.bench.jobs import OURS, WVA, Job, read, sources, version

PACKAGE = Path(penstock.__file__).parent


def test_a_line_is_the_whole_outcome_again() -> None:
    one = outcome(job("B8", 3, target=16.0), facts={"blind_dip": None})
    one = dataclasses.replace(one, ttft_p50_s=0.25, parts=(1.0, None, 0.5))

    found = read(one.line("k"))

    assert found == ("k", one)


@pytest.mark.parametrize("line", ["", "{", "[]", "3", '{"key": "k"}', '{"key": "k", "job": {"knobs": []}}'])
def test_a_line_that_is_not_whole_is_passed_over(line: str) -> None:
    assert read(line) is None


@pytest.mark.parametrize("other", [
    job(seed=1), job(workload="W2"), job("B8"), job(shape="l40s"), job(target=1.0),
    dataclasses.replace(job(), quick=True),
], ids=["seed", "workload", "policy", "shape", "knobs", "extent"])  # fmt: skip
def test_another_run_has_another_key(other: Job) -> None:
    assert other.key() != job().key()


def test_a_key_knows_its_traffic_and_its_code() -> None:
    assert job().key("recorded") != job().key("made up")
    assert version(own=True) != version(own=False)


@cache
def beside(path: str) -> tuple[str, ...]:
    """Return the files, such as `sim/run.py`, that a file of ours imports."""
    found = list[str]()
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("penstock."):
            module = (node.module or "").removeprefix("penstock.").replace(".", "/")
            found += [f"{name}.py" for name in (module, *(f"{module}/{one.name}" for one in node.names))]
    return tuple(name for name in found if (PACKAGE / name).is_file())


def imported(start: str) -> set[str]:
    """Return all files that a file reaches by importing, itself included."""
    found, left = set[str](), [start]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += beside(path)
    return found


def test_all_that_a_run_is_made_of_is_in_its_key() -> None:
    counted = {f"{room}/{source.name}" for room, source in sources(own=True)}

    assert imported("bench/play.py") - counted == set()
    assert "bench/targets.py" not in counted, "what tells of runs changes none of them"


def test_those_rivals_whose_analysers_are_ours_are_known() -> None:
    counted = {f"{room}/{source.name}" for room, source in sources(own=False)}
    codes = {path: re.findall(r'code="(\w+)"', path.read_text()) for path in (PACKAGE / "peers").glob("*.py")}

    reached = {path: imported(f"peers/{path.name}") - counted for path in codes}

    assert {code for path, files in reached.items() if files for code in codes[path]} == set(WVA)


def test_another_decision_of_ours_makes_other_keys_where_it_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(own_version: str) -> dict[str, str]:
        monkeypatch.setattr(jobs, "version", lambda *, own: own_version if own else "the world's")
        return {code: job(code).key() for code in (OURS, *WVA, "B8")}

    before, after = keys("then"), keys("now")

    assert {code for code in before if before[code] != after[code]} == {OURS, *WVA}


def test_shapes_tell_how_many_variants_there_are() -> None:
    assert job(shape="l40s").single
    assert not job(shape="split").single
    assert not job(shape="mix").single
    assert job().at(4) == job(seed=4)
    assert job(target=1.0).swept
    assert not job(OURS).swept
