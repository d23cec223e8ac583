"""Writes a comparison in its three formats: a page to look at, Markdown to paste, JSON for programs."""

import dataclasses
import json
from pathlib import Path

from penstock.report.files import replace
from penstock.report.plain import plain
from penstock.report.study import Study
from penstock.report.studymarkdown import markdown
from penstock.report.studypage import page


def write(study: Study, folder: Path, name: str = "scaling") -> tuple[Path, ...]:
    """Write `NAME.html`, `NAME.md` and `NAME.json` into a folder and return their paths, the page first."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {f"{name}.html": page(study), f"{name}.md": markdown(study), f"{name}.json": as_json(study)}
    return tuple(replace(folder / file, text) for file, text in made.items())


def as_json(study: Study) -> str:
    """Return the study's data, verdicts and goals as JSON."""
    goals = [dataclasses.asdict(one) for one in study.goals]
    body = {"title": study.title, "goals": goals, "notes": study.notes, **study.data}
    return json.dumps(plain(body), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
