"""ConfigMaps before each pass: a bad text keeps its last good value and spoils no other; an outage keeps everything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.unit.controller.bodies import meta

from penstock.api.kinds import Kind
from penstock.controller.configuration import Configuration
from penstock.domain.errors import InvalidField, Refused, Unreachable
from penstock.domain.variants import ObjectKey
from penstock.settings.operator import OperatorOptions, OperatorSettings

Body = Mapping[str, Any]


@dataclass(slots=True)
class Objects:
    """ConfigMaps that a test writes, and the events that come of them."""

    configmaps: dict[ObjectKey, Body] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    asked: set[ObjectKey] = field(default_factory=set)
    away: bool = False
    closed: set[str] = field(default_factory=set)

    def put(self, namespace: str, name: str, **data: str) -> None:
        self.configmaps[ObjectKey(namespace, name)] = {"metadata": meta(name, namespace=namespace), "data": data}

    async def get(self, kind: Kind, key: ObjectKey) -> Body | None:
        assert kind.name == "ConfigMap"
        if self.away:
            raise Unreachable("api", "timeout", "")
        if key.namespace in self.closed:
            raise Refused("api", 403, "no right", "grant the right")
        self.asked.add(key)
        return self.configmaps.get(key)

    async def event(self, about: Body, kind: str, reason: str, message: str) -> None:
        assert (kind, reason) == ("Warning", "InvalidConfigEntry")
        self.events.append((f"{about['namespace']}/{about['name']}", message))


@pytest.fixture(name="objects")
def _objects() -> Objects:
    return Objects()


@pytest.fixture(name="configuration")
def _configuration(objects: Objects) -> Configuration:
    options = OperatorOptions(flags={}, environ={"PENSTOCK_WVA_NAMESPACE": "wva"}, operator_namespace="home")
    return Configuration(objects, options, "home")  # type: ignore[arg-type] - get and event are all it needs


async def test_texts_apply_at_once(objects: Objects, configuration: Configuration) -> None:
    objects.put("home", "penstock-config", interval="5s")

    await configuration.refresh(())

    assert configuration.settings.interval_s == 5.0


async def test_bad_text_keeps_its_last_good_value_and_spoils_no_other(
    objects: Objects, configuration: Configuration
) -> None:
    objects.put("home", "penstock-config", interval="5s")
    await configuration.refresh(())
    objects.put("home", "penstock-config", interval="soon", staleAfter="1m")

    await configuration.refresh(())
    await configuration.refresh(())

    assert configuration.settings.interval_s == 5.0
    assert configuration.settings.scaling.stale_after_s == 60.0
    assert [(one.configmap, one.key) for one in configuration.problems] == [("home/penstock-config", "interval")]
    assert len(objects.events) == 1


async def test_bad_text_without_a_past_counts_as_not_written(objects: Objects, configuration: Configuration) -> None:
    objects.put("home", "penstock-config", interval="soon")

    await configuration.refresh(())

    assert configuration.settings.interval_s == 15.0


async def test_mended_text_ends_the_problem_and_a_new_fault_is_told_again(
    objects: Objects, configuration: Configuration
) -> None:
    for text in ("soon", "5s", "soon"):
        objects.put("home", "penstock-config", interval=text)
        await configuration.refresh(())

    assert len(objects.events) == 2
    assert configuration.settings.interval_s == 5.0


async def test_key_that_nobody_reads_is_told_once_and_harms_nothing(
    objects: Objects, configuration: Configuration, caplog: pytest.LogCaptureFixture
) -> None:
    objects.put("home", "penstock-config", interval="5s", stalAfter="1m", WVA_NODE_SELECTOR="x")
    objects.put("wva", "penstock-config", nosuch="1")
    await configuration.refresh(())
    await configuration.refresh(())

    message = "stalAfter: stalAfter='1m': there is no such setting; write staleAfter"
    assert [one.__dict__["problem"] for one in caplog.records] == [message]
    assert objects.events == [("home/penstock-config", message)]
    assert configuration.settings.interval_s == 5.0


async def test_outage_keeps_everything(objects: Objects, configuration: Configuration) -> None:
    objects.put("home", "penstock-config", interval="5s")
    objects.put("wva", "accelerator-unit-costs", A100='{"cost": "40.00"}')
    await configuration.refresh(())
    objects.away = True

    read = await configuration.refresh(())

    assert not read
    assert configuration.settings.interval_s == 5.0
    assert configuration.catalogue.unit_costs_per_h == {"A100": 40.0}


def untold(objects: Objects) -> Configuration:
    options = OperatorOptions(flags={}, environ={}, operator_namespace="home")
    return Configuration(objects, options, "home")  # type: ignore[arg-type] - as above


async def test_our_own_configmap_says_where_those_of_wva_are(objects: Objects) -> None:
    configuration = untold(objects)
    objects.put("elsewhere", "accelerator-unit-costs", A100='{"cost": "40.00"}')
    objects.put("elsewhere", "wva-variantautoscaling-config", GLOBAL_OPT_INTERVAL="7s")
    objects.put("workload-variant-autoscaler-system", "accelerator-unit-costs", A100='{"cost": "1.00"}')

    objects.put("home", "penstock-config", wvaNamespace="elsewhere")
    await configuration.refresh(())
    there = (configuration.catalogue.unit_costs_per_h["A100"], configuration.settings.interval_s)
    objects.put("home", "penstock-config")
    await configuration.refresh(())

    assert there == (40.0, 7.0)
    assert (configuration.catalogue.unit_costs_per_h["A100"], configuration.settings.interval_s) == (1.0, 15.0)


async def test_a_refused_place_changes_nothing_and_ends_when_it_is_mended(objects: Objects) -> None:
    configuration = untold(objects)
    objects.closed.add("forbidden")
    objects.put("home", "penstock-config", interval="5s")
    await configuration.refresh(())
    before = configuration.settings

    objects.put("home", "penstock-config", wvaNamespace="forbidden", interval="6s")
    refused = (await configuration.refresh(()), configuration.settings)
    objects.put("home", "penstock-config", interval="7s")
    mended = (await configuration.refresh(()), configuration.settings.interval_s)

    assert refused == (False, before)
    assert mended == (True, 7.0)


async def test_a_place_that_is_refused_from_the_start_is_mended_without_another_start(objects: Objects) -> None:
    configuration = untold(objects)
    objects.closed.add("forbidden")
    objects.put("home", "penstock-config", wvaNamespace="forbidden")

    refused = await configuration.refresh(())
    objects.put("home", "penstock-config")
    mended = await configuration.refresh(())

    assert (refused, mended) == (False, True)


async def test_a_place_that_can_be_none_leaves_the_last_good_one(objects: Objects) -> None:
    configuration = untold(objects)
    objects.put("elsewhere", "wva-variantautoscaling-config", GLOBAL_OPT_INTERVAL="7s")
    objects.put("home", "penstock-config", wvaNamespace="elsewhere")
    await configuration.refresh(())
    objects.put("home", "penstock-config", wvaNamespace="else/where", staleAfter="1m")

    read = await configuration.refresh(())

    settings = configuration.settings
    assert read
    assert (settings.wva_namespace, settings.interval_s, settings.scaling.stale_after_s) == ("elsewhere", 7.0, 60.0)
    assert [(one.key, one.remedy) for one in configuration.problems] == [
        ("wvaNamespace", "write the name of one namespace")
    ]


async def test_settings_are_made_once_of_all_texts(objects: Objects) -> None:
    made: list[Mapping[str, str]] = []

    class Heard(OperatorOptions):
        def __call__(self, texts: Mapping[str, str]) -> OperatorSettings:
            made.append(dict(texts))
            return OperatorOptions.__call__(self, texts)

    heard = Heard(flags={}, environ={}, operator_namespace="home")
    configuration = Configuration(objects, heard, "home")  # type: ignore[arg-type] - as above
    objects.put("home", "penstock-config", wvaNamespace="elsewhere")
    objects.put("elsewhere", "wva-variantautoscaling-config", LOG_LEVEL="debug")

    await configuration.refresh(())

    assert made == [{}, {"wvaNamespace": "elsewhere", "LOG_LEVEL": "debug"}]


async def test_local_configmaps_are_read_where_a_label_asks_for_it(
    objects: Objects, configuration: Configuration
) -> None:
    labelled = {"metadata": {"name": "llm", "labels": {"wva.llmd.ai/config-enabled": "true"}}}
    await configuration.refresh([labelled, {"metadata": {"name": "other"}}])

    assert ObjectKey("llm", "wva-saturation-scaling-config") in objects.asked
    assert not {key for key in objects.asked if key.namespace == "other"}


def test_bad_flag_stops_the_start(objects: Objects) -> None:
    options = OperatorOptions(flags={"interval": "soon"}, environ={}, operator_namespace="home")

    with pytest.raises(InvalidField, match="--interval"):
        Configuration(objects, options, "home")  # type: ignore[arg-type] - get and event are all it needs


async def test_analyzer_that_is_not_here_is_named_once_and_harms_nobody(
    objects: Objects, configuration: Configuration, caplog: pytest.LogCaptureFixture
) -> None:
    entries = {"default": "analyzerName: saturation", "one": "model_id: m\nanalyzerName: queueing-model"}
    objects.put("wva", "wva-saturation-scaling-config", **entries)
    await configuration.refresh(())
    await configuration.refresh(())

    told = [one for one in caplog.records if one.message.startswith("This version has no such analyzer")]
    assert [(vars(one)["analyzer"], vars(one)["model"]) for one in told] == [("queueing-model", "m")]
    assert configuration.problems == ()
