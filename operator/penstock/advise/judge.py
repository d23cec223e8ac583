"""Judges whether a model's past carries an answer, and plans what is to be played for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Final

from penstock.advise.blocks import Block, chosen
from penstock.advise.calibrate import Fitted, fitted
from penstock.advise.past import ModelPast, VariantPast
from penstock.advise.replay import Job
from penstock.advise.sureness import Grounds, Level, sureness
from penstock.advise.tracks import Column
from penstock.advise.wish import Wish
from penstock.scaling.config import Config
from penstock.sim.scene import StartupLaw, VariantSpec

_CVS: Final = (0.96, 0.77)  # of Azure's public conversation trace of 2023, where no histogram tells
_ROOM: Final = 2  # times the replicas that ever ran may be asked for
_LEAST_ROOM: Final = 4
_SHORTEST_S: Final = 15.0
_STARTS: Final = 3  # measured ones, from which on they are believed


@dataclass(frozen=True, slots=True, kw_only=True)
class NotJudged:
    """A model without an answer, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One workload of a model as it is played: `name` is unique among them."""

    past: VariantPast
    spec: VariantSpec
    fitted: Fitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be played of a model."""

    past: ModelPast
    variants: tuple[Variant, ...]
    blocks: tuple[Block, ...]
    jobs: tuple[Job, ...]


def plan(past: ModelPast, wish: Wish) -> Plan | NotJudged:
    """Return what to play, or why this past carries no answer."""
    weak = sureness(grounds_of(past))
    if weak.level is Level.NONE:
        return NotJudged(name=past.name, why="; ".join(weak.because))
    if not any(past.lengths):
        return NotJudged(name=past.name, why="no histogram of prompt and answer lengths")
    variants = []
    for one in past.variants:
        found = _variant(one, past, wish)
        if isinstance(found, str):
            return NotJudged(name=past.name, why=found)
        variants.append(found)
    blocks = chosen(past, wish.block_s, wish.most_requests, Random(wish.seed))
    if not blocks:
        return NotJudged(name=past.name, why="no four hours on end were scraped")
    jobs = tuple(_job(past, variants, block, wish) for block in blocks)
    return Plan(past=past, variants=tuple(variants), blocks=blocks, jobs=jobs)


def grounds_of(past: ModelPast) -> Grounds:
    """Return what is known before anything is played."""
    return Grounds(days=past.days, requests=past.requests, unscraped_ratio=past.unscraped_ratio, points=0.0)


def _variant(past: VariantPast, model: ModelPast, wish: Wish) -> Variant | str:
    name = past.owner.name or "unnamed"
    accelerator, count = past.accelerator or wish.accelerator, past.accelerators_per_replica or wish.count or 1
    if accelerator is None:
        return f"accelerator of {name} unknown: name it with --accelerator"
    price = wish.price(accelerator)
    if price is None:
        return f"price of {accelerator} unknown: give it with --price '{accelerator}=USD_PER_HOUR'"
    engine = fitted(past, model.model, accelerator, count, model.cvs)
    if not engine.supposed and not engine.samples:
        return f"engine of {name} unknown: neither {accelerator} and the model's size nor latencies tell its speed"
    most = max((round(one) for one in past.counts if one), default=1)
    spec = VariantSpec(
        name=name,
        accelerator=accelerator,
        cost=engine.shape.cost,
        usd_per_h=price * count,
        max_replicas=max(_ROOM * most, _LEAST_ROOM),
        min_replicas=1,
        max_num_seqs=engine.shape.max_num_seqs,
        token_budget=engine.shape.token_budget,
        accelerators_per_replica=count,
        startup=StartupLaw(median_s=_startup_s(past, wish)),
    )
    return Variant(past=past, spec=spec, fitted=engine)


def _startup_s(past: VariantPast, wish: Wish) -> float:
    """Return how long a replica takes to start: as said, else as measured, else what the operator supposes."""
    if wish.startup_s is not None:
        return wish.startup_s
    return max(median(past.starts_s), _SHORTEST_S) if len(past.starts_s) >= _STARTS else Config().startup_prior_s


def _job(past: ModelPast, variants: Sequence[Variant], block: Block, wish: Wish) -> Job:
    first, last = block.first - block.lead, block.last
    cvs = tuple(default if cv is None else cv for cv, default in zip(past.cvs, _CVS, strict=True))
    return Job(
        model=past.model,
        variants=tuple(one.spec for one in variants),
        slo=wish.slo,
        step_s=past.grid.step_s,
        lead_s=block.lead * past.grid.step_s,
        counts=tuple(_filled(past.arrivals[first:last])),
        lengths=tuple(one or (1.0, 1.0) for one in past.lengths[first:last]),
        cvs=(cvs[0], cvs[1]),
        ran={one.spec.name: tuple(round(count) for count in _filled(one.past.counts)[first:last]) for one in variants},
        ahead_s=0.0 if all(one.past.told for one in variants) else max(one.spec.startup.median_s for one in variants),
        seed=1_000_000 * wish.seed + first,
    )


def _filled(column: Column) -> list[float]:
    """Return a column whose gaps hold what was before them."""
    found, latest = [], 0.0
    for value in column:
        latest = latest if value is None else value
        found.append(latest)
    return found
