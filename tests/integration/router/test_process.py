"""`penstock router` as a process: order and its proof in the log, live policies, restarts, endings, refused starts."""

import asyncio
import json
import urllib.request
from pathlib import Path

import aiohttp
import grpc
import grpc.aio
import pytest
from tests.integration.router.processes import Process, Proxy, fields, refused, request_ids, started
from tests.integration.router.routers import Admin, body

from penstock.router.health import CHECK

DISPATCHED = "[WA-ROUTING] Request dispatched"
ABC = (("req-A", "low", 1), ("req-B", "medium", 3), ("req-C", "high", 5))
CONFIG = """
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
  - type: workload-aware-ordering-policy
    parameters: {weights: {waitTime: 0.1, criticality: 0.7, requestRate: 0.3}}
  - type: queue-scorer
  - type: concurrency-detector
    parameters: {maxConcurrency: 1}
featureGates: [flowControl]
"""


async def queue_three(router: Process, proxy: Proxy, round_name: str) -> list[str]:
    """Block the one place, queue A, B and C, let everything run, and return the order in which they went."""
    blocker = await proxy.send(f"{round_name}-blocker", {"workload_id": "blocker", "criticality": 1})
    await blocker.endpoint()
    waiting = {}
    for count, (name, workload, criticality) in enumerate(ABC, start=1):
        context = {"workload_id": f"{round_name}-{workload}", "criticality": criticality}
        waiting[name] = await proxy.send(f"{round_name}-{name}", context)
        await router.until_line(f"admitted to flow control request_id={round_name}-req", count)
    await blocker.done()
    for count in range(1, len(ABC) + 1):
        lines = await router.until_line(f"{DISPATCHED} request_id={round_name}-req", count)
        await waiting[request_ids(lines)[-1].removeprefix(f"{round_name}-")].done()
    return [name.removeprefix(f"{round_name}-") for name in request_ids(lines)]


