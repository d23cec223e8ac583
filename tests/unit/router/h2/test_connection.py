import pytest
from hpack import Encoder
from tests.h2client import REQUEST, Talk, codes, data, greeting, header_block, headers

from penstock.router.h2.faults import Code
from penstock.router.h2.frames import (
    MAX_WINDOW,
    PREFACE,
    SETTINGS_ACK,
    Flag,
    Kind,
    frame,
    goaway,
    ping,
    rst_stream,
    settings,
)
from penstock.router.h2.limits import Limits

PRIORITY = b"\0\0\0\1\x10"


def test_a_request_reaches_its_receiver_and_the_answer_gets_out() -> None:
    talk = Talk()

    talk.say(headers(1), data(1, b"ab"), data(1, b"cd", end=True))
    talk.stream(1).head(b"\x88")
    talk.stream(1).body(b"answer")
    talk.stream(1).trailers(b"\x88")

    assert talk.events(1) == [("data", b"abcd"), ("end", b"")]
    assert [(one.kind, one.flags) for one in talk.hear()] == [(Kind.HEADERS, 4), (Kind.DATA, 0), (Kind.HEADERS, 5)]
    assert talk.connection.idle
    assert talk.woken


def test_settings_and_pings_are_answered() -> None:
    talk = Talk()

    answers = talk.say(settings({}), ping(b"12345678", ack=False))

    assert [(one.kind, one.flags, one.payload) for one in answers] == [
        (Kind.SETTINGS, Flag.ACK, b""),
        (Kind.PING, Flag.ACK, b"12345678"),
    ]


@pytest.mark.parametrize(
    "ignored",
    [
        pytest.param(frame(Kind.PRIORITY, 0, 1, PRIORITY), id="priority"),
        pytest.param(frame(0xFA, 0xFF, 1, b"what"), id="unknown type"),
        pytest.param(ping(b"penstock", ack=True), id="answer to no ping of ours"),
        pytest.param(frame(Kind.WINDOW_UPDATE, 0, 1, b"\0\0\0\1"), id="window update"),
    ],
)
def test_frames_without_effect_are_ignored(ignored: bytes) -> None:
    talk = Talk()

    answers = talk.say(headers(1), ignored, data(1, b"x", end=True))

    assert answers == []
    assert talk.events(1) == [("data", b"x"), ("end", b"")]


def test_padding_and_priority_of_headers_and_data_are_taken_away() -> None:
    talk = Talk()
    block = b"\x02" + PRIORITY + header_block() + b"\0\0"
    flags = Flag.END_HEADERS | Flag.PADDED | Flag.PRIORITY

    talk.say(frame(Kind.HEADERS, flags, 1, block), frame(Kind.DATA, Flag.PADDED | Flag.END_STREAM, 1, b"\x01ab\0"))

    assert talk.events(1) == [("data", b"ab"), ("end", b"")]


def test_a_header_section_may_come_in_parts() -> None:
    talk = Talk()
    block = header_block()

    talk.say(
        frame(Kind.HEADERS, Flag.END_STREAM, 1, block[:5]),
        frame(Kind.CONTINUATION, 0, 1, block[5:9]),
        frame(Kind.CONTINUATION, Flag.END_HEADERS, 1, block[9:]),
    )

    assert talk.events(1) == [("end", b"")]


