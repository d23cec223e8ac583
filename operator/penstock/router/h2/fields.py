"""Header sections off the wire: unpacked, checked (RFC 9113 §8.2, §8.3), and remembered by their bytes."""

from collections.abc import Callable
from typing import Final, Generic, TypeAlias, TypeVar

from hpack import Decoder, HPACKError

from penstock.router.h2.faults import Code, ConnectionFault

Fields: TypeAlias = list[tuple[bytes, bytes]]
T = TypeVar("T")

_CACHED_BLOCKS: Final = 256
_CACHED_BLOCK_BYTES: Final = 1024
_CONNECTION_FIELDS: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
_REQUIRED: Final = frozenset({b":method", b":path", b":scheme"})
_PSEUDO: Final = _REQUIRED | {b":authority"}


class FieldReader(Generic[T]):
    """Turns header blocks into what `interpret` makes of them.

    Once the peer has given up its dynamic table (we announce a table of size 0), equal blocks mean equal fields, and
    the answer of `interpret` is remembered by the block; before that each block changes the decoder's state.
    """

    __slots__ = ("_decoder", "_interpret", "_known")

    def __init__(self, interpret: Callable[[Fields], T], max_list_bytes: int) -> None:
        self._interpret = interpret
        self._decoder = Decoder(max_list_bytes)
        self._known: dict[bytes, T] = {}

    def settings_applied(self) -> None:
        """Note that the peer has acknowledged our table size, and must shrink its own with the next block."""
        self._decoder.max_allowed_table_size = 0

    def read(self, block: bytes) -> T:
        """Return what the block means.

        Raises:
            ConnectionFault: the block cannot be unpacked, which loses the connection's state (§4.3).
        """
        known = self._known.get(block)
        return known if known is not None else self._read_new(block)

    def _read_new(self, block: bytes) -> T:
        try:
            fields = [(bytes(name), bytes(value)) for name, value in self._decoder.decode(block, raw=True)]
        except (HPACKError, ValueError) as error:
            raise ConnectionFault(Code.COMPRESSION_ERROR, type(error).__name__) from error
        meaning = self._interpret(fields)
        if self._decoder.header_table_size == 0 and len(block) <= _CACHED_BLOCK_BYTES:
            if len(self._known) >= _CACHED_BLOCKS:
                self._known.clear()
            self._known[block] = meaning
        return meaning


def malformed(fields: Fields) -> str | None:
    """Return what makes a request's header section malformed (§8.1.1), or None."""
    pseudo = [name for name, _ in fields if name.startswith(b":")]
    if len(set(pseudo)) != len(pseudo) or not _REQUIRED <= set(pseudo) <= _PSEUDO:
        return "pseudo-header missing, unknown or repeated"
    if any(not name.startswith(b":") for name, _ in fields[: len(pseudo)]):
        return "pseudo-header after a regular one"
    return next((fault for name, value in fields if (fault := _field_fault(name, value))), None)


def _field_fault(name: bytes, value: bytes) -> str | None:
    if not name or name != name.lower():
        return "field name empty or not in lower case"
    if name in _CONNECTION_FIELDS or (name == b"te" and value != b"trailers"):
        return "connection-specific field"
    if any(char in value for char in b"\0\r\n"):
        return "control character in a field value"
    return None