@pytest.mark.usefixtures("unmeasured_children")
async def test_the_order_follows_the_weights_and_changes_with_them_while_it_runs(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with started(tmp_path) as router:
        admin, proxy = Admin(http, f"http://127.0.0.1:{router.admin}"), Proxy(router.grpc)
        await admin.put_policy(body(1, generation=1, at_once=1))
        by_criticality = await queue_three(router, proxy, "first")
        _, acknowledged = await admin.put_policy(
            body(2, generation=2, at_once=1, wait_time=1.0, criticality=0.0, request_rate=0.0)
        )
        by_wait = await queue_three(router, proxy, "second")
        metrics = await asyncio.to_thread(scrape, router.metrics)
        await proxy.close()
        lines = router.lines("[WA-ROUTING]")

    assert by_criticality == ["req-C", "req-B", "req-A"]
    assert by_wait == ["req-A", "req-B", "req-C"]
    assert acknowledged["appliedGeneration"] == 2
    first = [fields(line) for line in lines if f"{DISPATCHED} request_id=first-req" in line]
    assert [row["queue_size_before"] for row in first] == ["3", "2", "1"]
    assert {row["policy_generation"] for row in first} == {"1"}
    assert {fields(line)["policy_generation"] for line in lines if "request_id=second-req" in line} == {"2"}
    check_scores([fields(line) for line in lines if "Priority score computed" in line])
    assert 'workload_total_requests{workload_id="first-high"} 1.0' in metrics
    assert 'penstock_router_dispatch_total{generation="2"} 4.0' in metrics


def check_scores(rows: list[dict[str, str]]) -> None:
    """Check every printed score against the formula on the printed parts."""
    weights = {"1": (0.4, 0.4, 0.2), "2": (1.0, 0.0, 0.0)}
    assert len(rows) == 8
    for row in rows:
        wait, criticality, rate = weights[row["policy_generation"]]
        expected = (
            wait * float(row["normalized_wait"])
            + criticality * float(row["normalized_crit"])
            - rate * float(row["normalized_rate"])
        )
        assert float(row["final_score"]) == pytest.approx(expected, abs=1e-8)
        assert float(row["normalized_crit"]) == int(row["criticality"]) / 5


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


@pytest.mark.usefixtures("unmeasured_children")
async def test_no_context_and_a_broken_one_are_served_as_the_default_workload(tmp_path: Path) -> None:
    async with started(tmp_path) as router:
        proxy = Proxy(router.grpc)
        for name, context in (("none", None), ("broken", "{invalid-json}")):
            exchange = await proxy.send(name, context)
            assert await exchange.endpoint() == "127.0.0.1:9"
            await exchange.done()
        lines = await router.until_line("Workload context extracted", 2)
        metrics = await asyncio.to_thread(scrape, router.metrics)
        await proxy.close()

    assert {(row["workload_id"], row["criticality"]) for row in map(fields, lines)} == {("default", "3")}
    assert 'penstock_router_header_invalid_total{cause="not-json"} 1.0' in metrics


async def test_a_restarted_router_goes_on_with_the_last_policy(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async with started(tmp_path, name="first") as router:
        await Admin(http, f"http://127.0.0.1:{router.admin}").put_policy(body(9, generation=4, criticality=0.9))
        code = await router.stop()

    async with started(tmp_path, name="second") as router:
        admin = Admin(http, f"http://127.0.0.1:{router.admin}")
        kept = await admin.get("/v1/policy")
        status, answer = await admin.put_policy(body(8))

    assert code == 0
    assert (kept["source"], kept["revision"], kept["generation"]) == ("disk", 9, 4)
    assert kept["weights"]["criticality"] == 0.9
    assert (status, answer["revision"]) == (409, 9)


async def test_a_stopping_router_lets_open_requests_end_and_serves_who_waits_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    async with started(tmp_path, f"--config-file={tmp_path / 'config.yaml'}") as router:
        proxy = Proxy(router.grpc)
        running = await proxy.send("running")
        await running.endpoint()
        waits = await proxy.send("waits")
        await router.until_line("admitted to flow control request_id=waits")

        ended = asyncio.create_task(router.stop())
        await router.until_line("router drains")
        ready = await health(router.health)
        await running.done()
        endpoint = await waits.endpoint()
        await waits.done()
        code = await ended
        await proxy.close()

    assert (ready, endpoint, code) == (b"\x08\x02", "127.0.0.1:9", 0)


async def health(port: int) -> bytes:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        return bytes(await channel.unary_unary(CHECK.decode())(b"\x0a\x09readiness"))


@pytest.mark.usefixtures("unmeasured_children")
async def test_what_still_waits_when_the_time_is_over_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    async with started(tmp_path, f"--config-file={tmp_path / 'config.yaml'}", "--drain-timeout=200ms") as router:
        proxy = Proxy(router.grpc)
        running = await proxy.send("running")
        await running.endpoint()
        waits = await proxy.send("waits")
        await router.until_line("admitted to flow control request_id=waits")

        ended = asyncio.create_task(router.stop())
        refusal = (await waits.answer()).immediate_response
        left = await running.code()
        code = await ended
        await proxy.close()

    assert (refusal.status.code, code) == (503, 0)
    assert left is grpc.StatusCode.OK, "a proxy must be able to go on with the response without us"
    headers = {one.header.key: one.header.raw_value for one in refusal.headers.set_headers}
    assert headers["x-llm-d-request-dropped-reason"] == b"rejected-shutting-down"


@pytest.mark.usefixtures("unmeasured_children")
async def test_a_go_pickers_deployment_starts_and_is_told_what_has_no_effect(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    flags = (f"--config-file={tmp_path / 'config.yaml'}", "--tracing=false", "-v=4", "--zap-encoder", "json")
    async with started(tmp_path, *flags, PENSTOCK_LOG_FORMAT="json") as router:
        policy = await Admin(http, f"http://127.0.0.1:{router.admin}").get("/v1/policy")
        lines = [json.loads(line) for line in router.lines()]

    assert policy["source"] == "file"
    assert policy["weights"] | {"service": 0} == {"waitTime": 0.1, "criticality": 0.7, "requestRate": 0.3, "service": 0}
    assert policy["queue"]["saturation"] == {"detector": "Concurrency", "maxConcurrency": 1}
    warned = [line for line in lines if line["level"] == "warning"]
    assert [line.get("flag") for line in warned] == ["--tracing=false", "-v=4", "--zap-encoder json", None]
    assert warned[-1]["plugins"] == "queue-scorer"


async def test_endpoints_come_and_go_with_their_file_and_envoy_hears_of_it(tmp_path: Path) -> None:
    eds = tmp_path / "eds.json"
    async with started(tmp_path, f"--eds-file={eds}") as router:
        (tmp_path / "endpoints.json").write_text('["127.0.0.1:7", "127.0.0.1:8"]')
        await router.until_line("endpoints count=2")

        (assignment,) = json.loads(eds.read_text())["resources"]

    assert len(assignment["endpoints"][0]["lb_endpoints"]) == 2


@pytest.mark.usefixtures("unmeasured_children")
async def test_a_conformance_suite_finds_its_two_headers(tmp_path: Path) -> None:
    (tmp_path / "endpoints.json").write_text('["127.0.0.1:7", "127.0.0.2:8"]')
    async with started(tmp_path, "--conformance") as router:
        proxy = Proxy(router.grpc)
        exchange = await proxy.send("chosen", **{"test-epp-endpoint-selection": "127.0.0.2"})
        endpoint = await exchange.endpoint()
        served = await exchange.served("127.0.0.2:8")
        missing = await proxy.send("nobody", **{"test-epp-endpoint-selection": "127.0.0.9"})
        refusal = (await missing.answer()).immediate_response
        await proxy.close()

    assert (endpoint, served, refusal.status.code) == ("127.0.0.2:8", b"127.0.0.2:8", 503)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        pytest.param(["--nonsense"], "No such option '--nonsense'", id="unknown flag"),
        pytest.param(["--local"], "and --endpoints-file (PENSTOCK_ENDPOINTS_FILE)", id="no endpoints"),
        pytest.param(["--endpoints-file=e", "--pool-name=p"], "endpoints = '--pool-name, --endpoints-file'", id="two"),
        pytest.param(["--endpoints-file=e", "--drain-timeout=soon"], "--drain-timeout = 'soon'", id="no duration"),
        pytest.param(["--endpoints-file=e", "--local", "--policy-file=/nowhere"], "--policy-file", id="no such file"),
        pytest.param(["--endpoints-file=e", "--local", "--cert-path=/nowhere", *("--metrics-port=0", "--admin-port=0")],
                     "put a matching tls.crt and tls.key there", id="no certificate"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("unmeasured_children")
async def test_a_start_that_cannot_be_ends_with_2_and_says_why(flags: list[str], said: str) -> None:
    code, output = await refused(*flags)

    assert code == 2
    assert said in output


async def test_a_bad_variable_stops_the_start_too() -> None:
    code, output = await refused("--endpoints-file=e", PENSTOCK_GRPC_PORT="many")

    assert (code, "PENSTOCK_GRPC_PORT" in output) == (2, True)


async def test_a_port_that_is_taken_stops_the_start_and_is_named(tmp_path: Path) -> None:
    async with started(tmp_path) as router:
        code, output = await refused(
            "--local", "--endpoints-file=e", "--metrics-port=0", f"--admin-port={router.admin}",
            f"--state-dir={tmp_path}",
        )  # fmt: skip

    assert code == 2
    assert f"--admin-port = {router.admin}" in output
