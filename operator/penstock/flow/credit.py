"""How many requests an endpoint may hold: three detectors of saturation, each with credit between scrapes.

A detector answers with a limit on our own requests in flight. What is sent after a scrape uses up what the scrape
left, so that a gate which opens on an old gauge cannot flood the engine's own first-in-first-out queue, where no
ordering reaches it (llm-d-router issue 2066).

Without gauges an endpoint starts at `START_LIMIT`; if none came for `BLIND_AFTER_S`, nobody scrapes it, and it gets
the fixed number of the Concurrency detector. Gauges older than `STALE_AFTER_S` never open a gate further.
"""

import math
from typing import Final, NamedTuple, Protocol

from penstock.domain.policies import Detector, Saturation
from penstock.domain.requests import EndpointLoad
from penstock.flow.server import START_LIMIT, Server

STALE_AFTER_S: Final = 5.0
BLIND_AFTER_S: Final = 5.0
WAITING_TOLERATED: Final = 1.0
KV_PROBE_RATIO: Final = 0.9
PROBE_RATIO: Final = 0.5
GROWTH_RATIO: Final = 0.1
SHRINK_RATIO: Final = 0.5


class Limit(NamedTuple):
    """At most `in_flight` requests of ours, until `until_s` or the next gauges."""

    in_flight: int
    until_s: float


class SaturationDetector(Protocol):
    """Decides how many requests an endpoint may hold."""

    def learn(self, server: Server, load: EndpointLoad) -> None:
        """Draw what is to be learnt from gauges that have just come in."""
        ...

    def limit(self, server: Server, now_s: float) -> Limit:
        """Return the limit in force."""
        ...


class Concurrency:
    """A fixed number per endpoint; gauges are not read."""

    def __init__(self, saturation: Saturation) -> None:
        self._limit = Limit(saturation.max_concurrency, math.inf)

    def learn(self, server: Server, load: EndpointLoad) -> None:
        """Learn nothing."""

    def limit(self, server: Server, now_s: float) -> Limit:  # noqa: ARG002 - one door for all detectors
        """Return the fixed number."""
        return self._limit


class Utilization:
    """Full when the engine queues `queue_depth` requests or its KV cache is filled to `kv_usage_ratio`."""

    def __init__(self, saturation: Saturation) -> None:
        self._saturation = saturation

    def learn(self, server: Server, load: EndpointLoad) -> None:
        """Learn nothing."""

    def limit(self, server: Server, now_s: float) -> Limit:
        """Return what was ours at the scrape plus what its queue had left; when stale, what was ours and no more."""
        load = server.load
        if load is None:
            return _unscraped(server, now_s, self._saturation)
        stale_s = load.at_s + STALE_AFTER_S
        if now_s >= stale_s:
            return Limit(max(1, server.seen_in_flight), math.inf)
        if load.kv_usage_ratio is not None and load.kv_usage_ratio >= self._saturation.kv_usage_ratio:
            return Limit(0, stale_s)
        left = math.ceil(self._saturation.queue_depth - load.waiting)
        return Limit(max(0, server.seen_in_flight + left), stale_s)


class Learned:
    """Learns what an endpoint runs at once without queueing.

    After Netflix's concurrency-limits and TCP Vegas, with the engine's own queue in place of the one they infer from
    delay. While we use at least half of it and nothing waits, the limit grows with each scrape: by half until the
    engine first queues more than one request (so no more than half of its slots ever wait), by a tenth from then on.
    When more than one waits it shrinks half-way towards our share of what runs. One waiting request is wanted: it
    bridges the way from here to the engine.
    """

    def __init__(self, saturation: Saturation) -> None:
        self._saturation = saturation

    def learn(self, server: Server, load: EndpointLoad) -> None:
        """Move the learnt limit by one scrape."""
        ours = server.seen_in_flight
        if load.waiting > WAITING_TOLERATED:
            share = ours * load.running / (load.running + load.waiting)
            server.learned = max(1.0, server.learned - max(0.0, server.learned - share) * SHRINK_RATIO)
            server.is_probing = False
        elif load.waiting < 1 and 2 * ours >= server.learned and (load.kv_usage_ratio or 0.0) < KV_PROBE_RATIO:
            ratio = PROBE_RATIO if server.is_probing else GROWTH_RATIO
            server.learned += max(1.0, server.learned * ratio)

    def limit(self, server: Server, now_s: float) -> Limit:
        """Return the learnt limit; stale gauges leave it as it is."""
        if server.load is None:
            return _unscraped(server, now_s, self._saturation)
        return Limit(int(server.learned), math.inf)


def _unscraped(server: Server, now_s: float, saturation: Saturation) -> Limit:
    """Return the limit of an endpoint that never told its load."""
    blind_s = server.added_s + BLIND_AFTER_S
    if now_s < blind_s:
        return Limit(min(int(START_LIMIT), saturation.max_concurrency), blind_s)
    return Limit(saturation.max_concurrency, math.inf)


_DETECTORS: Final[dict[Detector, type[Concurrency | Utilization | Learned]]] = {
    Detector.CONCURRENCY: Concurrency,
    Detector.UTILIZATION: Utilization,
    Detector.LEARNED: Learned,
}


def detector(saturation: Saturation) -> SaturationDetector:
    """Return the detector that the policy names."""
    return _DETECTORS[saturation.detector](saturation)
