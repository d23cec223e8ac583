"""Seed 004 as stories: variants that follow their load, and variants that say what keeps them from it."""

import re
from collections.abc import Iterator

import pytest
from tests.e2e.engines import engine, namespace
from tests.e2e.images import Images
from tests.e2e.kube import Kube, until
from tests.e2e.load import job
from tests.e2e.variants import A100, ENGINE, condition, desired, events, new_shape, old_shape, status

pytestmark = pytest.mark.e2e
OPERATOR = ("deployment/penstock-operator", "penstock-system")
TWO_PASSES_S = 30.0  # two passes of 5 s, two scrapes of 1 s, and a slow machine
CLASSES = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "service-classes-config"},
    "data": {
        "premium.yaml": "name: Premium\npriority: 1\ndata:\n"
        "- {model: default/default, slo-tpot: 24, slo-ttft: 500}\n"
        "- {model: meta/llama0-70b, slo-tpot: 80, slo-ttft: 500}\n"
    },
}


@pytest.fixture
def room(kube: Kube, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the story's own, gone after it."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:50]
    kube.apply(namespace(name))
    kube.apply(CLASSES, namespace="penstock-system")
    yield name
    kube.run("delete", "namespace", name, "--wait=false")


def test_one_variant_follows_its_load(kube: Kube, images: Images, room: str) -> None:
    kube.apply(*engine(images, "chat", model="default/default", arguments=ENGINE), namespace=room)
    kube.rolled_out("deployment", "chat", room)
    kube.apply(old_shape("chat", "default/default"), namespace=room)

    idle = until(lambda: status(kube, "chat", room), lambda it: desired(it) == 1, "desired 1 without traffic")
    assert idle["currentAlloc"]["numReplicas"] == 1
    assert condition(idle, "MetricsAvailable") == ("True", "NoTraffic")
    assert idle["currentAlloc"]["load"] == {"arrivalRate": "0.00"}, "no traffic is a known rate and unknown lengths"
    owner = kube.get("va", "chat", room)["metadata"]["ownerReferences"]
    assert [(one["kind"], one["name"], one["controller"]) for one in owner] == [("Deployment", "chat", True)]

    kube.apply(
        job(images, "load", url="http://chat:8000", model="default/default", per_s=2, seconds=75, tokens=128),
        namespace=room,
    )
    busy = until(lambda: status(kube, "chat", room), lambda it: (desired(it) or 0) > 1, "desired above 1", 150)
    assert condition(busy, "MetricsAvailable") == ("True", "MetricsFound")
    assert condition(busy, "ScalingActive") == ("True", "ScaleApplied")
    until(
        lambda: kube.get("deployment", "chat", room)["spec"]["replicas"], lambda it: it > 1, "the Deployment grows", 30
    )
    loaded = until(
        lambda: status(kube, "chat", room)["currentAlloc"],
        lambda it: {"itlAverage", "ttftAverage"} <= set(it) and "avgOutputTokens" in it["load"],
        "latency and lengths in status",
        60,
    )
    for text in (loaded["itlAverage"], loaded["ttftAverage"], loaded["variantCost"], *loaded["load"].values()):
        assert re.fullmatch(r"\d+\.\d{2}", text), f"{text!r} is no string with two decimals"
    assert 10 < float(loaded["itlAverage"]) < 200, "milliseconds"
    assert float(loaded["load"]["avgOutputTokens"]) == pytest.approx(128, abs=2)

    until(lambda: status(kube, "chat", room), lambda it: desired(it) == 1, "back to 1 without load", 240)
    until(lambda: kube.get("deployment", "chat", room)["spec"]["replicas"], lambda it: it == 1, "one replica", 30)
    assert "Optimization completed successfully" in kube.logs(*OPERATOR)


def test_two_variants_of_two_models_are_sized_apart(kube: Kube, images: Images, room: str) -> None:
    for name, model in (("chat", "default/default"), ("code", "meta/llama0-70b")):
        kube.apply(*engine(images, name, model=model, arguments=ENGINE), namespace=room)
        kube.apply(new_shape(name, model, name, modelProfile={"accelerators": [A100]}, maxReplicas=4), namespace=room)
    for name in ("chat", "code"):
        kube.rolled_out("deployment", name, room)
        until(lambda name=name: status(kube, name, room), lambda it: desired(it) == 1, f"{name} at 1")

    for name, model, per_s in (("chat", "default/default", 2), ("code", "meta/llama0-70b", 1.5)):
        url = f"http://{name}:8000"
        kube.apply(
            job(images, f"load-{name}", url=url, model=model, per_s=per_s, seconds=75, tokens=128), namespace=room
        )

    for name in ("chat", "code"):
        until(lambda name=name: status(kube, name, room), lambda it: (desired(it) or 0) > 1, f"{name} above 1", 150)
    for name in ("chat", "code"):
        assert "ownerReferences" not in kube.get("va", name, room)["metadata"], "only in the old shape"
        until(lambda name=name: status(kube, name, room), lambda it: desired(it) == 1, f"{name} back to 1", 240)


def test_missing_metrics_are_named_held_and_recovered(kube: Kube, images: Images, room: str) -> None:
    kube.apply(
        *engine(images, "chat", model="default/default", arguments=ENGINE, labels={"scrape": "no"}), namespace=room
    )
    kube.rolled_out("deployment", "chat", room)
    kube.apply(new_shape("chat", "default/default", "chat"), namespace=room)

    blind = until(
        lambda: status(kube, "chat", room),
        lambda it: condition(it, "MetricsAvailable") == ("False", "MetricsMissing"),
        "MetricsMissing",
        TWO_PASSES_S,
    )
    assert desired(blind) is None, "never decided is absent, not 0"
    assert len(blind["conditions"]) == 6
    log = kube.logs(*OPERATOR)
    assert "Metrics unavailable, skipping optimization for variant" in log
    pod = kube.list("pods", room, "app=chat")[0]["metadata"]["name"]

    kube.run("label", "pod", pod, "-n", room, "scrape-")
    until(lambda: status(kube, "chat", room), lambda it: desired(it) == 1, "a decision once it is scraped", 60)
    kube.run("label", "pod", pod, "-n", room, "scrape=no")
    held = until(
        lambda: status(kube, "chat", room),
        lambda it: condition(it, "MetricsAvailable")[0] == "False",
        "metrics gone again",
        90,
    )
    assert desired(held) == 1, "the last decision holds"
    assert condition(held, "ScalingActive") == ("False", "HoldingLastDecision")
    kube.run("label", "pod", pod, "-n", room, "scrape-")
    until(lambda: events(kube, "chat", room), lambda it: "MetricsRecovered" in it, "event MetricsRecovered", 60)


def test_a_wrong_model_name_is_answered_with_the_right_one(kube: Kube, images: Images, room: str) -> None:
    kube.apply(*engine(images, "chat", model="Qwen3-32B", arguments=ENGINE), namespace=room)
    kube.rolled_out("deployment", "chat", room)
    kube.apply(new_shape("chat", "Qwen/Qwen3-32B", "chat"), namespace=room)

    found = until(
        lambda: status(kube, "chat", room),
        lambda it: condition(it, "MetricsAvailable") == ("False", "ModelNameMismatch"),
        "ModelNameMismatch",
        TWO_PASSES_S + 10,
    )

    message = next(row["message"] for row in found["conditions"] if row["type"] == "MetricsAvailable")
    assert 'model_name="Qwen3-32B"' in message
    assert '"Qwen/Qwen3-32B"' in message


def test_a_deployment_that_goes_and_comes_back_is_noticed(kube: Kube, images: Images, room: str) -> None:
    objects = engine(images, "chat", model="default/default", arguments=ENGINE)
    kube.apply(*objects, namespace=room)
    kube.rolled_out("deployment", "chat", room)
    kube.apply(new_shape("chat-va", "default/default", "chat"), namespace=room)
    until(lambda: status(kube, "chat-va", room), lambda it: desired(it) == 1, "desired 1")

    kube.delete("deployment", "chat", room)
    gone = until(
        lambda: status(kube, "chat-va", room),
        lambda it: condition(it, "TargetResolved") == ("False", "TargetNotFound"),
        "TargetNotFound",
        TWO_PASSES_S,
    )
    assert condition(gone, "Ready") == ("False", "TargetNotFound")
    kube.apply(*objects, namespace=room)

    until(
        lambda: status(kube, "chat-va", room),
        lambda it: condition(it, "TargetResolved") == ("True", "TargetFound") and condition(it, "Ready")[0] == "True",
        "found again and ready",
        90,
    )
