import pytest
from hpack import Encoder
from tests.h2client import GRPC, REQUEST, header_block

from penstock.router.h2.faults import Code, ConnectionFault
from penstock.router.h2.fields import FieldReader, Fields, malformed


class Counter:
    def __init__(self) -> None:
        self.seen: list[Fields] = []

    def __call__(self, fields: Fields) -> int:
        self.seen.append(fields)
        return len(self.seen)


def test_blocks_that_use_the_dynamic_table_are_read_in_their_order() -> None:
    counter, encoder = Counter(), Encoder()
    reader = FieldReader(counter, 65_536)

    for number in (1, 2, 3):
        reader.read(encoder.encode([*REQUEST, (b"x-number", b"%d" % number)]))

    assert [dict(fields)[b"x-number"] for fields in counter.seen] == [b"1", b"2", b"3"]


def test_equal_blocks_are_interpreted_once_when_the_peer_has_no_table() -> None:
    counter, encoder = Counter(), Encoder()
    reader = FieldReader(counter, 65_536)
    reader.settings_applied()
    encoder.header_table_size = 0
    first = encoder.encode(REQUEST)
    again = encoder.encode(REQUEST)

    answers = [reader.read(first), reader.read(again), reader.read(again), reader.read(first)]

    assert answers == [1, 2, 2, 1]


def test_equal_blocks_are_interpreted_anew_while_the_peer_may_use_a_table() -> None:
    counter = Counter()
    reader = FieldReader(counter, 65_536)
    block = header_block(start=b"")

    assert [reader.read(block), reader.read(block)] == [1, 2]


def test_the_memory_of_blocks_is_bounded() -> None:
    counter, encoder = Counter(), Encoder()
    reader = FieldReader(counter, 65_536)
    reader.settings_applied()
    encoder.header_table_size = 0

    for number in range(2_000):
        reader.read(encoder.encode([*REQUEST, (b"traceparent", b"%d" % number)]))

    assert len(reader._known) <= 256


def test_a_peer_that_keeps_its_table_after_its_acknowledgement_is_at_fault() -> None:
    reader = FieldReader(Counter(), 65_536)
    reader.settings_applied()

    with pytest.raises(ConnectionFault) as raised:
        reader.read(header_block(start=b""))

    assert raised.value.code is Code.COMPRESSION_ERROR


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", id="endless integer"),
        pytest.param(b"\xc0", id="index beyond the table"),
        pytest.param(b"\x00\x05ab", id="cut short"),
        pytest.param(header_block([*REQUEST, (b"x-big", b"a" * 9_000)]), id="too large"),
    ],
)
def test_what_cannot_be_unpacked_costs_the_connection(block: bytes) -> None:
    with pytest.raises(ConnectionFault) as raised:
        FieldReader(Counter(), 4_096).read(block)

    assert raised.value.code is Code.COMPRESSION_ERROR


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(REQUEST[1:], id="no method"),
        pytest.param([*REQUEST, (b":method", b"GET")], id="method twice"),
        pytest.param([*REQUEST, (b":status", b"200")], id="response pseudo-header"),
        pytest.param([(b"a", b"b"), *REQUEST], id="pseudo-header late"),
        pytest.param([*REQUEST, (b"X-Upper", b"1")], id="upper case"),
        pytest.param([*REQUEST, (b"", b"1")], id="empty name"),
        pytest.param([*REQUEST, (b"connection", b"close")], id="connection header"),
        pytest.param([*REQUEST, (b"te", b"gzip")], id="te other than trailers"),
        pytest.param([*REQUEST, (b"a", b"b\r\nc")], id="line break"),
        pytest.param([*REQUEST, (b"a", b"b\0c")], id="nul"),
    ],
)
def test_malformed_requests_are_told(fields: Fields) -> None:
    assert malformed(fields)


@pytest.mark.parametrize("fields", [REQUEST, GRPC, REQUEST[:3]])
def test_well_formed_requests_pass(fields: Fields) -> None:
    assert malformed(fields) is None
