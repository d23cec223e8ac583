"""Conditions as every Kubernetes object shows them."""

from typing import Annotated, Final

from pydantic import Field

from penstock.api.checked import Checked

BY_TYPE: Final = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


class Condition(Checked):
    """One aspect of the object's state."""

    type: str
    """Which aspect."""
    status: str | None = None
    """True, False or Unknown."""
    reason: str | None = None
    """Cause, as one word."""
    message: str | None = None
    """Cause and remedy, as a sentence."""
    observed_generation: int | None = None
    """Generation of the object that this was said of."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When status changed last."""


ConditionList = Annotated[list[Condition], Field(max_length=32, json_schema_extra=BY_TYPE)]
