"""The queue of a router in a WorkloadPolicy: its bounds, and how a full endpoint is known."""

from typing import Annotated, ClassVar

from pydantic import Field

from penstock.api.checked import Closed, Rule
from penstock.api.fields import Bytes, Duration, Percent, PositiveInt
from penstock.domain.policies import Detector, QueueLimits, Saturation


def _unread(field: str, detector: Detector) -> Rule:
    name = {"maxConcurrency": "max_concurrency", "queueDepth": "queue_depth", "kvUsage": "kv_usage_ratio"}[field]
    return Rule(
        cel=f"!has(self.{field}) || (has(self.detector) && self.detector == '{detector}')",
        holds=lambda s: getattr(s, name) is None or s.detector is detector,
        message=f"{field} is not read by this detector: remove it, or set detector to {detector}",
        field=field,
    )


class SaturationFields(Closed):
    """How a router knows that an endpoint is full."""

    detector: Annotated[Detector, Field(strict=False)] | None = None
    """Learnt concurrency within the SLO, queue and KV gauges, or a fixed number; absent means Learned."""
    max_concurrency: PositiveInt | None = None
    """Requests per endpoint, for Concurrency; absent means 100."""
    queue_depth: PositiveInt | None = None
    """Waiting requests per endpoint, for Utilization; absent means 5."""
    kv_usage_ratio: Annotated[float, Percent(at_least="1%", at_most="100%")] | None = Field(None, alias="kvUsage")
    """Used share of the KV cache per endpoint, for Utilization; absent means 80%."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        _unread("maxConcurrency", Detector.CONCURRENCY),
        _unread("queueDepth", Detector.UTILIZATION),
        _unread("kvUsage", Detector.UTILIZATION),
    )


_Ttl = Annotated[float, Duration(at_least="1s", at_most="1h")]


class QueueFields(Closed):
    """Bounds of the queue of each router."""

    ttl_s: _Ttl | None = Field(None, alias="ttl")
    """Longest wait while an endpoint is ready; absent means 60s. A request's own limit can only shorten it."""
    no_endpoint_ttl_s: _Ttl | None = Field(None, alias="noEndpointTTL")
    """Longest wait while no endpoint is ready; absent means 10m."""
    max_requests: PositiveInt | None = None
    """Most queued requests; when full the worst one gives way, or the new one gets 429. Absent means 5000."""
    max_bytes: Bytes | None = None
    """Most bytes of queued requests; absent means 1Gi."""
    saturation: SaturationFields | None = None
    """When an endpoint counts as full."""

    def limits(self) -> QueueLimits:
        """Return the bounds after defaults."""
        given = self.given("ttl_s", "no_endpoint_ttl_s", "max_requests", "max_bytes")
        return QueueLimits(
            **given, saturation=Saturation(**self.saturation.given()) if self.saturation else Saturation()
        )
