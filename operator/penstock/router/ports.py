"""What crosses the door between the wire and the gate: a request's head one way, an answer the other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from penstock.domain.reasons import RejectReason


class RequestHead(NamedTuple):
    """What the proxy told about one HTTP request before it is sent on; a tuple, since each request builds one.

    `headers`: lower-case names, pseudo-headers (`:path`) included, the first value of each; names that came more than
    once stand in `repeated`. `subset`: the proxy's subset hint, entries `ip:port` or a bare `ip` (all of its ports);
    None is no hint, empty admits nothing. `body` is None where the proxy's mode keeps it from us; `size_bytes` is the
    body's size as far as known, else 0. `end_of_stream`: the request has no body.
    """

    headers: Mapping[bytes, bytes]
    path: bytes = b""
    end_of_stream: bool = False
    subset: frozenset[str] | None = None
    repeated: frozenset[bytes] = frozenset()
    body: bytes | None = None
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """Go to `addresses` (`ip:port`, best first, the rest are fallbacks in order).

    `set_headers` and `remove_headers` (lower case) come on top of what the wire always does: set the destination,
    take away the names that only routers may set.
    """

    addresses: tuple[str, ...]
    set_headers: tuple[tuple[str, bytes], ...] = ()
    remove_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Tell the client no: HTTP `status`, `x-llm-d-request-dropped-reason` (None: a fault of the request itself)."""

    status: int
    reason: RejectReason | None
    message: str
    retry_after_s: float | None = None


Answer: TypeAlias = Picked | Refusal
Reply: TypeAlias = Callable[[Answer], None]


class Gate(Protocol):
    """Decides when a request goes, and where to.

    A ticket has one life: `submit`, one reply, `first_byte` at most once, then `done` (or `cancel` instead of the
    reply, when the client left before it; no reply may follow). A ticket that was refused has ended by that.
    """

    def submit(self, head: RequestHead, reply: Reply) -> int:
        """Take a request in and return its ticket; `reply` is called once, from within this call or later."""
        ...

    def first_byte(self, ticket: int, served: str = "") -> None:
        """Note that response headers came; `served` is the endpoint that sent them, where the proxy tells."""
        ...

    def done(self, ticket: int) -> None:
        """Note that the response has ended or was cut off, or that the client left after the pick."""
        ...

    def cancel(self, ticket: int) -> None:
        """Forget a request whose client left before the reply."""
        ...
