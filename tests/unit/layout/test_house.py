"""The walls that no linter watches: where packages may be, what locks may hold, what files begin with."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODULES = sorted((ROOT / "operator").rglob("*.py"))
LOCKS = [ROOT / "constraints.txt", ROOT / "constraints-image.txt"]


def test_operator_is_a_source_root_and_never_a_package() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists(), "it would shadow the standard library's `operator`"
    assert not list((ROOT / "operator").glob("*.py"))


def test_every_module_begins_with_one_sentence() -> None:
    first = {module: (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n")[0] for module in MODULES}

    assert not {module: line for module, line in first.items() if not line.endswith((".", ":"))}


def test_no_module_outgrows_one_duty() -> None:
    lengths = {module: len(module.read_text().splitlines()) for module in MODULES}

    assert not {module: lines for module, lines in lengths.items() if lines > 300}, "split it"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_pin_with_hashes_and_name_no_index(lock: Path) -> None:
    text = lock.read_text()

    assert not re.search(r"https?://|--index|--find-links|--extra-index", text)
    pins = re.findall(r"^([a-z0-9][a-z0-9.-]*)==(\S+)", text, re.MULTILINE)
    blocks = re.split(r"^(?=[a-z0-9][a-z0-9.-]*==)", text, flags=re.MULTILINE)[1:]
    assert len(pins) == len(blocks) > 40
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_image_runs_what_was_tested() -> None:
    pins = {lock.name: dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", lock.read_text(), re.MULTILINE)) for lock in LOCKS}

    tested, shipped = pins["constraints.txt"], pins["constraints-image.txt"]
    assert {name: tested.get(name) for name in shipped} == shipped
