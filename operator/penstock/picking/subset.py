"""Which endpoints a subset hint names: `ip:port` names one, a bare `ip` all ports of that address."""


def names(address: str) -> frozenset[str]:
    """Return all spellings under which a hint may name the endpoint `ip:port` or `[ip6]:port`."""
    host = address.rpartition(":")[0] or address
    return frozenset({address, host, host.strip("[]")})
