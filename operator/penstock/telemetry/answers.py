"""What Prometheus answers to an instant query, decoded with types; anything else is refused, never guessed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Protocol

import msgspec

from penstock.domain.errors import Refused, shown

_MAX_WARNINGS: Final = 20
_REMEDY: Final = "read Prometheus's log"
_LABEL_SETS: Final = 2**16  # for ten thousand engines, of which each comes with five sets


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One element of an instant vector at Unix time `at_s`, which is the time asked for, not the sample's own.

    Samples with the same labels share them. No dataclass, since there are tens of thousands of them in each pass.
    """

    labels: Mapping[str, str]
    value: float
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer. `warnings` mean that a part is missing; `infos` are hints about the query."""

    samples: tuple[Sample, ...]
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    duration_s: float = 0.0


class Queries(Protocol):
    """Something that answers PromQL: Prometheus, or whatever speaks its API."""

    async def query(self, name: str, promql: str, at_s: float) -> Answer:
        """Answer one instant query.

        Raises:
            Unreachable: no answer.
            Refused: an answer that cannot be used; `peer` is the query's name.
        """
        ...


class _Series(msgspec.Struct, gc=False):
    metric: msgspec.Raw
    value: tuple[float, str]


class _Vector(msgspec.Struct, tag_field="resultType", tag="vector"):
    result: list[_Series]


class _Envelope(msgspec.Struct, rename="camel"):
    status: str
    data: _Vector | None = None
    error_type: str = ""
    error: str = ""
    warnings: list[str] | None = None
    infos: list[str] | None = None


_DECODER: Final = msgspec.json.Decoder(_Envelope)
_LABELS: Final = msgspec.json.Decoder(dict[str, str])


@lru_cache(maxsize=_LABEL_SETS)
def _labels(text: bytes) -> Mapping[str, str]:
    """Return the labels of a series; a dozen queries of every pass say the same ones again."""
    return MappingProxyType(_LABELS.decode(text))


def decode(name: str, status: int, body: bytes, duration_s: float) -> Answer:
    """Return the answer to the query called `name`.

    Raises:
        Refused: Prometheus says that it failed, or this is no instant vector; `message` is the class of the error.
        ValueError: not an answer of Prometheus's API at all.
    """
    try:
        envelope = _DECODER.decode(body)
        found = envelope.data.result if envelope.data else []
        samples = tuple([Sample(_labels(bytes(one.metric)), float(one.value[1]), one.value[0]) for one in found])
    except ValueError as error:
        if body.lstrip()[:1] == b"{" and b'"status"' in body[:100]:
            raise Refused(name, status, "unexpected answer", f"{_REMEDY}: {shown(str(error), 200)}") from error
        raise
    if envelope.status != "success" or envelope.data is None:
        raise Refused(name, status, envelope.error_type or "error", f"{_REMEDY}: {shown(envelope.error, 200)}")
    return Answer(
        samples=samples,
        warnings=_bounded(envelope.warnings),
        infos=_bounded(envelope.infos),
        duration_s=duration_s,
    )


def _bounded(texts: list[str] | None) -> tuple[str, ...]:
    return tuple(shown(text, 300) for text in (texts or ())[:_MAX_WARNINGS])
