"""Who leaves and when: least loaded first, drained first, never a request lost while there is time."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.controller.bodies import pod

from penstock.api.names import ANNOTATION_DELETION_COST, ANNOTATION_DRAINING
from penstock.controller.pods import PodFacts, pod_facts
from penstock.controller.shrink import BUSY_S, DONE, LEAVES, Load, Scene, Step, freed, is_ours, step
from penstock.domain.observations import Birth
from penstock.domain.variants import ObjectKey

NOW_S = 1_795_165_200.0  # 2026-11-20T09:00:00Z
EARLY, LATE, OLD = "2026-11-20T08:59:00Z", "2026-11-20T08:59:59Z", "2026-11-20T08:40:00Z"
ANCIENT = "2026-11-20T08:30:00Z"


def facts(name: str, *, ready: bool = True, mark: str = "", cost: str = "", **more: str) -> PodFacts:
    annotations = {ANNOTATION_DRAINING: mark, ANNOTATION_DELETION_COST: cost}
    labels = {"app": "chat", "pod-template-hash": more.pop("generation", "1")}
    body = pod(name, ready=ready, labels=labels, annotations={k: v for k, v in annotations.items() if v}, **more)
    found = pod_facts(body)
    assert found is not None
    return found


def key(name: str) -> ObjectKey:
    return ObjectKey("llm", name)


def load(**requests: float) -> dict[ObjectKey, Load]:
    return {key(name): Load(number, NOW_S - 1) for name, number in requests.items()}


def scene(
    *pods: PodFacts, wanted: int, loads: Mapping[ObjectKey, Load] | None = None, kind: str = "Deployment",
    served: bool = True, now_s: float = NOW_S,
) -> Scene:  # fmt: skip
    return Scene(pods=pods, kind=kind, wanted=wanted, now_s=now_s, instance="", served=served, loads=loads or {})


def leaving(found: Step) -> set[str]:
    return {one.name for one, texts in found.annotations.items() if texts.get(ANNOTATION_DRAINING)}


@pytest.mark.parametrize(
    ("pods", "loads", "kind", "victims"),
    [
        pytest.param([facts("a"), facts("b"), facts("c")], load(a=3, b=1, c=2), "Deployment", {"b"}, id="least loaded"),
        pytest.param([facts("a"), facts("b"), facts("c")], load(a=3, c=2), "Deployment", {"c"}, id="not the unknown"),
        pytest.param(
            [facts("a"), facts("b", ready=False), facts("c")], load(a=0, c=0), "Deployment", {"b"}, id="not Ready first"
        ),
        pytest.param(
            [facts("a"), facts("b", mark=LATE, cost=LEAVES)], load(a=0, b=9), "Deployment", set(), id="who drains"
        ),
        pytest.param(
            [facts("s-0"), facts("s-9"), facts("s-10")], load(**{"s-0": 0}), "StatefulSet", {"s-10"}, id="by ordinal"
        ),
        pytest.param(
            [facts("a"), facts("b", deletionTimestamp="t"), facts("c")], load(a=1, c=2), "Deployment", {"a"},
            id="who is gone already does not count",
        ),
    ],
)  # fmt: skip
def test_who_leaves(pods: list[PodFacts], loads: dict[ObjectKey, Load], kind: str, victims: set[str]) -> None:
    staying = [one for one in pods if not one.leaving]

    found = step(scene(*pods, wanted=len(staying) - 1, loads=loads, kind=kind))

    assert leaving(found) == victims
    assert found.lower_to is None


def test_marks_tell_the_time_and_the_price() -> None:
    found = step(replace(scene(facts("a"), wanted=0), instance="blue"))

    assert found.annotations == {
        key("a"): {ANNOTATION_DRAINING: "2026-11-20T09:00:00Z blue", ANNOTATION_DELETION_COST: LEAVES}
    }


@pytest.mark.parametrize(
    ("victim", "loads", "lower_to", "ended"),
    [
        pytest.param({"mark": EARLY}, load(a=0), 1, 0, id="idle since"),
        pytest.param({"mark": EARLY}, load(a=2), None, 0, id="still serving"),
        pytest.param({"mark": EARLY}, {}, None, 0, id="nobody knows"),
        pytest.param({"mark": EARLY}, {key("a"): Load(0, NOW_S - 59)}, None, 0, id="a sample from before it drained"),
        pytest.param({"mark": LATE}, load(a=0), None, 0, id="routers may not know yet"),
        pytest.param({"mark": OLD}, load(a=2), None, 0, id="seen to work for twenty minutes"),
        pytest.param({"mark": ANCIENT}, load(a=2), 1, 2, id="out of time"),
        pytest.param({"mark": OLD}, {}, 1, 0, id="out of time, and nobody knows"),
        pytest.param({}, load(a=0), None, 0, id="not told yet"),
    ],
)
def test_when_the_scale_falls(
    victim: dict[str, str], loads: dict[ObjectKey, Load], lower_to: int | None, ended: float
) -> None:
    found = step(scene(facts("a", cost=LEAVES, **victim), facts("b"), wanted=1, loads={**load(b=5), **loads}))

    assert (found.lower_to, found.ended) == (lower_to, ended)


def test_what_never_was_ready_has_nothing_to_end() -> None:
    starting = replace(facts("a", ready=False, mark=EARLY), birth=Birth(NOW_S - 90, None))
    recovering = facts("a", ready=False, mark=EARLY)

    assert step(scene(starting, facts("b"), wanted=1)).lower_to == 1
    assert step(scene(recovering, facts("b"), wanted=1)).lower_to is None


def test_those_that_are_done_go_before_those_that_are_not_once_the_cluster_knows() -> None:
    pods = [facts("a", mark=EARLY, cost=LEAVES), facts("b", mark=EARLY, cost=LEAVES), facts("c")]
    first = step(scene(*pods, wanted=1, loads=load(a=4, b=0, c=9)))
    second = step(scene(pods[0], facts("b", mark=EARLY, cost=DONE), pods[2], wanted=1, loads=load(a=4, b=0, c=9)))

    assert (first.annotations, first.lower_to) == ({key("b"): {ANNOTATION_DELETION_COST: DONE}}, None)
    assert second.lower_to == 2


def test_a_victim_that_is_not_ready_would_be_taken_before_one_that_is_done() -> None:
    pods = [facts("a", ready=False, mark=EARLY, cost=LEAVES), facts("b", mark=EARLY, cost=DONE), facts("c")]

    found = step(scene(*pods, wanted=1, loads=load(a=4, b=0, c=9)))

    assert found.lower_to is None


def test_ordinals_fall_from_the_top() -> None:
    pods = [facts("s-0"), facts("s-1", mark=EARLY), facts("s-2", mark=EARLY), facts("s-3", mark=EARLY)]

    found = step(scene(*pods, wanted=1, loads=load(**{"s-1": 0, "s-2": 3, "s-3": 0}), kind="LeaderWorkerSet"))

    assert (found.lower_to, dict(found.annotations)) == (3, {})


def test_while_two_generations_run_nobody_knows_who_goes() -> None:
    pods = [facts("a", mark=EARLY, generation="1"), facts("b", generation="2")]

    waiting = step(scene(*pods, wanted=1, loads=load(a=0, b=1)))
    late = step(scene(facts("a", mark=OLD, generation="1"), pods[1], wanted=1, loads=load(a=0, b=1)))

    assert (waiting.lower_to, late.lower_to) == (None, 1)


def test_who_stays_after_all_is_freed() -> None:
    pods = [facts("a", mark=EARLY, cost=LEAVES), facts("b", mark=EARLY, cost=LEAVES), facts("c")]

    found = step(scene(*pods, wanted=2, loads=load(a=5, b=1, c=9)))

    assert found.annotations == {key("a"): {ANNOTATION_DRAINING: None, ANNOTATION_DELETION_COST: None}}


def test_where_no_router_of_ours_is_the_least_loaded_go_once_the_cluster_knows_them() -> None:
    first = step(scene(facts("a"), facts("b"), wanted=1, loads=load(a=3, b=1), served=False))
    second = step(scene(facts("a"), facts("b", cost=LEAVES), wanted=1, loads=load(a=0, b=1), served=False))
    ordinal = step(
        scene(facts("s-0"), facts("s-1"), wanted=1, loads=load(**{"s-1": 2}), kind="StatefulSet", served=False)
    )

    assert (first.annotations, first.lower_to) == ({key("b"): {ANNOTATION_DELETION_COST: LEAVES}}, None)
    assert (second.lower_to, second.ended) == (1, 1)
    assert (ordinal.lower_to, ordinal.ended, dict(ordinal.annotations)) == (1, 2, {})


def test_fewer_pods_than_replicas_need_no_victim() -> None:
    found = step(scene(facts("a"), wanted=2))

    assert (found.lower_to, dict(found.annotations)) == (2, {})


@pytest.mark.parametrize(
    ("one", "ours"),
    [
        pytest.param(facts("a", mark=EARLY), True, id="ours"),
        pytest.param(facts("a", cost=LEAVES), True, id="ours, where nobody drains"),
        pytest.param(facts("a", mark=f"{EARLY} blue"), False, id="another operator's"),
        pytest.param(facts("a", mark="true"), False, id="a person's"),
        pytest.param(facts("a", cost="-5"), False, id="a person's price"),
        pytest.param(facts("a"), False, id="nobody's"),
    ],
)
def test_whose_mark_it_is(one: PodFacts, ours: bool) -> None:
    assert is_ours(one, "") is ours
    assert bool(freed([one], "")) is ours


@given(
    requests=st.lists(st.integers(0, 3), min_size=2, max_size=6),
    wanted=st.integers(0, 5),
    drops=st.lists(st.integers(0, 5), max_size=30),
)
def test_nothing_is_ended_while_there_is_time_and_it_always_ends(
    requests: list[int], wanted: int, drops: list[int]
) -> None:
    """Play the cluster: pods end their requests in any order, a ReplicaSet removes by readiness and price."""
    pods = {f"p{place}": facts(f"p{place}") for place in range(len(requests))}
    left = {f"p{place}": number for place, number in enumerate(requests)}
    wanted, now_s = min(wanted, len(requests) - 1), NOW_S
    for turn in range(200):
        now_s += 15.0
        for place in drops[turn : turn + 1] if turn < len(drops) else range(len(requests)):
            left[f"p{place}"] = max(left.get(f"p{place}", 0) - 1, 0)
        loads = {key(name): Load(float(left[name]), now_s - 1) for name in pods}
        found = step(scene(*pods.values(), wanted=wanted, loads=loads, now_s=now_s))
        if found.lower_to is not None:
            by_price = sorted(pods, key=lambda name: int(pods[name].deletion_cost or "0"))
            removed = by_price[: len(pods) - found.lower_to]
            assert all(left[name] == 0 for name in removed) or turn * 15 >= BUSY_S
            pods = {name: one for name, one in pods.items() if name not in removed}
        for one, texts in found.annotations.items():
            if one.name in pods:
                before = pods[one.name]
                pods[one.name] = replace(
                    before,
                    mark=texts.get(ANNOTATION_DRAINING, before.mark) or "",
                    deletion_cost=texts.get(ANNOTATION_DELETION_COST, before.deletion_cost) or "",
                )
        if len(pods) == wanted:
            return
    raise AssertionError(pods)
