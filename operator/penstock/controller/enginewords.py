"""What the command line of a pod's engine says of its batches, as vLLM reads it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_V1_BUDGET: Final = 8192  # vLLM's API server with its first engine, then the second
_V0_BUDGET: Final = 2048
_LEAST: Final = 2048  # without chunks a step takes a whole prompt, and never less than so much
_FALSE: Final = frozenset({"false", "0", "no", "off"})


def max_num_seqs(spec: Mapping[str, Any]) -> int | None:
    """Return how many requests the engine takes at a time; None where nobody says."""
    return _number(_line(spec), "max-num-seqs")


def token_budget(spec: Mapping[str, Any]) -> int | None:
    """Return how many tokens the engine takes in one step; None where nothing is said that has a bearing on it."""
    line = _line(spec)
    written = _number(line, "max-num-batched-tokens")
    if written is not None:
        return written
    old = _environment(spec).get("VLLM_USE_V1", "").strip().lower() in _FALSE
    chunked = _chunked(line)
    if chunked is None and not old:
        return None
    if chunked:
        return _V0_BUDGET if old else _V1_BUDGET
    return max(_number(line, "max-model-len") or 0, _LEAST)


def _chunked(line: str) -> bool | None:
    """Return whether prompts are cut into chunks, None where the default holds: the first engine does not."""
    if _has(line, "no-enable-chunked-prefill"):
        return False
    if not _has(line, "enable-chunked-prefill"):
        return None
    return (_value(line, "enable-chunked-prefill") or "").lower() not in _FALSE


def _number(line: str, name: str) -> int | None:
    value = _value(line, name)
    return int(value) if value is not None and value.isdecimal() else None


def _value(line: str, name: str) -> str | None:
    """Return the last value of an option: written with `=` or a blank, with hyphens or underscores."""
    found = re.findall(rf"(?<!\S)--{_spelt(name)}(?:=|\s+)([^\s-]\S*)", line)
    return str(found[-1]).strip("\"'") if found else None


def _has(line: str, name: str) -> bool:
    return re.search(rf"(?<!\S)--{_spelt(name)}(?![\w-])", line) is not None


def _spelt(name: str) -> str:
    return name.replace("-", "[-_]")


def _line(spec: Mapping[str, Any]) -> str:
    return " ".join(_words(spec.get("containers") or ()))


def _words(containers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for container in containers:
        yield from (str(word) for word in container.get("command") or ())
        yield from (str(word) for word in container.get("args") or ())


def _environment(spec: Mapping[str, Any]) -> dict[str, str]:
    named = (one for container in spec.get("containers") or () for one in container.get("env") or ())
    return {str(one.get("name")): str(one.get("value", "")) for one in named}
