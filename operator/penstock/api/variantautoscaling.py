"""VariantAutoscaling of both WVA generations in one schema, with our additions; parsed to a Variant."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from penstock.api.checked import Checked, Rule, read
from penstock.api.fields import CostString, Duration
from penstock.api.metadata import Metadata, read_metadata, section
from penstock.api.names import LABEL_ACCELERATOR, LABEL_CONTROLLER_INSTANCE
from penstock.api.variantfields import (
    BOUNDS_IN_ORDER,
    ModelProfileFields,
    ScaleTargetRefFields,
    ScheduleFields,
    SloClassRefFields,
    SloFields,
)
from penstock.domain.errors import InvalidField
from penstock.domain.variants import Actuation, PerfProfile, Schedule, SloOverride, TargetRef, Variant


class VariantAutoscalingSpec(Checked):
    """What is scaled, for which model, at what price and to what promise."""

    scale_target_ref: ScaleTargetRefFields | None = None
    """The object that is scaled; absent means the Deployment of this object's name, which becomes its owner."""
    model_id: Annotated[str, Field(min_length=1)] = Field(alias="modelID")
    """The model, exactly as the engines report it in the label model_name."""
    variant_cost: CostString | None = None
    """Cost of one replica per hour, in any unit that all variants of the model share; absent means 10.0 where another
    variant of the model has one."""
    min_replicas: Annotated[int, Field(ge=0)] | None = None
    """Least replicas; absent means 1, or 0 where the model may go to zero."""
    max_replicas: Annotated[int, Field(ge=1)] | None = None
    """Most replicas; absent means no bound but quota."""
    slo_class_ref: SloClassRefFields | None = None
    """Service class to try first."""
    model_profile: ModelProfileFields | None = None
    """Measured latencies; without them capacity is supposed from accelerator and model size, then learnt."""
    slo: SloFields | None = None
    """Targets of this variant."""
    actuation: Annotated[Actuation, Field(strict=False)] | None = None
    """Who sets the replicas: Penstock through the scale subresource, others from its gauges, or nobody. Absent means
    Scale, but Metrics while an HPA or ScaledObject that reads the gauges owns the target."""
    accelerator: Annotated[str, Field(min_length=1, max_length=63)] | None = None
    """Accelerator of a replica; absent means the label inference.optimization/acceleratorName, else what the target's
    nodes say."""
    startup_time_s: Annotated[float, Duration(above="0s", at_most="1h")] | None = Field(None, alias="startupTime")
    """Time from start to first answer, until three starts have been measured; absent means the operator's 3m."""
    paused: bool | None = None
    """Whether replicas and gauges keep their last value."""
    schedules: Annotated[list[ScheduleFields], Field(max_length=16)] | None = Field(
        None, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    )
    """Windows with other bounds. Of several open ones the highest minimum and the lowest maximum hold, the minimum
    first."""

    RULES: ClassVar[tuple[Rule, ...]] = (
        BOUNDS_IN_ORDER,
        Rule(
            holds=lambda spec: len({s.name for s in spec.schedules or ()}) == len(spec.schedules or ()),
            message="a name stands there twice: rename one of the windows",
            field="schedules",
        ),
    )


def parse_variant(body: Mapping[str, Any]) -> Variant:
    """Return the value of a VariantAutoscaling object, of either WVA generation or ours.

    Raises:
        InvalidField: a field is missing or cannot be, by its path from `spec` or `metadata`.
    """
    metadata = read_metadata(body)
    spec = read(VariantAutoscalingSpec, section(body, "spec"), "spec")
    return Variant(
        key=metadata.key,
        uid=metadata.uid,
        generation=metadata.generation,
        created_at_s=metadata.created_at_s,
        model=spec.model_id,
        target=_target(spec, metadata),
        legacy_shape=spec.scale_target_ref is None,
        controller_instance=metadata.labels.get(LABEL_CONTROLLER_INSTANCE, ""),
        accelerator=spec.accelerator or metadata.labels.get(LABEL_ACCELERATOR) or None,
        cost_per_replica_per_h=spec.variant_cost,
        min_replicas=spec.min_replicas,
        max_replicas=spec.max_replicas,
        slo=spec.slo.value() if spec.slo else SloOverride(),
        slo_class_ref=spec.slo_class_ref.value() if spec.slo_class_ref else None,
        profiles=_profiles(spec),
        actuation=spec.actuation,
        startup_time_s=spec.startup_time_s,
        schedules=_schedules(spec),
        paused=bool(spec.paused),
    )


def _target(spec: VariantAutoscalingSpec, metadata: Metadata) -> TargetRef:
    if spec.scale_target_ref is None:
        return TargetRef(api_version="apps/v1", kind="Deployment", name=metadata.key.name)
    target = spec.scale_target_ref.value()
    for field, value in (("kind", target.kind), ("name", target.name)):
        if not value:
            raise InvalidField(f"spec.scaleTargetRef.{field}", value, "name the object that is scaled")
    return target


def _profiles(spec: VariantAutoscalingSpec) -> tuple[PerfProfile, ...]:
    accelerators = spec.model_profile.accelerators if spec.model_profile else []
    return tuple(entry.value(f"spec.modelProfile.accelerators[{index}]") for index, entry in enumerate(accelerators))


def _schedules(spec: VariantAutoscalingSpec) -> tuple[Schedule, ...]:
    return tuple(entry.value(f"spec.schedules[{index}]") for index, entry in enumerate(spec.schedules or ()))
