"""The index is whole, and every test that it names is there and is not skipped."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from tests.unit.regressions.index import FEBRUARY_2026, OCTOBER_2025, USERS, Row

TESTS = Path(__file__).parents[2]
NAMED = sorted({name for row in (*USERS, *OCTOBER_2025, *FEBRUARY_2026) for name in row.tests})
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
LEFT_OUT = frozenset({"skip", "skipif", "xfail", "importorskip"})


@cache
def module(path: str) -> ast.Module:
    file = TESTS / path
    return ast.parse(file.read_text() if file.exists() else "")


def found(name: str) -> list[tuple[ast.stmt, list[ast.stmt]]]:
    """Return the tests that a name of the index means, one: each with what stands beside it and so can skip it."""
    path, *classes, called = name.partition("[")[0].split("::")
    body, around = module(path).body, list[ast.stmt]()
    for wanted in classes:
        around += [node for node in body if not isinstance(node, DEFINITIONS)]
        body = [one for node in body if isinstance(node, ast.ClassDef) and node.name == wanted for one in _open(node)]
    around += [node for node in body if not isinstance(node, DEFINITIONS)]
    tests = [node for node in body if isinstance(node, FUNCTIONS) and node.name == called]
    return [(one, around) for one in tests if called.startswith("test_")]


def _open(node: ast.ClassDef) -> list[ast.stmt]:
    """Return what a class holds; its decorators hold for all of it."""
    return [*(ast.Expr(one) for one in node.decorator_list), *node.body]


def skipped(names: Iterable[str]) -> list[str]:
    """Return those that a mark or a call may leave out: the test's own, its class's or its module's."""
    said = {
        name: [each for test, around in found(name) for one in (test, *around) for each in ast.walk(one)]
        for name in names
    }
    return [name for name, nodes in said.items() if LEFT_OUT & {getattr(node, "attr", "") for node in nodes}]


def test_every_test_that_is_named_is_there() -> None:
    assert [name for name in NAMED if not found(name)] == [], "name what keeps these defects out now"


def test_every_row_that_is_named_is_there() -> None:
    rows = [(name.partition("::")[0], name.partition("[")[2].removesuffix("]")) for name in NAMED if "[" in name]
    texts = {path: {getattr(node, "value", None) for node in ast.walk(module(path))} for path, _ in rows}

    assert rows
    assert [row for path, row in rows if row not in texts[path]] == []


def test_no_test_that_is_named_is_skipped() -> None:
    assert skipped(NAMED) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("@pytest.mark.skip\ndef test_it(): ...", "test_it", id="a mark of its own"),
        pytest.param("async def test_it():\n    pytest.skip('later')", "test_it", id="a call in it"),
        pytest.param("pytestmark = pytest.mark.xfail\ndef test_it(): ...", "test_it", id="the module's mark"),
        pytest.param("if NT:\n    pytest.skip()\ndef test_it(): ...", "test_it", id="a call of the module"),
        pytest.param("pytest.importorskip('x')\ndef test_it(): ...", "test_it", id="what the module lacks"),
        pytest.param(
            "@pytest.mark.skipif(1)\nclass TestAll:\n  def test_it(s): ...", "TestAll::test_it", id="its class's"
        ),
        pytest.param(
            "class TestAll:\n  pytestmark = [pytest.mark.skip]\n  def test_it(s): ...",
            "TestAll::test_it",
            id="its class's pytestmark",
        ),
    ],
)
def test_a_skip_is_seen_wherever_it_stands(text: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "test_made.py"
    file.write_text(f"{text}\n\n\n@pytest.mark.skip\ndef test_another(): ...\n")

    assert skipped([f"{file}::{name}"]) == [f"{file}::{name}"]


def test_the_skip_of_another_test_is_none(tmp_path: Path) -> None:
    file = tmp_path / "test_made.py"
    file.write_text(
        "pytestmark = pytest.mark.bench\n\n\n@pytest.mark.skip\ndef test_another(): ...\n\n\ndef test_it(): ...\n"
    )

    assert len(found(f"{file}::test_it")) == 1
    assert skipped([f"{file}::test_it"]) == []


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        pytest.param(USERS, 19, id="what users reported"),
        pytest.param(OCTOBER_2025, 14, id="October 2025"),
        pytest.param(FEBRUARY_2026, 20, id="February 2026"),
    ],
)
def test_every_defect_has_its_tests_or_a_reason(rows: tuple[Row, ...], count: int) -> None:
    assert len({row.source for row in rows}) == len(rows) == count
    assert all(row.what.endswith(".") and (row.tests or row.not_ours) for row in rows)
