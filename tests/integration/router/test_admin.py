"""The admin API over real TLS: every status that it promises, and what it shows of a router."""

import base64
import io
import json
from pathlib import Path

import aiohttp
import pytest
from tests.integration.router.conftest import Reviewer
from tests.integration.router.routers import ENDPOINT, Admin, body, send
from tests.waiting import eventually

from penstock.router.process import Router

AUDIENCE = "router.penstock.dev/pod-uid-1"
HYBRID = json.dumps(body(7) | {"ordering": "Hybrid", "laneShare": "10%"}).encode()


def token_for(audience: str) -> str:
    """Return what looks like a token of a cluster, for somebody who only reads its claims."""
    claims = base64.urlsafe_b64encode(json.dumps({"aud": [audience]}).encode()).decode().rstrip("=")
    return f"e30.{claims}.sig"


async def test_a_policy_is_acknowledged_and_shown_as_pushed(admin: Admin) -> None:
    before = await admin.get("/v1/policy")

    status, answer = await admin.put_policy(body(7, generation=3))
    after = await admin.get("/v1/policy")

    assert (before["source"], before["revision"]) == ("builtin", 0)
    assert status == 200
    assert set(answer) == {"revision", "appliedGeneration", "hash", "appliedAt"}
    assert (answer["revision"], answer["appliedGeneration"]) == (7, 3)
    assert (after["source"], after["uid"], after["queue"]["saturation"]["maxConcurrency"]) == ("pushed", "uid-1", 1)


async def test_the_same_content_under_a_new_revision_moves_the_revision_alone(admin: Admin) -> None:
    _, first = await admin.put_policy(body(7))

    _, second = await admin.put_policy(body(8))

    assert second == first | {"revision": 8}


async def test_an_equal_revision_with_other_content_is_a_repair(admin: Admin) -> None:
    await admin.put_policy(body(7))

    status, answer = await admin.put_policy(body(7, criticality=1.0))

    assert (status, answer["revision"]) == (200, 7)
    assert (await admin.get("/v1/policy"))["weights"]["criticality"] == 1.0


async def test_a_lower_revision_is_told_which_one_is_in_force(admin: Admin) -> None:
    await admin.put_policy(body(7))

    status, answer = await admin.put_policy(body(6, criticality=1.0))

    assert (status, answer["revision"], answer["error"]["field"], answer["error"]["value"]) == (409, 7, "revision", "6")
    assert (await admin.get("/v1/policy"))["weights"]["criticality"] == 0.4


@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [
        pytest.param(b"{not json", 400, "body", id="no JSON"),
        pytest.param(b"[]", 400, "body", id="no object"),
        pytest.param(HYBRID, 422, "ordering", id="another version's"),
        pytest.param(json.dumps(body(7) | {"ordering": "LIFO"}).encode(), 422, "ordering", id="nobody's"),
        pytest.param(json.dumps(body(7) | {"norms": {"maxWait": "soon"}}).encode(), 422, "norms.maxWait", id="no time"),
        pytest.param(b" " * ((1 << 20) + 1), 413, "body", id="above 1 MiB"),
    ],
)
async def test_documents_that_cannot_be_are_refused_and_change_nothing(
    admin: Admin, sent: bytes, status: int, field: str
) -> None:
    got, answer = await admin.call("PUT", "/v1/policy", data=io.BytesIO(sent))

    assert (got, answer["error"]["field"]) == (status, field)
    assert set(answer["error"]) == {"code", "field", "value", "message", "remedy"}
    assert answer["error"]["remedy"]
    assert (await admin.get("/v1/policy"))["source"] == "builtin"


async def test_a_stopping_router_takes_no_policy_but_still_shows_its_own(admin: Admin, router: Router) -> None:
    await router.drain()

    status, answer = await admin.put_policy(body(7))

    assert (status, answer["error"]["code"]) == (503, "Draining")
    assert (await admin.get("/v1/state"))["draining"] is True


@pytest.mark.parametrize(
    ("authorization", "method", "status", "field"),
    [
        pytest.param("", "GET", 401, "Authorization", id="nothing"),
        pytest.param("Basic b3BlcmF0b3I=", "GET", 401, "Authorization", id="another scheme"),
        pytest.param("Bearer", "GET", 401, "Authorization", id="a bearer of nothing"),
        pytest.param("Bearer made-up", "GET", 401, "Authorization", id="made up"),
        pytest.param(f"Bearer {token_for(AUDIENCE)}", "GET", 401, "Authorization", id="forged for us"),
        pytest.param(f"Bearer {token_for('router.penstock.dev/other')}", "GET", 403, "audience", id="another pod's"),
        pytest.param("Bearer e30.!!!.x", "GET", 401, "Authorization", id="no claims"),
        pytest.param("Bearer stranger", "GET", 403, "subject", id="the operator of another namespace"),
        pytest.param("Bearer viewer", "PUT", 403, "method", id="a viewer who writes"),
    ],
)
async def test_who_is_turned_away(admin: Admin, authorization: str, method: str, status: int, field: str) -> None:
    got, answer = await admin.call(method, "/v1/policy", headers={"Authorization": authorization})

    assert (got, answer["error"]["field"]) == (status, field)


