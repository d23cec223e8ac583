"""The index is whole, and every test that it names is there and is not skipped."""

import ast
from functools import cache
from pathlib import Path

import pytest
from tests.unit.regressions.index import FEBRUARY_2026, OCTOBER_2025, USERS, Row

TESTS = Path(__file__).parents[2]
NAMED = sorted({name for row in (*USERS, *OCTOBER_2025, *FEBRUARY_2026) for name in row.tests})


@cache
def module(path: str) -> ast.Module:
    file = TESTS / path
    return ast.parse(file.read_text() if file.exists() else "")


def functions(name: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the tests that a name of the index means: one."""
    path, _, called = name.partition("[")[0].partition("::")
    found = (node for node in module(path).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [one for one in found if one.name == called and called.startswith("test_")]


def test_every_test_that_is_named_is_there() -> None:
    assert [name for name in NAMED if not functions(name)] == [], "name what keeps these defects out now"


def test_every_row_that_is_named_is_there() -> None:
    rows = [(name.partition("::")[0], name.partition("[")[2].removesuffix("]")) for name in NAMED if "[" in name]
    texts = {path: {getattr(node, "value", None) for node in ast.walk(module(path))} for path, _ in rows}

    assert rows
    assert [row for path, row in rows if row not in texts[path]] == []


def test_no_test_that_is_named_is_skipped() -> None:
    left_out = {"skip", "skipif", "xfail"}

    marks = {name: {getattr(node, "attr", "") for node in ast.walk(functions(name)[0])} for name in NAMED}

    assert [name for name, found in marks.items() if found & left_out] == []


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
