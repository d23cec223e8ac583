"""Which listeners of a router speak TLS, and with which certificate."""

import asyncio
import datetime
import logging
import ssl
from dataclasses import dataclass
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.router import certificates
from penstock.router.certificates import ServerTls
from penstock.settings.router import RouterSettings

LOOK_EVERY_S: Final = 10.0
_log: Final = logging.getLogger("penstock.router.tls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """Contexts of ext_proc and of the admin API, None for plain text; the pair that may change on disk, if one may."""

    wire: ssl.SSLContext | None
    admin: ssl.SSLContext | None
    reloaded: ServerTls | None


def contexts(settings: RouterSettings) -> Contexts:
    """Return the contexts: ext_proc as asked for, the admin API always but in local mode.

    Raises:
        InvalidField: the certificate cannot be used.
    """
    if settings.local and not settings.secure_serving:
        return Contexts(wire=None, admin=None, reloaded=None)
    pair = _pair(settings)
    try:
        return Contexts(
            wire=pair.context(["h2"]) if settings.secure_serving else None,
            admin=None if settings.local else pair.context(["http/1.1"]),
            reloaded=pair if settings.cert_path else None,
        )
    finally:
        if settings.cert_path is None:
            certificates.forget(pair)


def _pair(settings: RouterSettings) -> ServerTls:
    if settings.cert_path is not None:
        return certificates.from_folder(settings.cert_path)
    return certificates.generated([settings.pod_name], datetime.datetime.now(datetime.UTC))


async def keep_fresh(pair: ServerTls) -> None:
    """Look for a changed pair for ever; one that cannot be used leaves the old one in force."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            if pair.refresh():
                _log.info("certificate read again", extra={"path": str(pair.certificate)})
        except InvalidField as error:
            _log.warning("new certificate ignored", extra={"error": str(error)})
