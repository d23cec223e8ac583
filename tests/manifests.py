"""YAML read by libyaml, where it is at hand: definitions of thousands of lines take pure Python half a second."""

from typing import Any, Final

import yaml

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def documents(text: str) -> list[Any]:
    """Return the documents of a text."""
    return list(yaml.load_all(text, _LOADER))
