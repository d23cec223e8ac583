"""Which pasts carry an answer, what is made of those that do, and the objects and pages that come of it."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import yaml
from tests.unit.advise.histories import MODEL, Made, grid, history

from penstock.advise.advice import advise
from penstock.advise.assemble import owners, pasts
from penstock.advise.calibrate import fitted
from penstock.advise.judge import NotJudged, Plan, plan
from penstock.advise.objects import as_yaml
from penstock.advise.outcome import worst
from penstock.advise.page import bodies, page
from penstock.advise.past import Answers, ModelPast
from penstock.advise.replay import Job, Played
from penstock.advise.sureness import Level
from penstock.advise.wish import Wish
from penstock.advise.words import text, when
from penstock.api.variantautoscaling import parse_variant
from penstock.domain.errors import NotEnoughData
from penstock.domain.variants import Actuation
from penstock.engine.capacity import Lengths, capacity
from penstock.report.advicefiles import as_json
from penstock.report.advicemarkdown import markdown
from penstock.report.advicepage import page as html
from penstock.report.words import percent
from penstock.telemetry.pastqueries import Ask

WISH = Wish()


def past(answers: Answers, days: float = 1.0) -> ModelPast:
    (found,) = pasts(answers, grid(days), WISH.slo)
    return found


def planned(answers: Answers, wish: Wish = WISH) -> Plan:
    found = plan(past(answers), wish)
    assert isinstance(found, Plan), found
    return found


def met_ratio(past: ModelPast) -> float:
    """Return the recorded share of requests that kept the targets."""
    known = [(one.met_ratio, one.requests) for one in past.hours if one.met_ratio is not None]
    return sum(met * requests for met, requests in known) / sum(requests for _, requests in known)


# --- reading


def test_a_past_is_read() -> None:
    found = past(history())

    assert (found.namespace, found.model, found.days) == ("llm", MODEL, pytest.approx(1.0, abs=0.001))
    assert found.requests == pytest.approx(86_400 * 0.5, rel=0.001)
    assert found.lengths[700] == (500.0, 100.0)
    assert met_ratio(found) == pytest.approx(0.99)
    (variant,) = found.variants
    assert (variant.owner.name, variant.counts[5], variant.accelerator) == ("chat", 2.0, "NVIDIA-L40S")
    assert variant.samples[3].per_s == pytest.approx(0.25)
    assert variant.samples[3].tpot_s == pytest.approx(0.03)


def test_a_model_that_came_later_was_not_unscraped_before() -> None:
    late = {
        ask: [replace_points(one, [p for p in one.points if p[0] > 43_200]) for one in tracks]
        for ask, tracks in history().items()
    }

    found = past(late)

    assert found.unscraped_ratio == 0.0
    assert found.days == pytest.approx(0.5, abs=0.001)


def test_replicas_that_the_platform_tells_go_before_those_that_were_scraped() -> None:
    owner = {"namespace": "llm", "owner": "chat"}
    wanted = [(60.0 * step, 4.0 if step >= 100 else 2.0) for step in range(1441)]
    ready = [(60.0 * step, 4.0 if step >= 103 else 2.0) for step in range(1441)]
    answers = {**history(), Ask.WANTED: [Made(owner, wanted)], Ask.READY: [Made(owner, ready)]}

    found = past(answers)

    assert (found.variants[0].told, found.variants[0].counts[99:101]) == (True, [2.0, 4.0])
    assert found.variants[0].starts_s == (180.0,)
    assert found.scraped[200] == 0.5
    assert found.arrivals[200] == pytest.approx(60.0)


def test_what_rates_still_tell_of_a_pod_that_is_gone_counts_nothing() -> None:
    gone = {
        ask: [replace_points(one, [p for p in one.points if p[0] <= 43_200]) if is_c(one) else one for one in tracks]
        for ask, tracks in history().items()
    }
    lingering = {**history(), Ask.RUNNING: gone[Ask.RUNNING], Ask.WAITING: gone[Ask.WAITING]}

    assert lingering != gone
    assert past(lingering) == past(gone)


def is_c(one: Any) -> bool:
    return str(one.labels.get("pod", "")).endswith("c") and "model_name" in one.labels


def test_nothing_ready_is_no_gap() -> None:
    answers = history(seen_ratio=0.5)
    owner = {"namespace": "llm", "owner": "chat"}
    ready = [(60.0 * step, 2.0 if 60.0 * step % 3600 <= 1800 else 0.0) for step in range(1441)]

    assert past({**answers, Ask.READY: [Made(owner, ready)]}).unscraped_ratio == pytest.approx(0.0)
    assert past(answers).unscraped_ratio == pytest.approx(0.5, abs=0.02)


def test_workloads_are_asked_for_by_name() -> None:
    assert owners(history(), grid(1.0)) == {"chat"}


def test_hardware_is_that_of_most_pods() -> None:
    cache = [
        Made(
            {"namespace": "llm", "pod": f"chat-7c9d5f8b6d-x2k4{letter}", "num_gpu_blocks": "1000", "block_size": "16"},
            [(0.0, 1.0)],
        )
        for letter in "bc"
    ]
    gpus = [Made({"namespace": "llm", "pod": "chat-7c9d5f8b6d-x2k4b"}, [(0.0, 2.0)])]

    (variant,) = past({**history(), Ask.CACHE: cache, Ask.GPU_COUNT: gpus}).variants

    assert (variant.kv_tokens, variant.accelerators_per_replica) == (16_000, 2)


@pytest.mark.unmeasured
def test_workloads_of_one_model_are_its_variants() -> None:
    more = history(gpu="NVIDIA-H100-80GB-HBM3", pods=1, pod="big-7c9d5f8b6d-x2k4{}")

    found = planned({ask: [*tracks, *more[ask]] for ask, tracks in history().items()})

    assert {one.spec.name: one.spec.usd_per_h for one in found.variants} == {"chat": 1.86, "big": 7.52}
    assert {name: set(counts) for name, counts in found.jobs[1].ran.items()} == {"chat": {2}, "big": {1}}
    assert sum(found.jobs[1].counts) == pytest.approx(16_200 * 1.0)


def test_a_bucket_without_a_bound_counts_nowhere() -> None:
    wild = Made({"namespace": "llm", "model_name": MODEL, "le": "many"}, [(3600.0 * hour, 9e9) for hour in range(25)])
    answers = {ask: [*tracks, wild] if "bucket" in ask else tracks for ask, tracks in history().items()}

    assert answers != history()
    assert past(answers) == past(history())


# --- refusals


@pytest.mark.parametrize(
    ("told", "days", "why"),
    [
        pytest.param({"seen_ratio": 0.3}, 1.0, "of the time unscraped", id="unscraped"),
        pytest.param({"days": 0.5}, 0.5, "0.5 days seen, an answer takes 1 at least", id="half a day"),
        pytest.param({"per_s": 0.001}, 1.0, "requests", id="hardly a request"),
        pytest.param({"lengths": False}, 1.0, "lengths", id="no lengths"),
        pytest.param({"gpu": ""}, 1.0, "accelerator of chat unknown: name it with", id="no GPU"),
        pytest.param({"gpu": "Gaudi-9"}, 1.0, "--price 'Gaudi-9=USD_PER_HOUR'", id="no price"),
    ],
)  # fmt: skip
def test_what_carries_no_answer_is_refused_with_the_reason(told: dict[str, Any], days: float, why: str) -> None:
    found = plan(past(history(**told), days), WISH)

    assert isinstance(found, NotJudged)
    assert why in found.why


def test_an_engine_of_which_nothing_tells_is_refused() -> None:
    answers = {**history(model="chat"), Ask.TTFT_SUM: []}

    found = plan(past(answers), WISH)

    assert isinstance(found, NotJudged)
    assert "engine of chat unknown" in found.why


def test_the_missing_accelerator_can_be_named() -> None:
    found = planned(history(gpu=""), replace(WISH, accelerator="H100", count=2))

    assert found.variants[0].spec.usd_per_h == 2 * 7.52


def test_a_cluster_without_engines_is_refused() -> None:
    with pytest.raises(NotEnoughData, match="no engine"):
        advise({}, grid(1.0), WISH, lambda _: [])


# --- what is planned


@pytest.mark.unmeasured
def test_what_is_played_is_what_was_recorded() -> None:
    found = planned(history())
    (spec,) = (one.spec for one in found.variants)
    job = found.jobs[1]

    assert (spec.max_replicas, spec.startup.median_s, spec.usd_per_h) == (4, 180.0, 1.86)
    assert sum(job.counts) == pytest.approx(16_200 * 0.5)
    assert (set(job.ran["chat"]), job.lead_s, job.ahead_s) == ({2}, 1800.0, 180.0)
    assert len({one.seed for one in found.jobs}) == len(found.jobs)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.5])
@pytest.mark.unmeasured
def test_the_engine_is_made_as_fast_as_it_was(factor: float) -> None:
    reference = planned(history()).variants[0]
    answers = history(ttft_s=0.2 * factor, tpot_s=0.03 * factor)

    found = fitted(past(answers).variants[0], MODEL, "NVIDIA-L40S", 1, (None, None))

    assert found.supposed
    assert found.decode / reference.fitted.decode == pytest.approx(factor, rel=0.15)


def test_an_engine_that_served_more_than_is_supposed_is_made_faster() -> None:
    found = planned(history(per_s=60.0)).variants[0].fitted

    assert found.samples >= 6
    assert max(found.decode, found.prompt) < 1
    assert (
        capacity(found.shape, Lengths(input_tokens=500, output_tokens=100), replace(WISH.slo, ttft_s=20.0)).per_s > 25
    )


def test_without_latencies_the_engine_is_as_supposed() -> None:
    bare = replace(past(history()).variants[0], samples=())

    found = fitted(bare, MODEL, "L40S", 1, (None, None))

    assert (found.samples, found.decode, found.prompt) == (0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("name", "price"),
    [("NVIDIA-L40S", 1.86), ("NVIDIA H100 80GB HBM3", 7.52), ("L4", 0.70), ("A100-SXM4-80GB", 3.67), ("TPU", None)],
)
def test_prices_go_by_the_longest_name(name: str, price: float | None) -> None:
    assert WISH.price(name) == price


# --- what comes of it


def plays(jobs: Sequence[Job], *, met: float = 0.99) -> Iterable[tuple[Played, Played]]:
    """Play nothing: tell of each job what a test needs."""
    for job in jobs:
        counted = sum(job.counts[round(job.lead_s / job.step_s) :])
        hours = math.ceil((len(job.counts) * job.step_s - job.lead_s) / 3600)
        each = round(counted / hours)
        ran = Played(
            usd_per_h=3.72,
            hours=((each, round(each * met)),) * hours,
            replicas=(2.0,) * (6 * hours),
            shares=(met, 1.0),
            means=(0.2, 0.03),
        )
        yield ran, replace(ran, usd_per_h=1.86, hours=((each, each),) * hours, replicas=(1.0,) * (6 * hours))


def test_both_ways_are_compared() -> None:
    (found,) = advise(history(), grid(1.0), WISH, plays).judged

    assert found.ran.usd_per_day == pytest.approx(89.28)
    assert found.ours.usd_per_day == pytest.approx(44.64)
    assert (found.ours.met_ratio, found.ran_met_ratio) == (1.0, pytest.approx(0.99))
    assert (found.sure.level, found.sure.because) == (Level.LOW, ("1.0 days seen",))
    assert found.grounds.points == pytest.approx(0.0, abs=0.1)
    assert worst(found.ours.hours) == ()
    assert len(worst(found.ran.hours)) == 3


def test_a_simulation_unlike_the_record_is_no_answer() -> None:
    found = advise(history(), grid(1.0), WISH, lambda jobs: plays(jobs, met=0.7))

    assert found.judged == ()
    assert "29.0 points off" in found.not_judged[0].why


def both() -> Answers:
    """Return the histories of two models, one of which was hardly scraped."""
    bad = history(model="other", seen_ratio=0.3, pod="other-7c9d5f8b6d-x2k4{}")
    return {ask: [*tracks, *bad[ask]] for ask, tracks in history().items()}


@pytest.mark.unmeasured
def test_one_model_without_an_answer_does_not_keep_the_other_from_its_own() -> None:
    found = advise(both(), grid(1.0), WISH, plays)

    assert [one.name for one in found.judged] == [f"llm/{MODEL}"]
    assert [one.name for one in found.not_judged] == ["llm/other"]


@pytest.mark.parametrize(
    ("pod", "kind", "version"),
    [
        ("chat-7c9d5f8b6d-x2k4{}", "Deployment", "apps/v1"),
        ("chat-1{}", "", ""),
        ("chat-0-1", "LeaderWorkerSet", "leaderworkerset.x-k8s.io/v1"),
    ],
)
@pytest.mark.unmeasured
def test_the_objects_can_be_applied_and_only_recommend(pod: str, kind: str, version: str) -> None:
    advice = advise(history(pods=1 if kind == "LeaderWorkerSet" else 2, pod=pod), grid(1.0), WISH, plays)

    made = [
        parse_variant({**one, "metadata": metadata(one)})
        for one in yaml.safe_load_all(as_yaml(bodies(advice, WISH)))
        if one
    ]

    assert [(one.target.kind, one.target.api_version) for one in made] == ([(kind, version)] if kind else [])
    for one in made:
        assert (one.key.namespace, one.key.name, one.model) == ("llm", "chat", MODEL)
        assert (one.actuation, one.accelerator, one.cost_per_replica_per_h) == (
            Actuation.RECOMMEND,
            "NVIDIA-L40S",
            1.86,
        )
        assert (one.min_replicas, one.slo.ttft_s, one.slo.attainment_ratio) == (1, 2.0, 0.995)


def metadata(body: dict[str, Any]) -> dict[str, Any]:
    """Return what an API server adds."""
    return {**body["metadata"], "uid": "u", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}


def test_every_format_tells_the_same() -> None:
    advice = advise(both(), grid(1.0), WISH, plays)
    told = page(advice, WISH, "Made up <b>", ("a note",))

    body = json.loads(as_json(told))
    assert body["models"][0]["ran"]["usd_per_day"] == pytest.approx(89.28)
    assert body["models"][0]["sure"]["level"] == "low"
    assert body["not_judged"][0]["name"] == "llm/other"
    for one in (html(told), markdown(told), text(advice, 1, "out")):
        assert "89.28" in one
        assert "44.64" in one
        assert "of the time unscraped" in one
    assert "<b>" not in html(told).replace("<b class", "")
    assert "1 object to apply: out/" in text(advice, 1, "out")


@pytest.mark.unmeasured
def test_the_worst_hours_of_both_ways_are_told_with_a_chart_of_each() -> None:
    advice = advise(history(), grid(1.0), WISH, lambda jobs: ((ran, ran) for ran, _ in plays(jobs, met=0.98)))
    told = page(advice, WISH, "Made up", ())
    (judged,) = advice.judged
    (rans, ours), (model,) = (worst(judged.ran_hours), worst(judged.ours.hours)), told.models

    assert [row[:3] for row in model.worst.rows] == [
        (who, when(hour.start_s), percent(hour.met_ratio))
        for who, hours in (("ran", rans), ("with Penstock", ours))
        for hour in hours
    ]
    assert len(rans) == len(ours) == 3
    assert f"ran {when(rans[0].start_s)} 99.0 % met, with Penstock {when(ours[0].start_s)} 98.0 % met" in text(
        advice, 1, "out"
    )
    assert html(told).count("<svg") == 2, "replicas, and the share that was met"
    assert when(ours[0].start_s) in html(told)
    assert when(ours[0].start_s) in markdown(told)


def replace_points(one: Any, points: list[tuple[float, float]]) -> Made:  # any track
    return Made(one.labels, points)