def test_trailers_end_the_request() -> None:
    talk = Talk()

    talk.say(headers(1), data(1, b"x"), headers(1, header_block([(b"x-sum", b"1")]), end=True))

    assert talk.events(1) == [("data", b"x"), ("end", b"")]


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        pytest.param([frame(Kind.DATA, 0, 0, b"x")], Code.PROTOCOL_ERROR, id="data on stream 0"),
        pytest.param([frame(Kind.DATA, 0, 5, b"x")], Code.PROTOCOL_ERROR, id="data on an idle stream"),
        pytest.param([headers(1), frame(Kind.DATA, 0, 2, b"x")], Code.PROTOCOL_ERROR, id="data on a server's stream"),
        pytest.param([headers(2)], Code.PROTOCOL_ERROR, id="even stream"),
        pytest.param([headers(0)], Code.PROTOCOL_ERROR, id="headers on stream 0"),
        pytest.param([frame(Kind.HEADERS, Flag.PADDED | 4, 1, b"\x09a")], Code.PROTOCOL_ERROR, id="padding too long"),
        pytest.param(
            [frame(Kind.HEADERS, Flag.PRIORITY | 4, 1, b"\0")], Code.FRAME_SIZE_ERROR, id="no room for priority"
        ),
        pytest.param([frame(Kind.HEADERS, 0, 1, b"\x82"), data(1)], Code.PROTOCOL_ERROR, id="section interrupted"),
        pytest.param(
            [frame(Kind.HEADERS, 0, 1, b"\x82"), frame(Kind.CONTINUATION, 4, 3, b"")],
            Code.PROTOCOL_ERROR,
            id="continued elsewhere",
        ),
        pytest.param([frame(Kind.CONTINUATION, 4, 1, b"")], Code.PROTOCOL_ERROR, id="continuation of nothing"),
        pytest.param([headers(1, b"\xc0")], Code.COMPRESSION_ERROR, id="header block"),
        pytest.param([frame(Kind.RST_STREAM, 0, 1, b"\0" * 4)], Code.PROTOCOL_ERROR, id="reset of an idle stream"),
        pytest.param([headers(1), frame(Kind.RST_STREAM, 0, 1, b"\0" * 3)], Code.FRAME_SIZE_ERROR, id="reset cut"),
        pytest.param([frame(Kind.SETTINGS, 0, 1, b"")], Code.PROTOCOL_ERROR, id="settings on a stream"),
        pytest.param([frame(Kind.SETTINGS, 1, 0, b"\0" * 6)], Code.FRAME_SIZE_ERROR, id="settings ack with content"),
        pytest.param([frame(Kind.SETTINGS, 0, 0, b"\0" * 5)], Code.FRAME_SIZE_ERROR, id="settings torn"),
        pytest.param([frame(Kind.PUSH_PROMISE, 4, 1, b"\0\0\0\2")], Code.PROTOCOL_ERROR, id="push"),
        pytest.param([frame(Kind.PING, 0, 1, b"12345678")], Code.PROTOCOL_ERROR, id="ping on a stream"),
        pytest.param([frame(Kind.PING, 0, 0, b"1")], Code.FRAME_SIZE_ERROR, id="ping cut"),
        pytest.param([frame(Kind.GOAWAY, 0, 1, b"\0" * 8)], Code.PROTOCOL_ERROR, id="goaway on a stream"),
        pytest.param([frame(Kind.GOAWAY, 0, 0, b"\0" * 7)], Code.FRAME_SIZE_ERROR, id="goaway cut"),
        pytest.param([frame(Kind.WINDOW_UPDATE, 0, 0, b"\0" * 4)], Code.PROTOCOL_ERROR, id="window of 0"),
        pytest.param([frame(Kind.WINDOW_UPDATE, 0, 0, b"\0")], Code.FRAME_SIZE_ERROR, id="window cut"),
        pytest.param(
            [frame(Kind.WINDOW_UPDATE, 0, 9, b"\0\0\0\1")], Code.PROTOCOL_ERROR, id="window of an idle stream"
        ),
        pytest.param([frame(Kind.PRIORITY, 0, 0, PRIORITY)], Code.PROTOCOL_ERROR, id="priority of stream 0"),
        pytest.param([frame(Kind.PRIORITY, 0, 1, b"")], Code.FRAME_SIZE_ERROR, id="priority cut"),
        pytest.param([b"\x00\x40\x01" + b"\0" * 6], Code.FRAME_SIZE_ERROR, id="frame above the announced size"),
    ],
)
def test_faults_of_the_connection_end_it_with_their_code(parts: list[bytes], code: Code) -> None:
    talk = Talk()

    answers = talk.say(*parts)

    assert codes(answers) == [code]
    assert talk.connection.closing
    assert talk.say(ping(b"12345678", ack=False)) == []


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        pytest.param([headers(1, header_block(REQUEST[1:]))], Code.PROTOCOL_ERROR, id="malformed"),
        pytest.param([headers(1, end=True), data(1, b"x")], Code.STREAM_CLOSED, id="data after the end"),
        pytest.param([headers(1), headers(1)], Code.PROTOCOL_ERROR, id="trailers without end"),
        pytest.param([headers(1, end=True), headers(1, end=True)], Code.PROTOCOL_ERROR, id="trailers after the end"),
        pytest.param([headers(1), frame(Kind.WINDOW_UPDATE, 0, 1, b"\0" * 4)], Code.PROTOCOL_ERROR, id="window of 0"),
    ],
)
def test_faults_of_a_stream_reset_it_alone(parts: list[bytes], code: Code) -> None:
    talk = Talk()

    answers = talk.say(*parts)

    assert codes(answers, Kind.RST_STREAM) == [code]
    assert not talk.connection.closing
    talk.say(headers(3, end=True))
    assert talk.events(3) == [("end", b"")]


