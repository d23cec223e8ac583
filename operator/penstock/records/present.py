"""What has become of a variant since the pass that a record tells: edited, or amiss; in lines for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.domain.decisions import Decision


def present(decision: Decision, body: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return (name, text) of what the object, as it stands in the cluster, says beyond the decision; often nothing."""
    status = body.get("status") or {}
    since, amiss = _since(decision, body["metadata"].get("generation"), status), _amiss(status)
    return [line for line in (("since", since), ("amiss", amiss)) if line[1]]


def _since(decision: Decision, generation: int | None, status: Mapping[str, Any]) -> str:
    if generation is None or generation <= decision.generation:
        return ""
    edited = f"the object was edited: this rests on generation {decision.generation}, now it is at {generation}"
    if status.get("observedGeneration") == generation:
        return f"{edited}, which left the number as it is"
    return f"{edited}, which no pass has regarded yet"


def _amiss(status: Mapping[str, Any]) -> str:
    """Return what keeps the object from being Ready."""
    conditions = {one.get("type"): one for one in status.get("conditions") or ()}
    ready = conditions.get("Ready", {})
    return f"{ready.get('reason')}: {ready.get('message')}" if ready.get("status") == "False" else ""
