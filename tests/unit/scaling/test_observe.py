"""Whose series are whose, and whether a decision may rest on them."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.scaling.scene import MODEL, NOW, idle_row, known, observe, pod_name, row, target, variant

from penstock.domain.observations import Observation, PodMetrics, ScrapeProblem, Target
from penstock.domain.readings import ABSENT, Absent, Stale
from penstock.domain.reasons import MetricsReason, TargetReason
from penstock.domain.variants import Variant
from penstock.scaling.join import join
from penstock.scaling.observe import Gauges, Load, load

CHAT = variant()
NAN = Absent("value is nan", impossible=True)
UNRATED = Absent("one sample only, so there is no rate yet")


def load_of(one: Variant, observation: Observation) -> Load:
    joined = join(observation.variants, observation.targets, observation.scrape.rows)
    return load(one, joined[one.key], observation, 120.0)


def seen(*rows: PodMetrics, at: Target | None = None, **changes: Any) -> Load:
    targets = {CHAT.key: at} if at else {}
    return load_of(CHAT, observe(CHAT, targets=targets, seen=rows, **changes))


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param([row(CHAT)], MetricsReason.FOUND, id="served"),
        pytest.param([idle_row(CHAT)], MetricsReason.NO_TRAFFIC, id="gauges, no counter"),
        pytest.param([row(CHAT, rate=0.0)], MetricsReason.FOUND, id="a counter that stands still"),
        pytest.param([], MetricsReason.MISSING, id="ready, no series"),
        pytest.param([row(CHAT, pod="another-pod")], MetricsReason.MISSING, id="a pod that is not alive"),
        pytest.param([row(CHAT, namespace="other")], MetricsReason.MISSING, id="another namespace"),
        pytest.param([row(CHAT, model="Default")], MetricsReason.MODEL_NAME_MISMATCH, id="another name"),
        pytest.param([row(CHAT, at_s=NOW - 121)], MetricsReason.STALE, id="old samples"),
        pytest.param(
            [row(CHAT, running=Stale(1, NOW - 5), waiting=Stale(0, NOW - 5))], MetricsReason.STALE, id="gauges silent"
        ),
        pytest.param([row(CHAT, rate=Stale(0.5, NOW - 5))], MetricsReason.STALE, id="counter silent"),
        pytest.param([row(CHAT, waiting=NAN)], MetricsReason.INVALID, id="no number"),
        pytest.param([row(CHAT, running=known(-1))], MetricsReason.INVALID, id="negative"),
        pytest.param([row(CHAT, kv_usage_ratio=known(1.5))], MetricsReason.INVALID, id="more than full"),
        pytest.param([row(CHAT, output_tokens=NAN)], MetricsReason.INVALID, id="no length while requests finish"),
        pytest.param([row(CHAT, rate=0.0, output_tokens=NAN)], MetricsReason.FOUND, id="no length while none does"),
        pytest.param([row(CHAT, backlog_growth_per_s=known(-3))], MetricsReason.FOUND, id="a line that shrinks"),
        pytest.param(
            [row(CHAT, rate=None, running=ABSENT, waiting=ABSENT, kv_usage_ratio=ABSENT)],
            MetricsReason.MISSING,
            id="a row without any of them",
        ),
    ],
)
def test_reasons(rows: list[PodMetrics], reason: MetricsReason) -> None:
    assert seen(*rows).verdict.reason is reason


def test_the_nearest_name_is_suggested() -> None:
    own = variant(model="Qwen/Qwen3-32B")
    rows = [row(own, model="Qwen3-32B"), row(own, model="some-lora")]

    found = load_of(own, observe(own, seen=rows)).verdict

    assert found.facts == {"nearest": "Qwen3-32B", "model": "Qwen/Qwen3-32B"}


def test_adapters_beside_the_model_are_no_mismatch() -> None:
    assert seen(row(CHAT), row(CHAT, model="some-lora")).verdict.reason is MetricsReason.FOUND


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        pytest.param(target(CHAT, 0), MetricsReason.NO_REPLICAS, id="nothing runs"),
        pytest.param(target(CHAT, 2, ready=0, starting=2), MetricsReason.NO_REPLICAS, id="nothing is ready yet"),
        pytest.param(target(CHAT, 2, state=TargetReason.UNREADABLE, ready=0), MetricsReason.MISSING, id="nobody knows"),
    ],
)
def test_no_series_is_normal_only_where_nothing_is_ready(at: Target, reason: MetricsReason) -> None:
    assert seen(at=at).verdict.reason is reason


@pytest.mark.parametrize(
    ("problem", "facts"),
    [
        pytest.param(
            ScrapeProblem(reason=MetricsReason.PROMETHEUS_UNREACHABLE, peer="http://prom", cause="timeout"),
            {"url": "http://prom", "error": "timeout"},
            id="unreachable",
        ),
        pytest.param(
            ScrapeProblem(reason=MetricsReason.PROMETHEUS_UNREACHABLE, peer="prometheusURL", cause="no URL"),
            {"unset": "prometheusURL"},
            id="not named",
        ),
        pytest.param(
            ScrapeProblem(reason=MetricsReason.PROMETHEUS_ERROR, peer="running", cause="bad_data"),
            {"query": "running", "error": "bad_data"},
            id="refused",
        ),
    ],
)
def test_a_failed_scrape_is_everybodys(problem: ScrapeProblem, facts: dict[str, str]) -> None:
    found = seen(problem=problem)

    assert (found.verdict.reason, found.verdict.facts) == (problem.reason, facts)
    assert found.arrivals_per_s is None


def test_arrivals_are_completions_and_what_the_backlog_grows_by() -> None:
    growing = seen(row(CHAT, rate=2.0, backlog_growth_per_s=known(0.5)))
    shrinking = seen(row(CHAT, rate=2.0, backlog_growth_per_s=known(-0.5)))
    emptying = seen(row(CHAT, rate=2.0, backlog_growth_per_s=known(-9)))

    assert (growing.arrivals_per_s, shrinking.arrivals_per_s, emptying.arrivals_per_s) == (2.5, 1.5, 0.0)


def test_a_rate_that_cannot_be_told_yet_is_no_zero() -> None:
    alone = seen(row(CHAT, rate=UNRATED))
    beside = seen(row(CHAT, rate=1.0), row(CHAT, 1, rate=UNRATED), at=target(CHAT, 2))

    assert alone.arrivals_per_s is None
    assert (beside.arrivals_per_s, beside.complete) == (1.0, False)
    assert "partial" in beside.verdict.facts


@pytest.mark.parametrize(
    ("rows", "complete"),
    [
        pytest.param([row(CHAT), row(CHAT, 1)], True, id="both report"),
        pytest.param([row(CHAT)], False, id="one is silent"),
        pytest.param([row(CHAT), row(CHAT, 1, at_s=NOW - 500)], False, id="one is stale"),
        pytest.param([row(CHAT), row(CHAT, 1, running=NAN)], False, id="one is impossible"),
        pytest.param([row(CHAT), row(CHAT)], False, id="two engines of one pod are one replica"),
    ],
)
def test_a_replica_without_fresh_numbers_makes_the_load_incomplete(rows: list[PodMetrics], complete: bool) -> None:
    assert seen(*rows, at=target(CHAT, 2)).complete is complete


def test_means_weigh_by_finished_requests() -> None:
    found = seen(
        row(CHAT, rate=3.0, output_tokens=known(100), tpot_s=known(0.02)),
        row(CHAT, 1, rate=1.0, output_tokens=known(200), tpot_s=ABSENT),
        at=target(CHAT, 2),
    )

    assert (found.output_tokens, found.tpot_s) == (125.0, 0.02)


def test_rows_without_a_pod_label_are_shared_by_replicas() -> None:
    twin = variant("twin")
    at = {CHAT.key: target(CHAT, 3), twin.key: target(twin, 1)}
    whole = row(CHAT, pod="", rate=4.0, waiting=known(8), backlog_growth_per_s=known(0))
    observation = observe(CHAT, twin, targets=at, seen=[whole])

    chat, other = load_of(CHAT, observation), load_of(twin, observation)

    assert (chat.arrivals_per_s, other.arrivals_per_s) == (3.0, 1.0)
    assert chat.gauges == (Gauges(0.2, 2.0),) * 3
    assert other.gauges == (Gauges(0.2, 2.0),)
    assert chat.complete
    assert (chat.output_tokens, other.output_tokens) == (128, 128)


def test_rows_of_single_engines_without_a_pod_label_keep_their_queues() -> None:
    engines = [row(CHAT, pod="", rate=1.0, waiting=known(waiting)) for waiting in (0, 4)]

    found = load_of(CHAT, observe(CHAT, targets={CHAT.key: target(CHAT, 2)}, seen=engines))

    assert [one.queue for one in found.gauges] == [0.0, 4.0]


UNLABELLED = row(CHAT, namespace="", pod="")


@pytest.mark.parametrize(
    ("others", "rows", "reason"),
    [
        pytest.param([], [UNLABELLED], MetricsReason.FOUND, id="alone"),
        pytest.param([], [row(CHAT, namespace="")], MetricsReason.FOUND, id="alone, with pods"),
        pytest.param([variant(namespace="other")], [UNLABELLED], MetricsReason.MISSING, id="a variant elsewhere"),
        pytest.param([], [UNLABELLED, row(CHAT, namespace="other")], MetricsReason.MISSING, id="series elsewhere"),
        pytest.param(
            [variant(namespace="other", model="another")],
            [UNLABELLED],
            MetricsReason.FOUND,
            id="another model elsewhere",
        ),
    ],
)
def test_series_without_a_namespace_count_only_where_nobody_else_could_own_them(
    others: list[Variant], rows: list[PodMetrics], reason: MetricsReason
) -> None:
    assert load_of(CHAT, observe(CHAT, *others, seen=rows)).verdict.reason is reason


def test_labelled_series_are_not_counted_twice() -> None:
    found = seen(row(CHAT, rate=1.0), row(CHAT, namespace="", rate=1.0))

    assert found.arrivals_per_s == 1.0


def test_the_same_pod_names_in_two_namespaces_do_not_mix() -> None:
    twin = replace(variant(namespace="other"), model=MODEL)
    rows = [row(CHAT, rate=1.0), row(twin, rate=5.0)]
    observation = observe(CHAT, twin, seen=rows)

    assert pod_name(CHAT) == pod_name(twin)
    assert load_of(CHAT, observation).arrivals_per_s == 1.0
    assert load_of(twin, observation).arrivals_per_s == 5.0
