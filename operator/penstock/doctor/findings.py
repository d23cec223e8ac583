"""What an examination brought to light: one finding per check, in the order in which the checks were made."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a check ended; `FAIL` and `miss` make the whole examination a failure."""

    OK = "ok"
    WARN = "warn"  # not what most people want, or only a consequence of another finding
    FAIL = "FAIL"
    SKIP = "skip"  # there is nothing to look at
    MISS = "miss"  # there is something to look at, and we may not or cannot


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: the check, what was seen, and what mends it (empty: nothing to mend, or the text says it)."""

    level: Level
    check: str
    text: str
    fix: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether somebody has to act before all is well."""
        return self.level in {Level.FAIL, Level.MISS}


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings about one object (`va/chat`, `wp/chat`, `operator`) of a namespace, empty where it has none."""

    about: str
    namespace: str
    findings: tuple[Finding, ...]


def problems(examinations: Iterable[Examination]) -> int:
    """Return how many findings somebody has to act upon."""
    return sum(finding.is_problem for one in examinations for finding in one.findings)
