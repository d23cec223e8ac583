"""Writes an advice: a page to look at, Markdown to paste, JSON for programs, and objects to apply."""

from pathlib import Path

from penstock.report.advice import Page
from penstock.report.advicemarkdown import markdown
from penstock.report.advicepage import page
from penstock.report.files import as_text, write_all


def write(advice: Page, objects: str, folder: Path) -> tuple[Path, ...]:
    """Write `advice.html`, `advice.md`, `advice.json` and `objects.yaml` into a folder and return their paths."""
    made = {"advice.html": page(advice), "advice.md": markdown(advice), "advice.json": as_json(advice)}
    return write_all(made | ({"objects.yaml": objects} if objects else {}), folder)


def as_json(advice: Page) -> str:
    """Return the data as JSON; what is no number becomes null."""
    return as_text(advice.data)
