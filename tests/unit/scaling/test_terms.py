"""What holds for a variant: targets, bounds, prices, profile, mode, and whose configuration errors are its own."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.scaling.scene import PROFILE, observe, target, variant

from penstock.domain.catalogue import (
    Catalogue,
    ConfigProblem,
    ModelScope,
    SaturationThresholds,
    ServiceTarget,
    ZeroRule,
)
from penstock.domain.observations import Target
from penstock.domain.variants import Actuation, ObjectKey, Schedule, SloOverride, SloSource, Variant
from penstock.scaling.bounds import Bounds
from penstock.scaling.config import Analyzer, Config
from penstock.scaling.prices import Item, prices
from penstock.scaling.terms import Terms, circumstances, terms

CHAT = variant()


def terms_of(one: Variant, at: Target | None = None, catalogue: Catalogue | None = None, **config: Any) -> Terms:
    observation = observe(one, catalogue=catalogue)
    around = circumstances(observation.catalogue, Config(**config), observation.now_s)
    return terms(one, at or target(one), around)


def listed(
    name: str, priority: int, ttft_s: float | None = 1.0, tpot_s: float | None = 0.05, key: str = ""
) -> ServiceTarget:
    return ServiceTarget(
        class_name=name,
        priority=priority,
        configmap="system/service-classes-config",
        key=key or f"{name}.yaml",
        model=CHAT.model,
        ttft_s=ttft_s,
        tpot_s=tpot_s,
    )


CLASSES = Catalogue(service_targets=(listed("freemium", 10, 2.0, 0.2), listed("premium", 1, 0.5, 0.024)))
BARE = replace(CHAT, slo=SloOverride())


@pytest.mark.parametrize(
    ("one", "catalogue", "expected"),
    [
        pytest.param(CHAT, CLASSES, (0.5, 0.024, SloSource.SPEC), id="its own first"),
        pytest.param(BARE, CLASSES, (0.5, 0.024, SloSource.SERVICE_CLASS), id="the class of the highest priority"),
        pytest.param(
            replace(BARE, slo_class_ref=ObjectKey("service-classes-config", "freemium.yaml")),
            CLASSES,
            (2.0, 0.2, SloSource.SERVICE_CLASS),
            id="the class that it names",
        ),
        pytest.param(
            replace(BARE, slo_class_ref=ObjectKey("service-classes-config", "nothing.yaml")),
            CLASSES,
            (0.5, 0.024, SloSource.SERVICE_CLASS),
            id="a wrong name is no harm",
        ),
        pytest.param(BARE, Catalogue(), (2.0, 0.1, SloSource.DEFAULT), id="the operator's default"),
        pytest.param(
            replace(CHAT, slo=SloOverride(ttft_s=3.0)), CLASSES, (3.0, 0.024, SloSource.SPEC), id="each by itself"
        ),
        pytest.param(
            BARE,
            Catalogue(service_targets=(listed("a", 5, 0.7, 0.07, "b"), listed("b", 5, 0.8, 0.08, "a"))),
            (0.8, 0.08, SloSource.SERVICE_CLASS),
            id="then by key",
        ),
        pytest.param(
            BARE,
            Catalogue(service_targets=(listed("a", 5, None, None),)),
            (2.0, 0.1, SloSource.DEFAULT),
            id="a class without targets",
        ),
    ],
)
def test_targets(one: Variant, catalogue: Catalogue, expected: tuple[float, float, SloSource]) -> None:
    slo = terms_of(one, catalogue=catalogue).objective.slo

    assert (slo.ttft_s, slo.tpot_s, slo.source) == expected
    assert slo.attainment_ratio == 0.995


@pytest.mark.parametrize(
    ("one", "catalogue", "unlisted"),
    [
        pytest.param(replace(BARE, slo_class_ref=ObjectKey("cm", "k")), Catalogue(), True, id="named, in no class"),
        pytest.param(replace(CHAT, slo_class_ref=ObjectKey("cm", "k")), Catalogue(), False, id="it needs none"),
        pytest.param(BARE, Catalogue(), False, id="none named"),
        pytest.param(replace(BARE, slo_class_ref=ObjectKey("cm", "k")), CLASSES, False, id="in another class"),
    ],
)
def test_a_model_in_no_class_is_told_only_where_one_was_meant(
    one: Variant, catalogue: Catalogue, unlisted: bool
) -> None:
    assert terms_of(one, catalogue=catalogue).objective.unlisted is unlisted


@pytest.mark.parametrize(
    ("key", "unused"),
    [
        pytest.param("premium.yaml", False, id="the class it names"),
        pytest.param("nothing.yaml", True, id="another class"),
    ],
)
def test_a_reference_of_no_use_is_noticed(key: str, unused: bool) -> None:
    one = replace(BARE, slo_class_ref=ObjectKey("service-classes-config", key))

    assert terms_of(one, catalogue=CLASSES).objective.unused is unused


def window(least: int | None, most: int | None, schedule: str = "* * * * *", name: str = "always") -> Schedule:
    return Schedule(
        name=name, schedule=schedule, duration_s=3600, time_zone="UTC", min_replicas=least, max_replicas=most
    )


NEVER = "0 0 29 2 1"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, (1, None, "", ""), id="nothing written"),
        pytest.param({"min_replicas": 2, "max_replicas": 5}, (2, 5, "spec", "spec"), id="written"),
        pytest.param({"min_replicas": 0}, (0, None, "spec", ""), id="zero written"),
        pytest.param(
            {"min_replicas": 1, "schedules": (window(4, None),)},
            (4, None, "spec.schedules, window always", ""),
            id="an open window replaces its bound",
        ),
        pytest.param(
            {"max_replicas": 5, "schedules": (window(4, None, NEVER),)}, (1, 5, "", "spec"), id="a closed one does not"
        ),
        pytest.param(
            {"schedules": (window(2, 9, name="a"), window(3, 7, name="b"))},
            (3, 7, "spec.schedules, window b", "spec.schedules, window b"),
            id="highest minimum, lowest maximum",
        ),
        pytest.param(
            {"schedules": (window(8, None, name="a"), window(None, 2, name="b"))},
            (8, 8, "spec.schedules, window a", "spec.schedules, window b"),
            id="the minimum wins",
        ),
        pytest.param(
            {"max_replicas": 2, "schedules": (window(6, None),)},
            (6, 6, "spec.schedules, window always", "spec"),
            id="over the spec, too",
        ),
    ],
)
def test_bounds(changes: dict[str, Any], expected: tuple[int, int | None, str, str]) -> None:
    found = terms_of(replace(CHAT, **changes)).bounds

    assert (found.min_replicas, found.max_replicas, found.min_where, found.max_where) == expected


@pytest.mark.parametrize(
    ("rule", "setting", "least"),
    [
        pytest.param(None, False, 1, id="off"),
        pytest.param(None, True, 0, id="on"),
        pytest.param(ZeroRule(enabled=True, retention_s=600), False, 0, id="on for the model"),
        pytest.param(ZeroRule(enabled=False, retention_s=600), True, 1, id="off for the model"),
        pytest.param(ZeroRule(enabled=None, retention_s=600), True, 0, id="the model says nothing"),
    ],
)
def test_the_least_is_zero_where_the_model_may_sleep(rule: ZeroRule | None, setting: bool, least: int) -> None:
    catalogue = Catalogue(zero={ModelScope("llm", CHAT.model): rule} if rule else {})

    assert terms_of(CHAT, catalogue=catalogue, scale_to_zero=setting).bounds.min_replicas == least


@pytest.mark.parametrize(
    ("changes", "current", "asleep"),
    [
        pytest.param({}, 0, True, id="set to zero by somebody"),
        pytest.param({}, 1, False, id="running"),
        pytest.param({"min_replicas": 1}, 0, False, id="a written minimum brings it back"),
        pytest.param({"min_replicas": 0}, 0, False, id="zero is allowed, so it may help out"),
    ],
)
def test_a_zero_of_somebody_else_is_left_alone(changes: dict[str, Any], current: int, asleep: bool) -> None:
    one = replace(CHAT, **changes)

    assert terms_of(one, target(one, current)).bounds.asleep is asleep


def test_clamping_prefers_the_minimum() -> None:
    assert [Bounds(min_replicas=2, max_replicas=4).clamp(number) for number in (0, 3, 9)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("changes", "at", "config", "mode", "foreign"),
    [
        pytest.param({}, {}, {}, Actuation.SCALE, None, id="by default"),
        pytest.param(
            {}, {}, {"default_actuation": Actuation.METRICS}, Actuation.METRICS, None, id="operator's default"
        ),
        pytest.param({}, {"gauge_consumer": "HPA llm/chat"}, {}, Actuation.METRICS, None, id="a consumer of gauges"),
        pytest.param(
            {"actuation": Actuation.SCALE},
            {"gauge_consumer": "HPA llm/chat"},
            {},
            Actuation.METRICS,
            None,
            id="never two hands on one scale",
        ),
        pytest.param(
            {"actuation": Actuation.RECOMMEND}, {"gauge_consumer": "h"}, {}, Actuation.RECOMMEND, None, id="as written"
        ),
        pytest.param({}, {"foreign_scaler": "h"}, {}, Actuation.RECOMMEND, "h", id="a conflict"),
        pytest.param(
            {"actuation": Actuation.METRICS},
            {"foreign_scaler": "h"},
            {},
            Actuation.RECOMMEND,
            "h",
            id="a conflict, still",
        ),
        pytest.param(
            {"actuation": Actuation.RECOMMEND},
            {"foreign_scaler": "h"},
            {},
            Actuation.RECOMMEND,
            None,
            id="no conflict where nobody acts",
        ),
    ],
)
def test_modes(
    changes: dict[str, Any], at: dict[str, Any], config: dict[str, Any], mode: Actuation, foreign: str | None
) -> None:
    one = replace(CHAT, **changes)

    found = terms_of(one, target(one, **at), **config)

    assert (found.mode, found.foreign) == (mode, foreign)


@pytest.mark.parametrize(
    ("accelerator", "at", "profiles", "expected"),
    [
        pytest.param("A100", {}, 1, ("A100", True, 1), id="its own"),
        pytest.param(None, {"accelerator": "A100"}, 1, ("A100", True, 1), id="of its nodes"),
        pytest.param(None, {}, 1, (None, True, 1), id="unknown, one profile"),
        pytest.param(None, {}, 2, (None, False, 1), id="unknown, several profiles"),
        pytest.param("H100", {}, 1, ("H100", False, 1), id="no profile of it"),
        pytest.param("A100", {"accelerators_per_replica": 8}, 1, ("A100", True, 8), id="the pod template counts"),
    ],
)
def test_accelerators(
    accelerator: str | None, at: dict[str, Any], profiles: int, expected: tuple[str | None, bool, int]
) -> None:
    others = (PROFILE, replace(PROFILE, accelerator="L40S"))[:profiles]
    one = replace(CHAT, accelerator=accelerator, profiles=others)

    found = terms_of(one, target(one, **at))

    assert (found.accelerator, found.profile is not None, found.accelerators_per_replica) == expected


@pytest.mark.parametrize(
    ("thresholds", "config", "expected"),
    [
        pytest.param("", Analyzer.SLO, Analyzer.SLO, id="latency by default"),
        pytest.param("", Analyzer.SATURATION_V1, Analyzer.SATURATION_V1, id="the operator's choice"),
        pytest.param("saturation", Analyzer.SLO, Analyzer.SATURATION_V2, id="WVA's name of its second one"),
        pytest.param("saturation-v2", Analyzer.SLO, Analyzer.SATURATION_V2, id="ours"),
        pytest.param("saturation-v1", Analyzer.SATURATION_V2, Analyzer.SATURATION_V1, id="the first one for the model"),
        pytest.param("throughput", Analyzer.SLO, Analyzer.SATURATION_V1, id="one that is not here"),
        pytest.param("slo", Analyzer.SATURATION_V1, Analyzer.SLO, id="latency for the model"),
    ],
)
def test_analyzers(thresholds: str, config: Analyzer, expected: Analyzer) -> None:
    catalogue = Catalogue(saturation={ModelScope("", CHAT.model): SaturationThresholds(analyzer=thresholds)})

    found = terms_of(CHAT, catalogue=catalogue, analyzer=config)

    assert found.analyzer is expected
    assert (found.profile is not None) is found.is_sized is (expected is Analyzer.SLO)


def problem(**changes: Any) -> ConfigProblem:
    return replace(
        ConfigProblem(configmap="system/service-classes-config", key="k", field="f", value="v", remedy="r"), **changes
    )


UNPRICED = replace(CHAT, cost_per_replica_per_h=None)


@pytest.mark.parametrize(
    ("one", "found", "concerned"),
    [
        pytest.param(CHAT, problem(), True, id="everybody's"),
        pytest.param(CHAT, problem(models=frozenset({CHAT.model})), True, id="its model's"),
        pytest.param(CHAT, problem(models=frozenset({"other"})), False, id="another model's"),
        pytest.param(UNPRICED, problem(accelerators=frozenset({"A100"})), True, id="its accelerator's"),
        pytest.param(CHAT, problem(accelerators=frozenset({"A100"})), False, id="a price that it does not need"),
        pytest.param(UNPRICED, problem(accelerators=frozenset({"H100"})), False, id="another accelerator's"),
        pytest.param(CHAT, problem(configmap="llm/c"), True, id="its namespace's"),
        pytest.param(CHAT, problem(configmap="other/c"), False, id="another namespace's"),
    ],
)
def test_a_bad_entry_harms_only_those_who_need_it(one: Variant, found: ConfigProblem, concerned: bool) -> None:
    catalogue = Catalogue(problems=(found,))

    assert (
        terms_of(one, catalogue=catalogue, shared_namespaces=frozenset({"system"})).problem is not None
    ) is concerned


def item(name: str, cost: float | None, accelerator: str | None = "A100", count: int = 1) -> Item:
    one = variant(name, cost_per_replica_per_h=cost)
    return Item(variant=one, accelerator=accelerator, accelerators_per_replica=count)


UNITS = {"A100": 40.0, "L40S": 32.0}


@pytest.mark.parametrize(
    ("items", "costs", "weights", "unpriced"),
    [
        pytest.param([item("a", 7.0), item("b", None)], [7.0, 10.0], [7.0, 10.0], [], id="own prices: absent is ten"),
        pytest.param([item("a", None, count=2)], [80.0], [80.0], [], id="by accelerator and count"),
        pytest.param(
            [item("a", None), item("b", None, "H100")], [40.0, None], [1.0, 1.0], ["b"], id="one unknown: all equal"
        ),
        pytest.param([item("a", None, None)], [None], [1.0], [], id="alone there is nothing to choose"),
        pytest.param([item("a", 0.0), item("b", 5.0)], [0.0, 5.0], [0.0, 5.0], [], id="free is a price"),
    ],
)
def test_prices(items: list[Item], costs: list[float | None], weights: list[float], unpriced: list[str]) -> None:
    found = prices(items, UNITS)

    assert found.per_replica_per_h == costs
    assert found.weights == weights
    assert [one.variant.key.name for one in found.unpriced] == unpriced


def test_a_start_takes_what_the_owner_says_or_the_prior() -> None:
    assert terms_of(CHAT).startup_s == 180.0
    assert terms_of(replace(CHAT, startup_time_s=30.0)).startup_s == 30.0
