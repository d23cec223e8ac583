"""One HTTPS connection that stays open between requests: a handshake costs both sides more than a request does."""

import http.client
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

IDLE_S = 30.0  # servers close after longer; a request must not meet that moment
TIMEOUT_S = 10.0


@dataclass(slots=True)
class KeptOpen:
    """A connection to a port of this machine; threads take turns. `ca_file` is read at the first request."""

    port: int
    ca_file: Path
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _connection: http.client.HTTPSConnection | None = None
    _used_s: float = 0.0

    def send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send one request and return status and body; what fails is not tried again, as it may have arrived.

        Raises:
            OSError: nobody listens, or the connection broke.
        """
        with self._turn:
            connection = self._open()
            try:
                connection.request(method, path, body, dict(headers))
                with connection.getresponse() as answer:
                    found = answer.status, answer.read()
            except BaseException:
                self._end()
                raise
            self._used_s = time.monotonic()
            return found

    def close(self) -> None:
        """End the connection; the next request makes another one."""
        with self._turn:
            self._end()

    def _open(self) -> http.client.HTTPSConnection:
        if self._connection is not None and time.monotonic() - self._used_s > IDLE_S:
            self._end()
        if self._connection is None:
            trusted = ssl.create_default_context(cafile=self.ca_file)
            self._connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=TIMEOUT_S, context=trusted)
        return self._connection

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
