"""Findings as lines for people and as JSON for programs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from penstock.doctor.findings import Examination, Finding, Level, problems

_LEVEL_WIDTH: Final = 6
_CHECK_WIDTH: Final = 12
_QUIET: Final = frozenset({Level.OK, Level.SKIP})

Paint = Callable[[Level], str]


def as_text(examinations: Sequence[Examination], *, quiet: bool, paint: Paint) -> str:
    """Return a line per finding, and one more where something mends it; with `quiet` only what is not well.

    `paint` gives the word of a level, coloured or plain. Several examinations get a heading each.
    """
    blocks = [_block(one, quiet=quiet, paint=paint, headed=len(examinations) > 1) for one in examinations]
    return "\n".join(block for block in blocks if block)


def as_json(examinations: Iterable[Examination]) -> dict[str, Any]:
    """Return everything as one JSON body."""
    examinations = list(examinations)
    return {"problems": problems(examinations), "examinations": [_body(one) for one in examinations]}


def _block(one: Examination, *, quiet: bool, paint: Paint, headed: bool) -> str:
    shown = [finding for finding in one.findings if not (quiet and finding.level in _QUIET)]
    if not shown:
        return ""
    where = f" -n {one.namespace}" if one.namespace else ""
    heading = f"{one.about}{where}\n" if headed else ""
    return heading + "".join(_lines(finding, paint) for finding in shown)


def _lines(finding: Finding, paint: Paint) -> str:
    indent = " " * _LEVEL_WIDTH
    pad = " " * (_LEVEL_WIDTH - len(finding.level))
    line = f"{paint(finding.level)}{pad}{finding.check:<{_CHECK_WIDTH}}{finding.text}\n"
    return line + (f"{indent}fix: {finding.fix}\n" if finding.fix else "")


def _body(one: Examination) -> dict[str, Any]:
    return {
        "about": one.about,
        "namespace": one.namespace,
        "findings": [
            {"level": found.level.value, "check": found.check, "text": found.text, "fix": found.fix}
            for found in one.findings
        ],
    }