def test_a_fault_of_the_connection_resets_all_receivers_and_names_the_last_stream() -> None:
    talk = Talk()

    answers = talk.say(headers(1), headers(3), data(99))

    assert int.from_bytes(answers[-1].payload[:4], "big") == 3
    assert talk.events(1) == talk.events(3) == [("reset", b"")]


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\n", PREFACE[:-1] + b"x", b"\x16\x03\x01"])
def test_another_protocol_is_turned_away(start: bytes) -> None:
    talk = Talk(greet=False)

    assert codes(talk.say(start)) == [Code.PROTOCOL_ERROR]


def test_the_first_frame_must_be_settings() -> None:
    talk = Talk(greet=False)

    answers = talk.say(PREFACE, ping(b"12345678", ack=False))

    assert codes(answers) == [Code.PROTOCOL_ERROR]


def test_any_cut_of_a_conversation_gives_the_same() -> None:
    conversation = (
        greeting() + headers(1) + data(1, b"abc") + data(1, b"", end=True) + headers(3) + rst_stream(3, Code.CANCEL)
    )
    whole = Talk(greet=False)
    answers = whole.say(conversation)

    for step in (1, 2, 7, 23, 24, 25):
        talk = Talk(greet=False)
        pieces = [conversation[at : at + step] for at in range(0, len(conversation), step)]
        heard = [one for piece in pieces for one in talk.say(piece)]

        assert heard == answers
        assert talk.events(1) == whole.events(1)
        assert talk.events(3) == whole.events(3)


def test_a_client_that_gives_up_is_told_to_the_receiver() -> None:
    talk = Talk()

    talk.say(headers(1), rst_stream(1, Code.CANCEL))
    talk.connection.lost()

    assert talk.events(1) == [("reset", b"")]


def test_what_comes_late_on_an_ended_stream_is_borne() -> None:
    talk = Talk()
    talk.say(headers(1))
    talk.stream(1).trailers(b"\x88")

    answers = talk.say(
        data(1, b"late"), headers(1, end=True), rst_stream(1, Code.CANCEL), frame(Kind.WINDOW_UPDATE, 0, 1, b"\0\0\0\1")
    )

    assert codes(answers, Kind.RST_STREAM) == [Code.NO_ERROR]
    assert not talk.connection.closing


def test_an_answer_before_the_requests_end_tells_the_client_to_stop() -> None:
    talk = Talk()
    talk.say(headers(1))

    talk.stream(1).trailers(b"\x88")

    assert [one.kind for one in talk.hear()] == [Kind.HEADERS, Kind.RST_STREAM]


def test_answers_after_the_end_go_nowhere() -> None:
    talk = Talk()
    talk.say(headers(1, end=True))
    stream = talk.stream(1)
    stream.trailers(b"\x88")
    talk.hear()

    stream.head(b"\x88")
    stream.body(b"x")
    stream.body(b"x" * 100_000)
    stream.trailers(b"\x88")
    stream.abort(Code.CANCEL)

    assert talk.hear() == []


def test_streams_above_the_limit_are_refused_and_may_go_elsewhere() -> None:
    talk = Talk(Limits(max_streams=2))

    answers = talk.say(headers(1), headers(3), headers(5))

    assert codes(answers, Kind.RST_STREAM) == [Code.REFUSED_STREAM]
    assert talk.events(5) == []


