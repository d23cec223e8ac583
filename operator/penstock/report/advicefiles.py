"""Writes an advice: a page to look at, Markdown to paste, JSON for programs, and objects to apply."""

import json
from collections.abc import Iterator
from pathlib import Path

from penstock.report.advice import Model, Page
from penstock.report.advicepage import page
from penstock.report.files import replace
from penstock.report.markdown import bullets, escaped, table
from penstock.report.model import Fact
from penstock.report.plain import plain
from penstock.report.study import Table


def write(advice: Page, objects: str, folder: Path) -> tuple[Path, ...]:
    """Write `advice.html`, `advice.md`, `advice.json` and `objects.yaml` into a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {"advice.html": page(advice), "advice.md": markdown(advice), "advice.json": as_json(advice)}
    if objects:
        made["objects.yaml"] = objects
    return tuple(replace(folder / file, text) for file, text in made.items())


def as_json(advice: Page) -> str:
    """Return the data as JSON; what is no number becomes null."""
    return json.dumps(plain(advice.data), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def markdown(advice: Page) -> str:
    """Return the text; foreign words are escaped."""
    parts = [f"# {escaped(advice.title)}", escaped(advice.lead), _table(advice.summary)]
    if advice.not_judged.rows:
        parts += ["## Not judged", _table(advice.not_judged)]
    parts += [part for one in advice.models for part in _model(one)]
    parts += bullets("## How this was made", [escaped(one) for one in advice.notes])
    return "\n\n".join(parts) + "\n"


def _model(one: Model) -> Iterator[str]:
    yield f"## {escaped(one.name)}"
    yield escaped(one.say)
    facts = (f"**{escaped(fact.label)}**: {escaped(fact.value)}{_note(fact)}" for fact in one.facts)
    yield from bullets("", list(facts))
    yield "### Worst hours"
    yield _table(one.worst)
    yield from bullets("", [escaped(note) for note in one.notes])


def _note(fact: Fact) -> str:
    return f" ({escaped(fact.note)})" if fact.note else ""


def _table(one: Table) -> str:
    if not one.rows:
        return escaped(one.empty)
    rows = ([escaped(cell) for cell in row] for row in one.rows)
    return table([escaped(head) for head in one.heads], rows, right=one.right)
