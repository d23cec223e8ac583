import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.h2client import Frame, Talk, codes, data, headers

from penstock.router.h2.faults import Code
from penstock.router.h2.frames import (
    DEFAULT_WINDOW,
    MAX_FRAME_SIZE,
    MAX_WINDOW,
    Flag,
    Kind,
    Setting,
    settings,
    window_update,
)
from penstock.router.h2.limits import Limits


def sent(found: list[Frame], number: int) -> bytes:
    return b"".join(one.payload for one in found if one.kind == Kind.DATA and one.number == number)


def test_output_waits_for_the_streams_window_and_trailers_wait_for_output() -> None:
    talk = Talk(INITIAL_WINDOW_SIZE=10)
    talk.say(headers(1, end=True))
    stream = talk.stream(1)

    stream.body(b"0123456789abcdef")
    stream.body(b"more")
    stream.trailers(b"\x88")

    assert sent(talk.hear(), 1) == b"0123456789"
    rest = talk.say(window_update(1, 100))
    assert sent(rest, 1) == b"abcdefmore"
    assert (rest[-1].kind, rest[-1].flags) == (Kind.HEADERS, Flag.END_HEADERS | Flag.END_STREAM)
    assert talk.connection.idle
    assert talk.memory.held == 0


def test_output_waits_for_the_connections_window_and_all_streams_share_it() -> None:
    talk = Talk(INITIAL_WINDOW_SIZE=MAX_WINDOW)
    talk.say(headers(1), headers(3))
    for number in (1, 3):
        talk.stream(number).body(bytes([number]) * 50_000)

    first = talk.hear()
    second = talk.say(window_update(0, 34_000))
    third = talk.say(window_update(0, 1_000_000))

    assert len(sent(first, 1)) + len(sent(first, 3)) == DEFAULT_WINDOW
    assert len(sent(second, 1)) + len(sent(second, 3)) == 34_000
    assert sent(first + second + third, 1) == b"\1" * 50_000
    assert sent(first + second + third, 3) == b"\3" * 50_000


def test_streams_that_wait_for_the_connection_take_turns() -> None:
    talk = Talk(INITIAL_WINDOW_SIZE=MAX_WINDOW)
    talk.say(headers(1), headers(3), headers(5))
    talk.stream(5).body(b"x" * DEFAULT_WINDOW)
    for number in (1, 3):
        talk.stream(number).body(b"x" * 40_000)
    talk.hear()

    answers = talk.say(window_update(0, 2 * MAX_FRAME_SIZE))

    assert [one.number for one in answers] == [1, 3]


def test_a_stream_whose_turn_the_connections_window_cut_short_is_not_forgotten() -> None:
    talk = Talk(INITIAL_WINDOW_SIZE=MAX_WINDOW)
    talk.say(headers(1), headers(3), headers(5))
    talk.stream(5).body(b"x" * DEFAULT_WINDOW)
    for number in (1, 3):
        talk.stream(number).body(b"x" * 1_000)
    talk.hear()

    first = talk.say(window_update(0, 500))
    second = talk.say(window_update(0, 10_000))

    assert [one.number for one in first] == [1]
    assert len(sent(first + second, 1)) == len(sent(first + second, 3)) == 1_000


def test_no_frame_is_larger_than_any_client_must_accept() -> None:
    talk = Talk(INITIAL_WINDOW_SIZE=MAX_WINDOW)
    talk.say(window_update(0, 1_000_000), headers(1))

    talk.stream(1).body(b"x" * 100_000)

    answers = talk.hear()
    assert max(len(one.payload) for one in answers) == MAX_FRAME_SIZE
    assert len(sent(answers, 1)) == 100_000


def test_a_new_initial_window_applies_to_open_streams_and_may_make_windows_negative() -> None:
    talk = Talk(INITIAL_WINDOW_SIZE=10)
    talk.say(headers(1))
    talk.stream(1).body(b"0123456789abcdef")
    talk.hear()

    shrunk = talk.say(settings({Setting.INITIAL_WINDOW_SIZE: 4}))
    still = talk.say(window_update(1, 6))
    opened = talk.say(settings({Setting.INITIAL_WINDOW_SIZE: 100}))

    assert sent(shrunk, 1) == sent(still, 1) == b""
    assert sent(opened, 1) == b"abcdef"


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        pytest.param(window_update(0, MAX_WINDOW), Kind.GOAWAY, id="connection"),
        pytest.param(window_update(1, MAX_WINDOW), Kind.RST_STREAM, id="stream"),
        pytest.param(
            window_update(1, 1) + settings({Setting.INITIAL_WINDOW_SIZE: MAX_WINDOW}), Kind.GOAWAY, id="initial"
        ),
    ],
)
def test_a_window_above_the_maximum_is_a_flow_control_error(part: bytes, kind: int) -> None:
    talk = Talk()

    answers = talk.say(headers(1), part)

    assert codes(answers, kind) == [Code.FLOW_CONTROL_ERROR]


