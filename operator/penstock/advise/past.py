"""A model's past as it was recorded: demand, lengths, latencies, replicas and hardware, each with its gaps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.advise.tracks import Column, Grid, Owner, Track
from penstock.telemetry.pastqueries import Ask

Answers = Mapping[Ask, Sequence[Track]]
"""What Prometheus answered, by what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Five minutes of one variant, until `at_s`: requests a second of one replica, mean tokens and mean latencies."""

    at_s: float
    per_s: float
    replicas: int
    input_tokens: float
    output_tokens: float
    ttft_s: float
    tpot_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantPast:
    """One workload that served the model. `counts` are its replicas by step, `told` whether its platform told them.

    Told counts are of pods that were asked for; others are of pods that were scraped, and so were ready.
    `starts_s` are the times from asking for more to having them. `kv_tokens` is what one replica's cache holds,
    `accelerator` its GPU's name, each None where nothing tells.
    """

    owner: Owner
    counts: Column
    told: bool
    starts_s: tuple[float, ...]
    accelerator: str | None
    accelerators_per_replica: int | None
    kv_tokens: int | None
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """One hour from `start_s` (Unix): how many requests, and which share of them kept the targets."""

    start_s: float
    requests: float
    met_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPast:
    """One model. Each instant of the grid ends a step; the grid begins when the model was first seen.

    `arrivals` are requests within each step, `scraped` the share of the replicas that was seen then. `lengths` are
    mean tokens of prompts and answers within each step. `cvs` are their coefficients of variation.
    """

    namespace: str
    model: str
    grid: Grid
    arrivals: Column
    scraped: tuple[float, ...]
    lengths: tuple[tuple[float, float] | None, ...]
    cvs: tuple[float | None, float | None]
    hours: tuple[Hour, ...]
    variants: tuple[VariantPast, ...]

    @property
    def name(self) -> str:
        """Return namespace and model, as far as they are known."""
        return f"{self.namespace}/{self.model}" if self.namespace else self.model

    @property
    def days(self) -> float:
        """Return how many days were seen."""
        return sum(self.scraped) * self.grid.step_s / 86_400

    @property
    def unscraped_ratio(self) -> float:
        """Return the share of the time that was not seen."""
        return 1 - sum(self.scraped) / max(len(self.scraped), 1)

    @property
    def requests(self) -> float:
        """Return how many requests arrived while it was seen."""
        return sum(count for count in self.arrivals if count is not None)
