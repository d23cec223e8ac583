"""Serving certificates: self-signed for the life of the process, or a folder's pair that is re-read when it changes."""

import datetime
import ipaddress
import os
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from penstock.domain.errors import InvalidField

CERTIFICATE, KEY = "tls.crt", "tls.key"
_LIFE: Final = datetime.timedelta(days=3650)
_SKEW: Final = datetime.timedelta(hours=1)  # a client's clock may be behind ours


def self_signed(names: Sequence[str], now: datetime.datetime) -> tuple[bytes, bytes]:
    """Return certificate and key as PEM, valid for ten years for these DNS names and for loopback.

    Nobody can check who signed it: callers trust the bearer token's audience instead, or pin it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "penstock-router")])
    loopback = [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1")]
    alternatives = [x509.DNSName(name) for name in ("localhost", *names) if name]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([*alternatives, *loopback]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


@dataclass(slots=True)
class ServerTls:
    """One pair of files and the contexts made from it; `refresh` loads a changed pair into all of them."""

    certificate: Path
    key: Path
    _contexts: list[ssl.SSLContext] = field(default_factory=list)
    _seen: tuple[int, int] = (0, 0)

    def context(self, protocols: Sequence[str]) -> ssl.SSLContext:
        """Return a server context that offers these ALPN protocols.

        Raises:
            InvalidField: the pair cannot be read, or certificate and key do not belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(list(protocols))
        self._load(context)
        self._seen = self._stamp()
        self._contexts.append(context)
        return context

    def refresh(self) -> bool:
        """Load the pair again if a file changed; connections made from now on use it.

        Raises:
            InvalidField: the new pair cannot be used; the old one stays in force.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # a trial, so that no live context is left half changed
        for context in self._contexts:
            self._load(context)
        return True

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise InvalidField(
                "--cert-path", str(self.certificate.parent), f"put a matching {CERTIFICATE} and {KEY} there ({error})"
            ) from None

    def _stamp(self) -> tuple[int, int]:
        try:
            return self.certificate.stat().st_mtime_ns, self.key.stat().st_mtime_ns
        except OSError:
            return self._seen


def from_folder(folder: Path) -> ServerTls:
    """Return the pair `tls.crt`, `tls.key` of a folder; read when the first context is made."""
    return ServerTls(folder / CERTIFICATE, folder / KEY)


def generated(names: Sequence[str], now: datetime.datetime) -> ServerTls:
    """Return a new self-signed pair; its key rests in a private folder only until the contexts are made.

    Python loads certificates from files alone, so `forget` removes them as soon as every context exists.
    """
    certificate, key = self_signed(names, now)
    folder = Path(tempfile.mkdtemp(prefix="penstock-tls-"))
    for name, content in ((CERTIFICATE, certificate), (KEY, key)):
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    return from_folder(folder)


def forget(pair: ServerTls) -> None:
    """Delete a generated pair's files and folder; contexts made from it go on."""
    for path in (pair.certificate, pair.key):
        path.unlink(missing_ok=True)
    pair.certificate.parent.rmdir()
