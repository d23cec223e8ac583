"""Addresses of this machine, for servers that an API server's proxy shall reach."""

import socket

from tests.needs import missing


def own_address() -> str:
    """Return an address of this machine that is no loopback: to those the API server's proxy does not go."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a datagram socket that connects sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return missing("an address besides loopback", "give this machine one, `ip addr add 192.0.2.2/32 dev lo`")
