import pytest
from tests.h2client import parse

from penstock.router.h2 import settings
from penstock.router.h2.faults import Code, ConnectionFault
from penstock.router.h2.frames import DEFAULT_WINDOW, SETTING, Kind, Setting
from penstock.router.h2.limits import Limits


def payload(*pairs: tuple[int, int]) -> bytes:
    return b"".join(SETTING.pack(key, value) for key, value in pairs)


def test_the_last_value_of_a_parameter_counts_and_unknown_ones_are_ignored() -> None:
    read = settings.read(payload((Setting.INITIAL_WINDOW_SIZE, 1), (0x99, 7), (Setting.INITIAL_WINDOW_SIZE, 2)))

    assert read == {Setting.INITIAL_WINDOW_SIZE: 2}


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        pytest.param([(Setting.INITIAL_WINDOW_SIZE, 2**31)], Code.FLOW_CONTROL_ERROR, id="window"),
        pytest.param([(Setting.MAX_FRAME_SIZE, 16_383)], Code.PROTOCOL_ERROR, id="frame too small"),
        pytest.param([(Setting.MAX_FRAME_SIZE, 2**24)], Code.PROTOCOL_ERROR, id="frame too large"),
        pytest.param([(Setting.ENABLE_PUSH, 2)], Code.PROTOCOL_ERROR, id="push"),
    ],
)
def test_impossible_values_end_the_connection(pairs: list[tuple[int, int]], code: Code) -> None:
    with pytest.raises(ConnectionFault) as raised:
        settings.read(payload(*pairs))

    assert raised.value.code is code


def test_a_torn_parameter_is_a_frame_size_error() -> None:
    with pytest.raises(ConnectionFault) as raised:
        settings.read(b"\0\1\0")

    assert raised.value.code is Code.FRAME_SIZE_ERROR


def test_the_greeting_announces_our_limits_and_opens_the_connection_window() -> None:
    limits = Limits(max_streams=7, stream_window_bytes=100_000, connection_window_bytes=200_000)

    greeting = parse(settings.opening(limits))

    announced = dict(SETTING.iter_unpack(greeting[0].payload))
    assert announced[Setting.HEADER_TABLE_SIZE] == 0
    assert announced[Setting.MAX_CONCURRENT_STREAMS] == 7
    assert announced[Setting.INITIAL_WINDOW_SIZE] == 100_000
    assert greeting[1].kind == Kind.WINDOW_UPDATE
    assert int.from_bytes(greeting[1].payload, "big") == 200_000 - DEFAULT_WINDOW
