"""Objects that users see, and objects that cannot be: parser and API server tell of them with the same sentence."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[2] / "examples"
_PROFILE = {
    "acc": "A100",
    "accCount": 1,
    "maxBatchSize": 4,
    "perfParms": {"decodeParms": {"alpha": "1", "beta": "1"}, "prefillParms": {"gamma": "1", "delta": "1"}},
}


@dataclass(frozen=True, kw_only=True)
class Bad:
    """A change to the spec of a good object, and what is said of it; `by` is cel, schema or us."""

    name: str
    change: Mapping[str, Any]
    field: str
    remedy: str
    by: str

    def of(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the object with the change."""
        return changed(body, {"spec": self.change})


def bad(name: str) -> list[Bad]:
    """Return the rows of one table in this folder."""
    return [Bad(**row) for row in yaml.safe_load((Path(__file__).parent / name).read_text())]


def example(name: str) -> dict[str, Any]:
    """Return one of the examples that users see."""
    return dict(yaml.safe_load((EXAMPLES / name).read_text()))


def examples(prefix: str) -> list[str]:
    """Return the names of the examples of one kind."""
    return sorted(path.name for path in EXAMPLES.glob(f"{prefix}-*.yaml"))


def profile(**change: Any) -> dict[str, Any]:
    """Return a model profile of October 2025 with a change."""
    return {"modelProfile": {"accelerators": [changed(_PROFILE, change)]}}


def changed(body: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy with a change merged in; None takes a field away."""
    result = copy.deepcopy(dict(body))
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), dict):
            result[key] = changed(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result
