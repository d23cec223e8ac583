"""Program-level scheduling in a WorkloadPolicy: how programs are recognised, admitted and placed."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from penstock.api.checked import Closed
from penstock.api.fields import Duration, HeaderName
from penstock.api.workloadfields import Admission
from penstock.domain.policies import Programs


class Locality(StrEnum):
    """How a program's home is chosen."""

    COST_GUARD = "CostGuard"
    AUTELLIX = "Autellix"
    STICKY = "Sticky"
    LEAST_USED = "LeastUsed"


class EnginePriority(StrEnum):
    """Whether requests carry vLLM's priority."""

    AUTO = "Auto"
    STAMP = "Stamp"
    OFF = "Off"


_PROGRAM_HEADERS: Final = (
    "x-program-id", "x-dynamo-session-id", "x-claude-code-session-id", "x-session-id", "session-id",
)  # fmt: skip
_PARENT_HEADERS: Final = ("x-parent-session-id", "x-dynamo-parent-session-id")
_HeaderList = Annotated[list[HeaderName], Field(max_length=16)]


class ProgramsFields(Closed):
    """Scheduling of whole programs (agents, workflows) instead of single requests."""

    headers: _HeaderList | None = None
    """Headers that name the program; the first that is there counts. A list replaces the built-in one."""
    body_fields: Annotated[list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=16)] | None = (
        None
    )
    """Fields of the request's body that name the program; absent means program_id."""
    parent_headers: _HeaderList | None = None
    """Headers that name the parent program."""
    idle_ttl_s: Annotated[float, Duration(at_least="10s")] | None = Field(None, alias="idleTTL")
    """Time after its last call at which a program is forgotten; absent means 10m."""
    max_programs: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Most programs in the table; the excess shares one entry per tenant. Absent means 50000."""
    levels: Annotated[int, Field(ge=2, le=60)] | None = None
    """Doubling levels of attained service; absent means 8."""
    admission: Annotated[Admission, Field(strict=False)] | None = None
    """Gate of the working set by KV capacity; absent means Level."""
    locality: Annotated[Locality, Field(strict=False)] | None = None
    """Choice of the home engine; absent means CostGuard."""
    engine_priority: Annotated[EnginePriority, Field(strict=False)] | None = None
    """Stamping of vLLM's priority; absent means Auto: where a probe saw it obeyed."""

    def value(self) -> Programs:
        """Return the settings after defaults."""
        return Programs(
            headers=_lower(self.headers, _PROGRAM_HEADERS),
            body_fields=("program_id",) if self.body_fields is None else tuple(self.body_fields),
            parent_headers=_lower(self.parent_headers, _PARENT_HEADERS),
            idle_ttl_s=600.0 if self.idle_ttl_s is None else self.idle_ttl_s,
            max_programs=self.max_programs or 50_000,
            levels=self.levels or 8,
            admission=str(self.admission or Admission.LEVEL),
            locality=str(self.locality or Locality.COST_GUARD),
            engine_priority=str(self.engine_priority or EnginePriority.AUTO),
        )


def _lower(names: list[str] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    return default if names is None else tuple(name.lower() for name in names)
