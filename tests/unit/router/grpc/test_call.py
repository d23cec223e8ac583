import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.grpcclient import LIMITS, Client, Recorder, opened, status
from tests.h2client import GRPC, data, header_block, headers, message, unpack

from penstock.router.grpc.status import Status
from penstock.router.h2.frames import Kind, rst_stream


def test_a_message_is_answered_and_the_call_ends_with_ok() -> None:
    client = Client()

    answers = client.say(opened(), data(1, message(b"hello")), data(1, end=True))

    assert [one.kind for one in answers] == [Kind.HEADERS, Kind.DATA, Kind.HEADERS]
    assert unpack(answers[0].payload) == {b":status": b"200", b"content-type": b"application/grpc"}
    assert answers[1].payload == message(b"hello")
    assert status(answers) == (0, "")
    assert client.handlers[0].heard == [b"hello", "end"]


def test_a_call_without_messages_ends_with_headers_and_trailers() -> None:
    client = Client()

    answers = client.say(headers(1, header_block(GRPC), end=True))

    assert [(one.kind, one.flags) for one in answers] == [(Kind.HEADERS, 4), (Kind.HEADERS, 5)]


@given(st.lists(st.binary(max_size=300), max_size=8), st.lists(st.integers(1, 400), max_size=12))
def test_messages_arrive_whole_however_they_are_cut(messages: list[bytes], sizes: list[int]) -> None:
    client = Client()
    body = b"".join(message(one) for one in messages)
    client.say(opened())

    for size in [*sizes, len(body)]:
        client.say(data(1, body[:size]))
        body = body[size:]

    assert client.handlers[0].heard == messages
    client.connection.lost()
    assert client.memory.held == 0


@pytest.mark.parametrize(
    ("body", "expected", "words"),
    [
        pytest.param(b"\1" + message(b"zip")[1:], Status.UNIMPLEMENTED, "compressed", id="compressed"),
        pytest.param(b"\0" + (10_001).to_bytes(4, "big"), Status.RESOURCE_EXHAUSTED, "10000 bytes", id="announced"),
        pytest.param(message(b"x" * 10_001), Status.RESOURCE_EXHAUSTED, "10000 bytes", id="too large"),
        pytest.param(message(b"break"), Status.INTERNAL, "internal", id="handler fails"),
    ],
)
def test_a_call_at_fault_ends_with_its_status_and_the_handler_is_told(
    body: bytes, expected: Status, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()

    with caplog.at_level(logging.CRITICAL):
        answers = client.say(opened(), data(1, body))

    number, text = status(answers)
    assert (number, words in text) == (expected, True)
    assert client.handlers[0].heard[-1] == "cancelled"
    assert client.connection.idle
    assert client.memory.held == 0
    assert not client.connection.closing


def test_a_call_that_ends_within_a_message_is_an_error() -> None:
    client = Client()

    answers = client.say(opened(), data(1, message(b"hello")[:-1], end=True))

    assert status(answers)[0] == Status.INTERNAL
    assert client.handlers[0].heard == ["cancelled"]


def test_incomplete_messages_of_many_calls_are_bounded_together() -> None:
    client = Client()
    for number in range(1, 9, 2):
        client.say(opened(number), data(number, message(b"x" * 9_000)[:-1]))

    assert client.memory.held <= LIMITS.max_held_bytes
    assert client.handlers[3].heard == ["cancelled"]
    assert client.handlers[0].heard == []


def test_a_client_that_leaves_is_told_to_the_handler() -> None:
    client = Client()

    client.say(opened(), data(1, message(b"a")), rst_stream(1, 8))

    assert client.handlers[0].heard == [b"a", "cancelled"]


def test_a_handler_that_fails_at_the_end_or_when_cancelled_harms_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Recorder):
        def end(self) -> None:
            raise RuntimeError("end")

        def cancelled(self) -> None:
            raise RuntimeError("cancelled")

    client = Client(Broken)

    with caplog.at_level(logging.CRITICAL):
        answers = client.say(opened(), data(1, end=True))
        client.say(opened(3), rst_stream(3, 8), opened(5))

    assert status(answers)[0] == Status.INTERNAL
    assert not client.connection.closing


class Refusing(Recorder):
    def message(self, message: bytes) -> None:
        self.heard.append(message)
        self.call.finish(Status.INVALID_ARGUMENT, "100% wrong: ü\n")
        self.call.finish()


def test_a_message_is_percent_encoded() -> None:
    client = Client(Refusing)

    answers = client.say(opened(), data(1, message(b"")))

    assert status(answers) == (Status.INVALID_ARGUMENT, "100%25 wrong: %C3%BC%0A")
