from collections.abc import Callable

import pytest
from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest
from tests.extproc import kind, part, read, request, set_headers

from penstock.domain.reasons import RejectReason
from penstock.router.extproc.answers import CHUNK_BYTES
from penstock.router.extproc.session import Desk, Session
from penstock.router.grpc.status import Status
from penstock.router.ports import Answer, Picked, Refusal, Reply, RequestHead

PICK = Picked(addresses=("10.0.0.1:80",))
FULL = Refusal(status=429, reason=RejectReason.SATURATED, message="full", retry_after_s=1.0)
HEADERS = {":path": "/v1/completions", "x-workload-context": "{}"}


class Gate:
    """A gate that answers when told to, and writes down its calls."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer
        self.calls: list[tuple[str, object]] = []
        self.heads: list[RequestHead] = []
        self.replies: list[Reply] = []

    def submit(self, head: RequestHead, reply: Reply) -> int:
        self.heads.append(head)
        self.replies.append(reply)
        self.calls.append(("submit", head.path))
        if self.answer is not None:
            reply(self.answer)
        return 7

    def first_byte(self, ticket: int, served: str = "") -> None:
        self.calls.append(("first_byte", (ticket, served)))

    def done(self, ticket: int) -> None:
        self.calls.append(("done", ticket))

    def cancel(self, ticket: int) -> None:
        self.calls.append(("cancel", ticket))


class Proxy:
    """The proxy's end of one stream, without a wire."""

    def __init__(self, gate: Gate, *, max_body_bytes: int = 1 << 20, memory: int = 1 << 20) -> None:
        self.sent: list[bytes] = []
        self.status: Status | None = None
        self.memory = self.limit = memory
        self.session = Session(self, Desk(gate, max_body_bytes))

    def send(self, message: bytes) -> None:
        self.sent.append(message)

    def finish(self, status: Status = Status.OK, message: str = "") -> None:
        self.status = self.status if self.status is not None else status
        assert status is Status.OK or message

    def hold(self, count: int) -> bool:
        if count > self.memory:
            return False
        self.memory -= count
        return True

    def release(self, count: int) -> None:
        self.memory += count

    def says(self, *messages: bytes) -> list[str]:
        """Send messages and return the kinds of what came back."""
        before = len(self.sent)
        for message in messages:
            self.session.message(message)
        return [kind(one) for one in self.sent[before:]]


def streamed(message: bytes, side: str = "request") -> tuple[bytes, bool]:
    response = getattr(read(message), f"{side}_body").response.body_mutation.streamed_response
    return response.body, response.end_of_stream


def test_a_request_goes_by_its_headers_and_ends_by_the_half_close() -> None:
    gate = Gate(PICK)
    proxy = Proxy(gate)

    answered = proxy.says(request(HEADERS))
    proxy.session.end()

    assert answered == ["request_headers"]
    assert set_headers(proxy.sent[0])["x-gateway-destination-endpoint"] == b"10.0.0.1:80"
    assert gate.calls == [("submit", b"/v1/completions"), ("done", 7)]
    assert proxy.status is Status.OK


def test_the_gate_is_told_all_that_the_proxy_told() -> None:
    gate = Gate()
    headers = {**HEADERS, "content-length": "12"}

    Proxy(gate).says(request(headers, subset="10.0.0.1:80"))

    head = gate.heads[0]
    assert head.headers[b"x-workload-context"] == b"{}"
    assert (head.path, head.end_of_stream, head.subset) == (b"/v1/completions", False, {"10.0.0.1:80"})
    assert (head.body, head.size_bytes, head.repeated) == (None, 12, frozenset())


@pytest.mark.parametrize("size", ["", "-1", "1e9", "9" * 40, "٣"])
def test_a_size_that_is_none_counts_as_unknown(size: str) -> None:
    gate = Gate()

    Proxy(gate).says(request({**HEADERS, "content-length": size}))

    assert gate.heads[0].size_bytes == 0


@pytest.mark.parametrize("body", ["NONE", "STREAMED", "BUFFERED", "BUFFERED_PARTIAL", "FULL_DUPLEX_STREAMED"])
def test_a_request_without_a_body_is_answered_at_once_in_every_mode(body: str) -> None:
    gate = Gate(PICK)
    proxy = Proxy(gate)

    answered = proxy.says(request(HEADERS, end_of_stream=True, body=body))

    assert answered == ["request_headers"]
    assert gate.heads[0].end_of_stream
    assert set_headers(proxy.sent[0])["x-gateway-destination-endpoint"] == b"10.0.0.1:80"


