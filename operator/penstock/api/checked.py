"""Base of every model here: strict parsing, rules that hold in Python and in CEL alike, errors that name the field."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError

from penstock.domain.errors import InvalidField

_Model = TypeVar("_Model", bound="Checked")
VALIDATIONS = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule over several fields: `cel` for the API server (empty: it keeps the rule by itself), `holds` for us.

    `field` is the field to blame, as users spell it; `message` names the fields and the remedy.
    """

    holds: Callable[[Any], bool]
    message: str
    field: str
    cel: str = ""

    def schema(self) -> dict[str, str]:
        """Return the entry of x-kubernetes-validations."""
        return {"rule": self.cel, "message": self.message, "fieldPath": f".{self.field}"}


class Checked(BaseModel):
    """A part of a resource. Field names are ours; aliases are what users write."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )
    RULES: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="wrap")
    @classmethod
    def _keep_the_rules(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401 - raw JSON
        model = handler(data)
        for rule in cls.RULES:
            if not rule.holds(model):
                value = data.get(rule.field) if isinstance(data, Mapping) else data
                raise PydanticCustomError(
                    "rule", "{remedy}", {"remedy": rule.message, "at": rule.field, "value": value}
                )
        return model

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /) -> JsonSchemaValue:
        """Add the CEL rules to the schema of the class."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        if rules := [rule.schema() for rule in cls.RULES if rule.cel]:
            schema[VALIDATIONS] = rules
        return schema

    def given(self, *names: str) -> dict[str, Any]:
        """Return the named fields (all where none is named) that the user wrote, by our names."""
        return {name: value for name in names or type(self).model_fields if (value := getattr(self, name)) is not None}


class Closed(Checked):
    """A part that refuses fields it does not know: a router must not run less than it was told."""

    model_config = ConfigDict(extra="forbid")


def read(model: type[_Model], body: Mapping[str, Any], root: str = "") -> _Model:
    """Parse a mapping, or raise the first problem.

    Raises:
        InvalidField: a field is missing, of the wrong type, or out of its range; `root` prefixes its path.
    """
    try:
        return model.model_validate(dict(body))
    except ValidationError as error:
        raise _problem(error.errors(include_url=False)[0], root) from None


def _problem(detail: ErrorDetails, root: str) -> InvalidField:
    context = detail.get("ctx", {})
    if detail["type"] == "rule":
        return InvalidField(_path(root, (*detail["loc"], context["at"])), context["value"], detail["msg"])
    value = None if detail["type"] == "missing" else detail["input"]
    return InvalidField(_path(root, detail["loc"]), value, _remedy(detail["type"], context) or detail["msg"])


def _path(root: str, parts: Iterable[int | str]) -> str:
    path = root
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
    return path


_REMEDIES: Mapping[str, str] = {
    "missing": "this field is required",
    "extra_forbidden": "no such field in this version; remove it, or upgrade Penstock",
    "string_type": "write a string",
    "string_pattern_mismatch": 'write a decimal number as a string, such as "10.0"',
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "finite_number": "write a finite number",
    "bool_type": "write true or false",
    "list_type": "write a list",
    "dict_type": "write a mapping",
    "model_type": "write a mapping",
    "enum": "write one of {expected}",
    "literal_error": "write {expected}",
    "greater_than": "write a number above {gt:g}",
    "greater_than_equal": "write a number of at least {ge:g}",
    "less_than_equal": "write a number of at most {le:g}",
    "string_too_short": "write at least {min_length} character(s)",
    "string_too_long": "write at most {max_length} characters",
    "too_long": "keep at most {max_length} entries",
    "too_short": "write at least {min_length} entry",
}


def _remedy(kind: str, context: Mapping[str, Any]) -> str:
    return _REMEDIES.get(kind, "").format_map(context)
