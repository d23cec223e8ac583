"""The endpoints as Envoy reads them: an EDS file that is replaced by rename, so that no half of one is ever seen."""

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from penstock.domain.requests import Endpoint
from penstock.router.envoyconfig import cluster_load_assignment

_log: Final = logging.getLogger("penstock.router.eds")


class EdsFile:
    """One file, in a folder that Envoy sees too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: tuple[str, ...] | None = None

    def prepare(self) -> None:
        """Make an empty file where there is none: Envoy does not start without it. One that is there may be right."""
        if not self._path.exists():
            self.write(())

    def write(self, endpoints: Iterable[Endpoint]) -> None:
        """Replace the file if the addresses changed; a failure is logged and tried again at the next call."""
        addresses = tuple(endpoint.address for endpoint in endpoints)
        if addresses == self._written:
            return
        fresh = self._path.with_name(f".{self._path.name}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(cluster_load_assignment(addresses)))
            fresh.replace(self._path)
        except OSError as error:
            _log.warning("EDS file could not be written", extra={"path": str(self._path), "error": str(error)})
            return
        self._written = addresses
