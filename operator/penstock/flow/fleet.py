"""The endpoints of one router: which have room, which one a request gets, what is in flight where."""

import math
from collections.abc import Mapping, Sequence

from penstock.domain.policies import Saturation
from penstock.domain.requests import Endpoint, EndpointLoad
from penstock.flow.credit import detector
from penstock.flow.server import Server
from penstock.flow.views import EndpointView
from penstock.picking.pick import pick


class Fleet:
    """Endpoints by address; those in `open` have room. At `review_s` a limit changes next by time alone."""

    def __init__(self, saturation: Saturation) -> None:
        self._detector = detector(saturation)
        self._servers: dict[str, Server] = {}
        self._gone: dict[str, Server] = {}
        self.open: set[str] = set()
        self._turn = 0
        self.review_s = math.inf

    def __len__(self) -> int:
        return len(self._servers)

    @property
    def credit(self) -> int:
        """How many requests could be sent now."""
        return sum(max(0, server.limit - server.in_flight) for server in self._servers.values())

    def view(self) -> tuple[EndpointView, ...]:
        """Return every endpoint as it stands."""
        return tuple(EndpointView.of(server) for server in self._servers.values())

    def replace(self, endpoints: Sequence[Endpoint], now_s: float) -> None:
        """Take the ready endpoints. One that stays, or comes back while it still works for us, keeps its state."""
        known = {server.endpoint: server for server in (*self._gone.values(), *self._servers.values())}
        self._servers = {one.address: known[one] if one in known else Server(one, now_s) for one in endpoints}
        self._gone = {
            one.address: server
            for one, server in known.items()
            if server.in_flight and one.address not in self._servers
        }
        self._settle_all(now_s)

    def detect(self, saturation: Saturation, now_s: float) -> None:
        """Change the detector; what was learnt stays."""
        self._detector = detector(saturation)
        self._settle_all(now_s)

    def observe(self, loads: Mapping[str, EndpointLoad], now_s: float) -> None:
        """Take in gauges; unknown addresses, numbers that are none, and gauges older than the last are ignored."""
        for address, load in loads.items():
            server = self._servers.get(address)
            if server is None or not _is_news(server.load, load):
                continue
            server.observe(load)
            self._detector.learn(server, load)
        self._settle_all(now_s)

    def review(self, now_s: float) -> None:
        """Renew limits that have run out."""
        if now_s >= self.review_s:
            self._settle_all(now_s)

    def has_room(self, subset: frozenset[str] | None) -> bool:
        """Whether an endpoint that the subset allows may take one more."""
        if subset is None:
            return bool(self.open)
        return any(not self._servers[address].names.isdisjoint(subset) for address in self.open)

    def can_serve(self, subset: frozenset[str] | None) -> bool:
        """Whether the subset allows any endpoint at all; with none known, whether it could allow one."""
        if subset is None:
            return True
        if not self._servers:
            return bool(subset)
        return any(not server.names.isdisjoint(subset) for server in self._servers.values())

    def send(self, subset: frozenset[str] | None, now_s: float) -> tuple[Server, tuple[str, ...]]:
        """Choose an endpoint with room, count the request there, and return it with its fallbacks."""
        servers = list(self._servers.values())
        if subset is not None:
            servers = [server for server in servers if not server.names.isdisjoint(subset)]
        first, *fallbacks = pick(servers, self._turn)
        self._turn += 1
        server = self._servers[first]
        server.sent(now_s)
        self._settle(server)
        return server, tuple(fallbacks)

    def end(self, server: Server, now_s: float, *, answered: bool) -> None:
        """Count a request back; its endpoint may have left meanwhile."""
        server.ended(now_s, answered=answered)
        if self._servers.get(server.address) is server:
            self._settle(server)
        elif not server.in_flight and self._gone.get(server.address) is server:
            del self._gone[server.address]

    def answered(self, server: Server, served: str, now_s: float) -> Server:
        """Note that a response began, and return the endpoint it is counted at: that which `served`, if known."""
        other = self._servers.get(served)
        if other is not None and other is not server:
            self.end(server, now_s, answered=False)
            other.sent(now_s)
            self._settle(other)
            server = other
        server.unanswered -= 1
        return server

    def _settle_all(self, now_s: float) -> None:
        self.open.clear()
        self.review_s = math.inf
        for server in self._servers.values():
            server.limit, server.review_s = self._detector.limit(server, now_s)
            self.review_s = min(self.review_s, server.review_s)
            self._settle(server)

    def _settle(self, server: Server) -> None:
        server.weigh()
        if server.has_room:
            self.open.add(server.address)
        else:
            self.open.discard(server.address)


def _is_news(last: EndpointLoad | None, load: EndpointLoad) -> bool:
    """Whether gauges are numbers and newer than the last."""
    numbers = (load.at_s, load.running, load.waiting, load.kv_usage_ratio or 0.0)
    return all(map(math.isfinite, numbers)) and (last is None or load.at_s > last.at_s)
