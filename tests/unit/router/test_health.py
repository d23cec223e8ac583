import pytest
from tests.h2client import GRPC, Frame, data, greeting, header_block, headers, message, parse, unpack

from penstock.router.grpc.service import route
from penstock.router.grpc.status import Status
from penstock.router.h2.connection import Connection
from penstock.router.h2.frames import Kind, rst_stream
from penstock.router.h2.limits import Limits, Memory
from penstock.router.health import CHECK, WATCH, Health, Serving

NAMES = ["", "readiness", "liveness", "inference-extension", "envoy.service.ext_proc.v3.ExternalProcessor"]


class Client:
    """Asks a Health without sockets."""

    def __init__(self) -> None:
        self.health = Health()
        self.connection = Connection(route(self.health.methods()), Limits(), Memory(1 << 20), lambda: None)
        self.say(greeting())

    def say(self, *parts: bytes) -> list[Frame]:
        self.connection.receive(b"".join(parts), 0.0)
        return self.hear()

    def hear(self) -> list[Frame]:
        return parse(self.connection.outbox.take())

    def ask(self, path: bytes, question: bytes, *, end: bool = True) -> list[Frame]:
        fields = [(name, path if name == b":path" else value) for name, value in GRPC]
        return self.say(headers(1, header_block(fields)), data(1, question, end=end))


def named(name: str) -> bytes:
    """Return a HealthCheckRequest, written by hand."""
    return message(b"\x0a" + bytes((len(name),)) + name.encode() if name else b"")


def served(frames: list[Frame]) -> list[int]:
    return [one.payload[-1] for one in frames if one.kind == Kind.DATA]


def status(frames: list[Frame]) -> int:
    return int(
        unpack(next(one.payload for one in frames if one.kind == Kind.HEADERS and one.flags & 1))[b"grpc-status"]
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_known_and_all_but_liveness_follow_readiness(name: str) -> None:
    before, after = Client(), Client()
    after.health.ready = True

    assert served(before.ask(CHECK, named(name))) == [Serving.SERVING if name == "liveness" else Serving.NOT_SERVING]
    assert served(after.ask(CHECK, named(name))) == [Serving.SERVING]


def test_an_unknown_name_is_not_found_and_the_known_ones_are_listed() -> None:
    answers = Client().ask(CHECK, named("what"))

    assert status(answers) == Status.NOT_FOUND
    assert b"inference-extension" in answers[0].payload


@pytest.mark.parametrize("path", [CHECK, WATCH])
def test_a_question_that_is_none_is_an_invalid_argument(path: bytes) -> None:
    assert status(Client().ask(path, message(b"\x0a\x05a"))) == Status.INVALID_ARGUMENT


def test_no_question_is_an_invalid_argument() -> None:
    assert status(Client().ask(CHECK, b"")) == Status.INVALID_ARGUMENT


def test_a_watch_tells_each_change_once() -> None:
    client = Client()

    first = client.ask(WATCH, named("readiness"))
    client.health.ready = True
    second = client.hear()
    client.health.ready = True
    same = client.hear()
    client.health.ready = False
    third = client.hear()

    assert [served(one) for one in (first, second, same, third)] == [[2], [1], [], [2]]


def test_a_watch_of_an_unknown_name_stays_open() -> None:
    client = Client()

    answers = client.ask(WATCH, named("what"))

    assert served(answers) == [Serving.SERVICE_UNKNOWN]
    assert not client.connection.idle


def test_a_watch_ends_with_its_client() -> None:
    client = Client()
    client.ask(WATCH, named(""))

    client.say(rst_stream(1, 8))
    client.health.ready = True

    assert client.hear() == []


def test_watches_are_hung_up_at_the_end_of_the_router() -> None:
    client = Client()
    client.ask(WATCH, named(""), end=False)

    client.health.hang_up()

    assert status(client.hear()) == Status.UNAVAILABLE
    assert client.connection.idle
