"""Writes a comparison in its three formats: a page to look at, Markdown to paste, JSON for programs."""

import dataclasses
from pathlib import Path

from penstock.report.files import as_text, write_all
from penstock.report.study import Study
from penstock.report.studymarkdown import markdown
from penstock.report.studypage import page


def write(study: Study, folder: Path, name: str = "scaling") -> tuple[Path, ...]:
    """Write `NAME.html`, `NAME.md` and `NAME.json` into a folder and return their paths, the page first."""
    made = {f"{name}.html": page(study), f"{name}.md": markdown(study), f"{name}.json": as_json(study)}
    return write_all(made, folder)


def as_json(study: Study) -> str:
    """Return the study's data, verdicts and goals as JSON."""
    goals = [dataclasses.asdict(one) for one in study.goals]
    body = {"title": study.title, "goals": goals, "notes": study.notes, **study.data}
    return as_text(body)
