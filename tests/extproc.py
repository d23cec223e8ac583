"""The proxy's half of external processing: messages as Envoy sends them, and ours read back."""

from collections.abc import Mapping

from envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest, ProcessingResponse

from penstock.router.headernames import SUBSET, SUBSET_NAMESPACE

_ABSENT = object()


def request(
    headers: Mapping[str, str],
    *,
    end_of_stream: bool = False,
    body: str = "NONE",
    response_body: str = "NONE",
    subset: object = _ABSENT,
    observing: bool = False,
) -> bytes:
    """Return the first message of a stream."""
    message = ProcessingRequest(observability_mode=observing)
    message.request_headers.headers.SetInParent()
    for key, value in headers.items():
        message.request_headers.headers.headers.add(key=key, raw_value=value.encode())
    message.request_headers.end_of_stream = end_of_stream
    message.metadata_context.SetInParent()
    if subset is not _ABSENT:
        message.metadata_context.filter_metadata[SUBSET_NAMESPACE].update({SUBSET: subset})
    message.protocol_config.request_body_mode = ProcessingMode.BodySendMode.Value(body)
    message.protocol_config.response_body_mode = ProcessingMode.BodySendMode.Value(response_body)
    return bytes(message.SerializeToString())


def part(name: str, body: bytes = b"", *, end: bool = False) -> bytes:
    """Return a further message: `request_body`, `response_headers`, …"""
    message = ProcessingRequest()
    getattr(message, name).SetInParent()
    if name.endswith("_body"):
        getattr(message, name).body = body
        getattr(message, name).end_of_stream = end
    return bytes(message.SerializeToString())


def read(message: bytes) -> ProcessingResponse:
    """Parse one of our answers."""
    return ProcessingResponse.FromString(message)


def kind(message: bytes) -> str:
    """Return which part an answer belongs to."""
    return str(read(message).WhichOneof("response"))


def set_headers(message: bytes) -> dict[str, bytes]:
    """Return the headers that an answer sets, wherever it sets them."""
    answer = read(message)
    what = kind(message)
    inner = getattr(answer, what)
    mutation = inner.headers if what == "immediate_response" else inner.response.header_mutation
    return {option.header.key: option.header.raw_value for option in mutation.set_headers}
