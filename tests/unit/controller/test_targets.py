"""Targets: what a scale, its pods and its other scalers make of a variant's state."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.unit.controller.bodies import pod

from penstock.api.kinds import NODES, Kind
from penstock.controller.nodes import Nodes
from penstock.controller.pods import PodFacts, pod_facts
from penstock.controller.scalers import Scaler
from penstock.controller.taints import Toleration
from penstock.controller.targets import Targets
from penstock.domain.errors import NoSuchKind, PenstockError, Refused, Unreachable
from penstock.domain.observations import Birth, Scale, Target
from penstock.domain.reasons import TargetReason
from penstock.domain.variants import ObjectKey, SloOverride, TargetRef, Variant

REF = TargetRef(api_version="apps/v1", kind="Deployment", name="chat")
VARIANT = Variant(
    key=ObjectKey("llm", "chat"),
    uid="va",
    generation=1,
    created_at_s=0.0,
    model="m",
    target=REF,
    legacy_shape=False,
    controller_instance="",
    accelerator=None,
    cost_per_replica_per_h=None,
    min_replicas=None,
    max_replicas=None,
    slo=SloOverride(),
    slo_class_ref=None,
    profiles=(),
    actuation=None,
    startup_time_s=None,
    schedules=(),
    paused=False,
)
TEMPLATE = {"nodeSelector": {"nvidia.com/gpu.product": "H100"}, "containers": [{"args": ["--max-num-seqs=32"]}]}


@dataclass(slots=True)
class Scales:
    """One Deployment, or the error that reading it makes."""

    scale: Scale | PenstockError = field(default_factory=lambda: Scale(3, "app=chat", "d1", "7"))
    template: dict[str, Any] = field(default_factory=lambda: TEMPLATE)
    bodies_read: int = 0

    async def read(self, namespace: str, ref: TargetRef) -> Scale:
        assert (namespace, ref) == ("llm", REF)
        if isinstance(self.scale, PenstockError):
            raise self.scale
        return self.scale

    async def change(self, namespace: str, ref: TargetRef, *, seen: int, version: str, wanted: int) -> None:
        raise AssertionError((namespace, ref, seen, version, wanted))

    async def body(self, namespace: str, ref: TargetRef) -> Mapping[str, Any]:
        assert (namespace, ref) == ("llm", REF)
        self.bodies_read += 1
        return {"spec": {"template": {"spec": self.template}}}


def facts(*bodies: dict[str, Any]) -> list[PodFacts]:
    return [found for body in bodies if (found := pod_facts(body)) is not None]


def scaler(*gauges: str, namespace: str = "llm") -> Scaler:
    return Scaler(kind="HorizontalPodAutoscaler", key=ObjectKey(namespace, "hpa"), target=REF, gauges=gauges)


async def no_node(kind: Kind, key: ObjectKey) -> Mapping[str, Any] | None:
    raise AssertionError((kind, key))


async def look(scales: Scales, pods: list[PodFacts], scalers: list[Scaler]) -> Target:
    return (await Targets(scales, Nodes(no_node)).observe([VARIANT], pods, scalers))[VARIANT.key].target


async def test_replicas_are_counted_by_their_pods() -> None:
    unschedulable = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    pods = facts(
        pod("ready"),
        pod("stuck") | {"status": {"conditions": [unschedulable]}},
        pod("leaving", deletionTimestamp="2026-11-20T09:14:30Z"),
        pod("strange", labels={"app": "other"}),
    )

    target = await look(Scales(Scale(4, "app=chat", "d1", "7")), pods, [])

    assert (target.state, target.current) == (TargetReason.FOUND, 4)
    assert (target.ready, target.starting, target.stuck, target.draining) == (1, 2, 1, 1)
    assert target.pods == {"ready", "stuck", "leaving"}
    assert (target.accelerator, target.max_batch, target.uid) == ("H100", 32, "d1")


async def test_workers_of_a_group_are_no_replicas() -> None:
    """The scale of a LeaderWorkerSet selects its leaders; WVA counted every pod of a group."""
    name, index = "leaderworkerset.sigs.k8s.io/name", "leaderworkerset.sigs.k8s.io/worker-index"
    pods = facts(
        *(
            pod(f"chat-{group}" + (f"-{number}" if number else ""), labels={name: "chat", index: str(number)})
            for group in range(2)
            for number in range(3)
        )
    )

    target = await look(Scales(Scale(2, f"{name}=chat,{index}=0", "d1", "7")), pods, [])

    assert (target.current, target.ready, target.starting, target.draining) == (2, 2, 0, 0)
    assert target.pods == {"chat-0", "chat-1"}


async def test_what_the_template_and_the_pods_tolerate_counts() -> None:
    """Admission adds tolerations to pods, which templates lack; and where nothing runs the template alone tells."""
    scales = Scales(template={**TEMPLATE, "tolerations": [{"key": "team", "operator": "Exists"}]})
    added = pod("ready")
    added["spec"] = {**added.get("spec", {}), "tolerations": [{"key": "spot", "value": "yes", "effect": "NoSchedule"}]}

    none, one = [
        (await Targets(scales, Nodes(no_node)).observe([VARIANT], pods, []))[VARIANT.key].tolerations
        for pods in ([], facts(added))
    ]

    assert none == {Toleration("team", "Exists", "", "")}
    assert one == {*none, Toleration("spot", "", "yes", "NoSchedule")}


@pytest.mark.parametrize(
    ("error", "state", "fact"),
    [
        pytest.param(Refused("api", 404, "", ""), TargetReason.NOT_FOUND, ("name", "chat"), id="gone"),
        pytest.param(
            NoSuchKind("api", "Deployment", "apps/v1"), TargetReason.NOT_FOUND, ("api_version", "apps/v1"), id="no kind"
        ),
        pytest.param(Refused("api", 405, "", ""), TargetReason.NOT_SCALABLE, ("kind", "Deployment"), id="no scale"),
        pytest.param(Refused("api", 403, "", ""), TargetReason.UNREADABLE, ("error", "403 Forbidden"), id="no right"),
        pytest.param(Unreachable("api", "timeout", ""), TargetReason.UNREADABLE, ("error", "timeout"), id="outage"),
    ],
)
async def test_target_that_cannot_be_read_says_why(
    error: PenstockError, state: TargetReason, fact: tuple[str, str]
) -> None:
    target = await look(Scales(error), [], [])

    assert target.state is state
    assert target.current is None
    assert fact in target.facts.items()


async def test_selector_that_is_none_makes_a_target_unreadable() -> None:
    target = await look(Scales(Scale(1, "=", "d1", "7")), [], [])

    assert target.state is TargetReason.UNREADABLE


@pytest.mark.parametrize(
    ("scalers", "foreign", "consumer"),
    [
        pytest.param([], None, None, id="nobody else"),
        pytest.param([scaler()], "HorizontalPodAutoscaler llm/hpa", None, id="by CPU"),
        pytest.param([scaler("wva_desired_replicas{}")], None, "HorizontalPodAutoscaler llm/hpa", id="by our gauge"),
        pytest.param([scaler(namespace="other")], None, None, id="in another namespace"),
    ],
)
async def test_other_scalers(scalers: list[Scaler], foreign: str | None, consumer: str | None) -> None:
    target = await look(Scales(), [], scalers)

    assert (target.foreign_scaler, target.gauge_consumer) == (foreign, consumer)


async def test_template_is_read_again_only_when_the_object_changed() -> None:
    scales = Scales()
    targets = Targets(scales, Nodes(no_node))

    await targets.observe([VARIANT], [], [])
    await targets.observe([VARIANT], [], [])
    scales.scale = Scale(3, "app=chat", "d1", "8")
    await targets.observe([VARIANT], [], [])

    assert scales.bodies_read == 2


@pytest.mark.parametrize(
    ("template", "label", "nodes", "accelerator"),
    [
        pytest.param({}, None, ["a", "a"], "A100", id="one node of two pods"),
        pytest.param({}, None, ["a", "b"], None, id="nodes that differ"),
        pytest.param({}, None, [], None, id="not scheduled yet"),
        pytest.param(TEMPLATE, None, ["a"], "H100", id="a selector tells it: no node is read"),
        pytest.param({}, "L40S", ["a"], None, id="the variant tells it: no node is read"),
    ],
)
async def test_nodes_of_its_pods_tell_the_accelerator_last(
    template: dict[str, Any], label: str | None, nodes: list[str], accelerator: str | None
) -> None:
    read: list[str] = []
    products = {"a": "A100", "b": "L40S"}

    async def get(kind: Kind, key: ObjectKey) -> Mapping[str, Any]:
        assert (kind, key.namespace) == (NODES, "")
        read.append(key.name)
        return {"metadata": {"labels": {"nvidia.com/gpu.product": products[key.name]}}}

    variant = replace(VARIANT, accelerator=label)
    pods = facts(*(pod(f"chat-{at}") | {"spec": {"nodeName": node}} for at, node in enumerate(nodes)), pod("chat-new"))
    targets = Targets(Scales(template=template), Nodes(get))

    await targets.observe([variant], pods, [])
    sights = await targets.observe([variant], pods, [])

    assert sights[VARIANT.key].target.accelerator == accelerator
    assert sorted(read) == ([] if label or template else sorted(set(nodes)))


async def test_births_are_in_order_and_leave_out_who_leaves() -> None:
    pods = [
        replace(one, birth=birth)
        for one, birth in zip(
            facts(pod("old"), pod("new"), pod("unknown"), pod("leaving", deletionTimestamp="2026-11-20T09:14:30Z")),
            (Birth(5.0, None), Birth(3.0, 9.0), None, Birth(1.0, 2.0)),
            strict=True,
        )
    ]

    target = await look(Scales(), pods, [])

    assert target.births == (Birth(3.0, 9.0), Birth(5.0, None))


@pytest.mark.parametrize(
    ("pods", "labels"),
    [
        pytest.param([], ({"app": "new"},), id="at zero by the template"),
        pytest.param(["a", "b"], ({"app": "chat"}, {"app": "new"}), id="by those that run and by those to come"),
    ],
)
async def test_labels_of_its_pods_lead_from_a_pool_to_its_model(
    pods: list[str], labels: tuple[dict[str, str], ...]
) -> None:
    class Labelled(Scales):
        async def body(self, namespace: str, ref: TargetRef) -> Mapping[str, Any]:
            del namespace, ref
            return {"spec": {"template": {"metadata": {"labels": {"app": "new"}}}}}

    sights = await Targets(Labelled(), Nodes(no_node)).observe([VARIANT], facts(*map(pod, pods)), [])

    assert sights[VARIANT.key].labels == labels
