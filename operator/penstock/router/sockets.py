"""Listening sockets: one for all addresses of both families where the machine has them, else for what it has."""

import socket
from contextlib import suppress
from typing import Final

BACKLOG: Final = 1024


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; an empty host is every address, port 0 takes a free one.

    Raises:
        OSError: the address cannot be had.
    """
    if host:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return _made((host, port), family)
    if socket.has_dualstack_ipv6():
        # IPv6 may be compiled in and yet switched off; a port that is taken fails again below, with the right error
        with suppress(OSError):
            return _made(("", port), socket.AF_INET6, dual=True)
    return _made(("", port), socket.AF_INET)


def _made(address: tuple[str, int], family: socket.AddressFamily, *, dual: bool = False) -> socket.socket:
    made = socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=dual)
    made.setblocking(False)  # noqa: FBT003 - the standard library takes it by place
    return made
