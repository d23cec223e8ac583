"""Self-signed pairs, pairs from a folder, and what happens when a pair changes on disk."""

import asyncio
import datetime
import os
import ssl
from pathlib import Path

import pytest

from penstock.domain.errors import InvalidField
from penstock.router import certificates

NOW = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)


def write(folder: Path, pair: tuple[bytes, bytes], stamp_s: int) -> None:
    for name, content in zip(("tls.crt", "tls.key"), pair, strict=True):
        (folder / name).write_bytes(content)
        os.utime(folder / name, (stamp_s, stamp_s))


async def served(context: ssl.SSLContext) -> bytes:
    """Return the certificate that a TLS server with this context shows."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        await writer.wait_closed()
    return shown


def test_a_generated_pair_verifies_for_its_names_and_leaves_no_key_behind() -> None:
    pair = certificates.generated(["penstock-router.llm.svc"], NOW)
    folder = pair.certificate.parent
    mode = pair.key.stat().st_mode & 0o777

    pair.context(["h2"])
    certificates.forget(pair)

    assert mode == 0o600
    assert not folder.exists()


async def test_a_changed_pair_is_served_to_new_connections(tmp_path: Path) -> None:
    old, new = (certificates.self_signed([], NOW) for _ in range(2))
    write(tmp_path, old, 1)
    pair = certificates.from_folder(tmp_path)
    context = pair.context(["h2"])
    before = await served(context)

    write(tmp_path, new, 2)
    changed = pair.refresh()

    assert (changed, pair.refresh()) == (True, False)
    assert await served(context) != before
    assert await served(context) == ssl.PEM_cert_to_DER_cert(new[0].decode())


async def test_a_pair_that_does_not_match_is_refused_and_the_old_one_serves_on(tmp_path: Path) -> None:
    old, new = (certificates.self_signed([], NOW) for _ in range(2))
    write(tmp_path, old, 1)
    pair = certificates.from_folder(tmp_path)
    context = pair.context(["h2"])

    write(tmp_path, (new[0], old[1]), 2)
    with pytest.raises(InvalidField):
        pair.refresh()

    assert await served(context) == ssl.PEM_cert_to_DER_cert(old[0].decode())


@pytest.mark.parametrize("content", [None, b"junk"], ids=["missing", "junk"])
def test_an_unusable_pair_stops_the_start(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        write(tmp_path, (content, content), 1)

    with pytest.raises(InvalidField) as caught:
        certificates.from_folder(tmp_path).context(["h2"])

    assert caught.value.field == "--cert-path"


def test_a_folder_that_vanishes_for_a_moment_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, certificates.self_signed([], NOW), 1)
    pair = certificates.from_folder(tmp_path)
    pair.context(["h2"])

    pair.certificate.unlink()

    assert pair.refresh() is False
