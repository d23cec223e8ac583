"""One HTTP request through external processing: messages of the proxy in, calls of the gate and answers out."""

from enum import IntEnum
from typing import Final, Protocol

from envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from envoy.service.ext_proc.v3.external_processor_pb2 import ProcessingRequest
from google.protobuf.message import DecodeError

from penstock.domain.reasons import RejectReason
from penstock.router.extproc.answers import EMPTY, PickAnswers, chunks, headers_answer, refusal_answer, served_answer
from penstock.router.extproc.reading import Section, Terms, TermsReader, read_section, read_served
from penstock.router.grpc.status import Status
from penstock.router.ports import Answer, Gate, Picked, Refusal, RequestHead

MAX_BODY_BYTES: Final = 10 << 20

_DUPLEX: Final = int(ProcessingMode.FULL_DUPLEX_STREAMED)
_WHOLE_BODY: Final = frozenset({ProcessingMode.BUFFERED, ProcessingMode.BUFFERED_PARTIAL, _DUPLEX})
"""Modes in which the request waits for its body; in the others it goes by its headers."""
_KNOWN_MODES: Final = frozenset({ProcessingMode.NONE, ProcessingMode.STREAMED, *_WHOLE_BODY})
_MAX_OWED: Final = 10_000
"""Parts of a streamed body that may come before the pick; a proxy that waits for answers sends one."""
_TOO_LARGE: Final = Refusal(status=413, reason=None, message="The request body is larger than this router takes.")
_NO_MEMORY: Final = Refusal(
    status=429, reason=RejectReason.SATURATED, message="This router holds too many bodies.", retry_after_s=1.0
)


class Line(Protocol):
    """The way back to the proxy: one gRPC call, or a test."""

    def send(self, message: bytes) -> None:
        """Send one ProcessingResponse."""
        ...

    def finish(self, status: Status = Status.OK, message: str = "") -> None:
        """End the call."""
        ...

    def hold(self, count: int) -> bool:
        """Reserve memory; false where there is none."""
        ...

    def release(self, count: int) -> None:
        """Return reserved memory."""
        ...


class Desk:
    """What all sessions share."""

    __slots__ = ("conformance", "gate", "max_body_bytes", "picks", "terms")

    def __init__(self, gate: Gate, max_body_bytes: int = MAX_BODY_BYTES, *, conformance: bool = False) -> None:
        self.gate, self.max_body_bytes, self.conformance = gate, max_body_bytes, conformance
        self.terms, self.picks = TermsReader(), PickAnswers()


class _State(IntEnum):
    NEW = 0
    COLLECTING = 1  # the body is not complete, nothing was submitted
    WAITING = 2  # submitted, no reply
    GOING = 3  # picked; the response is under way
    OVER = 4  # refused, ended, or nothing of ours: observed only


_NEW, _COLLECTING, _WAITING, _GOING, _OVER = _State


