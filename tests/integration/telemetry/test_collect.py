"""The queries of a pass against a real Prometheus: what comes back for which series."""

import itertools
import os
import time
from collections.abc import Iterator, Mapping

import pytest
from tests.prometheus import STALE, PrometheusServer, Series, steady

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow, PodMetrics, Scrape, Spread
from penstock.domain.readings import ABSENT, Absent, Known, Stale, known
from penstock.domain.series import SERIES, Signal
from penstock.telemetry.collect import collect
from penstock.telemetry.prometheus import Prometheus
from penstock.telemetry.queries import queries
from penstock.telemetry.rows import UNRATED

STALE_AFTER_S = 120.0
_names = itertools.count(1)


@pytest.fixture
def now_s() -> float:
    return float(round(time.time()))


@pytest.fixture
def namespace() -> str:
    return f"ns-{os.getpid()}-{next(_names)}"


async def seen(client: Prometheus, namespace: str, now_s: float) -> Scrape:
    return await collect(client, [namespace], now_s, STALE_AFTER_S)


async def the_row(client: Prometheus, namespace: str, now_s: float) -> PodMetrics:
    scrape = await seen(client, namespace, now_s)
    assert scrape.problem is None, scrape
    rows = [row for row in scrape.rows if row.namespace == namespace]
    assert len(rows) == 1, rows
    return rows[0]


def pod(namespace: str, name: str = "p1", model: str = "m", **more: str) -> dict[str, str]:
    return {"namespace": namespace, "pod": name, "model_name": model, "instance": f"{name}:8000", **more}


def gauges(labels: Mapping[str, str], now_s: float, **how: float) -> Iterator[Series]:
    yield steady("vllm:num_requests_running", labels, now_s, value=4, per_s=0.01, **how)
    yield steady("vllm:num_requests_waiting", labels, now_s, value=2, per_s=0.02, **how)
    yield steady("vllm:kv_cache_usage_perc", labels, now_s, value=0.5, **how)


def counters(
    labels: Mapping[str, str], now_s: float, *, tpot: str = SERIES[Signal.TPOT].names[0], **how: float
) -> Iterator[Series]:
    for reason, per_s in (("stop", 0.3), ("length", 0.1)):
        finished = {**labels, "finished_reason": reason}
        yield steady("vllm:request_success_total", finished, now_s, value=900, per_s=per_s, **how)
    for name, mean in (
        ("vllm:request_prompt_tokens", 1000.0),
        ("vllm:request_generation_tokens", 200.0),
        ("vllm:time_to_first_token_seconds", 0.25),
        ("vllm:request_prefill_time_seconds", 0.2),
        (tpot, 0.02),
    ):
        yield steady(f"{name}_sum", labels, now_s, value=900 * mean, per_s=0.4 * mean, **how)
        yield steady(f"{name}_count", labels, now_s, value=900, per_s=0.4, **how)


