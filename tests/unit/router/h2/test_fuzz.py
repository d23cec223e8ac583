"""No input makes the server raise, nor keep more than it should."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.h2client import GRPC, data, greeting, header_block, headers, message, parse

from penstock.router.grpc.call import Call
from penstock.router.grpc.service import route
from penstock.router.h2.connection import Connection
from penstock.router.h2.faults import Code
from penstock.router.h2.frames import Kind, frame, ping, rst_stream, window_update
from penstock.router.h2.frames import settings as settings_frame
from penstock.router.h2.limits import Limits, Memory

LIMITS = Limits(
    max_streams=50,
    max_stream_bytes=100_000,
    max_held_bytes=200_000,
    stream_window_bytes=70_000,
    connection_window_bytes=100_000,
    max_header_block_bytes=20_000,
)
BLOCK = header_block(GRPC)
CONVERSATION = b"".join([
    greeting(INITIAL_WINDOW_SIZE=100),
    headers(1, BLOCK),
    data(1, message(b"a" * 50)),
    window_update(1, 1000),
    headers(3, BLOCK),
    data(3, message(b"b" * 3000)[:1000]),
    ping(b"12345678", ack=False),
    data(1, b"", end=True),
    data(3, message(b"b" * 3000)[1000:], end=True),
    settings_frame({4: 70_000}),
    frame(Kind.HEADERS, 0, 5, BLOCK[:9]),
    frame(Kind.CONTINUATION, 4, 5, BLOCK[9:]),
    rst_stream(5, Code.CANCEL),
])  # fmt: skip


class Echo:
    def __init__(self, call: Call) -> None:
        self.call = call

    def message(self, message: bytes) -> None:
        self.call.send(message)

    def end(self) -> None:
        self.call.finish()

    def cancelled(self) -> None: ...


def run(pieces: list[bytes]) -> tuple[Connection, bytes]:
    """Let a server with an echo hear the pieces; return it and all that it said."""
    memory = Memory(LIMITS.max_held_bytes)
    connection = Connection(route({b"/t.T/Echo": Echo}, 50_000), LIMITS, memory, lambda: None)
    said = []
    for piece in pieces:
        connection.receive(piece, 0.0)
        said.append(connection.outbox.take())
        assert 0 <= memory.held <= LIMITS.max_held_bytes
        assert len(connection.outbox.streams) <= LIMITS.max_streams
        assert len(connection._rest) <= 16_384 + 9
    parse(b"".join(said))
    connection.lost()
    assert memory.held == 0
    return connection, b"".join(said)


@settings(max_examples=60)
@given(st.binary(max_size=2_000))
def test_random_bytes_after_a_greeting_are_borne(noise: bytes) -> None:
    run([greeting(), noise])


@settings(max_examples=150)
@given(
    st.lists(
        st.builds(
            frame,
            st.integers(0, 10),
            st.integers(0, 255),
            st.sampled_from([0, 1, 1, 2, 3, 5]),
            st.one_of(
                st.binary(max_size=60), st.sampled_from([BLOCK, message(b"x"), b"\0\0\0\1", b"\0\0\0\0\0\0\0\0"])
            ),
        ),
        max_size=30,
    )
)
def test_random_frames_are_borne(frames: list[bytes]) -> None:
    run([greeting(), headers(1, BLOCK), *frames])


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, len(CONVERSATION) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_conversation_with_wrong_bytes_is_borne(mutations: list[tuple[int, int]]) -> None:
    mutated = bytearray(CONVERSATION)
    for at, value in mutations:
        mutated[at] = value

    run([bytes(mutated)])


@settings(max_examples=30)
@given(st.lists(st.integers(1, len(CONVERSATION) - 1), max_size=20))
def test_any_cut_of_a_conversation_gives_the_same_answers(cuts: list[int]) -> None:
    places = [0, *sorted(set(cuts)), len(CONVERSATION)]
    pieces = [CONVERSATION[start:end] for start, end in itertools.pairwise(places)]

    _, said = run(pieces)

    assert said == run([CONVERSATION])[1]


def test_a_conversation_byte_by_byte_gives_the_same_answers() -> None:
    _, said = run([CONVERSATION[at : at + 1] for at in range(len(CONVERSATION))])

    assert said == run([CONVERSATION])[1]
    assert said.count(b"b") >= 3_000