class Session:
    """State machine of one stream.

    A half-close or reset before the answer means that the client has left; after it, that the response has ended.
    """

    __slots__ = (
        "_body",
        "_desk",
        "_gathered",
        "_line",
        "_owed",
        "_parts",
        "_section",
        "_state",
        "_terms",
        "_ticket",
        "_trailed",
    )

    _section: Section
    _terms: Terms

    def __init__(self, line: Line, desk: Desk) -> None:
        self._line, self._desk = line, desk
        self._state = _NEW
        self._ticket = -1
        self._body: bytes | None = None
        self._parts: list[bytes] = []
        self._gathered = 0
        self._owed: list[bytes] = []
        self._trailed = False

    def message(self, message: bytes) -> None:
        """Take one ProcessingRequest; what is none ends the call with INVALID_ARGUMENT."""
        try:
            if self._state is _NEW:
                self._first(message)
            elif self._state is not _OVER:
                self._further(ProcessingRequest.FromString(message))
        except DecodeError as error:
            self._line.finish(Status.INVALID_ARGUMENT, f"no ProcessingRequest: {error}")
            self.cancelled()

    def end(self) -> None:
        """Take the half-close: the proxy needs nothing more."""
        self.cancelled()
        self._line.finish()

    def cancelled(self) -> None:
        """Tell the gate how it ended, as far as it does not know."""
        state, self._state = self._state, _OVER
        if state is _GOING:
            self._desk.gate.done(self._ticket)
        elif state is _WAITING:
            self._desk.gate.cancel(self._ticket)

    def _first(self, message: bytes) -> None:
        section = read_section(message)
        if section is None:
            raise DecodeError("the first message carries no request headers")
        terms = self._desk.terms.read(section.tail)
        if terms.request_body not in _KNOWN_MODES or terms.response_body not in _KNOWN_MODES:
            raise DecodeError("a body mode that this router does not know")
        self._section, self._terms = section, terms
        if terms.observing:
            self._state = _OVER
        elif section.end_of_stream or terms.request_body not in _WHOLE_BODY:
            self._submit(None)
        else:
            self._collect()

    def _collect(self) -> None:
        """Wait for the body; the buffering modes send it only after an answer to the headers."""
        self._state = _COLLECTING
        if self._terms.request_body != _DUPLEX:
            self._line.send(EMPTY["request_headers"])

    def _submit(self, body: bytes | None) -> None:
        self._state = _WAITING
        self._body = body
        section = self._section
        headers = section.headers
        head = RequestHead(
            headers=headers,
            path=headers.get(b":path", b""),
            end_of_stream=section.end_of_stream,
            subset=self._terms.subset,
            repeated=section.repeated,
            body=body,
            size_bytes=_size(headers) if body is None else len(body),
        )
        self._ticket = self._desk.gate.submit(head, self._reply)

    def _reply(self, answer: Answer) -> None:
        if self._state is not _WAITING:
            return
        if isinstance(answer, Refusal):
            self._refuse(answer)
            return
        self._state = _GOING
        if self._body is None:
            self._line.send(self._desk.picks.in_headers(answer))
        else:
            self._answer_body(answer)
        for message in self._owed:
            self._line.send(message)

    def _refuse(self, refusal: Refusal) -> None:
        self._state = _OVER
        self._line.send(refusal_answer(refusal))

    def _answer_body(self, picked: Picked) -> None:
        """Answer a request whose body we have: in duplex mode all of it goes back, headers first, trailers last."""
        body, self._body = self._body or b"", None
        self._parts.clear()
        self._line.release(len(body))
        if self._terms.request_body != _DUPLEX:
            self._line.send(EMPTY["request_trailers"] if self._trailed else self._desk.picks.in_body(picked))
            return
        self._line.send(headers_answer(picked, None if self._trailed else len(body)))
        if body or not self._trailed:
            for message in chunks("request", body, end=not self._trailed):
                self._line.send(message)
        if self._trailed:
            self._line.send(EMPTY["request_trailers"])

    def _further(self, request: ProcessingRequest) -> None:
        part = request.WhichOneof("request")
        if part == "request_body" and self._state is _COLLECTING:
            self._gather(request.request_body.body, end=request.request_body.end_of_stream)
        elif part == "request_trailers" and self._state is _COLLECTING:
            self._trailed = True
            self._submit(b"".join(self._parts))
        elif part == "response_headers" and self._state is _GOING:
            served = read_served(request)
            self._desk.gate.first_byte(self._ticket, served)
            self._line.send(served_answer(served) if self._desk.conformance else EMPTY[part])
        elif part == "response_body" and self._terms.response_body == _DUPLEX:
            body = request.response_body
            for message in chunks("response", body.body, end=body.end_of_stream):
                self._line.send(message)
        else:
            self._go_on(part)

    def _gather(self, chunk: bytes, *, end: bool) -> None:
        self._parts.append(chunk)
        self._gathered += len(chunk)
        if self._gathered > self._desk.max_body_bytes:
            self._refuse(_TOO_LARGE)
        elif not self._line.hold(len(chunk)):
            self._refuse(_NO_MEMORY)
        elif end or self._terms.request_body != _DUPLEX:
            self._submit(b"".join(self._parts))

    def _go_on(self, part: str | None) -> None:
        """Let a part pass unchanged; the answers of a request come in its order, so some wait for the pick."""
        if part is None or part == "request_headers":
            raise DecodeError(f"{part or 'nothing'} after the request headers")
        if self._state is not _WAITING:
            self._line.send(EMPTY[part])
        elif len(self._owed) < _MAX_OWED:
            self._owed.append(EMPTY[part])
        else:
            raise DecodeError("too many parts before the answer to the headers")


def _size(headers: dict[bytes, bytes]) -> int:
    """Return the body's size as the client declares it, 0 where it does not."""
    declared = headers.get(b"content-length", b"")
    return int(declared) if declared.isdigit() and len(declared) < 16 else 0
