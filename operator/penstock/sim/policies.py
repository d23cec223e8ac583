"""What a policy of replica counts is to the simulator: what it may see, and what it answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from penstock.domain.observations import Observation


class Served(NamedTuple):
    """One finished request; `tpot_s` is None for a single token."""

    at_s: float
    variant: str
    input_tokens: int
    output_tokens: int
    ttft_s: float
    tpot_s: float | None


class FirstToken(NamedTuple):
    """The first token of one request; it may not be finished yet."""

    at_s: float
    variant: str
    ttft_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterView:
    """What an endpoint picker exports right now. In-flight requests include those that wait inside engines.

    `in_flight_tokens` are those of prompts sent to an engine whose first token has not come back yet.
    """

    queued: int
    in_flight: Mapping[str, int]
    in_flight_tokens: int
    arrived: int
    arrived_input_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Replicas of one variant: asked for, there (ready, starting or stuck), serving, and without a place."""

    wanted: int
    provisioned: int
    ready: int
    stuck: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a policy may look at, at `now_s` (seconds since the run began; the observation's clock is the same).

    `observation` is of the last scrape; `router` is live, as a controller would read it from the picker itself;
    `served` are the requests that finished in the last five minutes and `first_tokens` those that came then, both
    oldest first, for laws that need quantiles: a router observes the time to a first token long before the end.
    """

    now_s: float
    observation: Observation
    router: RouterView
    fleet: Mapping[str, Counts]
    served: Sequence[Served]
    first_tokens: Sequence[FirstToken] = ()


class Policy(Protocol):
    """Decides replicas every `tick_s` seconds; keeps its own state, and is used for one run only.

    One that has a true `wakes` is asked at once, too, when a request finds nothing that runs or starts.
    """

    @property
    def tick_s(self) -> float:
        """Time from one decision to the next."""
        ...

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the wanted replicas by variant name; a variant left out keeps what it has."""
        ...
