import pytest
from tests.grpcclient import Client
from tests.h2client import GRPC, REQUEST, header_block, headers, unpack

from penstock.router.grpc.status import Status
from penstock.router.h2.frames import Kind


def changed(name: bytes, value: bytes) -> list[tuple[bytes, bytes]]:
    return [(key, value if key == name else old) for key, old in GRPC]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param([*REQUEST, (b"content-type", b"application/grpc+proto")], None, id="served"),
        pytest.param(
            [(name, b"/t.T/Other" if name == b":path" else value) for name, value in GRPC],
            Status.UNIMPLEMENTED,
            id="path",
        ),
        pytest.param(
            [(name, b"GET" if name == b":method" else value) for name, value in GRPC], Status.UNIMPLEMENTED, id="method"
        ),
        pytest.param([*GRPC, (b"grpc-encoding", b"gzip")], Status.UNIMPLEMENTED, id="compression"),
    ],
)
def test_calls_go_to_their_method_or_are_refused(fields: list[tuple[bytes, bytes]], expected: Status | None) -> None:
    client = Client()

    answers = client.say(headers(1, header_block(fields)))

    if expected is None:
        assert answers == []
        assert len(client.handlers) == 1
    else:
        trailers = unpack(answers[0].payload)
        assert trailers[b"grpc-status"] == b"%d" % expected
        assert trailers[b"grpc-accept-encoding"] == b"identity"
        assert client.handlers == []


@pytest.mark.parametrize("kind", [b"", b"application/json"])
def test_what_is_no_grpc_is_an_unsupported_media_type(kind: bytes) -> None:
    client = Client()

    answers = client.say(headers(1, header_block([*REQUEST, (b"content-type", kind)]), end=True))

    assert [one.kind for one in answers] == [Kind.HEADERS]
    assert unpack(answers[0].payload) == {b":status": b"415"}


def test_a_refusal_fits_a_frame_whatever_the_client_wrote() -> None:
    client = Client()

    answers = client.say(headers(1, header_block(changed(b":path", b"/" + b"\xff" * 4_000))))

    assert unpack(answers[0].payload)[b"grpc-status"] == b"12"
    assert len(answers[0].payload) < 16_384
