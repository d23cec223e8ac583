import pytest

from penstock.router.h2 import frames
from penstock.router.h2.faults import Code, ConnectionFault


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        pytest.param(frames.frame(0, 1, 3, b"ab"), "000002 00 01 00000003 6162", id="data"),
        pytest.param(frames.frame(1, 4, 1, b"x" * 300)[:9], "00012c 01 04 00000001", id="length over a byte"),
        pytest.param(
            frames.settings({frames.Setting.MAX_FRAME_SIZE: 16384}),
            "000006 04 00 00000000 0005 00004000",
            id="settings",
        ),
        pytest.param(frames.SETTINGS_ACK, "000000 04 01 00000000", id="settings ack"),
        pytest.param(frames.window_update(5, 1), "000004 08 00 00000005 00000001", id="window update"),
        pytest.param(frames.rst_stream(7, Code.CANCEL), "000004 03 00 00000007 00000008", id="rst"),
        pytest.param(frames.ping(b"12345678", ack=True), "000008 06 01 00000000 3132333435363738", id="ping ack"),
        pytest.param(frames.goaway(9, Code.NO_ERROR, "a"), "000009 07 00 00000000 00000009 00000000 61", id="goaway"),
    ],
)
def test_frames_have_the_bytes_of_the_rfc(built: bytes, expected: str) -> None:
    assert built == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("payload", "content"), [(b"\x00ab", b"ab"), (b"\x02ab\0\0", b"ab"), (b"\x01\0", b""), (b"\x00", b"")]
)
def test_padding_is_taken_away(payload: bytes, content: bytes) -> None:
    assert frames.unpad(payload) == content


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x03ab", b"\xff" + b"a" * 254])
def test_padding_as_long_as_the_frame_is_a_fault(payload: bytes) -> None:
    with pytest.raises(ConnectionFault) as raised:
        frames.unpad(payload)

    assert raised.value.code is Code.PROTOCOL_ERROR