async def test_a_busy_pod_has_every_number(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    prometheus.write([*gauges(pod(namespace), now_s, age_s=3), *counters(pod(namespace), now_s - 3)])

    row = await the_row(client, namespace, now_s)

    assert (row.pod, row.model, row.sampled_at_s) == ("p1", "m", now_s - 3)
    assert row.running == Known(4, now_s - 3)
    assert row.waiting == Known(2, now_s - 3)
    assert row.kv_usage_ratio == Known(0.5, now_s - 3)
    assert known(row.backlog_growth_per_s) == pytest.approx(0.03)
    assert known(row.completed_per_s) == pytest.approx(0.4)
    assert known(row.input_tokens) == pytest.approx(1000)
    assert known(row.output_tokens) == pytest.approx(200)
    assert known(row.ttft_s) == pytest.approx(0.25)
    assert known(row.tpot_s) == pytest.approx(0.02)
    assert known(row.prefill_s) == pytest.approx(0.2)


def cache(labels: Mapping[str, str], now_s: float, blocks: str, size: str = "16", **how: float) -> Series:
    """Return the series of a cache's size, which names no model."""
    bare = {name: value for name, value in labels.items() if name != "model_name"}
    return steady(
        "vllm:cache_config_info", {**bare, "num_gpu_blocks": blocks, "block_size": size}, now_s, value=1, **how
    )


@pytest.mark.parametrize(
    ("engines", "caches", "expected"),
    [
        pytest.param([{}], [({}, "1000")], 16_000, id="one engine, as the simulator tells it"),
        pytest.param([{"engine": "0"}], [({"engine": "0"}, "1000")], 16_000, id="one engine, as vLLM tells it"),
        pytest.param([{"engine": "0"}], [({}, "1000")], 16_000, id="engines that do not number themselves"),
        pytest.param(
            [{"engine": "0"}, {"engine": "1"}],
            [({"engine": "0"}, "1000"), ({"engine": "1"}, "500")],
            24_000,
            id="engines add up",
        ),
        pytest.param(
            [{"engine": "0"}, {"engine": "1"}], [({"engine": "0"}, "1000")], None, id="a part is not the whole"
        ),
        pytest.param([{}], [({}, "None")], None, id="no number"),
        pytest.param([{}], [], None, id="not told"),
    ],
)
async def test_what_the_caches_hold(
    prometheus: PrometheusServer,
    client: Prometheus,
    namespace: str,
    now_s: float,
    engines: list[dict[str, str]],
    caches: list[tuple[dict[str, str], str]],
    expected: float | None,
) -> None:
    for labels in engines:
        prometheus.write([*gauges(pod(namespace, **labels), now_s)])
    prometheus.write([cache(pod(namespace, **labels), now_s, blocks) for labels, blocks in caches])

    row = await the_row(client, namespace, now_s)

    assert known(row.kv_capacity_tokens) == expected


async def test_the_cache_of_an_engine_that_was_replaced_is_forgotten(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    prometheus.write([*gauges(pod(namespace), now_s), cache(pod(namespace), now_s, "9000", age_s=30)])
    prometheus.write([cache(pod(namespace), now_s, "1000", count=2)])

    row = await the_row(client, namespace, now_s)

    assert known(row.kv_capacity_tokens) == 16_000


async def test_no_traffic_is_not_missing_metrics(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    prometheus.write(
        [steady(f"vllm:num_requests_{what}", pod(namespace), now_s, value=0) for what in ("running", "waiting")]
    )

    row = await the_row(client, namespace, now_s)

    assert (known(row.running), known(row.waiting), row.completed_per_s, row.ttft_s) == (0, 0, ABSENT, ABSENT)


def buckets(
    labels: Mapping[str, str], now_s: float, name: str, upto: Mapping[str, float], **how: float
) -> Iterator[Series]:
    """Yield a histogram of which so many requests a second are of at most so many tokens."""
    for bound, per_s in upto.items():
        yield steady(f"{name}_bucket", {**labels, "le": bound}, now_s, value=900 * per_s, per_s=per_s, **how)


async def test_how_lengths_scatter_is_of_the_model(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    prompts, answers = (SERIES[signal].names[0] for signal in (Signal.INPUT_TOKENS, Signal.OUTPUT_TOKENS))
    for name, short in (("p1", 0.9), ("p2", 0.8)):
        labels = pod(namespace, name)
        upto = {"200.0": short, "500.0": short, "5000.0": short, "10000.0": 1.0, "+Inf": 1.0}
        prometheus.write([*gauges(labels, now_s), *buckets(labels, now_s, prompts, {"100": 0.0, **upto})])
        prometheus.write([*buckets(labels, now_s, answers, {"200.0": 0.0, "500.0": 1.0, "+Inf": 1.0})])
    idle = pod(namespace, "p3", "idle")
    prometheus.write([*gauges(idle, now_s), *buckets(idle, now_s, prompts, {"1.0": 0.0, "+Inf": 0.0})])

    scrape = await seen(client, namespace, now_s)

    spread = scrape.spreads[ModelScope(namespace, "m")]
    # 85 of a hundred between 100 and 200 tokens, the others between 5,000 and 10,000
    assert known(spread.input_cv) == pytest.approx(2.2, rel=0.1)
    assert known(spread.output_cv) == pytest.approx(0.2, abs=0.15)
    assert scrape.spreads[ModelScope(namespace, "idle")] == Spread()


async def test_buckets_without_a_bound_or_a_number_tell_nothing(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    name = SERIES[Signal.INPUT_TOKENS].names[0]
    prometheus.write([*gauges(pod(namespace), now_s), *buckets(pod(namespace), now_s, name, {"many": 1.0})])
    other = pod(namespace, model="other")
    prometheus.write([*buckets(other, now_s, name, {"+Inf": float("nan")})])

    scrape = await seen(client, namespace, now_s)

    assert scrape.problem is None
    assert all(spread == Spread() for spread in scrape.spreads.values())


async def test_means_are_absent_while_nothing_finishes(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    idle = [steady(f"vllm:request_prompt_tokens_{part}", pod(namespace), now_s, value=9) for part in ("sum", "count")]
    prometheus.write([*gauges(pod(namespace), now_s), *idle])

    row = await the_row(client, namespace, now_s)

    assert row.input_tokens == ABSENT


async def test_a_counter_that_began_while_watched_began_at_zero(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    first = Series("vllm:request_success_total", pod(namespace, finished_reason="stop"), [(now_s, 30)])
    prometheus.write([*gauges(pod(namespace), now_s), first])

    row = await the_row(client, namespace, now_s)

    assert known(row.completed_per_s) == 30 / 60


async def test_a_counter_seen_once_like_its_engine_has_no_rate_yet(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    counter = steady("vllm:request_success_total", pod(namespace), now_s, value=900, count=1)
    prometheus.write([*gauges(pod(namespace), now_s, count=1), counter])

    row = await the_row(client, namespace, now_s)

    assert row.completed_per_s == UNRATED


@pytest.mark.parametrize("signal", [Signal.TPOT, Signal.KV_USAGE])
async def test_each_pod_answers_under_its_own_alias(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float, signal: Signal
) -> None:
    for number, name in enumerate(SERIES[signal].names, start=1):
        labels = pod(namespace, f"p{number}")
        gauge = steady(name, labels, now_s, value=number / 10)
        histogram = [
            steady(f"{name}_sum", labels, now_s, value=900, per_s=number / 10),
            steady(f"{name}_count", labels, now_s, value=900, per_s=1),
        ]
        running = steady("vllm:num_requests_running", labels, now_s, value=1)
        prometheus.write([running, gauge] if signal is Signal.KV_USAGE else [running, *histogram])

    scrape = await seen(client, namespace, now_s)

    field = {Signal.TPOT: "tpot_s", Signal.KV_USAGE: "kv_usage_ratio"}[signal]
    found = {row.pod: known(getattr(row, field)) for row in scrape.rows if row.namespace == namespace}
    expected = {f"p{number}": number / 10 for number, _ in enumerate(SERIES[signal].names, start=1)}
    assert found == pytest.approx(expected)


async def test_the_newest_name_wins_where_a_pod_has_two(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    first, *_, last = SERIES[Signal.TPOT].names
    prometheus.write([*gauges(pod(namespace), now_s), *counters(pod(namespace), now_s, tpot=first)])
    prometheus.write([steady(f"{last}_{part}", pod(namespace), now_s, value=900, per_s=7) for part in ("sum", "count")])

    row = await the_row(client, namespace, now_s)

    assert known(row.tpot_s) == pytest.approx(0.02)


async def test_copies_fall_together_and_engines_add_up(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    for replica, engine in itertools.product(("prom-0", "prom-1"), ("0", "1")):
        labels = pod(namespace, engine=engine, prometheus_replica=replica)
        prometheus.write([*gauges(labels, now_s), *counters(labels, now_s)])
    prometheus.write([*gauges(pod(namespace) | {"instance": "p1:8001"}, now_s)])

    row = await the_row(client, namespace, now_s)

    assert known(row.running) == 3 * 4
    assert known(row.kv_usage_ratio) == 0.5
    assert known(row.completed_per_s) == pytest.approx(2 * 0.4)
    assert known(row.input_tokens) == pytest.approx(1000)


async def test_a_rate_over_rare_scrapes_takes_a_wider_window(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    slow = {"every_s": 60.0, "count": 5, "age_s": 20.0}
    lengths = SERIES[Signal.INPUT_TOKENS].names[0]
    prometheus.write([*gauges(pod(namespace), now_s, **slow), *counters(pod(namespace), now_s, **slow)])
    prometheus.write([*buckets(pod(namespace), now_s, lengths, {"200.0": 0.9, "5000.0": 0.9, "+Inf": 1.0}, **slow)])
    prometheus.write([*picker(namespace, now_s, **slow)])

    row, scrape = await the_row(client, namespace, now_s), await seen(client, namespace, now_s)

    assert known(row.completed_per_s) == pytest.approx(0.4, rel=0.05)
    assert known(row.backlog_growth_per_s) == pytest.approx(0.03, rel=0.05)
    assert known(row.input_tokens) == pytest.approx(1000)
    assert known(row.ttft_s) == pytest.approx(0.25)
    assert inflow(scrape, namespace) == (4, pytest.approx(0.02, rel=0.05), pytest.approx(4, rel=0.05))
    assert (known(scrape.spreads[ModelScope(namespace, "m")].input_cv) or 0.0) > 1.0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
async def test_a_number_that_is_none_is_absent(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float, value: float
) -> None:
    # two engines: the good one may not cover for the other
    prometheus.write([*gauges(pod(namespace, engine="0"), now_s)])
    prometheus.write([Series("vllm:num_requests_running", pod(namespace, engine="1"), [(now_s, value)])])

    row = await the_row(client, namespace, now_s)

    assert isinstance(row.running, Absent)
    assert row.running.why.startswith("value is")


async def test_a_silent_pod_is_stale_with_its_own_time(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    prometheus.write([*gauges(pod(namespace), now_s, age_s=200)])

    row = await the_row(client, namespace, now_s)

    assert row.sampled_at_s == now_s - 200
    assert row.running == Stale(4, now_s - 200)


async def test_one_failed_scrape_hides_nothing(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    marked = [
        Series(one.name, one.labels, [*one.samples, (now_s - 5, STALE)])
        for one in gauges(pod(namespace), now_s, age_s=20)
    ]
    prometheus.write(marked)

    row = await the_row(client, namespace, now_s)

    assert known(row.running) == 4
    # found on the subquery's grid, so at most a step older than it really is
    assert now_s - 35 <= row.sampled_at_s <= now_s - 20


async def test_an_engine_that_was_replaced_does_not_count_with_its_successor(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    prometheus.write([*gauges(pod(namespace) | {"instance": "old:8000"}, now_s, age_s=STALE_AFTER_S + 30)])
    prometheus.write([*gauges(pod(namespace) | {"instance": "new:8000"}, now_s)])

    row = await the_row(client, namespace, now_s)

    assert known(row.running) == 4


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param({"namespace": "{ns}", "pod": "a"}, ("{ns}", "a"), id="plain"),
        pytest.param({"namespace": "{ns}", "pod_name": "a"}, ("{ns}", "a"), id="pod_name"),
        pytest.param({"namespace": "{ns}"}, ("{ns}", ""), id="no pod label"),
        pytest.param(
            {"namespace": "monitoring", "pod": "gateway", "exported_namespace": "{ns}", "exported_pod": "a"},
            ("{ns}", "a"),
            id="the scrape has labels of its own",
        ),
    ],
)
async def test_where_a_pod_is_found(
    prometheus: PrometheusServer,
    client: Prometheus,
    namespace: str,
    now_s: float,
    labels: Mapping[str, str],
    expected: tuple[str, str],
) -> None:
    here = {name: value.format(ns=namespace) for name, value in labels.items()}
    prometheus.write([*gauges({"model_name": "m", "instance": "x:1", **here}, now_s)])

    row = await the_row(client, namespace, now_s)

    assert (row.namespace, row.pod) == (expected[0].format(ns=namespace), expected[1])


async def test_engines_without_a_pod_label_stay_apart(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    for address in ("10.0.0.1:8000", "10.0.0.2:8000"):
        prometheus.write([*gauges({"namespace": namespace, "model_name": "m", "instance": address}, now_s)])

    scrape = await seen(client, namespace, now_s)

    assert [known(row.running) for row in scrape.rows if row.namespace == namespace] == [4, 4]


async def test_series_without_a_namespace_come_along(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    bare = {"pod": f"bare-{namespace}", "model_name": "m"}
    prometheus.write([*gauges(bare, now_s), *gauges(pod(f"other-{namespace}"), now_s)])

    scrape = await seen(client, namespace, now_s)

    namespaces = {row.namespace for row in scrape.rows if row.pod in {bare["pod"], "p1"}}
    assert namespaces == {""}


HOSTILE = ['a"b', "back\\slash", "new\nline", "{}", "x|y.*", "ünïcödé", '"} or vector(1) #', "a" * 500]


async def test_hostile_names_travel_unharmed(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    for number, model in enumerate(HOSTILE):
        prometheus.write([*gauges(pod(namespace, f"p{number}", model), now_s)])

    scrape = await seen(client, namespace, now_s)
    hostile_namespaces = await collect(client, HOSTILE, now_s, STALE_AFTER_S)

    assert {row.model for row in scrape.rows if row.namespace == namespace} == set(HOSTILE)
    assert hostile_namespaces.problem is None
    assert {row.namespace for row in hostile_namespaces.rows} <= {""}


async def test_the_number_of_queries_is_fixed(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    spaces = [f"{namespace}-{number}" for number in range(20)]
    for number in range(200):
        labels = pod(spaces[number % 20], f"p{number}", f"model-{number}")
        prometheus.write([*gauges(labels, now_s, count=4), *counters(labels, now_s)])

    one = await collect(client, spaces[:1], now_s, STALE_AFTER_S)
    many = await collect(client, spaces, now_s, STALE_AFTER_S)

    assert len(one.durations_s) == len(many.durations_s) == len(queries(frozenset(), 60.0, 120.0)) == 15
    found = [row for row in many.rows if row.namespace in spaces]
    assert len({row.model for row in found}) == 200
    assert all(isinstance(row.tpot_s, Known) for row in found)


async def test_all_namespaces_are_seen_when_none_is_named(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    prometheus.write([*gauges(pod(namespace), now_s)])

    scrape = await collect(client, [], now_s, STALE_AFTER_S)

    assert namespace in {row.namespace for row in scrape.rows}


def picker(
    namespace: str, now_s: float, name: str = "epp-0", *, prefix: str = "llm_d_epp_", model: str = "m", **how: float
) -> Iterator[Series]:
    """Yield what an endpoint picker counts: 3 + 1 that wait in two flows, and 4 requests per second."""
    requests = {"llm_d_epp_": "llm_d_epp_request_total"}.get(prefix, "inference_objective_request_total")
    at = {"namespace": namespace, "pod": name, "model_name": "alias", "target_model_name": model}
    for flow, waiting in (("a", 3.0), ("b", 1.0)):
        labels = {**at, "fairness_id": flow, "priority": "0"}
        yield steady(f"{prefix}flow_control_queue_size", labels, now_s, value=waiting, per_s=0.01, **how)
        yield steady(requests, labels, now_s, value=900, per_s=2.0, **how)


def inflow(scrape: Scrape, namespace: str, model: str = "m") -> tuple[float | None, float | None, float | None]:
    found = scrape.inflows.get(ModelScope(namespace, model), Inflow())
    return known(found.waiting), known(found.growth_per_s), known(found.arrivals_per_s)


async def test_pickers_tell_what_waits_for_a_model(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    for series in (
        *picker(namespace, now_s),
        *picker(namespace, now_s, prefix="inference_extension_"),  # the same picker under its old names
        *picker(namespace, now_s, "epp-1", prefix="inference_extension_"),
        *picker(namespace, now_s, model="other"),
        *picker(f"{namespace}-other", now_s),
    ):
        prometheus.write([series])

    scrape = await seen(client, namespace, now_s)

    assert inflow(scrape, namespace) == (8, pytest.approx(0.04), pytest.approx(8, rel=0.05))
    assert inflow(scrape, namespace, "other") == (4, pytest.approx(0.02), pytest.approx(4, rel=0.05))
    assert set(scrape.inflows) == {ModelScope(namespace, "m"), ModelScope(namespace, "other")}


async def test_a_picker_that_fell_silent_makes_its_model_unknown(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    prometheus.write([*picker(namespace, now_s), *picker(namespace, now_s, "epp-1", age_s=200)])

    scrape = await seen(client, namespace, now_s)

    assert inflow(scrape, namespace)[0] is None
    assert scrape.inflows[ModelScope(namespace, "m")].waiting == Stale(8, now_s - 200)


async def test_a_picker_without_flow_control_tells_arrivals_alone(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    prometheus.write([one for one in picker(namespace, now_s) if one.name.endswith("_total")])

    scrape = await seen(client, namespace, now_s)

    assert inflow(scrape, namespace) == (None, None, pytest.approx(4, rel=0.05))


async def test_our_own_routers_name_no_model(
    prometheus: PrometheusServer, client: Prometheus, namespace: str, now_s: float
) -> None:
    bare = {"namespace": namespace, "pod": "router-0", "model_name": "", "target_model_name": ""}
    prometheus.write([steady("llm_d_epp_flow_control_queue_size", bare, now_s, value=7)])

    scrape = await seen(client, namespace, now_s)

    assert (scrape.problem, dict(scrape.inflows)) == (None, {})