def test_a_held_request_is_answered_when_the_gate_says() -> None:
    gate = Gate()
    proxy = Proxy(gate)
    held = proxy.says(request(HEADERS))

    gate.replies[0](PICK)

    assert held == []
    assert kind(proxy.sent[0]) == "request_headers"


@pytest.mark.parametrize("leave", [Session.end, Session.cancelled], ids=["half-close", "reset"])
def test_a_client_that_leaves_while_held_is_cancelled_and_a_late_reply_goes_nowhere(
    leave: Callable[[Session], None],
) -> None:
    gate = Gate()
    proxy = Proxy(gate)
    proxy.says(request(HEADERS))

    leave(proxy.session)
    leave(proxy.session)
    gate.replies[0](PICK)

    assert gate.calls[1:] == [("cancel", 7)]
    assert proxy.sent == []


@pytest.mark.parametrize("leave", [Session.end, Session.cancelled], ids=["half-close", "reset"])
def test_a_client_that_leaves_after_the_pick_is_done_once(leave: Callable[[Session], None]) -> None:
    gate = Gate(PICK)
    proxy = Proxy(gate)
    proxy.says(request(HEADERS))

    leave(proxy.session)
    leave(proxy.session)

    assert gate.calls[1:] == [("done", 7)]


def test_a_refusal_ends_the_request_and_the_ticket() -> None:
    gate = Gate(FULL)
    proxy = Proxy(gate)

    answered = proxy.says(request(HEADERS), part("response_headers"), part("response_trailers"))
    proxy.session.end()

    assert answered == ["immediate_response"]
    assert gate.calls == [("submit", b"/v1/completions")]


def test_response_headers_are_the_first_byte_and_name_the_served_endpoint() -> None:
    gate = Gate(PICK)
    proxy = Proxy(gate)
    headers = ProcessingRequest.FromString(part("response_headers"))
    headers.metadata_context.filter_metadata["envoy.lb"].update(
        {"x-gateway-destination-endpoint-served": "10.0.0.2:80"}
    )

    answered = proxy.says(request(HEADERS), headers.SerializeToString(), part("response_trailers"))

    assert answered == ["request_headers", "response_headers", "response_trailers"]
    assert ("first_byte", (7, "10.0.0.2:80")) in gate.calls


@pytest.mark.parametrize("mode", ["BUFFERED", "BUFFERED_PARTIAL"])
def test_a_buffered_body_is_waited_for_and_the_pick_answers_it(mode: str) -> None:
    gate = Gate()
    proxy = Proxy(gate)

    first = proxy.says(request(HEADERS, body=mode))
    held = proxy.says(part("request_body", b'{"model": "m"}', end=True))
    gate.replies[0](PICK)

    assert (first, held) == (["request_headers"], [])
    assert set_headers(proxy.sent[0]) == {}
    assert gate.heads[0].body == b'{"model": "m"}'
    assert gate.heads[0].size_bytes == 14
    assert kind(proxy.sent[1]) == "request_body"
    assert set_headers(proxy.sent[1])["x-gateway-destination-endpoint"] == b"10.0.0.1:80"
    assert proxy.memory == proxy.limit


def test_a_buffered_request_that_has_trailers_only_goes_all_the_same() -> None:
    gate = Gate(PICK)
    proxy = Proxy(gate)

    answered = proxy.says(request(HEADERS, body="BUFFERED"), part("request_trailers"))

    assert answered == ["request_headers", "request_trailers"]


def test_a_streamed_body_passes_and_its_answers_keep_their_order() -> None:
    gate = Gate()
    proxy = Proxy(gate)

    held = proxy.says(request(HEADERS, body="STREAMED"), part("request_body", b"a"), part("request_trailers"))
    gate.replies[0](PICK)
    later = proxy.says(part("request_body", b"b"))

    assert held == []
    assert [kind(one) for one in proxy.sent] == ["request_headers", "request_body", "request_trailers", "request_body"]
    assert later == ["request_body"]


def test_parts_before_the_pick_are_bounded() -> None:
    gate = Gate()
    proxy = Proxy(gate)

    proxy.says(request(HEADERS, body="STREAMED"), *[part("request_body", b"a")] * 10_001)

    assert proxy.status is Status.INVALID_ARGUMENT
    assert gate.calls[-1] == ("cancel", 7)


