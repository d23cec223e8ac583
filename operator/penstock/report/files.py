"""Writes a report in its three formats: a page to look at, Markdown to paste, JSON for programs."""

import dataclasses
import json
import os
from pathlib import Path

from penstock.report.html import html
from penstock.report.markdown import markdown
from penstock.report.model import Report
from penstock.report.plain import plain


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write `report.html`, `report.md` and `report.json` into a folder and return their paths, the page first."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {"report.html": html(report), "report.md": markdown(report), "report.json": as_json(report)}
    return tuple(replace(folder / name, text) for name, text in made.items())


def as_json(report: Report) -> str:
    """Return the report's values as JSON; what is no number becomes null."""
    return json.dumps(plain(dataclasses.asdict(report)), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def replace(path: Path, text: str) -> Path:
    """Write a file whole or not at all, and return its path."""
    fresh = path.with_suffix(f"{path.suffix}.new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)
    return path
