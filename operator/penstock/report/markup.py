"""The parts of texts in Markdown; foreign words are escaped, so that none can become a link, a heading or HTML."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from penstock.report.parts import Fact, Table

_SPECIAL: Final = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|~"})


def escaped(text: str) -> str:
    """Return foreign words as Markdown that only shows them."""
    return " ".join(text.translate(_SPECIAL).split())


def bullets(heading: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield a heading, if it has words, and a list; nothing where the list is empty."""
    if lines:
        yield from [heading] if heading else []
        yield "\n".join(f"- {line}" for line in lines)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Return a table of cells that are escaped already; `right` are the columns of numbers."""
    aligned = set(right)
    rule = ["--:" if column in aligned else ":--" for column in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows))


def tabled(one: Table) -> str:
    """Return a table of foreign words, or what stands for one without rows."""
    if not one.rows:
        return escaped(one.empty)
    rows = ([escaped(cell) for cell in row] for row in one.rows)
    return table([escaped(head) for head in one.heads], rows, right=one.right)


def told(fact: Fact) -> str:
    """Return a fact as a line."""
    note = f" ({escaped(fact.note)})" if fact.note else ""
    return f"**{escaped(fact.label)}**: {escaped(fact.value)}{note}"
