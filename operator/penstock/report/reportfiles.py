"""Writes the demo's report in its three formats: a page to look at, Markdown to paste, JSON for programs."""

import dataclasses
from pathlib import Path

from penstock.report.files import as_text, write_all
from penstock.report.model import Report
from penstock.report.reportmarkdown import markdown
from penstock.report.reportpage import html


def write(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write `report.html`, `report.md` and `report.json` into a folder and return their paths, the page first."""
    made = {"report.html": html(report), "report.md": markdown(report), "report.json": as_json(report)}
    return write_all(made, folder)


def as_json(report: Report) -> str:
    """Return the report's values as JSON; what is no number becomes null."""
    return as_text(dataclasses.asdict(report))
