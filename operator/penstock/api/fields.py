"""Types of single fields: each reads its text to a number and carries its CEL rule into the CRD, with one sentence."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from penstock.api.checked import VALIDATIONS
from penstock.domain.errors import InvalidField
from penstock.domain.units import parse_bytes, parse_duration, parse_percent

_T = TypeVar("_T")
_DURATION_CEL: Final = "self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')"
_YEAR: Final = "8760h"  # longer waits would not fit the five digits of an hour count when they are written back
_EXAMPLES: Final = ("500ms", "30s", "10m", "2h")
_PERCENT_CEL: Final = r"self.matches('^[0-9]{1,3}([.][0-9]{1,6})?%$')"
_NUMBER_CEL: Final = "double(self.substring(0, self.size() - 1))"
_QUANTITY: Final = r"^[0-9]{1,15}([.][0-9]{1,6})?(Ki|Mi|Gi|Ti|k|M|G|T)?$"
_DECIMAL: Final = r"^\d+(\.\d+)?$"


@dataclass(frozen=True, slots=True)
class Text(Generic[_T]):
    """A string that is checked in CEL and here. `remedy` tells both times what to write instead."""

    cel: str
    remedy: str
    max_length: int
    parse: Callable[[str], _T]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read the text with `parse`."""
        del source, handler
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the text to the API server, with a message that shows the value."""
        del core, handler
        rule = {"rule": self.cel, "messageExpression": f"'\"' + self + '\": {self.remedy}'"}
        return {"type": "string", "maxLength": self.max_length, VALIDATIONS: [rule]}

    def _read(self, value: Any) -> _T:  # noqa: ANN401 - raw JSON
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "write a string")
        try:
            return self.parse(value)
        except InvalidField:
            raise PydanticCustomError("text", "{remedy}", {"remedy": self.remedy}) from None


def Duration(*, above: str = "", at_least: str = "", at_most: str = _YEAR) -> Text[float]:  # noqa: N802 - reads as a type
    """Return the type of a duration between bounds; its value is in seconds."""
    low, high = parse_duration(above or at_least, "bound"), parse_duration(at_most, "bound")
    wanted = f"above {above}" if above else f"of at least {at_least}"

    def parse(text: str) -> float:
        seconds = parse_duration(text, "")
        return _kept(text, seconds, within=low <= seconds <= high and not (above and seconds == low))

    examples = [one for one in _EXAMPLES if _is_taken(parse, one)] or [one for one in (at_least, at_most) if one]
    remedy = f"write a duration {wanted} and at most {at_most}, such as {_either(examples[:3])}"

    lower = f"duration(self) {'>' if above else '>='} duration('{above or at_least}')"
    return Text(f"{_DURATION_CEL} && {lower} && duration(self) <= duration('{at_most}')", remedy, 24, parse)


def _is_taken(parse: Callable[[str], float], text: str) -> bool:
    try:
        parse(text)
    except InvalidField:
        return False
    return True


def _either(examples: Sequence[str]) -> str:
    *rest, last = examples
    return f"{', '.join(rest)} or {last}" if rest else last


def Percent(*, at_least: str, at_most: str, whole: bool = False) -> Text[float]:  # noqa: N802 - reads as a type
    """Return the type of a percentage between bounds; its value is a ratio."""
    low, high = parse_percent(at_least, "bound"), parse_percent(at_most, "bound")
    remedy = f"write a {'whole ' if whole else ''}percentage from {at_least} to {at_most}, sign included"
    bounds = f"{_NUMBER_CEL} >= {float(at_least[:-1])} && {_NUMBER_CEL} <= {float(at_most[:-1])}"

    def parse(text: str) -> float:
        ratio = parse_percent(text, "")
        return _kept(text, ratio, within=low <= ratio <= high and not (whole and "." in text))

    cel = f"{_PERCENT_CEL} && {bounds}" + (" && !self.contains('.')" if whole else "")
    return Text(cel, remedy, 11, parse)


def _kept(text: str, value: float, *, within: bool) -> float:
    if not within:
        raise InvalidField("", text, "")
    return value


def _matching(pattern: str) -> Callable[[str], str]:
    compiled = re.compile(pattern.removesuffix("$") + r"\Z")

    def parse(text: str) -> str:
        if not compiled.match(text):
            raise InvalidField("", text, "")
        return text

    return parse


def _bytes(text: str) -> int:
    return int(_kept(text, parse_bytes(_matching(_QUANTITY)(text), ""), within=bool(re.search("[1-9]", text))))


def pattern_text(pattern: str, remedy: str, max_length: int) -> Text[str]:
    """Return the type of a string that matches a pattern (RE2 and Python alike, anchored)."""
    escaped = pattern.replace("\\", "\\\\")

    def parse(text: str) -> str:
        if len(text) > max_length:
            raise InvalidField("", text, "")
        return _matching(pattern)(text)

    return Text(f"self.matches('{escaped}')", remedy, max_length, parse)


@dataclass(frozen=True, slots=True)
class _DecimalString:
    """WVA's decimal string, with WVA's own rule and no other."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.chain_schema([
            core_schema.str_schema(pattern=_DECIMAL, strict=True),
            core_schema.no_info_plain_validator_function(float),
        ])  # fmt: skip

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        del core, handler
        return {"type": "string", "pattern": _DECIMAL}


@dataclass(frozen=True, slots=True)
class _IntOrPercent:
    """A count of at least 1 (an int), or a percentage of at least 1% (a float, its ratio)."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        del core, handler
        cel = f"type(self) == int ? self >= 1 : {_SHARE.cel.replace('self', 'string(self)')}"
        return {"x-kubernetes-int-or-string": True, "maxLength": 11, VALIDATIONS: [{"rule": cel, "message": _COUNT}]}

    def _read(self, value: Any) -> int | float:  # noqa: ANN401 - raw JSON
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        try:
            return _SHARE.parse(value)
        except (InvalidField, TypeError):
            raise PydanticCustomError("text", "{remedy}", {"remedy": _COUNT}) from None


_COUNT: Final = "write a whole number of at least 1, or a percentage from 1% to 100%"
_SHARE: Final = Percent(at_least="1%", at_most="100%")

Bytes = Annotated[
    int,
    Text(
        f"self.matches('{_QUANTITY}') && self.matches('[1-9]')",
        "write a quantity of at least one byte, such as 256Mi or 1Gi", 24, _bytes,
    ),
]  # fmt: skip
CostString = Annotated[float, _DecimalString()]
IntOrPercent = Annotated[int | float, _IntOrPercent()]
HeaderName = Annotated[
    str,
    pattern_text("^[A-Za-z0-9!#$%&*+.^_|~-]{1,128}$", "write the name of an HTTP header, at most 128 characters", 128),
]
Weight = Annotated[float, Field(ge=0, le=100)]
PositiveInt = Annotated[int, Field(ge=1, le=2**31 - 1)]
