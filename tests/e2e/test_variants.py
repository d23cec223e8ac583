"""Stories of variants: some follow their load, the others say what keeps them from it.

All of them live at the same time, each in a namespace of its own; what one goes through while another is looked at
stands in its recorded history.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.engines import engine
from tests.e2e.history import History, Step, recorded
from tests.e2e.images import Images
from tests.e2e.kube import Kube, until
from tests.e2e.load import job
from tests.e2e.prometheus import values
from tests.e2e.variants import A100, ENGINE, Status, condition, desired, events, message, replicas, status, variant

pytestmark = pytest.mark.e2e
SAMPLES = Path(__file__).parent / "samples"
OPERATOR = ("deployment/penstock-operator", "penstock-system")
TWO_PASSES_S = 15.0  # two passes of 5 s, two scrapes of 1 s, and a margin
LOAD_S = 60
FORGOTTEN_S = 240  # the windows of a load's rate and of its level, one of which has passed before anybody waits
ENGINES = {  # namespace -> deployment -> model that its engine serves
    "llm-d-sim": {"vllme-deployment": "default/default"},
    "llm-d-inference": {"sample-deployment": "meta/llama-3.1-8b"},
    "pair": {"chat": "default/default", "code": "meta/llama0-70b"},
    "blind": {"chat": "blind/model"},
    "misnamed": {"chat": "Qwen3-32B"},
    "recreated": {"chat": "recreated/model"},
}
LOADS = (  # namespace, deployment, requests a second
    ("llm-d-sim", "vllme-deployment", 2.0),
    ("pair", "chat", 2.0),
    ("pair", "code", 2.0),
)


@pytest.fixture(scope="session")
def history(kube: Kube, images: Images, prices: History) -> Iterator[History]:
    """Put up all engines and variants, wait until those that will be loaded are known to be idle, and load them."""
    del prices  # it is here so that its load, too, is forgotten while other stories are told
    kube.new_namespaces(*ENGINES)
    for room, engines in ENGINES.items():
        for name, model in engines.items():
            kube.apply(*deployed(images, room, name, model), namespace=room)
    with recorded(kube, "va") as history:
        for sample in ("wva-2025.yaml", "wva-2026.yaml"):
            kube.run("apply", "-f", str(SAMPLES / sample))
        for name, model in ENGINES["pair"].items():
            kube.apply(
                variant(name, model, name, modelProfile={"accelerators": [A100]}, maxReplicas=4), namespace="pair"
            )
        for room, name, _ in LOADS:
            kube.rolled_out("deployment", name, room)
            until(lambda at=(room, name): history.statuses(*at)[-1], is_idle, f"{name} idle")
        for room, name, per_s in LOADS:
            asked = {"url": f"http://{name}:8000", "model": ENGINES[room][name], "per_s": per_s}
            kube.apply(job(images, f"load-{name}", seconds=LOAD_S, tokens=128, **asked), namespace=room)
        yield history
    kube.delete_namespaces(*ENGINES)


def deployed(images: Images, room: str, name: str, model: str) -> list[dict[str, object]]:
    """Return an engine of the stories; the one of `blind` is not scraped."""
    labels = {"scrape": "no"} if room == "blind" else {}
    return engine(images, name, model=model, arguments=ENGINE, labels=labels)


def is_idle(found: Status) -> bool:
    """Whether one replica is decided upon, and it is known that nothing is asked of it."""
    return desired(found) == 1 and condition(found, "MetricsAvailable") == ("True", "NoTraffic")


def grew_and_shrank(history: History, room: str, name: str) -> None:
    """Wait until a variant was at one, above one, and at one again, as decided."""

    def whole(steps: list[Step]) -> bool:
        counts = [step.number for step in steps]
        return counts[:1] == [1] and max(counts) > 1 and counts[-1] == 1

    until(lambda: history.steps(room, name), whole, f"{room}/{name} grows under load and shrinks without", FORGOTTEN_S)


def test_missing_metrics_are_named_held_and_recovered(kube: Kube, history: History) -> None:
    room = "blind"
    kube.rolled_out("deployment", "chat", room)
    kube.apply(variant("chat", "blind/model", "chat"), namespace=room)

    blind = until(
        lambda: status(kube, room, "chat"),
        lambda it: condition(it, "MetricsAvailable") == ("False", "MetricsMissing"),
        "MetricsMissing",
        TWO_PASSES_S,
    )
    assert desired(blind) is None, "never decided is absent, not 0"
    assert len(blind["conditions"]) == 6
    skipped = "Metrics unavailable, skipping optimization for variant"
    until(lambda: kube.logs(*OPERATOR), lambda log: skipped in log, "it is logged, too")
    pod = kube.list("pods", room, "app=chat")[0]["metadata"]["name"]

    kube.run("label", "pod", pod, "-n", room, "scrape-")
    until(lambda: status(kube, room, "chat"), lambda it: desired(it) == 1, "a decision once it is scraped", 60)
    kube.run("label", "pod", pod, "-n", room, "scrape=no")
    held = until(
        lambda: status(kube, room, "chat"),
        lambda it: condition(it, "MetricsAvailable")[0] == "False",
        "metrics gone again",
        90,
    )
    assert desired(held) == 1, "the last decision holds"
    assert condition(held, "ScalingActive") == ("False", "HoldingLastDecision")
    assert replicas(kube, room, "chat") == 1
    kube.run("label", "pod", pod, "-n", room, "scrape-")
    until(lambda: events(kube, room, "chat"), lambda it: "MetricsRecovered" in it, "event MetricsRecovered", 60)
    assert {desired(one) for one in history.statuses(room, "chat")} == {None, 1}


def test_a_wrong_model_name_is_answered_with_the_right_one(kube: Kube, history: History) -> None:
    del history
    kube.rolled_out("deployment", "chat", "misnamed")
    kube.apply(variant("chat", "Qwen/Qwen3-32B", "chat"), namespace="misnamed")

    found = until(
        lambda: status(kube, "misnamed", "chat"),
        lambda it: condition(it, "MetricsAvailable") == ("False", "ModelNameMismatch"),
        "ModelNameMismatch",
        TWO_PASSES_S,
    )

    assert 'model_name="Qwen3-32B"' in message(found, "MetricsAvailable")
    assert '"Qwen/Qwen3-32B"' in message(found, "MetricsAvailable")


def test_a_deployment_that_goes_and_comes_back_is_noticed(kube: Kube, images: Images, history: History) -> None:
    del history
    room = "recreated"
    kube.rolled_out("deployment", "chat", room)
    kube.apply(variant("chat-va", "recreated/model", "chat"), namespace=room)
    until(lambda: status(kube, room, "chat-va"), lambda it: desired(it) == 1, "desired 1")

    kube.delete("deployment", "chat", room)
    gone = until(
        lambda: status(kube, room, "chat-va"),
        lambda it: condition(it, "TargetResolved") == ("False", "TargetNotFound"),
        "TargetNotFound",
        TWO_PASSES_S,
    )
    assert condition(gone, "Ready") == ("False", "TargetNotFound")
    kube.apply(*deployed(images, room, "chat", "recreated/model"), namespace=room)

    until(
        lambda: status(kube, room, "chat-va"),
        lambda it: condition(it, "TargetResolved") == ("True", "TargetFound") and condition(it, "Ready")[0] == "True",
        "found again and ready",
        90,
    )


def test_the_hpa_of_wva_keeps_its_variant(kube: Kube, history: History) -> None:
    found = until(
        lambda: status(kube, "llm-d-inference", "sample-va"),
        lambda it: condition(it, "ScalingActive") == ("True", "GaugePublished"),
        "the gauge for the HPA",
        60,
    )

    assert found["actuation"] == {"applied": True, "mode": "Metrics"}
    assert found["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sample-deployment"}
    labels = {"variant_name": "sample-va", "exported_namespace": "llm-d-inference", "accelerator_type": "A100"}
    for name in ("wva_desired_replicas", "inferno_desired_replicas"):
        until(lambda name=name: values(kube, name, **labels), lambda it: it == [1.0], f"{name} in Prometheus", 30)
    assert "ownerReferences" not in kube.get("va", "sample-va", "llm-d-inference")["metadata"]
    assert all(desired(one) in {None, 1} for one in history.statuses("llm-d-inference", "sample-va"))


@pytest.mark.late
def test_one_variant_follows_its_load(kube: Kube, history: History) -> None:
    room, name = "llm-d-sim", "vllme-deployment"
    grew_and_shrank(history, room, name)
    seen = history.statuses(room, name)

    idle = next(one for one in seen if is_idle(one))
    assert idle["currentAlloc"]["numReplicas"] == 1
    assert idle["currentAlloc"]["load"] == {"arrivalRate": "0.00"}, "no traffic is a known rate and unknown lengths"
    busy = next(one for one in seen if (desired(one) or 0) > 1)
    assert condition(busy, "MetricsAvailable") == ("True", "MetricsFound")
    assert condition(busy, "ScalingActive") == ("True", "ScaleApplied")
    assert busy["decision"]["reason"] == "DemandUp", history.told(room)
    until(lambda: replicas(kube, room, name), lambda it: it == 1, "the Deployment shrinks, too", 30)
    until(lambda: events(kube, room, name), lambda it: "Scaled" in it, "event Scaled", 30)
    owner = kube.get("va", name, room)["metadata"]["ownerReferences"]
    assert [(one["kind"], one["name"], one["controller"]) for one in owner] == [("Deployment", name, True)]
    assert "Optimization completed successfully" in kube.logs(*OPERATOR)


@pytest.mark.late
def test_the_figures_of_a_loaded_variant_are_strings_in_their_units(history: History) -> None:
    grew_and_shrank(history, "llm-d-sim", "vllme-deployment")
    allocs = [one["currentAlloc"] for one in history.statuses("llm-d-sim", "vllme-deployment")]
    loaded = [one for one in allocs if {"itlAverage", "ttftAverage", "variantCost"} <= set(one)]
    full = max(
        (one for one in loaded if "avgOutputTokens" in one["load"]), key=lambda it: float(it["load"]["arrivalRate"])
    )

    for text in (full["itlAverage"], full["ttftAverage"], full["variantCost"], *full["load"].values()):
        assert re.fullmatch(r"\d+\.\d{2}", text), f"{text!r} is no string with two decimals"
    assert full["accelerator"] == "A100"
    assert float(full["variantCost"]) == 40.0 * full["numReplicas"]
    assert 10 < float(full["itlAverage"]) < 1000, f"milliseconds: {full}"
    assert float(full["ttftAverage"]) > 10, f"milliseconds: {full}"
    assert 60 < float(full["load"]["arrivalRate"]) < 240, f"requests a minute: {full}"
    assert float(full["load"]["avgOutputTokens"]) == pytest.approx(128, abs=2)
    assert full["maxBatch"] == 4, "the engine's own limit"


@pytest.mark.late
def test_two_variants_of_two_models_are_sized_apart(kube: Kube, history: History) -> None:
    for name in ENGINES["pair"]:
        grew_and_shrank(history, "pair", name)

    for name in ENGINES["pair"]:
        assert "ownerReferences" not in kube.get("va", name, "pair")["metadata"], "only in the old shape"
        most = max(desired(one) or 0 for one in history.statuses("pair", name))
        assert 2 <= most <= 4, f"within its bound; {history.told('pair')}"
