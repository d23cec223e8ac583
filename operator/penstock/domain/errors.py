"""Every error of Penstock tells what is wrong, where (field and value), and what to do.

PenstockError
├── InvalidField      a user wrote something impossible; only its owner can mend it
│   └── NoSuchObject  he named an object of the cluster that is not there
├── Unreachable       cluster, Prometheus, router or engine did not answer; waiting may mend it
├── Refused           the other side answered no: rights, conflict, validation
│   └── NoSuchKind    the cluster serves no such kind of object
└── NotEnoughData     the data do not carry an answer
"""

from collections.abc import Mapping
from typing import Any


class PenstockError(Exception):
    """Root of the family; never raised itself."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it pass between processes: else it were made again of its line alone, and that ends a pool of workers."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[PenstockError], args: tuple[object, ...], fields: Mapping[str, object]) -> PenstockError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class InvalidField(PenstockError):
    """A field holds a value that cannot be; `remedy` is an imperative without a full stop."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        super().__init__(f"{field}={shown(value)}: {remedy}")
        self.field, self.value, self.remedy = field, value, remedy


class NoSuchObject(InvalidField):
    """An object that was asked for is not there; `name` is NAMESPACE/NAME, `like` one there that is called alike."""

    def __init__(self, kind: str, name: str, short: str, like: str = "") -> None:
        look = f"give its namespace by -n; `kubectl get {short} -A` lists them"
        super().__init__(kind, name, f"did you mean {like}? Else {look}" if like else look)


class Unreachable(PenstockError):
    """A peer did not answer; `cause` is a short class of error such as `timeout` or `tls`."""

    def __init__(self, peer: str, cause: str, remedy: str) -> None:
        super().__init__(f"{peer}: {cause}; {remedy}")
        self.peer, self.cause, self.remedy = peer, cause, remedy


class Refused(PenstockError):
    """A peer answered no; `status` is its HTTP status or 0."""

    def __init__(self, peer: str, status: int, message: str, remedy: str) -> None:
        super().__init__(f"{peer}: {status} {message}; {remedy}")
        self.peer, self.status, self.message, self.remedy = peer, status, message, remedy


class NoSuchKind(Refused):
    """A cluster serves no objects of this `kind` in this `api_version`."""

    def __init__(self, peer: str, kind: str, api_version: str) -> None:
        super().__init__(peer, 404, f"no kind {kind} in {api_version}", "install its definition, or correct the kind")
        self.kind, self.api_version = kind, api_version


class NotEnoughData(PenstockError):
    """What was measured does not carry an answer; `remedy` is an imperative without a full stop."""

    def __init__(self, lack: str, remedy: str = "gather more, then try again") -> None:
        super().__init__(lack)
        self.remedy = remedy


def shown(value: object, limit: int = 80) -> str:
    """Return a value fit for one line of a message: printable, quoted when text, cut at `limit` characters."""
    text = repr(value) if isinstance(value, str) else str(value)
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
