"""Endpoints from a YAML or JSON file, for places without an API server; it may change at any time.

endpoints:
- 10.0.0.7:8000                                     # an address alone,
- {address: "10.0.0.8:8000", pod: chat-1}           # with the name of what serves there,
- {address: 10.0.0.9, port: "8000", name: chat-2}   # or as llm-d-router's file discovery has it
"""

import asyncio
import ipaddress
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from penstock.domain.errors import InvalidField
from penstock.domain.requests import Endpoint
from penstock.router.sources import Publish, Scope

LOOK_EVERY_S: Final = 0.2
MOST_BYTES: Final = 1 << 20
_KEYS: Final = frozenset({"address", "port", "pod", "name", "namespace", "labels"})
_log: Final = logging.getLogger("penstock.router.endpoints")


class FileEndpoints:
    """Looks at the file's times five times a second; a file that cannot be used leaves the last good set in force."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] | None = None

    @property
    def scope(self) -> Scope | None:
        """None: a file names addresses."""
        return None

    async def run(self, publish: Publish) -> None:
        """Publish when the file was read, and again after each change of its content."""
        published: tuple[Endpoint, ...] | None = None
        while True:
            found = self._changed()
            if found is not None and found != published:
                published = found
                publish(found)
            await asyncio.sleep(LOOK_EVERY_S)

    def _changed(self) -> tuple[Endpoint, ...] | None:
        """Return the endpoints if the file is new and good."""
        try:
            status = self._path.stat()
            stamp: tuple[int, ...] = (status.st_mtime_ns, status.st_size, status.st_ino)
        except OSError:
            stamp = ()
        if stamp == self._seen:
            return None
        self._seen = stamp
        try:
            return parse(self._read())
        except InvalidField as error:
            _log.warning("endpoints file cannot be used; the last good one holds", extra={"error": str(error)})
            return None

    def _read(self) -> str:
        try:
            with self._path.open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
            if len(raw) > MOST_BYTES:
                raise InvalidField("--endpoints-file", str(self._path), "keep it below 1 MiB")
            return raw.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidField("--endpoints-file", str(self._path), f"make it readable ({error})") from None


def parse(text: str) -> tuple[Endpoint, ...]:
    """Return the endpoints of a file, each address once.

    Raises:
        InvalidField: no YAML, or an entry that is none; `field` says which.
    """
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidField("endpoints", str(error), "write valid YAML or JSON") from None
    rows = body.get("endpoints") if isinstance(body, Mapping) else body
    if not isinstance(rows, list):
        raise InvalidField("endpoints", rows, "write a list of addresses such as 10.0.0.7:8000")
    found = [_endpoint(row, f"endpoints[{place}]") for place, row in enumerate(rows)]
    return tuple({endpoint.address: endpoint for endpoint in reversed(found)}.values())[::-1]


def _endpoint(row: object, field: str) -> Endpoint:
    if isinstance(row, str):
        return Endpoint(address=_address(row, field))
    if not isinstance(row, Mapping):
        raise InvalidField(field, row, "write ip:port, or a mapping with address")
    for key in row:
        if key not in _KEYS:
            raise InvalidField(f"{field}.{key}", row[key], f"remove it; known are {', '.join(sorted(_KEYS))}")
    address = _address(_joined(row), f"{field}.address")
    return Endpoint(address=address, pod=str(row.get("pod") or row.get("name") or ""))


def _joined(row: Mapping[str, Any]) -> str:
    address = str(row.get("address", ""))
    if "port" not in row:
        return address
    return f"[{address}]:{row['port']}" if ":" in address else f"{address}:{row['port']}"


def _address(text: str, field: str) -> str:
    """Return `ip:port` or `[ip6]:port` in one spelling."""
    host, _, port = text.rpartition(":")
    try:
        ip = ipaddress.ip_address(host.strip("[]"))
        number = int(port)
    except ValueError:
        raise InvalidField(field, text, "write an IP address and a port, such as 10.0.0.7:8000") from None
    if not 1 <= number <= 65535:
        raise InvalidField(field, text, "write a port from 1 to 65535")
    return f"[{ip}]:{number}" if ip.version == 6 else f"{ip}:{number}"
