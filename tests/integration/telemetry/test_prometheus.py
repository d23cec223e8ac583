"""The client and its peer: TLS, tokens, deadlines, bounds, and which link is named when one breaks."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.certificates import Authority
from tests.prometheus import PrometheusServer

from penstock.domain.errors import Refused, Unreachable
from penstock.domain.reasons import MetricsReason
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry.collect import collect
from penstock.telemetry.prometheus import Prometheus

NOW_S = 1_800_000_000.0
ONE = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [NOW_S, "1"]}]}}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def asking(url: str, **settings: object) -> AsyncIterator[Prometheus]:
    how = {name: settings.pop(name) for name in ("deadline_s", "max_answer_bytes", "clock") if name in settings}
    client = Prometheus(PrometheusSettings(url=url, **settings), **how)  # type: ignore[arg-type] # the table of a test
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def ask(client: Prometheus) -> float:
    return (await client.query("one", "vector(1)", NOW_S)).samples[0].value


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[PrometheusServer]:
    pair = authority.sign("prometheus.monitoring.svc")
    tls = {
        "cert_file": str(pair.cert),
        "key_file": str(pair.key),
        "client_ca_file": str(authority.file),
        "client_auth_type": "RequireAndVerifyClientCert",
    }
    server = PrometheusServer(tmp_path_factory.mktemp("secured"), web={"tls_server_config": tls})
    try:
        server.open()
        yield server
    finally:
        server.close()


async def test_an_answer_of_a_real_prometheus(prometheus: PrometheusServer) -> None:
    async with asking(prometheus.url) as client:
        answer = await client.query("one", "vector(1)", NOW_S)

    assert [(sample.value, sample.at_s) for sample in answer.samples] == [(1.0, NOW_S)]
    assert answer.duration_s > 0


@pytest.mark.parametrize(
    ("promql", "cause"),
    [
        pytest.param("foo(", "bad_data", id="does not parse"),
        pytest.param(
            "vector(1) + on() (vector(1) or label_replace(vector(1), 'a', 'b', '', ''))", "execution", id="fails"
        ),
        pytest.param("up[1m]", "unexpected answer", id="no vector"),
    ],
)
async def test_a_query_that_prometheus_refuses(prometheus: PrometheusServer, promql: str, cause: str) -> None:
    async with asking(prometheus.url) as client:
        with pytest.raises(Refused) as caught:
            await client.query("mine", promql, NOW_S)

    assert (caught.value.peer, caught.value.message) == ("mine", cause)


async def test_mutual_tls_with_an_authority_and_a_name_of_ones_own(
    secured: PrometheusServer, authority: Authority
) -> None:
    me = authority.sign("penstock")

    async with asking(
        secured.url,
        ca_file=authority.file,
        client_cert_file=me.cert,
        client_key_file=me.key,
        server_name="prometheus.monitoring.svc",
    ) as client:
        value = await ask(client)

    assert value == 1


@pytest.mark.parametrize("wrong", ["no CA", "wrong name", "no client certificate"])
async def test_what_is_wrong_with_tls_is_called_tls(
    secured: PrometheusServer, authority: Authority, wrong: str
) -> None:
    me = authority.sign("penstock")
    settings: dict[str, object] = {"ca_file": authority.file, "client_cert_file": me.cert, "client_key_file": me.key}
    match wrong:
        case "no CA":
            del settings["ca_file"]
        case "wrong name":
            settings["server_name"] = "elsewhere.svc"
        case _:
            del settings["client_cert_file"], settings["client_key_file"]

    async with asking(secured.url, **settings) as client:
        with pytest.raises(Unreachable) as caught:
            await ask(client)

    assert caught.value.cause == "TLS"


async def test_an_unchecked_certificate_works_with_a_warning(
    secured: PrometheusServer, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    me = authority.sign("penstock")

    async with asking(
        secured.url, insecure_skip_verify=True, client_cert_file=me.cert, client_key_file=me.key
    ) as client:
        value = await ask(client)

    assert value == 1
    assert "not checked" in caplog.text


async def test_a_certificate_file_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    file.write_text("no certificate")

    async with asking("https://127.0.0.1:1", ca_file=file) as client:
        with pytest.raises(Unreachable) as caught:
            await ask(client)

    assert (caught.value.peer, caught.value.cause) == (str(file), "certificate file")


async def test_a_certificate_file_that_is_not_there_yet(tmp_path: Path) -> None:
    async with asking("https://127.0.0.1:1", ca_file=tmp_path / "later.crt") as client:
        scrape = await collect(client, ["llm"], NOW_S, 120.0)

    assert scrape.problem is not None
    assert (scrape.problem.reason, scrape.problem.cause) == (MetricsReason.PROMETHEUS_UNREACHABLE, "certificate file")


async def test_a_certificate_that_is_replaced_is_read_again(
    secured: PrometheusServer, authority: Authority, tmp_path: Path
) -> None:
    me, file, clock = authority.sign("penstock"), tmp_path / "ca.crt", itertools.count(0, 61.0)
    Authority(tmp_path)  # another one's certificate is in place first

    async with asking(
        secured.url, ca_file=file, client_cert_file=me.cert, client_key_file=me.key, clock=lambda: next(clock)
    ) as client:
        with pytest.raises(Unreachable):
            await ask(client)
        file.unlink()
        file.write_bytes(authority.file.read_bytes())

        assert await ask(client) == 1


async def test_401_of_a_real_prometheus_is_unreachable(tmp_path: Path) -> None:
    # the password is `test`: the example of Prometheus's own documentation
    users = {"someone": "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"}
    server = PrometheusServer(tmp_path, web={"basic_auth_users": users})
    try:
        server.open()
        async with asking(server.url, token="x") as client:
            scrape = await collect(client, ["llm"], NOW_S, 120.0)
        async with asking(server.url.replace("http://", "http://someone:test@")) as client:
            value, peer = await ask(client), client.peer
    finally:
        server.close()

    assert scrape.problem is not None
    assert scrape.problem.reason is MetricsReason.PROMETHEUS_UNREACHABLE
    assert (scrape.problem.peer, scrape.problem.cause) == (server.url, "401 Unauthorized")
    assert (value, peer) == (1, server.url)


async def test_a_partial_answer_of_a_real_prometheus_is_a_problem(tmp_path: Path) -> None:
    dead_store = {"remote_read": [{"url": "http://127.0.0.1:9/read", "read_recent": True}]}
    server = PrometheusServer(tmp_path, config=dead_store)
    try:
        server.open()
        async with asking(server.url) as client:
            scrape = await collect(client, ["llm"], NOW_S, 120.0)
    finally:
        server.close()

    assert scrape.problem is not None
    assert (scrape.problem.reason, scrape.problem.cause) == (MetricsReason.PROMETHEUS_ERROR, "partial answer")
    assert scrape.rows == ()
    assert any("remote_read" in warning for warning in scrape.warnings)


async def test_a_prometheus_that_dies_and_returns(tmp_path: Path) -> None:
    server = PrometheusServer(tmp_path)
    try:
        server.open()
        async with asking(server.url) as client:
            before = await ask(client)
            server.stop()
            gone = await collect(client, ["llm"], NOW_S, 120.0)
            server.open()
            after = await ask(client)
    finally:
        server.close()

    assert (before, after) == (1, 1)
    assert gone.problem is not None
    assert (gone.problem.reason, gone.problem.peer) == (MetricsReason.PROMETHEUS_UNREACHABLE, server.url)


async def test_no_url_is_said() -> None:
    async with asking("") as client:
        scrape = await collect(client, ["llm"], NOW_S, 120.0)

    assert scrape.problem is not None
    assert (scrape.problem.reason, scrape.problem.cause) == (MetricsReason.PROMETHEUS_UNREACHABLE, "no URL")


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        pytest.param("http://127.0.0.1:9", "no connection", id="nobody listens"),
        pytest.param("http://prometheus.invalid:9090", "name not found", id="no such name"),
    ],
)
async def test_nobody_there(url: str, cause: str) -> None:
    async with asking(url) as client:
        with pytest.raises(Unreachable) as caught:
            await ask(client)

    assert (caught.value.peer, caught.value.cause) == (url, cause)


@pytest.mark.parametrize(
    ("status", "body", "headers", "cause"),
    [
        pytest.param(403, "no", {}, "403 Forbidden", id="forbidden"),
        pytest.param(404, "no", {}, "status 404", id="wrong path"),
        pytest.param(503, "<html>", {}, "status 503", id="a gateway's page"),
        pytest.param(200, "<html>", {}, "no Prometheus there", id="another service"),
        pytest.param(
            302, "", {"Location": "http://127.0.0.1:9/elsewhere"}, "status 302", id="redirects are not followed"
        ),
    ],
)
async def test_something_else_answers(status: int, body: str, headers: dict[str, str], cause: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers=headers)

    async with serving(answer) as url, asking(url) as client:
        with pytest.raises(Unreachable) as caught:
            await ask(client)

    assert caught.value.cause == cause


async def test_a_peer_that_hangs_costs_a_deadline_and_no_more() -> None:
    released = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await released.wait()
        return web.json_response(ONE)

    async with serving(hang) as url, asking(url, deadline_s=0.05) as client:
        scrape = await collect(client, ["llm"], NOW_S, 120.0)
        released.set()

    assert scrape.problem is not None
    assert (scrape.problem.reason, scrape.problem.cause) == (MetricsReason.PROMETHEUS_UNREACHABLE, "timeout")


@pytest.mark.parametrize("compressed", [False, True])
async def test_an_answer_without_end_is_cut(compressed: bool) -> None:
    async def pour(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if compressed:
            response.enable_compression()
        await response.prepare(request)
        for _ in range(64):
            await response.write(b" " * 2**16)
        return response

    async with serving(pour) as url, asking(url, max_answer_bytes=2**20) as client:
        with pytest.raises(Refused) as caught:
            await ask(client)

    assert caught.value.message == "answer too large"


async def test_one_query_of_ten_that_fails_spoils_the_pass() -> None:
    async def answer(request: web.Request) -> web.Response:
        if "kv_cache" in str((await request.post())["query"]):
            return web.json_response({"status": "error", "errorType": "timeout", "error": "took too long"}, status=503)
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": []}})

    async with serving(answer) as url, asking(url) as client:
        scrape = await collect(client, ["llm"], NOW_S, 120.0)

    assert scrape.problem is not None
    assert (scrape.problem.reason, scrape.problem.peer, scrape.problem.cause) == (
        MetricsReason.PROMETHEUS_ERROR,
        "kv_usage",
        "timeout",
    )


class Gatekeeper:
    """Lets in whoever has the token of the moment, like the proxy in front of many a Prometheus."""

    def __init__(self, token: str) -> None:
        self.token, self.seen = token, []  # type: tuple[str, list[str]]

    async def answer(self, request: web.Request) -> web.Response:
        self.seen.append(request.headers.get("Authorization", ""))
        return web.json_response(ONE) if self.seen[-1] == f"Bearer {self.token}" else web.Response(status=401)


async def test_a_token_file_is_read_again_each_minute(tmp_path: Path) -> None:
    file, gate, now = tmp_path / "token", Gatekeeper("one"), [0.0]
    file.write_text("one\n")

    async with serving(gate.answer) as url, asking(url, token_file=file, clock=lambda: now[0]) as client:
        await ask(client)
        file.write_text("two\n")
        now[0] = 59.0
        await ask(client)
        gate.token, now[0] = "two", 61.0
        await ask(client)

    assert gate.seen == ["Bearer one", "Bearer one", "Bearer two"]


async def test_a_token_that_was_replaced_early_costs_no_pass(tmp_path: Path) -> None:
    file, gate = tmp_path / "token", Gatekeeper("one")
    file.write_text("one")

    async with serving(gate.answer) as url, asking(url, token_file=file) as client:
        await ask(client)
        gate.token = "two"
        file.write_text("two")
        value = await ask(client)

    assert value == 1
    assert gate.seen == ["Bearer one", "Bearer one", "Bearer two"]


async def test_a_new_token_that_is_refused_too_is_told(tmp_path: Path) -> None:
    file, gate = tmp_path / "token", Gatekeeper("one")
    file.write_text("one")

    async with serving(gate.answer) as url, asking(url, token_file=file) as client:
        await ask(client)
        gate.token = "three"
        file.write_text("two")
        with pytest.raises(Unreachable) as caught:
            await ask(client)

    assert caught.value.cause == "401 Unauthorized"
    assert gate.seen == ["Bearer one", "Bearer one", "Bearer two"]


async def test_a_peer_that_hangs_up_each_time_is_told() -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(hang_up) as url, asking(url) as client:
        with pytest.raises(Unreachable) as caught:
            await ask(client)

    assert caught.value.cause == "connection broken"


async def test_a_token_file_that_vanishes_or_is_none_leaves_the_last_token(tmp_path: Path) -> None:
    file, gate, clock = tmp_path / "token", Gatekeeper("one"), itertools.count(0, 61.0)
    file.write_text("one")

    async with serving(gate.answer) as url, asking(url, token_file=file, clock=lambda: next(clock)) as client:
        await ask(client)
        file.write_text("two\r\nX-Forged: yes")
        await ask(client)
        file.unlink()
        await ask(client)

    assert gate.seen == ["Bearer one"] * 3


async def test_a_token_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = PrometheusSettings(url="http://user:hush@127.0.0.1:9/p", token="s3cret")

    async with asking(settings.url, token=settings.token) as client:
        with pytest.raises(Unreachable) as caught:
            await ask(client)

    said = f"{caplog.text} {caught.value} {settings!r}"
    assert "s3cret" not in said
    assert "hush" not in f"{caplog.text} {caught.value}"


async def test_a_connection_that_was_closed_while_idle_is_opened_anew() -> None:
    answered = itertools.count()

    async def answer(request: web.Request) -> web.Response:
        if next(answered) == 1:  # the second request of the connection meets its end
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(ONE)

    async with serving(answer) as url, asking(url) as client:
        values = [await ask(client), await ask(client)]

    assert values == [1, 1]
