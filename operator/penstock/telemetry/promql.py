"""Builds PromQL: escapes what goes into a matcher, and lets a parser judge every finished query."""

from collections.abc import Iterable
from typing import Final

import promql_parser

from penstock.domain.errors import InvalidField

_QUOTED: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_LITERAL: Final = str.maketrans({char: f"\\{char}" for char in "\\.+*?()|[]{}^$"})


def quoted(text: str) -> str:
    """Return a string literal; of all characters only backslash, quote and newline need an escape."""
    return f'"{text.translate(_QUOTED)}"'


def literal(text: str) -> str:
    """Return the RE2 pattern that matches this text and nothing else."""
    return text.translate(_LITERAL)


def equals(label: str, value: str) -> str:
    """Return the matcher of series whose label has this value."""
    return f"{label}={quoted(value)}"


def one_of(label: str, values: Iterable[str], *, or_none: bool = False) -> str:
    """Return the matcher of series whose label has one of the values, or with `or_none` no such label at all."""
    alternatives = [literal(value) for value in sorted(set(values))]
    return f"{label}=~{quoted('|'.join(alternatives + [''] * or_none))}"


def selector(name: str, matchers: Iterable[str] = (), window_s: float | None = None) -> str:
    """Return `name{matchers}`, or the samples of the last `window_s` seconds of it."""
    vector = f"{name}{{{','.join(matchers)}}}"
    return vector if window_s is None else f"{vector}[{span(window_s)}]"


def first_of(expressions: Iterable[str]) -> str:
    """Return the expression of which, for each set of labels, the first one that has an answer gives it."""
    return " or ".join(expressions)


def labelled(expression: str, label: str, value: str) -> str:
    """Return the expression with a label more on all that it brings."""
    return f'label_replace({expression}, "{label}", "{value}", "", "")'


def span(seconds: float) -> str:
    """Return a duration as PromQL writes it, exact to a millisecond."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds}ms" if milliseconds % 1000 else f"{milliseconds // 1000}s"


def checked(query: str) -> str:
    """Return the query if it parses.

    Raises:
        InvalidField: the parser refuses it; the remedy holds the parser's sentence.
    """
    try:
        promql_parser.parse(query)
    except ValueError as error:
        raise InvalidField("query", query, f"correct the PromQL: {error}") from error
    return query