async def test_unknown_paths_tell_nothing_to_strangers(admin: Admin) -> None:
    got, _ = await admin.call("GET", "/v1/nothing", headers={"Authorization": ""})

    assert got == 401


async def test_a_viewer_reads(http: aiohttp.ClientSession, served: tuple[Router, str]) -> None:
    viewer = Admin(http, served[1], "viewer")

    assert (await viewer.get("/v1/state"))["pod"] == "router-0"


async def test_a_review_is_remembered_for_a_minute_and_asks_for_this_pod_alone(
    admin: Admin, reviewer: Reviewer
) -> None:
    for _ in range(3):
        await admin.get("/v1/state")

    assert reviewer.asked == [("operator", AUDIENCE)]


async def test_without_the_api_server_known_tokens_go_on_and_new_ones_wait(
    admin: Admin, reviewer: Reviewer, http: aiohttp.ClientSession
) -> None:
    await admin.get("/v1/state")
    reviewer.reachable = False

    status, answer = await Admin(http, admin.url, "viewer").call("GET", "/v1/state")

    assert (await admin.get("/v1/state"))["pod"] == "router-0"
    assert (status, answer["error"]["code"]) == (503, "ReviewUnavailable")


@pytest.mark.parametrize(
    ("method", "path", "status", "field"),
    [
        pytest.param("GET", "/v1/programs", 404, "path", id="programs come later"),
        pytest.param("DELETE", "/v1/policy", 405, "method", id="a policy is replaced, not deleted"),
        pytest.param("GET", "/v1/workloads?limit=0", 400, "limit", id="no rows"),
        pytest.param("GET", "/v1/workloads?limit=many", 400, "limit", id="no number"),
        pytest.param("GET", "/v1/workloads?continue=-1", 400, "continue", id="before the first"),
        pytest.param("GET", "/debug/decisions?request_id=nobody", 404, "request_id", id="unknown request"),
    ],
)
async def test_other_refusals(admin: Admin, method: str, path: str, status: int, field: str) -> None:
    got, answer = await admin.call(method, path)

    assert (got, answer["error"]["field"]) == (status, field)


async def test_what_waits_runs_and_was_decided_can_be_looked_at_in_pages(admin: Admin, router: Router) -> None:
    await admin.put_policy(body(7, generation=3))
    await eventually(lambda: router.gate.addresses, "endpoints")
    send(router, "a", "b", "c", "d")

    state = await admin.get("/v1/state")
    first = await admin.get("/debug/queue?limit=2")
    rest = await admin.get(f"/debug/queue?limit=2&continue={first['continue']}")
    workloads = await admin.get("/v1/workloads")
    decision = (await admin.get("/debug/decisions?request_id=req-a"))["items"][0]

    assert (state["queue"]["requests"], state["inFlight"], state["credit"]) == (3, 1, 0)
    assert state["items"] == [{"address": ENDPOINT.address, "pod": "chat-1", "inFlight": 1, "foreign": 0.0, "limit": 1}]
    assert [row["requestId"] for row in first["items"] + rest["items"]] == ["req-b", "req-c", "req-d"]
    assert (len(first["items"]), rest["continue"]) == (2, "")
    assert {row["id"]: row["active"] for row in workloads["items"]} == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert (decision["outcome"], decision["endpoint"], decision["policyGeneration"]) == (
        "Dispatched",
        ENDPOINT.address,
        3,
    )
    assert decision["score"]["criticality"] == 5


async def test_a_disk_that_fails_costs_the_memory_of_a_policy_never_the_policy(admin: Admin, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")

    status, _ = await admin.put_policy(body(7))

    assert status == 200
    assert (await admin.get("/v1/policy"))["revision"] == 7


async def test_sums_over_all_routers_count_here_and_are_not_told_as_our_own(admin: Admin, router: Router) -> None:
    await eventually(lambda: router.gate.addresses, "endpoints")
    send(router, "a")
    (entry,) = router.gate.scheduler.workloads(0)

    async with admin.http.put(
        f"{admin.url}/v1/aggregate", ssl=False, headers=admin.headers,
        json={"workloads": [{"id": "a", "rate": 50.0, "wait": 1.0}]},
    ) as answer:  # fmt: skip
        status, body_sent = answer.status, await answer.read()

    assert (status, body_sent, entry.rate_per_s) == (204, b"", 1 / 60)
    assert [row["rate"] for row in (await admin.get("/v1/workloads"))["items"]] == [1 / 60]
