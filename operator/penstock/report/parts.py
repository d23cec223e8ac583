"""What reports of every kind are made of: facts and tables, as text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A number worth reading before anything else, as text; `good` colours it, None leaves it plain."""

    label: str
    value: str
    note: str = ""
    good: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells as text; `right` are the columns of numbers. `empty` stands for it where there is no row."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    empty: str = "None."
