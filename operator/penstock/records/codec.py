"""Any value of ours to JSON and back without losing a bit: the dataclasses' own annotations are the schema.

A dataclass or named tuple is an object with every field; other tuples and sets are arrays, a set in order; a mapping by
text is an object, by other keys an array of pairs; an enum is its value; NaN and the infinities are "nan", "inf" and
"-inf"; where an annotation leaves a choice of dataclasses, the object says in "is" which one it is.
"""

import math
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from penstock.domain.errors import InvalidField

Json = Any  # what json.dumps takes: the type is recursive and would say no more
Shape = Any  # an annotation
Value = Any  # anything of ours
Coder = Callable[[Any], Any]
T = TypeVar("T")

TAG: Final = "is"
_PLAIN: Final = (str, int, bool)


def encode(shape: type[T], value: T) -> Json:
    """Return `value`, annotated as `shape`, as JSON values."""
    kind: Shape = shape
    return _encoder(kind)(value)


def decode(shape: type[T], data: Json, path: str = "record") -> T:
    """Return the value that was encoded.

    Raises:
        InvalidField: `data` has not this shape; the field says where it was to go.
    """
    kind: Shape = shape
    try:
        return cast("T", _decoder(kind)(data))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        words = f"read it with the version that wrote it ({type(error).__name__}: {error})"
        raise InvalidField(path, getattr(shape, "__name__", str(shape)), words) from error


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


@cache
def _encoder(shape: Shape) -> Coder:
    """Return what encodes values of one annotation."""
    origin, parts = _origin(shape), get_args(shape)
    if origin in (Union, types.UnionType):
        return _union_encoder(parts)
    if isinstance(origin, TypeVar):
        return lambda value: value.value if isinstance(value, Enum) else value
    if _is_record(origin):
        return _dataclass_encoder(shape)
    if _is(origin, Enum):
        return lambda value: value.value
    if _is(origin, Mapping):
        return _mapping_encoder(*map(_encoder, parts), by_text=_is(parts[0], str))
    return _array_encoder(origin, parts) if parts else (_number if origin is float else _same)


def _same(value: Value) -> Value:
    return value


def _array_encoder(origin: Shape, parts: tuple[Shape, ...]) -> Coder:
    if _is(origin, frozenset):
        member = _encoder(parts[0])
        return lambda value: [member(one) for one in sorted(value)]
    if len(parts) == 2 and parts[1] is Ellipsis:
        each = _encoder(parts[0])
        return lambda value: [each(one) for one in value]
    coders = tuple(map(_encoder, parts))
    return lambda value: [coder(one) for coder, one in zip(coders, value, strict=True)]


def _mapping_encoder(key: Coder, value: Coder, *, by_text: bool) -> Coder:
    if by_text:
        return lambda mapping: {key(name): value(one) for name, one in mapping.items()}
    return lambda mapping: [[key(name), value(one)] for name, one in mapping.items()]


def _dataclass_encoder(shape: Shape, **first: str) -> Coder:
    coders = tuple((name, _encoder(kind)) for name, kind in _hints(shape))

    def encoded(value: Value) -> Json:
        found: dict[str, Json] = first.copy()
        for name, coder in coders:
            found[name] = coder(getattr(value, name))
        return found

    return encoded


def _union_encoder(parts: Iterable[Shape]) -> Coder:
    kinds = tuple(part for part in parts if part is not types.NoneType)
    if len(kinds) == 1:
        only = _encoder(kinds[0])
        return lambda value: None if value is None else only(value)
    coders = {kind: _dataclass_encoder(kind, **{TAG: kind.__name__}) for kind in kinds if kind not in _PLAIN}

    def tagged(value: Value) -> Json:
        if value is None or type(value) in _PLAIN:
            return value
        return coders[type(value)](value)

    return tagged


@cache
def _decoder(shape: Shape) -> Coder:
    """Return what decodes values of one annotation."""
    origin, parts = _origin(shape), get_args(shape)
    if origin in (Union, types.UnionType):
        return _union_decoder(parts)
    if _is_record(origin):
        return _dataclass_decoder(shape, origin)
    if _is(origin, Mapping):
        return _mapping_decoder(*map(_decoder, parts))
    if parts:
        return _array_decoder(origin, parts)
    return cast("Coder", origin) if origin is float or _is(origin, Enum) else _checked(origin)


def _checked(kind: Shape) -> Coder:
    """Return a decoder that takes values of `kind` alone: text where a number belongs is a broken record."""

    def check(value: Value) -> Value:
        if isinstance(kind, type) and not isinstance(value, kind):
            raise TypeError(f"{value!r} is not {kind.__name__}")
        return value

    return check


def _array_decoder(origin: Shape, parts: tuple[Shape, ...]) -> Coder:
    if _is(origin, frozenset):
        member = _decoder(parts[0])
        return lambda data: frozenset(member(one) for one in data)
    if len(parts) == 2 and parts[1] is Ellipsis:
        each = _decoder(parts[0])
        return lambda data: tuple([each(one) for one in data])
    coders = tuple(map(_decoder, parts))
    return lambda data: tuple([coder(one) for coder, one in zip(coders, data, strict=True)])


def _mapping_decoder(key: Coder, value: Coder) -> Coder:
    def build(data: Json) -> Mapping[Value, Value]:
        pairs = data.items() if isinstance(data, dict) else data
        return {key(name): value(one) for name, one in pairs}

    return build


def _dataclass_decoder(shape: Shape, origin: Shape) -> Coder:
    coders = tuple((name, _decoder(kind)) for name, kind in _hints(shape))
    return lambda data: origin(**{name: coder(data[name]) for name, coder in coders})


def _union_decoder(parts: Iterable[Shape]) -> Coder:
    kinds = tuple(part for part in parts if part is not types.NoneType)
    if len(kinds) == 1:
        only = _decoder(kinds[0])
        return lambda data: None if data is None else only(data)
    coders = {kind.__name__: _decoder(kind) for kind in kinds}

    def tagged(data: Json) -> Value:
        return coders[data[TAG]](data) if isinstance(data, dict) else data

    return tagged


def _hints(shape: Shape) -> list[tuple[str, Shape]]:
    """Return names and annotations of the fields of a record; a type variable stands for what it was given."""
    origin = _origin(shape)
    given = dict(zip(getattr(origin, "__parameters__", ()), get_args(shape), strict=False))
    hints = get_type_hints(origin)
    names = [field.name for field in fields(origin) if field.init] if is_dataclass(origin) else origin._fields
    return [(name, _filled(hints[name], given)) for name in names]


def _is_record(kind: Shape) -> bool:
    return is_dataclass(kind) or (_is(kind, tuple) and hasattr(kind, "_fields"))


def _filled(kind: Shape, given: Mapping[Shape, Shape]) -> Shape:
    return given.get(kind, kind) if isinstance(kind, TypeVar) else kind


def _origin(shape: Shape) -> Shape:
    found: Shape = get_origin(shape)
    return found or shape


def _is(kind: Shape, family: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, family)
