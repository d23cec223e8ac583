"""Reasons as the user sees them; one enumeration feeds status, log, metric, event and record."""

from enum import StrEnum
from typing import Final


class ConditionType(StrEnum):
    """Conditions of a VariantAutoscaling, in the order in which `Ready` looks at them (after itself)."""

    READY = "Ready"
    TARGET_RESOLVED = "TargetResolved"
    METRICS_AVAILABLE = "MetricsAvailable"
    OPTIMIZATION_READY = "OptimizationReady"
    SCALING_ACTIVE = "ScalingActive"
    SCALING_LIMITED = "ScalingLimited"


class TargetReason(StrEnum):
    """Reasons of TargetResolved."""

    FOUND = "TargetFound"
    NOT_FOUND = "TargetNotFound"
    NOT_SCALABLE = "TargetNotScalable"
    SHARED = "TargetShared"
    UNREADABLE = "TargetUnreadable"


class MetricsReason(StrEnum):
    """Reasons of MetricsAvailable; the first three are True."""

    FOUND = "MetricsFound"
    NO_TRAFFIC = "NoTraffic"
    NO_REPLICAS = "NoReplicas"
    MISSING = "MetricsMissing"
    MODEL_NAME_MISMATCH = "ModelNameMismatch"
    STALE = "MetricsStale"
    INVALID = "MetricsInvalid"
    PROMETHEUS_UNREACHABLE = "PrometheusUnreachable"
    PROMETHEUS_ERROR = "PrometheusError"

    @property
    def available(self) -> bool:
        """Whether a decision may rest on the metrics."""
        return self in _AVAILABLE


_AVAILABLE: Final = frozenset({MetricsReason.FOUND, MetricsReason.NO_TRAFFIC, MetricsReason.NO_REPLICAS})


class OptimizationReason(StrEnum):
    """Reasons of OptimizationReady; the first five are True."""

    SUCCEEDED = "OptimizationSucceeded"
    SATURATION_ONLY = "SaturationOnlyMode"
    SATURATION_OVERRIDE = "SaturationSafetyOverride"
    SCALE_FROM_ZERO = "ScaleFromZeroMode"
    COST_MISSING = "AcceleratorCostMissing"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    FAILED = "OptimizationFailed"
    NOT_IN_SERVICE_CLASS = "ModelNotInServiceClass"
    SLO_INFEASIBLE = "SLOInfeasible"
    INVALID_CONFIGURATION = "InvalidConfiguration"
    SKIPPED = "SkippedProcessing"

    @property
    def ready(self) -> bool:
        """Whether a number was computed without a fault that its owner has to mend."""
        return self in _READY


_READY: Final = frozenset(
    {
        OptimizationReason.SUCCEEDED,
        OptimizationReason.SATURATION_ONLY,
        OptimizationReason.SATURATION_OVERRIDE,
        OptimizationReason.SCALE_FROM_ZERO,
        OptimizationReason.COST_MISSING,
    }
)


class ActiveReason(StrEnum):
    """Reasons of ScalingActive; the first three are True."""

    SCALE_APPLIED = "ScaleApplied"
    GAUGE_PUBLISHED = "GaugePublished"
    DRAINING = "Draining"
    RECOMMENDING = "Recommending"
    PAUSED = "Paused"
    HOLDING = "HoldingLastDecision"
    FOREIGN_SCALER = "ForeignScaler"
    SCALE_FORBIDDEN = "ScaleForbidden"
    SCALE_CHANGED = "ScaleChanged"

    @property
    def active(self) -> bool:
        """Whether the decided number is acted upon."""
        return self.applied or self is ActiveReason.DRAINING

    @property
    def applied(self) -> bool:
        """Whether the decided number was handed over."""
        return self in {ActiveReason.SCALE_APPLIED, ActiveReason.GAUGE_PUBLISHED}


class LimitReason(StrEnum):
    """Reasons of ScalingLimited; the first is False."""

    WITHIN = "WithinLimits"
    MAX_REPLICAS = "MaxReplicas"
    MIN_REPLICAS = "MinReplicas"
    QUOTA = "Quota"
    RATE_LIMITED = "RateLimited"
    STUCK_PENDING = "StuckPending"
    NO_WAKE_SOURCE = "NoWakeSource"


class DecisionReason(StrEnum):
    """Why the number is what it is (status.decision.reason)."""

    DEMAND_UP = "DemandUp"
    DEMAND_DOWN = "DemandDown"
    STEADY = "Steady"
    BOUND = "Bound"
    HOLD = "Hold"
    SPILL = "Spill"
    RETURN = "Return"
    FROM_ZERO = "FromZero"
    TO_ZERO = "ToZero"
    GUARD = "Guard"


class PolicyReason(StrEnum):
    """Reasons of the conditions Accepted, Programmed and Degraded of a WorkloadPolicy."""

    ACCEPTED = "Accepted"
    TARGET_NOT_FOUND = "TargetNotFound"
    CONFLICTED = "Conflicted"
    INVALID = "Invalid"
    PROGRAMMED = "Programmed"
    PARTIALLY_PROGRAMMED = "PartiallyProgrammed"
    RECONCILING = "Reconciling"
    NO_ROUTERS = "NoRouters"
    ROUTER_UNREACHABLE = "RouterUnreachable"
    ROUTER_REJECTED = "RouterRejected"
    ROLLED_BACK = "RolledBack"
    MIXED_ROUTER_VERSIONS = "MixedRouterVersions"
    ENGINE_PRIORITY_IGNORED = "EnginePriorityIgnored"
    AS_EXPECTED = "AsExpected"


class RejectReason(StrEnum):
    """Why the router refused a request; value of `x-llm-d-request-dropped-reason` (endpoint picker protocol)."""

    SATURATED = "rejected-saturated"
    NO_ENDPOINTS = "rejected-no-endpoints"
    TTL_EXPIRED = "rejected-ttl-expired"
    SHUTTING_DOWN = "rejected-shutting-down"
    QUEUE_PRESSURE = "evicted-queue-pressure"
    QUOTA = "rejected-quota"
