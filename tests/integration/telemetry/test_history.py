"""Ranges of a real Prometheus through prometheus-api-client, in pieces, with gaps, and refused."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.certificates import Authority
from tests.prometheus import PrometheusServer, Series, steady

from penstock.domain.errors import InvalidField, Refused, Unreachable
from penstock.settings.prometheus import PrometheusSettings
from penstock.telemetry import history
from penstock.telemetry.history import History, Words
from penstock.telemetry.pastqueries import Ask, engines
from penstock.telemetry.promql import equals, selector


@pytest.fixture
def model() -> str:
    return f'model "{os.getpid()}-{time.monotonic_ns()}"'


@pytest.mark.parametrize("max_points", [10_000, 3])
def test_a_range_is_the_same_in_one_piece_or_several(
    prometheus: PrometheusServer, model: str, max_points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_POINTS", max_points)
    now_s = float(round(time.time()))
    prometheus.write([steady("vllm:x", {"model_name": model}, now_s, value=120, per_s=1)])

    (track,) = History(PrometheusSettings(url=prometheus.url)).range(
        selector("vllm:x", [equals("model_name", model)]), now_s - 100, now_s, 10.0
    )

    assert track.labels["model_name"] == model
    assert track.points == tuple((now_s - age, 120.0 - age) for age in range(100, -1, -10))


def test_a_mean_over_very_rare_scrapes_takes_a_wider_window(prometheus: PrometheusServer, model: str) -> None:
    now_s, wanted = float(round(time.time())), {Ask.INPUT_SUM: 50.0, Ask.INPUT_COUNT: 0.5}
    labels = {"namespace": "past", "pod": "p", "model_name": model}
    for part, per_s in (("sum", 50.0), ("count", 0.5)):
        name = f"vllm:request_prompt_tokens_{part}"
        prometheus.write([steady(name, labels, now_s, value=9e4, per_s=per_s, every_s=300.0, count=4, age_s=20.0)])

    past = History(PrometheusSettings(url=prometheus.url))
    tracks = {one.ask: past.range(one.promql, now_s, now_s, 60.0) for one in engines() if one.ask in wanted}

    told = {ask: [one for one in found if one.labels["model_name"] == model] for ask, found in tracks.items()}
    assert {ask: one.points[-1][1] for ask, (one,) in told.items()} == {
        ask: pytest.approx(per_s, rel=0.05) for ask, per_s in wanted.items()
    }


def test_what_is_no_number_is_a_gap(prometheus: PrometheusServer, model: str) -> None:
    now_s = float(round(time.time()))
    samples = [(now_s - 20, 1.0), (now_s - 10, float("nan")), (now_s, 3.0)]
    prometheus.write([Series("vllm:y", {"model_name": model}, samples)])

    (track,) = History(PrometheusSettings(url=prometheus.url)).range(
        selector("vllm:y", [equals("model_name", model)]), now_s - 20, now_s, 10.0
    )

    assert track.points == ((now_s - 20, 1.0), (now_s, 3.0))


def test_a_query_that_does_not_parse_is_not_sent(prometheus: PrometheusServer) -> None:
    with pytest.raises(InvalidField):
        History(PrometheusSettings(url=prometheus.url)).range("foo(", 0, 10, 1)


def test_a_query_that_fails_is_refused(prometheus: PrometheusServer) -> None:
    with pytest.raises(Refused) as caught:
        History(PrometheusSettings(url=prometheus.url)).range("up", 10, 0, 1)

    assert caught.value.status == 400
    assert "end timestamp must not be before start time" in caught.value.message


@pytest.fixture
def somebody() -> Iterator[Callable[[int, bytes], str]]:
    """Serve one answer to whatever is asked; return where."""
    servers: list[ThreadingHTTPServer] = []

    def serve(status: int, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield serve
    for one in servers:
        one.shutdown()
        one.server_close()


WORDS = Words(address="--where", authority="--ca", credential="--who", reach="--how-far")


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        pytest.param(200, b"<html>", Unreachable, "check --where: it names something else", id="a page"),
        pytest.param(200, b'{"a": 1}', Unreachable, "check --where: it names something else", id="other JSON"),
        pytest.param(200, b"[1]", Unreachable, "check --where: it names something else", id="a list"),
        pytest.param(404, b"nothing here", Unreachable, "404; check --where: it names something else", id="404"),
        pytest.param(502, b"bad gateway", Unreachable, "502; check --where: it names something else", id="a gateway"),
        pytest.param(403, b"no", Unreachable, "403; check --who", id="403"),
        pytest.param(
            422, b'{"status": "error", "error": "too many \\"samples\\""}', Refused,
            "422 'too many \"samples\"'; read Prometheus's log, or ask for less: --how-far", id="too much",
        ),
    ],
)  # fmt: skip
def test_who_asked_is_told_what_to_mend(
    status: int, body: bytes, kind: type[Exception], told: str, somebody: Callable[[int, bytes], str]
) -> None:
    asked = History(PrometheusSettings(url=somebody(status, body)), words=WORDS)

    with pytest.raises(kind, match=re.escape(told)):
        asked.range("up", 0, 10, 1)


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    theirs = Authority(tmp_path).sign("prometheus")
    server = PrometheusServer(
        tmp_path, web={"tls_server_config": {"cert_file": str(theirs.cert), "key_file": str(theirs.key)}}
    )
    try:
        server.open()
        with pytest.raises(Unreachable, match="tls; check --ca, and that --where names its host"):
            History(PrometheusSettings(url=server.url), words=WORDS).range("up", 0, 10, 1)
    finally:
        server.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", ""])
def test_nobody_there(url: str) -> None:
    with pytest.raises(Unreachable):
        History(PrometheusSettings(url=url)).range("up", 0, 10, 1)


def test_mutual_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    theirs, mine = authority.sign("prometheus"), authority.sign("penstock")
    tls = {
        "cert_file": str(theirs.cert),
        "key_file": str(theirs.key),
        "client_ca_file": str(authority.file),
        "client_auth_type": "RequireAndVerifyClientCert",
    }
    server = PrometheusServer(tmp_path, web={"tls_server_config": tls})
    settings = {"ca_file": authority.file, "client_cert_file": mine.cert, "client_key_file": mine.key}
    try:
        server.open()
        tracks = History(PrometheusSettings(url=server.url, **settings)).range("vector(1)", 0, 10, 10)
    finally:
        server.close()

    assert [track.points for track in tracks] == [((0.0, 1.0), (10.0, 1.0))]


def test_who_we_are_is_checked(tmp_path: Path) -> None:
    users = {"someone": "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"}
    server = PrometheusServer(tmp_path, web={"basic_auth_users": users})
    try:
        server.open()
        with pytest.raises(Unreachable) as caught:
            History(PrometheusSettings(url=server.url, token="hush")).range("up", 0, 10, 1)
    finally:
        server.close()

    assert caught.value.cause == "401"
    assert "hush" not in str(caught.value)
