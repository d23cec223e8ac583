"""Who we are towards Prometheus and whom we trust: a token and certificates whose files may change while we run."""

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from penstock.domain.errors import Unreachable
from penstock.settings.prometheus import POD_TOKEN_FILE, PrometheusSettings

REREAD_S: Final = 60.0


class Credentials:
    """Reads the files again each minute; what cannot be read just then stays as it was. `clock` counts seconds."""

    def __init__(self, settings: PrometheusSettings, clock: Callable[[], float]) -> None:
        self._settings, self._clock = settings, clock
        self._token, self._token_due_s = settings.token, float("-inf")
        self._tls: ssl.SSLContext | None = None
        self._tls_due_s = float("-inf")
        self._tls_seen: tuple[float, ...] = ()

    def headers(self) -> Mapping[str, str]:
        """Return the Authorization header, or nothing where there is no token."""
        if self._clock() >= self._token_due_s:
            self.renew()
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def renew(self) -> bool:
        """Read the token again now; return whether it is another one."""
        before, self._token_due_s = self._token, self._clock() + REREAD_S
        file = self._token_file()
        if file is not None:
            try:
                self._token = _one_line(file.read_text()) or before
            except OSError:
                self._token = before
        return self._token != before

    def _token_file(self) -> Path | None:
        if self._settings.token_file is not None:
            return self._settings.token_file
        return POD_TOKEN_FILE if self._settings.encrypted and not self._settings.token else None

    def tls(self) -> ssl.SSLContext | bool:
        """Return how to check the server and show ourselves; True where the connection is not encrypted.

        Raises:
            Unreachable: a file cannot be read, or holds no certificate or key.
        """
        if not self._settings.encrypted:
            return True
        if self._clock() >= self._tls_due_s:
            self._renew_tls()
        return self._tls if self._tls is not None else True

    def _renew_tls(self) -> None:
        seen = tuple(map(_changed_at, self._files()))
        if self._tls is None or seen != self._tls_seen:
            try:
                self._tls = _context(self._settings)
            except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
                if self._tls is None:
                    remedy = "check prometheusCA, prometheusClientCert and prometheusClientKey"
                    raise Unreachable(self._files_named(), "certificate file", remedy) from error
        self._tls_seen, self._tls_due_s = seen, self._clock() + REREAD_S

    def _files(self) -> list[Path]:
        one = self._settings
        return [file for file in (one.ca_file, one.client_cert_file, one.client_key_file) if file is not None]

    def _files_named(self) -> str:
        return ", ".join(map(str, self._files()))


def _context(settings: PrometheusSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.insecure_skip_verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if settings.client_cert_file is not None:
        context.load_cert_chain(settings.client_cert_file, settings.client_key_file)
    return context


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _one_line(text: str) -> str:
    """Return the token without the blanks around it; one with a line break inside could forge a header."""
    token = text.strip()
    return "" if any(char.isspace() for char in token) or not token.isprintable() else token