def test_a_client_may_send_as_much_as_it_likes_if_it_waits_for_our_updates() -> None:
    limits = Limits(stream_window_bytes=40_000, connection_window_bytes=70_000)
    talk = Talk(limits)
    talk.say(headers(1))
    stream_window, connection_window, total = 40_000, 70_000, 0

    while total < 1_000_000:
        size = min(stream_window, connection_window, MAX_FRAME_SIZE)
        answers = talk.say(data(1, b"x" * size))
        grants = [(one.number, int.from_bytes(one.payload, "big")) for one in answers if one.kind == Kind.WINDOW_UPDATE]
        stream_window += sum(grant for number, grant in grants if number == 1) - size
        connection_window += sum(grant for number, grant in grants if number == 0) - size
        total += size
        assert stream_window > 0 < connection_window

    assert len(talk.events(1)[0][1]) == total
    assert not talk.connection.closing


def test_a_client_that_disregards_the_streams_window_loses_the_stream() -> None:
    talk = Talk(Limits(stream_window_bytes=10_000))
    talk.say(headers(1))

    answers = talk.say(data(1, b"x" * 10_001))

    assert codes(answers, Kind.RST_STREAM) == [Code.FLOW_CONTROL_ERROR]
    assert talk.events(1) == [("reset", b"")]


def test_data_on_ended_streams_still_counts_for_the_connection_and_is_granted_again() -> None:
    talk = Talk(Limits(connection_window_bytes=100_000))
    talk.say(headers(1))
    talk.stream(1).abort(Code.CANCEL)
    talk.hear()

    answers = talk.say(*[data(1, b"x" * 10_000)] * 20)

    grants = [
        int.from_bytes(one.payload, "big") for one in answers if one.kind == Kind.WINDOW_UPDATE and one.number == 0
    ]
    assert sum(grants) >= 100_000
    assert not talk.connection.closing


def test_a_client_that_does_not_read_is_not_asked_for_more() -> None:
    talk = Talk(Limits(stream_window_bytes=20_000), INITIAL_WINDOW_SIZE=0)
    talk.say(headers(1))
    talk.stream(1).body(b"echo")

    unread = talk.say(data(1, b"x" * 15_000))
    read = talk.say(window_update(1, 100))

    assert [one for one in unread if one.kind == Kind.WINDOW_UPDATE] == []
    assert [one.number for one in read if one.kind == Kind.WINDOW_UPDATE] == [1]


def test_output_that_nobody_reads_is_bounded() -> None:
    talk = Talk(Limits(max_stream_bytes=50_000), INITIAL_WINDOW_SIZE=0)
    talk.say(headers(1))
    stream = talk.stream(1)

    for _ in range(10):
        stream.body(b"x" * 10_000)

    assert codes(talk.hear(), Kind.RST_STREAM) == [Code.ENHANCE_YOUR_CALM]
    assert talk.events(1) == [("reset", b"")]
    assert talk.memory.held == 0


def test_streams_of_a_server_share_one_bound_of_memory() -> None:
    talk = Talk(Limits(max_held_bytes=50_000), INITIAL_WINDOW_SIZE=0)
    talk.say(headers(1), headers(3))
    talk.stream(1).body(b"x" * 40_000)

    talk.stream(3).body(b"x" * 20_000)

    assert talk.events(3) == [("reset", b"")]
    assert talk.events(1) == []
    talk.connection.lost()
    assert talk.memory.held == 0


@given(
    st.lists(st.tuples(st.sampled_from([1, 3, 5]), st.integers(0, 30_000)), max_size=12),
    st.lists(st.tuples(st.sampled_from([0, 1, 3, 5]), st.integers(1, 40_000)), max_size=25),
    st.integers(0, 50_000),
)
def test_whatever_the_windows_nothing_is_sent_beyond_them_nor_lost(
    bodies: list[tuple[int, int]], grants: list[tuple[int, int]], initial: int
) -> None:
    talk = Talk(INITIAL_WINDOW_SIZE=initial)
    talk.say(headers(1), headers(3), headers(5))
    allowed = {0: DEFAULT_WINDOW, 1: initial, 3: initial, 5: initial}
    wanted = dict.fromkeys(allowed, b"")
    for place, (number, size) in enumerate(bodies):
        body = bytes([place]) * size
        wanted[number] += body
        talk.stream(number).body(body)
    found = talk.hear()
    for number, size in grants:
        allowed[number] += size
        found += talk.say(window_update(number, size))

    total = sum(len(sent(found, number)) for number in (1, 3, 5))
    assert total <= allowed[0]
    for number in (1, 3, 5):
        assert wanted[number].startswith(sent(found, number))
        assert len(sent(found, number)) <= allowed[number]
    stuck = [number for number in (1, 3, 5) if len(sent(found, number)) < min(len(wanted[number]), allowed[number])]
    assert not stuck or total == allowed[0]