@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(ping(b"12345678", ack=False), id="ping"),
        pytest.param(settings({}), id="settings"),
        pytest.param(SETTINGS_ACK + ping(b"12345678", ack=True), id="acknowledgements"),
        pytest.param(frame(Kind.PRIORITY, 0, 1, PRIORITY), id="priority"),
        pytest.param(frame(0xEE, 0, 0, b""), id="unknown"),
        pytest.param(data(1), id="empty data"),
        pytest.param(data(3, b"late"), id="data on an ended stream"),
        pytest.param(frame(Kind.WINDOW_UPDATE, 0, 1, b"\0\0\0\1") * 10, id="window updates"),
        pytest.param(rst_stream(3, Code.CANCEL) * 10, id="resets of an ended stream"),
    ],
)
def test_a_flood_of_frames_that_bring_nothing_forward_ends_the_connection(flood: bytes) -> None:
    talk = Talk(Limits(control_burst=50))
    talk.say(headers(1), headers(3))
    talk.stream(3).abort(Code.CANCEL)
    talk.hear()

    answers = talk.say(*[flood] * 60)

    assert codes(answers)[-1:] == [Code.ENHANCE_YOUR_CALM]


def test_a_rapid_reset_ends_the_connection() -> None:
    talk = Talk(Limits(control_burst=50))

    answers = talk.say(*[headers(number) + rst_stream(number, Code.CANCEL) for number in range(1, 121, 2)])

    assert codes(answers) == [Code.ENHANCE_YOUR_CALM]


def test_a_steady_peer_is_no_flood() -> None:
    talk = Talk(Limits(control_burst=50, control_per_s=10.0))

    for second in range(100):
        talk.say(*[ping(b"12345678", ack=False)] * 10, now_s=float(second))

    assert not talk.connection.closing


@pytest.mark.parametrize("part", [b"a" * 1_000, b""])
def test_an_endless_header_section_ends_the_connection(part: bytes) -> None:
    talk = Talk(Limits(max_header_block_bytes=8_192, control_burst=100))

    answers = talk.say(frame(Kind.HEADERS, 0, 1, b"\x82"), *[frame(Kind.CONTINUATION, 0, 1, part)] * 200)

    assert codes(answers) == [Code.ENHANCE_YOUR_CALM]


def test_a_drain_announces_then_names_the_last_stream_and_closes_when_all_have_ended() -> None:
    talk = Talk()
    talk.say(headers(1))

    talk.connection.drain()
    talk.connection.drain()
    announced = talk.hear()
    late = talk.say(headers(3), ping(b"penstock", ack=True), headers(5))

    assert [one.kind for one in announced] == [Kind.GOAWAY, Kind.PING]
    assert int.from_bytes(announced[0].payload[:4], "big") == MAX_WINDOW
    assert int.from_bytes(next(one for one in late if one.kind == Kind.GOAWAY).payload[:4], "big") == 3
    assert codes(late, Kind.RST_STREAM) == [Code.REFUSED_STREAM]
    assert not talk.connection.closing
    for number in (1, 3):
        talk.stream(number).trailers(b"\x88")
    talk.connection.settle()
    assert talk.connection.closing


def test_a_client_that_says_goodbye_is_let_finish() -> None:
    talk = Talk()

    talk.say(headers(1), goaway(0, Code.NO_ERROR))

    assert not talk.connection.closing
    talk.say(data(1, b"x", end=True))
    talk.stream(1).trailers(b"\x88")
    talk.connection.settle()
    assert talk.connection.closing
    assert talk.events(1) == [("data", b"x"), ("end", b"")]


def test_a_probe_is_a_ping_whose_answer_changes_nothing() -> None:
    talk = Talk()

    talk.connection.probe()
    asked = talk.hear()
    answers = talk.say(ping(asked[0].payload, ack=True))

    assert asked[0].kind == Kind.PING
    assert answers == []


def test_headers_in_the_clients_own_compression_are_understood_for_the_whole_connection() -> None:
    talk = Talk()
    encoder = Encoder()
    encoder.header_table_size = 0

    talk.say(*[headers(number, encoder.encode(REQUEST), end=True) for number in (1, 3, 5)])

    assert talk.events(5) == [("end", b"")]
