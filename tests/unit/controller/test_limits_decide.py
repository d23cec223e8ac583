"""What nodes have, before a decision: who gets it, where the others go, and what is said of it."""

from dataclasses import replace

from tests.unit.controller.test_inventory import has, pod
from tests.unit.scaling.scene import PROFILE, by_name, observe, rows, target, variant

from penstock.controller.inventory import Node, limits
from penstock.controller.pods import PodFacts
from penstock.controller.targets import Sight
from penstock.domain.catalogue import Catalogue, ServiceTarget
from penstock.domain.decisions import Verdict
from penstock.domain.observations import Observation
from penstock.domain.reasons import LimitReason
from penstock.domain.variants import SloOverride, Variant
from penstock.records.record import Record, pack, unpack
from penstock.records.replay import replay
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory

H100, L40S = "H100", "L40S"


def serving(name: str, model: str, accelerator: str, price: float) -> Variant:
    """Return a variant that starts from nothing, on one GPU a replica."""
    profile = replace(PROFILE, accelerator=accelerator)
    return variant(
        name, model=model, min_replicas=0, cost_per_replica_per_h=price, accelerator=accelerator, profiles=(profile,),
        slo=SloOverride(),
    )  # fmt: skip


FIRST = serving("first", "m/first", H100, 10.0)
LATE = serving("late", "m/late", H100, 10.0)
LATE_ELSEWHERE = serving("late-elsewhere", "m/late", L40S, 13.0)
CLASSES = Catalogue(
    service_targets=tuple(
        ServiceTarget(
            class_name=name, priority=priority, configmap="llm/classes", key=name, model=model, ttft_s=0.5, tpot_s=0.024
        )
        for name, priority, model in (("premium", 1, "m/first"), ("freemium", 50, "m/late"))
    )
)
ALL = (FIRST, LATE, LATE_ELSEWHERE)


def competing() -> Observation:
    """Return two models that each want far more than they have, and have one replica on H100."""
    at = {FIRST.key: target(FIRST, 1), LATE.key: target(LATE, 1), LATE_ELSEWHERE.key: target(LATE_ELSEWHERE, 0)}
    seen = [*rows(FIRST, 1, total=5.0), *rows(LATE, 1, total=5.0)]
    return observe(*ALL, targets=at, seen=seen, catalogue=CLASSES)


def limited(observation: Observation, nodes: list[Node], *others: PodFacts) -> Config:
    """Return the configuration that these nodes make, where each variant's pods run on the first of them."""
    own = {one.key: pod(f"{one.key.name}-0", "n1", 1) for one in (FIRST, LATE)}
    sights = {
        one.key: Sight(
            observation.targets[one.key],
            pods=(own[one.key],) if one.key in own else (),
            resource="nvidia.com/gpu",
        )
        for one in ALL
    }
    return Config(quotas=limits(nodes, [*own.values(), *others], ALL, sights))


NODES = [has("n1", 8, "NVIDIA-H100-80GB-HBM3"), has("n2", 32, "NVIDIA-L40S")]


def test_the_important_class_gets_what_nodes_have_and_the_other_goes_elsewhere() -> None:
    observation = competing()
    free = by_name(observation)

    found = by_name(observation, config=limited(observation, NODES))

    assert {name: one.desired for name, one in free.items()} == {"first": 8, "late": 8, "late-elsewhere": 0}
    assert {name: one.desired for name, one in found.items()} == {"first": 7, "late": 1, "late-elsewhere": 7}
    assert found["late"].summary.endswith("; quota of 8 H100 sends some elsewhere")


def test_what_others_hold_is_not_shared_out_and_status_names_the_nodes() -> None:
    observation = competing()

    found = by_name(observation, config=limited(observation, NODES, pod("stranger", "n1", 5)))

    assert (found["first"].desired, found["late"].desired) == (2, 1)
    assert found["first"].limited == Verdict(LimitReason.QUOTA, {"limit": "quota 3 H100", "where": "nodes"})


def test_a_decision_within_nodes_is_decided_again_from_its_record() -> None:
    observation = competing()
    config = limited(observation, NODES)
    decisions, _ = decide(observation, Memory(), config)
    record = Record(version="test", observation=observation, memory=Memory(), config=config, decisions=decisions)

    read = unpack(pack(record))

    assert read.config.quotas == config.quotas
    assert {quota.where for quota in read.config.quotas} == {"nodes"}
    assert replay(read) == ()
