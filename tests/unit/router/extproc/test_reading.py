"""The fast reader and the protobuf classes must never differ."""

import pytest
from envoy.config.core.v3.base_pb2 import HeaderMap, HeaderValue
from envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from envoy.service.ext_proc.v3.external_processor_pb2 import (
    HttpBody,
    HttpHeaders,
    ProcessingRequest,
    ProtocolConfiguration,
)
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from tests.extproc import request

from penstock.router.extproc import reading
from penstock.router.extproc.reading import TermsReader, read_section, read_served

names = st.one_of(
    st.sampled_from(["x-workload-context", ":path", "x-request-id", "content-length", ""]),
    st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), max_size=200),
)
values = st.one_of(
    st.binary(max_size=40), st.binary(min_size=110, max_size=400), st.just(b"\n\x12x-workload-context\x1a\x01a")
)
entries = st.builds(
    lambda key, raw, text: HeaderValue(key=key, raw_value=raw, value=text),
    names,
    values,
    st.sampled_from(["", "", "", "text"]),
)
opened = st.builds(
    lambda headers, end, modes, waits: ProcessingRequest(
        request_headers=HttpHeaders(headers=HeaderMap(headers=headers), end_of_stream=end),
        protocol_config=modes,
        observability_mode=waits,
    ),
    st.lists(entries, max_size=12),
    st.booleans(),
    st.sampled_from([None, ProtocolConfiguration(), ProtocolConfiguration(request_body_mode=ProcessingMode.BUFFERED)]),
    st.booleans(),
)


@given(opened)
def test_the_fast_reader_gives_what_protobuf_gives(parsed: ProcessingRequest) -> None:
    message = parsed.SerializeToString()
    plain = reading._parse(message)

    section = read_section(message)

    assert section is not None
    assert plain is not None
    assert section[:3] == plain[:3]
    assert ProcessingRequest.FromString(section.tail) == ProcessingRequest.FromString(plain.tail)


@given(opened, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=3))
def test_on_damaged_messages_the_fast_reader_gives_the_same_or_nothing(
    parsed: ProcessingRequest, damage: list[tuple[int, int]]
) -> None:
    message = bytearray(parsed.SerializeToString())
    for at, value in damage:
        message[at % len(message)] = value
    quick = fast(bytes(message))
    if quick is None:
        return

    try:
        plain = reading._parse(bytes(message))
    except DecodeError:
        return

    assert plain is not None
    assert quick[:3] == plain[:3]


def fast(message: bytes) -> reading.Section | None:
    try:
        return reading._walk_message(message)
    except IndexError:
        return None


def test_the_shape_that_envoy_sends_needs_no_objects() -> None:
    message = request({":path": "/v1", "x-workload-context": "{}", "authorization": "b" * 300}, end_of_stream=True)

    section = fast(message)

    assert section is not None
    assert section.headers == {b":path": b"/v1", b"x-workload-context": b"{}", b"authorization": b"b" * 300}
    assert section.end_of_stream


def test_the_first_value_counts_and_repetition_is_told() -> None:
    parsed = ProcessingRequest()
    for value in (b"1", b"2"):
        parsed.request_headers.headers.headers.add(key="x-a", raw_value=value)
    parsed.request_headers.headers.headers.add(key="x-b", value="text")

    section = read_section(parsed.SerializeToString())

    assert section is not None
    assert section.headers == {b"x-a": b"1", b"x-b": b"text"}
    assert section.repeated == {b"x-a"}


def test_a_body_cannot_pass_for_headers() -> None:
    marker = request({"x-workload-context": "forged"})
    parsed = ProcessingRequest(request_body=HttpBody(body=marker))

    assert read_section(parsed.SerializeToString()) is None


@pytest.mark.parametrize("message", [b"\x12\xff\xff", b"\xff\xff\xff", b"\x12\x02\x0a\x05"])
def test_what_is_no_message_is_a_decode_error(message: bytes) -> None:
    with pytest.raises(DecodeError):
        read_section(message)


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        pytest.param("10.0.0.1:80, 10.0.0.2:80", {"10.0.0.1:80", "10.0.0.2:80"}, id="string"),
        pytest.param(["10.0.0.1:80", "10.0.0.2"], {"10.0.0.1:80", "10.0.0.2"}, id="list"),
        pytest.param(
            ["10.0.0.1:80,10.0.0.2:80", "[::1]:80"], {"10.0.0.1:80", "10.0.0.2:80", "[::1]:80"}, id="comma strings"
        ),
        pytest.param("", set(), id="empty string admits nothing"),
        pytest.param([], set(), id="empty list admits nothing"),
        pytest.param(7, set(), id="another type admits nothing"),
        pytest.param(None, set(), id="null admits nothing"),
    ],
)
def test_the_subset_hint_has_several_shapes(hint: object, expected: set[str]) -> None:
    section = read_section(request({":path": "/"}, subset=hint))

    assert section is not None
    assert TermsReader().read(section.tail).subset == expected


def test_without_a_hint_the_choice_is_free() -> None:
    parsed = ProcessingRequest()
    parsed.metadata_context.filter_metadata["envoy.lb.subset_hint"].update({"other": "10.0.0.1"})
    parsed.metadata_context.filter_metadata["envoy.lb"].update({"x-gateway-destination-endpoint-subset": "10.0.0.1"})

    assert TermsReader().read(parsed.SerializeToString()).subset is None
    assert TermsReader().read(b"").subset is None


def test_terms_are_remembered_within_bounds() -> None:
    reader = TermsReader()
    tails = []
    for number in range(3_000):
        parsed = ProcessingRequest()
        parsed.metadata_context.filter_metadata["x"].update({"number": number})
        tails.append(parsed.SerializeToString())
        reader.read(tails[-1])

    assert len(reader._known) <= 1_024
    assert reader.read(tails[-1]) is reader.read(tails[-1])


def test_two_parts_in_one_message_are_a_decode_error() -> None:
    body = ProcessingRequest(request_body=HttpBody(body=b"x")).SerializeToString()

    with pytest.raises(DecodeError):
        TermsReader().read(body)


def test_the_served_endpoint_is_read_where_the_proxy_tells() -> None:
    parsed = ProcessingRequest()
    untold = read_served(parsed)
    parsed.metadata_context.filter_metadata["envoy.lb"].update({"x-gateway-destination-endpoint-served": "10.0.0.2:80"})

    assert (untold, read_served(parsed)) == ("", "10.0.0.2:80")
