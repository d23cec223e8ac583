"""Our messages of external processing, built by the generated classes and remembered where they repeat."""

import json
import math
from typing import Final, Literal, TypeAlias

from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.service.ext_proc.v3.external_processor_pb2 import (
    BodyMutation,
    BodyResponse,
    CommonResponse,
    HeaderMutation,
    HeadersResponse,
    ImmediateResponse,
    ProcessingResponse,
    StreamedBodyResponse,
    TrailersResponse,
)
from envoy.type.v3.http_status_pb2 import HttpStatus

from penstock.router.headernames import DESTINATION, DROPPED_REASON, LB_NAMESPACE, REMOVED, TEST_SERVED
from penstock.router.ports import Picked, Refusal

CHUNK_BYTES: Final = 62_000
"""Largest piece of a body that is sent back; Envoy recommends to stay below 64 KiB."""
_CACHED_ANSWERS: Final = 4096

Side: TypeAlias = Literal["request", "response"]


def _empty(**field: HeadersResponse | BodyResponse | TrailersResponse) -> bytes:
    return ProcessingResponse(**field).SerializeToString()  # type: ignore[no-any-return]  # generated, untyped


EMPTY: Final = {
    "request_headers": _empty(request_headers=HeadersResponse()),
    "response_headers": _empty(response_headers=HeadersResponse()),
    "request_body": _empty(request_body=BodyResponse()),
    "response_body": _empty(response_body=BodyResponse()),
    "request_trailers": _empty(request_trailers=TrailersResponse()),
    "response_trailers": _empty(response_trailers=TrailersResponse()),
}
"""Go on, change nothing; by the part of the exchange that is answered."""


class PickAnswers:
    """Answers with a pick, serialised once for each pick that repeats; bounded."""

    __slots__ = ("_in_body", "_in_headers")

    def __init__(self) -> None:
        self._in_headers: dict[Picked, bytes] = {}
        self._in_body: dict[Picked, bytes] = {}

    def in_headers(self, picked: Picked) -> bytes:
        """Return the pick as answer to request headers."""
        known = self._in_headers.get(picked)
        return known if known is not None else _remember(self._in_headers, picked, headers_answer(picked))

    def in_body(self, picked: Picked) -> bytes:
        """Return the pick as answer to a buffered request body."""
        known = self._in_body.get(picked)
        if known is not None:
            return known
        answer = ProcessingResponse(request_body=BodyResponse(response=_common(picked)))
        return _remember(self._in_body, picked, _with_metadata(answer, picked))


def headers_answer(picked: Picked, content_length: int | None = None) -> bytes:
    """Return the pick as answer to request headers; `content_length` where the proxy has dropped the client's."""
    answer = ProcessingResponse(request_headers=HeadersResponse(response=_common(picked, content_length)))
    return _with_metadata(answer, picked)


def served_answer(served: str) -> bytes:
    """Return the answer to response headers that tells a conformance suite which endpoint the proxy named."""
    named = served or "fail: the proxy did not tell which endpoint served"
    mutation = HeaderMutation(set_headers=[_option(TEST_SERVED, named.encode())])
    return _empty(response_headers=HeadersResponse(response=CommonResponse(header_mutation=mutation)))


def chunks(side: Side, body: bytes, *, end: bool) -> list[bytes]:
    """Return messages that send a body back in full-duplex mode; `end` marks the last as the end of the stream."""
    pieces = [body[at : at + CHUNK_BYTES] for at in range(0, len(body), CHUNK_BYTES)] or [b""]
    return [_chunk(side, piece, end=end and number == len(pieces)) for number, piece in enumerate(pieces, 1)]


def refusal_answer(refusal: Refusal) -> bytes:
    """Return the answer that ends the request with an error as OpenAI's clients read it."""
    headers = [_option("content-type", b"application/json")]
    if refusal.reason is not None:
        headers.append(_option(DROPPED_REASON, refusal.reason.value.encode()))
    if refusal.retry_after_s is not None:
        headers.append(_option("retry-after", b"%d" % max(1, math.ceil(refusal.retry_after_s))))
    immediate = ImmediateResponse(
        status=HttpStatus(code=refusal.status),
        headers=HeaderMutation(set_headers=headers),
        body=error_body(refusal),
        details=f"penstock_{refusal.reason.value if refusal.reason else 'bad_request'}",
    )
    return ProcessingResponse(immediate_response=immediate).SerializeToString()  # type: ignore[no-any-return]  # generated


def error_body(refusal: Refusal) -> bytes:
    """Return the JSON body of a refusal, in the shape of the OpenAI API."""
    kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
    if refusal.status == 429:
        kind = "rate_limit_error"
    code = refusal.reason.value if refusal.reason else None
    return json.dumps({"error": {"message": refusal.message, "type": kind, "param": None, "code": code}}).encode()


def _remember(known: dict[Picked, bytes], picked: Picked, answer: bytes) -> bytes:
    if len(known) >= _CACHED_ANSWERS:
        known.clear()
    known[picked] = answer
    return answer


def _option(key: str, value: bytes) -> HeaderValueOption:
    action = HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    return HeaderValueOption(header=HeaderValue(key=key, raw_value=value), append_action=action)


def _common(picked: Picked, content_length: int | None = None) -> CommonResponse:
    headers = [_option(DESTINATION, ",".join(picked.addresses).encode())]
    headers += [_option(key, value) for key, value in picked.set_headers]
    if content_length is not None:
        headers.append(_option("content-length", b"%d" % content_length))
    removals = HeaderMutation(set_headers=headers, remove_headers=(*REMOVED, *picked.remove_headers))
    return CommonResponse(header_mutation=removals, clear_route_cache=True)


def _with_metadata(answer: ProcessingResponse, picked: Picked) -> bytes:
    """Name the pick in metadata as well: gateways read one or the other, and both must agree."""
    answer.dynamic_metadata.update({LB_NAMESPACE: {DESTINATION: ",".join(picked.addresses)}})
    return answer.SerializeToString()  # type: ignore[no-any-return]  # generated, untyped


def _chunk(side: Side, body: bytes, *, end: bool) -> bytes:
    mutation = BodyMutation(streamed_response=StreamedBodyResponse(body=body, end_of_stream=end))
    response = BodyResponse(response=CommonResponse(body_mutation=mutation))
    return _empty(**{f"{side}_body": response})
