"""Files of a report: written whole or not at all, and JSON that any program can read."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from penstock.report.plain import plain


def write_all(texts: Mapping[str, str], folder: Path) -> tuple[Path, ...]:
    """Write texts into a folder, which is made where there is none, under their names; return the paths in order."""
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_replaced(folder / name, text) for name, text in texts.items())


def as_text(value: object) -> str:
    """Return JSON to look at; what is no number becomes null."""
    return json.dumps(plain(value), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _replaced(path: Path, text: str) -> Path:
    fresh = path.with_suffix(f"{path.suffix}.new")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)
    return path
