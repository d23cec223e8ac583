"""The frame of a page that stands alone, nothing fetched, and the parts that several pages have; all is escaped."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Final

from penstock.report.parts import Fact, Table

STYLES: Final = ("page.css", "study.css")
"""Of pages whose charts are drawn already."""


def document(title: str, body: str, styles: Sequence[str] = STYLES, scripts: Sequence[str] = (), data: str = "") -> str:
    """Return a page around its body. `styles` and `scripts` are assets; `data` is JSON that the scripts read.

    Nothing but these very scripts is allowed to run, and none at all where there are none.
    """
    sources = [_asset(name) for name in scripts]
    allowed = f"; script-src {' '.join(map(_source, sources))}" if sources else ""
    return f"""<!doctype html>
<html lang=en>
<head>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<meta http-equiv=Content-Security-Policy content="default-src 'none'; style-src 'unsafe-inline'{allowed}">
<title>{escape(title)}</title>
<style>{"".join(map(_asset, styles))}</style>
</head>
<body>
<main>
{body}
</main>
{_scripted(sources, data)}</body>
</html>
"""


def _source(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


def _scripted(sources: Sequence[str], data: str) -> str:
    if not sources:
        return ""
    scripts = "".join(f"<script>{source}</script>" for source in sources)
    return f"<script type=application/json id=data>{data}</script>\n{scripts}\n"


def _asset(name: str) -> str:
    return files("penstock.report").joinpath("assets", name).read_text(encoding="utf-8")


def fact(one: Fact) -> str:
    """Return a fact as a tile."""
    tone = {True: " class=good", False: " class=bad", None: ""}[one.good]
    note = f"<small>{escape(one.note)}</small>" if one.note else ""
    return f"<div><dt>{escape(one.label)}</dt><dd{tone}>{escape(one.value)}{note}</dd></div>"


def tabled(table: Table) -> str:
    """Return a table, or what stands for one without rows."""
    heads = "".join(f"<th{_side(table, column)}>{escape(head)}" for column, head in enumerate(table.heads))
    rows = "".join(
        f"<tr>{''.join(f'<td{_side(table, column)}>{escape(cell)}' for column, cell in enumerate(row))}"
        for row in table.rows
    )
    if not rows:
        return f"<p>{escape(table.empty)}</p>"
    return f"<div class=scroll><table class=plain><tr>{heads}{rows}</table></div>"


def _side(table: Table, column: int) -> str:
    return " class=n" if column in table.right else ""


def listed(lines: Iterable[str]) -> str:
    """Return a list."""
    return f"<ul>{''.join(f'<li>{escape(line)}' for line in lines)}</ul>"


def key(label: str, colour: str, *, dashed: bool) -> str:
    """Return an entry of a chart's legend."""
    return f'<span><i class="c-{colour}{" dashed" if dashed else ""}"></i>{escape(label)}</span>'
