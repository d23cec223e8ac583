"""Log lines as text (`msg key=value …`, what people grep) or as JSON with the same keys; facts travel in `extra`."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_HIDDEN: Final = frozenset({"k8s_skip", "k8s_ref", "settings", "color_message"})  # kopf's own marks on its records

_PLAIN: Final = re.compile(r"[!#-<>-~]+")  # printable ASCII without blank, quote and equals sign: nearly every value
_NUMBERS: Final = frozenset({int, float})


def setup(level: str, style: str) -> None:
    """Send every log line to standard error; `style` is `text` or `json`, `level` a name such as `info`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(style))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def restyle(style: str) -> None:
    """Let the lines that `setup` sends be `text` or `json` from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, JsonLines | TextLines):
            handler.setFormatter(_formatter(style))


def _formatter(style: str) -> logging.Formatter:
    return JsonLines() if style == "json" else TextLines()


def facts(record: logging.LogRecord) -> dict[str, Any]:
    """Return what was passed as `extra`, in the order in which it was passed."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD and key not in _HIDDEN}


def one_line(value: object) -> str:
    """Return a value as `key=value` needs it: quoted if it holds a blank, a quote or anything unprintable."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if _PLAIN.fullmatch(text):
        return text
    if text and text.isprintable() and not any(char in text for char in ' "='):
        return text
    return json.dumps(text)


def text_line(created_s: float, level: str, logger: str, message: str, pairs: Mapping[str, Any]) -> str:
    """Return `2026-11-21T06:15:00.123Z INFO logger message key=value …`; `created_s` is Unix time."""
    parts = [_stamp(created_s), level, logger, _flat(message)]
    parts += [f"{k}={v}" if type(v) in _NUMBERS else f"{k}={one_line(v)}" for k, v in pairs.items()]
    return " ".join(parts)


def json_line(created_s: float, level: str, logger: str, message: str, pairs: Mapping[str, Any]) -> str:
    """Return one JSON object: `time`, `level`, `logger`, `msg`, then the pairs; what JSON cannot hold is text."""
    head = {"time": _stamp(created_s), "level": level.lower(), "logger": logger, "msg": message}
    return json.dumps({**head, **pairs}, default=str)


class TextLines(logging.Formatter):
    """`2026-11-21T06:15:00.123Z INFO logger message key=value …`."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record as one line, with a traceback below it where there is one."""
        line = text_line(record.created, record.levelname, record.name, record.getMessage(), facts(record))
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One JSON object per line: `time`, `level`, `logger`, `msg`, then the facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record; what JSON cannot hold is shown as text."""
        pairs = facts(record)
        if record.exc_info:
            pairs["traceback"] = self.formatException(record.exc_info)
        return json_line(record.created, record.levelname, record.name, record.getMessage(), pairs)


def _stamp(created_s: float) -> str:
    second, milliseconds = divmod(int(created_s * 1000), 1000)
    return f"{_second(second)}.{milliseconds:03d}Z"


@lru_cache(maxsize=8)
def _second(unix_s: int) -> str:
    """Return the part that all lines of a second share; a router writes thousands of them."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _flat(message: str) -> str:
    """Keep hostile input from starting a line of its own."""
    if "\n" not in message and "\r" not in message:
        return message
    return message.replace("\r", "\\r").replace("\n", "\\n")
