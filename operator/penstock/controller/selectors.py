"""Label selectors in text form, as `/scale` gives them, applied to labels at hand."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from penstock.domain.errors import InvalidField

Labels = Mapping[str, str]
_NAME: Final = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_TERM: Final = re.compile(
    rf"\s*(?:(?P<absent>!)\s*(?P<gone>{_NAME})"
    rf"|(?P<name>{_NAME})(?:\s*(?P<op>==|=|!=)\s*(?P<value>[-A-Za-z0-9_.]*)"
    rf"|\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?)\s*(?:,|$)"
)


@dataclass(frozen=True, slots=True)
class Selector:
    """Terms that must all hold; `pair` is one `name=value` among them, for finding candidates fast."""

    terms: tuple[Callable[[Labels], bool], ...]
    pair: tuple[str, str] | None

    def matches(self, labels: Labels) -> bool:
        """Whether an object with these labels is selected; a selector without terms selects nothing."""
        return bool(self.terms) and all(term(labels) for term in self.terms)


def parse_selector(text: str) -> Selector:
    """Read `app=chat,tier in (a, b),!old`.

    Raises:
        InvalidField: no label selector.
    """
    terms, pair, position = [], None, 0
    while position < len(text.rstrip()):
        match = _TERM.match(text, position)
        if match is None or match.end() == position:
            raise InvalidField("status.selector", text, "make /scale return a label selector")
        terms.append(_term(match))
        if match["op"] in {"=", "=="} and pair is None:
            pair = (match["name"], match["value"])
        position = match.end()
    return Selector(tuple(terms), pair)


def exactly(labels: Labels) -> Selector:
    """Return the selector of a Service or pool: every pair must be there."""
    terms = tuple(_equals(name, value) for name, value in sorted(labels.items()))
    return Selector(terms, next(iter(sorted(labels.items())), None))


def _term(match: re.Match[str]) -> Callable[[Labels], bool]:
    if match["absent"]:
        return lambda labels: match["gone"] not in labels
    name = match["name"]
    if match["set"]:
        values = frozenset(value.strip() for value in match["values"].split(","))
        if match["set"] == "in":
            return lambda labels: labels.get(name) in values
        return lambda labels: labels.get(name) not in values
    if match["op"] == "!=":
        return lambda labels: labels.get(name) != match["value"]
    return _equals(name, match["value"]) if match["op"] else lambda labels: name in labels


def _equals(name: str, value: str) -> Callable[[Labels], bool]:
    return lambda labels: labels.get(name) == value
