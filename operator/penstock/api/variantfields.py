"""Parts of a VariantAutoscaling: WVA's of both generations with WVA's own loosest rules, and our additions."""

import re
from typing import Annotated, ClassVar, Final

from pydantic import Field

from penstock.api.checked import Checked, Rule
from penstock.api.fields import Duration, Percent
from penstock.domain.cron import parse_cron, time_zone
from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey, PerfProfile, Schedule, SloOverride, TargetRef

_NonEmpty = Annotated[str, Field(min_length=1)]
_MILLISECONDS: Final = re.compile(r"[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,2})?")


class ScaleTargetRefFields(Checked):
    """The object that is scaled; it needs a scale subresource."""

    api_version: str | None = None
    """Group and version; absent means apps/v1."""
    kind: str
    """Kind, such as Deployment or LeaderWorkerSet."""
    name: str
    """Name, in the same namespace."""

    def value(self) -> TargetRef:
        """Return the target."""
        return TargetRef(api_version=self.api_version or "apps/v1", kind=self.kind, name=self.name)


class SloClassRefFields(Checked):
    """Service class to try first; where it does not list the model, all classes are searched."""

    name: _NonEmpty
    """Name of the ConfigMap."""
    key: _NonEmpty
    """Key in it."""

    def value(self) -> ObjectKey:
        """Return the reference as (ConfigMap, key)."""
        return ObjectKey(self.name, self.key)


_Parameters = Annotated[dict[str, str], Field(min_length=1)]


class PerfParmsFields(Checked):
    """Linear latency model in milliseconds, as decimal strings."""

    decode_parms: _Parameters
    """alpha and beta: one decode step takes alpha + beta x batch."""
    prefill_parms: _Parameters
    """gamma and delta: prefill takes gamma + delta x input tokens x batch."""


class AcceleratorFields(Checked):
    """The model on one accelerator."""

    acc: _NonEmpty
    """Name of the accelerator, as in accelerator-unit-costs."""
    acc_count: Annotated[int, Field(ge=1)]
    """Accelerators of one replica."""
    perf_parms: PerfParmsFields
    """Measured latencies."""
    max_batch_size: Annotated[int, Field(ge=1)]
    """Most requests in one batch."""

    def value(self, path: str) -> PerfProfile:
        """Return the profile.

        Raises:
            InvalidField: a parameter is missing, or no number of milliseconds.
        """
        decode, prefill = self.perf_parms.decode_parms, self.perf_parms.prefill_parms
        at = f"{path}.perfParms"
        return PerfProfile(
            accelerator=self.acc,
            accelerators_per_replica=self.acc_count,
            max_batch=self.max_batch_size,
            alpha_ms=_milliseconds(decode, "alpha", f"{at}.decodeParms"),
            beta_ms=_milliseconds(decode, "beta", f"{at}.decodeParms"),
            gamma_ms=_milliseconds(prefill, "gamma", f"{at}.prefillParms"),
            delta_ms=_milliseconds(prefill, "delta", f"{at}.prefillParms"),
        )


class ModelProfileFields(Checked):
    """Latency of the model, measured beforehand."""

    accelerators: Annotated[list[AcceleratorFields], Field(min_length=1)]
    """One entry for each accelerator."""


class SloFields(Checked):
    """Targets of this variant; what is absent comes from the service class, else from the operator's defaultSLO."""

    ttft_s: Annotated[float, Duration(above="0s", at_most="10m")] | None = Field(None, alias="ttft")
    """Time to first token."""
    tpot_s: Annotated[float, Duration(above="0s", at_most="10m")] | None = Field(None, alias="tpot")
    """Mean time per output token after the first."""
    attainment_ratio: Annotated[float, Percent(at_least="50%", at_most="99.999%")] | None = Field(
        None, alias="attainment"
    )
    """Share of requests that must meet both; absent means 99.5%."""

    def value(self) -> SloOverride:
        """Return the targets that are named."""
        return SloOverride(**self.given())


def _ordered(bounds: object) -> bool:
    low, high = getattr(bounds, "min_replicas", None), getattr(bounds, "max_replicas", None)
    return low is None or high is None or low <= high


BOUNDS_IN_ORDER: Final = Rule(
    cel="!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",
    holds=_ordered,
    message="minReplicas must not be above maxReplicas",
    field="minReplicas",
)


class ScheduleFields(Checked):
    """Bounds that replace the object's while the window is open."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    """Name of the window."""
    schedule: Annotated[str, Field(min_length=1, max_length=128)]
    """When it opens: five cron fields, as in a CronJob."""
    duration_s: Annotated[float, Duration(at_least="1m")] = Field(alias="duration")
    """How long it stays open."""
    time_zone: Annotated[str, Field(max_length=64)] | None = None
    """Zone of the schedule, of the IANA database; absent means UTC."""
    min_replicas: Annotated[int, Field(ge=0)] | None = None
    """Least replicas while open."""
    max_replicas: Annotated[int, Field(ge=1)] | None = None
    """Most replicas while open."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        Rule(
            cel="has(self.minReplicas) || has(self.maxReplicas)",
            holds=lambda s: s.min_replicas is not None or s.max_replicas is not None,
            message="a window without minReplicas and maxReplicas does nothing: set one of them",
            field="name",
        ),
        BOUNDS_IN_ORDER,
    )

    def value(self, path: str) -> Schedule:
        """Return the window.

        Raises:
            InvalidField: no cron text, or no such zone.
        """
        parse_cron(self.schedule, f"{path}.schedule")
        time_zone(self.time_zone or "", f"{path}.timeZone")
        return Schedule(
            name=self.name,
            schedule=self.schedule,
            duration_s=self.duration_s,
            time_zone=self.time_zone or "UTC",
            min_replicas=self.min_replicas,
            max_replicas=self.max_replicas,
        )


def _milliseconds(parameters: dict[str, str], name: str, path: str) -> float:
    text = parameters.get(name)
    if text is None or not _MILLISECONDS.fullmatch(text.strip()):
        raise InvalidField(f"{path}.{name}", text, "write milliseconds as a decimal string, such as 20.58")
    return float(text)
