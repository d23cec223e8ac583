"""What nodes have: added up by product, less what others hold, and never less than what ours do."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.controller.bodies import meta
from tests.unit.controller.test_targets import REF, VARIANT

from penstock.controller.inventory import WHERE, Node, limits, node
from penstock.controller.pods import PodFacts, pod_facts
from penstock.controller.taints import Toleration
from penstock.controller.targets import Sight
from penstock.domain.observations import Target
from penstock.domain.reasons import TargetReason
from penstock.domain.variants import ObjectKey, TargetRef, Variant
from penstock.scaling.config import Quota

GPU, MIG, AMD = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "amd.com/gpu"
PRODUCT = "nvidia.com/gpu.product"
LONG = "NVIDIA-H100-80GB-HBM3"
GROUP = "leaderworkerset.sigs.k8s.io/name"


def body(
    allocatable: dict[str, str], labels: dict[str, str] | None = None, *, ready: str = "True", **spec: Any
) -> dict[str, Any]:
    conditions = [{"type": "MemoryPressure", "status": "True"}, {"type": "Ready", "status": ready}]
    status = {"allocatable": allocatable, "conditions": conditions}
    return {"metadata": meta("n", labels=labels or {}), "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("given", "has", "takes"),
    [
        pytest.param(body({GPU: "8", "cpu": "96", "memory": "1Ti"}), {GPU: 8}, True, id="GPUs"),
        pytest.param(body({AMD: "4", "habana.ai/gaudi": "2"}), {AMD: 4, "habana.ai/gaudi": 2}, True, id="other makes"),
        pytest.param(body({GPU: "0", MIG: "7"}), {GPU: 0, MIG: 7}, True, id="slices beside whole ones"),
        pytest.param(body({GPU: "8"}, unschedulable=True), {GPU: 8}, False, id="cordoned"),
        pytest.param(body({GPU: "8"}, ready="Unknown"), {GPU: 8}, False, id="lost"),
        pytest.param(body({GPU: "8"}, ready="False"), {GPU: 8}, False, id="not ready"),
        pytest.param({"metadata": meta("n"), "status": {"allocatable": {GPU: "8"}}}, {GPU: 8}, False, id="new"),
    ],
)
def test_what_a_node_has(given: dict[str, Any], has: dict[str, int], takes: bool) -> None:
    found = node(given)

    assert found is not None
    assert (found.has, found.takes) == (has, takes)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(body({"cpu": "96"}), id="no accelerator"),
        pytest.param(body({GPU: "8k"}), id="no count"),
        pytest.param({"metadata": meta("n")}, id="empty"),
    ],
)
def test_a_node_without_accelerators_is_not_kept(given: dict[str, Any]) -> None:
    assert node(given) is None


def test_a_node_is_known_by_every_label_that_names_a_product() -> None:
    found = node(body({GPU: "8"}, {PRODUCT: LONG, "karpenter.k8s.aws/instance-gpu-name": "h100", "zone": "a"}))

    assert found is not None
    assert (found.product, found.products) == (LONG, {LONG, "h100"})


def has(name: str, count: int = 8, product: str = LONG, resource: str = GPU, *, takes: bool = True) -> Node:
    return Node(name=name, product=product, products=frozenset({product}), has={resource: count}, takes=takes)


def pod(name: str, on: str, each: int = 2, resource: str = GPU, *, leaving: bool = False, **labels: str) -> PodFacts:
    spec = {"nodeName": on, "containers": [{"name": "engine", "resources": {"limits": {resource: str(each)}}}]}
    gone = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaving else {}
    facts = pod_facts({"metadata": meta(name, labels=labels, **gone), "spec": spec, "status": {}})
    assert facts is not None
    return facts


def variant(name: str = "chat", accelerator: str | None = None, kind: str = "Deployment") -> Variant:
    ref = TargetRef(api_version=REF.api_version, kind=kind, name=name)
    return replace(VARIANT, key=ObjectKey("llm", name), accelerator=accelerator, target=ref)


def sight(
    *pods: PodFacts, asks: str | None = LONG, resource: str = GPU, state: str = "TargetFound", each: int | None = None
) -> Sight:
    target = Target(ref=REF, state=TargetReason(state), facts={}, accelerator=asks, accelerators_per_replica=each)
    return Sight(target, pods=pods, resource=resource)


OURS = pod("chat-0", "n1")
SPOT = Toleration(key="spot", operator="Exists", value="", effect="")


@pytest.mark.parametrize(
    ("nodes", "own", "others", "most"),
    [
        pytest.param([has("n1"), has("n2", 4)], [], [], 12, id="all of them"),
        pytest.param([has("n1"), has("n2", product="A100")], [], [], 8, id="of this product alone"),
        pytest.param([has("n1"), has("n2", 7, resource=MIG)], [], [], 8, id="of this resource alone"),
        pytest.param([has("n1")], [OURS], [], 8, id="ours take of it what they like"),
        pytest.param([has("n1")], [OURS], [pod("x", "n1", 3)], 5, id="less what others hold"),
        pytest.param([has("n1"), has("n2")], [], [pod("x", "n1", 20)], 8, id="of one node no more than it has"),
        pytest.param([has("n1")], [], [pod("x", "n1", 7, MIG), pod("y", "n9", 4)], 8, id="others hold nothing of it"),
        pytest.param([has("n1")], [], [pod("x", "", 4)], 8, id="a pod without a node holds none"),
        pytest.param([has("n1")], [], [pod("x", "n1", 4, leaving=True)], 4, id="who leaves holds it still"),
        pytest.param([has("n1"), has("n2", takes=False)], [], [], 8, id="not those that take no pods"),
        pytest.param([has("n1", takes=False), has("n2")], [OURS], [], 10, id="and yet what ours hold there"),
        pytest.param(
            [has("n1", takes=False), has("n2")], [pod("chat-0", "n1", leaving=True)], [], 8, id="until they leave"
        ),
        pytest.param([has("n1", 0)], [OURS], [], 2, id="a broken device takes nobody away"),
        pytest.param([has("n2")], [OURS], [], 10, id="on a node that is newer than the list"),
        pytest.param([has("n1")], [pod("chat-0", "")], [], 8, id="but not without a node"),
        pytest.param([], [], [], 0, id="nothing that it asks for"),
    ],
)
def test_what_is_left_of_an_accelerator(
    nodes: list[Node], own: list[PodFacts], others: list[PodFacts], most: int
) -> None:
    chat = variant()

    found = limits(nodes, [*own, *others], [chat], {chat.key: sight(*own)})

    assert found == (Quota(accelerator=LONG, max_accelerators=most, where=WHERE),)


@pytest.mark.parametrize(
    ("called", "seen", "most"),
    [
        pytest.param("H100", sight(asks=None), 8, id="people's name of it"),
        pytest.param("H100", sight(asks=LONG), 8, id="the target's word beside it"),
        pytest.param("H100", sight(asks="NVIDIA-A100-SXM4-80GB"), 4, id="the target's word counts"),
        pytest.param("fast", sight(OURS, asks=None), 8, id="any name, by the node that it runs on"),
        pytest.param("fast", sight(asks=None), None, id="a name that no node has"),
        pytest.param("L40S", sight(asks=None), None, id="a name of something else"),
        pytest.param(None, sight(asks=None), None, id="no name"),
        pytest.param("H100", sight(resource=""), None, id="nothing requested as a resource"),
        pytest.param("H100", sight(asks=None, state="TargetUnreadable"), None, id="a target that cannot be read"),
    ],
)
def test_by_which_name_nodes_are_found(called: str | None, seen: Sight, most: int | None) -> None:
    chat = variant(accelerator=called)
    nodes = [has("n1"), has("n2", 4, "NVIDIA-A100-SXM4-80GB")]

    found = limits(nodes, seen.pods, [chat], {chat.key: seen})

    assert [quota.max_accelerators for quota in found] == ([] if most is None else [most])
    assert {quota.accelerator for quota in found} <= {called}


@pytest.mark.parametrize(
    ("tolerated", "own", "most"),
    [
        pytest.param([frozenset()], [], 8, id="kept away"),
        pytest.param([frozenset({SPOT})], [], 12, id="tolerated"),
        pytest.param([frozenset(), frozenset({SPOT})], [], 12, id="tolerated by one of two variants"),
        pytest.param([frozenset()], [pod("v0-0", "n2")], 10, id="what runs there stays"),
    ],
)
def test_nodes_that_keep_the_pods_away_have_no_room_for_them(
    tolerated: list[frozenset[Toleration]], own: list[PodFacts], most: int
) -> None:
    names = [f"v{number}" for number in range(len(tolerated))]
    variants = [variant(name) for name in names]
    sights = {one.key: replace(sight(*own), tolerations=each) for one, each in zip(variants, tolerated, strict=True)}
    spot = node(body({GPU: "4"}, {PRODUCT: LONG}, taints=[{"key": "spot", "effect": "NoSchedule"}]))
    assert spot is not None

    found = limits([has("n1"), replace(spot, name="n2")], own, variants, sights)

    assert [quota.max_accelerators for quota in found] == [most]


def test_variants_of_one_accelerator_share_it_and_those_of_another_are_others_to_them() -> None:
    """Two names for the same nodes: what runs under the one is not there for the other."""
    one, two, three = (variant(name, called) for name, called in (("a", "H100"), ("b", "H100"), ("c", "hopper")))
    pods = [pod("a-0", "n1", 1), pod("b-0", "n1", 2), pod("c-0", "n1", 4)]
    sights = {each.key: sight(own, asks=None) for each, own in zip((one, two, three), pods, strict=True)}

    found = limits([has("n1")], pods, [one, two, three], sights)

    assert {quota.accelerator: quota.max_accelerators for quota in found} == {"H100": 4, "hopper": 5}


@pytest.mark.parametrize(
    ("sizes", "kind", "most"),
    [
        pytest.param([8], "Deployment", 16, id="whole nodes"),
        pytest.param([4], "Deployment", 20, id="a rest of two serves none"),
        pytest.param([4, 2], "Deployment", 22, id="unless to others"),
        pytest.param([3, 2], "Deployment", 23, id="or together"),
        pytest.param([8], "LeaderWorkerSet", 23, id="a group is spread"),
    ],
)
def test_rests_of_nodes_that_are_too_small_do_not_count(sizes: list[int], kind: str, most: int) -> None:
    names = [f"v{number}" for number in range(len(sizes))]
    variants = [variant(name, kind=kind) for name in names]
    sights = {one.key: sight(each=each) for one, each in zip(variants, sizes, strict=True)}
    gone = variant("gone")
    sights[gone.key] = sight(resource="", state="TargetNotFound")
    strangers = [pod("x", "n1", 1)]

    found = limits([has("n1"), has("n2"), has("n3")], strangers, [*variants, gone], sights)

    assert [quota.max_accelerators for quota in found] == [most]


@pytest.mark.parametrize(("kind", "most"), [("LeaderWorkerSet", 13), ("Deployment", 9)])
def test_workers_of_a_group_belong_to_it(kind: str, most: int) -> None:
    """A LeaderWorkerSet's scale finds its leaders alone; to a Deployment of that name its workers are strangers."""
    group = variant("chat", kind=kind)
    leader, worker = (pod(name, "n1", 4, **{GROUP: "chat"}) for name in ("chat-0", "chat-0-1"))
    stranger = pod("other-0", "n2", 3, **{GROUP: "other"})

    found = limits([has("n1"), has("n2")], [leader, worker, stranger], [group], {group.key: sight(leader)})

    assert [quota.max_accelerators for quota in found] == [most]
