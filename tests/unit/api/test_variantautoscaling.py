"""VariantAutoscaling of both WVA generations and with our additions, read as one kind."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.samples import Bad, bad, example, examples, profile

from penstock.api.variantautoscaling import parse_variant
from penstock.domain.errors import InvalidField
from penstock.domain.variants import (
    Actuation,
    ObjectKey,
    PerfProfile,
    Schedule,
    SloOverride,
    TargetRef,
)


def spec(**fields: Any) -> dict[str, Any]:
    body = example("va-2026.yaml")
    body["spec"] |= fields
    return body


def test_shape_of_2025() -> None:
    read = parse_variant(example("va-2025.yaml"))

    assert read.key == ObjectKey("llm", "chat-a100")
    assert read.legacy_shape
    assert read.target == TargetRef(api_version="apps/v1", kind="Deployment", name="chat-a100")
    assert (read.model, read.accelerator) == ("default/default", "A100")
    assert read.slo_class_ref == ObjectKey("service-classes-config", "premium.yaml")
    assert read.profiles == (
        PerfProfile(
            accelerator="A100",
            accelerators_per_replica=1,
            max_batch=4,
            alpha_ms=20.58,
            beta_ms=0.41,
            gamma_ms=20.58,
            delta_ms=0.041,
        ),
    )
    assert (read.min_replicas, read.max_replicas, read.cost_per_replica_per_h) == (None, None, None)


def test_shape_of_2026() -> None:
    read = parse_variant(example("va-2026.yaml"))

    assert not read.legacy_shape
    assert read.target == TargetRef(api_version="apps/v1", kind="Deployment", name="chat-l40s")
    assert (read.min_replicas, read.max_replicas, read.cost_per_replica_per_h) == (1, 8, 10.0)
    assert (read.controller_instance, read.accelerator) == ("blue", "L40S")
    assert (read.slo, read.slo_class_ref, read.profiles) == (SloOverride(), None, ())
    assert (read.actuation, read.startup_time_s, read.schedules, read.paused) == (None, None, (), False)


def test_our_additions() -> None:
    read = parse_variant(example("va-penstock.yaml"))

    assert read.target == TargetRef(api_version="leaderworkerset.x-k8s.io/v1", kind="LeaderWorkerSet", name="chat-h100")
    assert read.slo == SloOverride(ttft_s=2.0, tpot_s=0.1, attainment_ratio=0.995)
    assert (read.actuation, read.accelerator, read.startup_time_s) == (Actuation.SCALE, "H100", 240.0)
    assert read.schedules == (
        Schedule(
            name="office-hours",
            schedule="0 7 * * 1-5",
            duration_s=43200.0,
            time_zone="Europe/Berlin",
            min_replicas=2,
            max_replicas=None,
        ),
    )


def test_both_shapes_in_one_object() -> None:
    read = parse_variant(spec(**profile(), sloClassRef={"name": "c", "key": "k"}))

    assert not read.legacy_shape
    assert read.profiles[0].accelerator == "A100"


def test_no_api_version_of_the_target_is_apps_v1() -> None:
    read = parse_variant(spec(scaleTargetRef={"kind": "Deployment", "name": "x"}))

    assert read.target.api_version == "apps/v1"


def test_field_goes_before_label() -> None:
    assert parse_variant(spec(accelerator="H100")).accelerator == "H100"


def test_neither_field_nor_label_is_unknown() -> None:
    body = spec()
    body["metadata"].pop("labels")

    read = parse_variant(body)

    assert (read.accelerator, read.controller_instance) == (None, "")


def test_fields_of_other_versions_are_ignored() -> None:
    read = parse_variant(spec(variantID="a-A100-1", acceleratorCount=1, status={"x": 1}))

    assert read.model == "Qwen/Qwen3-32B"


@pytest.mark.parametrize("text", ["20.58", "0", "1e-3", "7.", "  5 "])
def test_parameters_as_go_writes_them(text: str) -> None:
    read = parse_variant(spec(**profile(perfParms={"decodeParms": {"beta": text}})))

    assert read.profiles[0].beta_ms == float(text)


@pytest.mark.parametrize("name", examples("va"))
def test_examples(name: str) -> None:
    assert parse_variant(example(name)).key.namespace == "llm"


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in bad("bad-variants.yaml")])
def test_bad_variant(row: Bad) -> None:
    with pytest.raises(InvalidField) as caught:
        parse_variant(row.of(example("va-2026.yaml")))

    assert (caught.value.field, caught.value.remedy) == (row.field, row.remedy)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    "modelID", "scaleTargetRef", "variantCost", "minReplicas", "maxReplicas", "sloClassRef", "modelProfile", "slo",
    "actuation", "accelerator", "startupTime", "paused", "schedules",
]  # fmt: skip


@given(fields=st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_whatever_is_written_is_read_or_named(fields: dict[str, Any]) -> None:
    with suppress(InvalidField):  # the only error there is
        assert parse_variant(spec(**fields)).model