@pytest.mark.parametrize("declared", [True, False])
def test_a_full_duplex_body_goes_back_byte_by_byte_after_the_headers(*, declared: bool) -> None:
    gate = Gate()
    proxy = Proxy(gate)
    body = bytes(number % 251 for number in range(2 * CHUNK_BYTES + 1))
    headers = {**HEADERS, "content-length": str(len(body))} if declared else HEADERS

    held = proxy.says(
        request(headers, body="FULL_DUPLEX_STREAMED"),
        part("request_body", body[:70_000]),
        part("request_body", body[70_000:]),
        part("request_body", b"", end=True),
    )
    gate.replies[0](PICK)

    assert held == []
    assert gate.heads[0].body == body
    assert [kind(one) for one in proxy.sent] == ["request_headers", *["request_body"] * 3]
    assert set_headers(proxy.sent[0])["content-length"] == b"%d" % len(body)
    pieces = [streamed(one) for one in proxy.sent[1:]]
    assert b"".join(piece for piece, _ in pieces) == body
    assert [end for _, end in pieces] == [False, False, True]
    assert proxy.memory == proxy.limit


@pytest.mark.parametrize("body", [b"", b"abc"])
def test_a_full_duplex_request_may_end_by_trailers(body: bytes) -> None:
    gate = Gate(PICK)
    proxy = Proxy(gate)
    parts = [part("request_body", body)] if body else []

    answered = proxy.says(request(HEADERS, body="FULL_DUPLEX_STREAMED"), *parts, part("request_trailers"))

    assert answered == ["request_headers", *["request_body"] * bool(body), "request_trailers"]
    assert "content-length" not in set_headers(proxy.sent[0])
    if body:
        assert streamed(proxy.sent[1]) == (b"abc", False)


def test_a_full_duplex_response_goes_back_chunk_by_chunk() -> None:
    gate = Gate(PICK)
    proxy = Proxy(gate)
    proxy.says(request(HEADERS, end_of_stream=True, response_body="FULL_DUPLEX_STREAMED"), part("response_headers"))

    answered = proxy.says(part("response_body", b"data: 1"), part("response_body", b"x" * CHUNK_BYTES + b"y", end=True))

    assert answered == ["response_body"] * 3
    pieces = [streamed(one, "response") for one in proxy.sent[2:]]
    assert b"".join(piece for piece, _ in pieces) == b"data: 1" + b"x" * CHUNK_BYTES + b"y"
    assert [end for _, end in pieces] == [False, False, True]


@pytest.mark.parametrize("mode", ["STREAMED", "BUFFERED", "BUFFERED_PARTIAL"])
def test_other_response_bodies_pass_unchanged(mode: str) -> None:
    proxy = Proxy(Gate(PICK))
    proxy.says(request(HEADERS, end_of_stream=True, response_body=mode), part("response_headers"))

    answered = proxy.says(part("response_body", b"data"), part("response_trailers"))

    assert answered == ["response_body", "response_trailers"]
    assert not read(proxy.sent[2]).response_body.response.HasField("body_mutation")


def test_a_body_above_the_limit_is_refused() -> None:
    gate = Gate(PICK)
    proxy = Proxy(gate, max_body_bytes=10)

    answered = proxy.says(request(HEADERS, body="FULL_DUPLEX_STREAMED"), *[part("request_body", b"123456")] * 3)

    assert answered == ["immediate_response"]
    assert read(proxy.sent[0]).immediate_response.status.code == 413
    assert gate.calls == []


def test_a_body_for_which_there_is_no_memory_is_refused_with_a_time_to_come_back() -> None:
    proxy = Proxy(Gate(PICK), memory=5)

    answered = proxy.says(request(HEADERS, body="FULL_DUPLEX_STREAMED"), part("request_body", b"123456"))

    assert answered == ["immediate_response"]
    assert read(proxy.sent[0]).immediate_response.status.code == 429
    assert "retry-after" in set_headers(proxy.sent[0])


def test_a_proxy_that_only_observes_is_neither_queued_nor_answered() -> None:
    gate = Gate(PICK)
    proxy = Proxy(gate)

    answered = proxy.says(request(HEADERS, observing=True), part("request_body", b"x"), part("response_headers"))
    proxy.session.end()

    assert answered == []
    assert gate.calls == []
    assert proxy.status is Status.OK


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([b"\xff\xff"], id="noise"),
        pytest.param([part("request_body", b"x")], id="body first"),
        pytest.param([request(HEADERS), request(HEADERS)], id="headers twice"),
        pytest.param([request(HEADERS), b""], id="nothing"),
        pytest.param([request(HEADERS), b"\xff\xff"], id="noise later"),
        pytest.param([request(HEADERS, body="GRPC")], id="a mode that we do not know"),
    ],
)
def test_a_proxy_at_fault_is_told_so_and_the_gate_forgets_the_request(messages: list[bytes]) -> None:
    gate = Gate(PICK)
    proxy = Proxy(gate)

    proxy.says(*messages)

    assert proxy.status is Status.INVALID_ARGUMENT
    assert [name for name, _ in gate.calls] in ([], ["submit", "done"])
