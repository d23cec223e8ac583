"""Ports for servers that must be told theirs before they listen."""

import random
import socket
from contextlib import suppress


def free_ports(count: int) -> list[int]:
    """Return free ports below those that outgoing connections take, so that nothing takes one before its server does.

    Chosen by the system: workers of one run share the seed of the tests, and would all choose the same.
    """
    ports: list[int] = []
    for port in random.SystemRandom().sample(range(20_000, 30_000), 200):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
        if len(ports) == count:
            break
    return ports
