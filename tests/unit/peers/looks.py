"""Looks at a made-up fleet: what a policy is shown, from a few numbers."""

from collections.abc import Mapping, Sequence

from penstock.domain.catalogue import Catalogue
from penstock.domain.observations import Observation, PodMetrics, Scrape, Target
from penstock.domain.readings import Known, Reading
from penstock.domain.reasons import TargetReason
from penstock.domain.variants import ObjectKey, TargetRef
from penstock.engine.steptime import GPUS
from penstock.sim.policies import Counts, RouterView, Seen, Served
from penstock.sim.scene import PRICES_USD_PER_H, Scene, VariantSpec


def spec(
    name: str = "l40s", gpu: str = "L40S", *, most: int = 20, least: int = 0, initial: int = 1, usd: float | None = None
) -> VariantSpec:
    return VariantSpec(
        name=name,
        accelerator=gpu,
        cost=GPUS[gpu],
        usd_per_h=PRICES_USD_PER_H[gpu] if usd is None else usd,
        max_replicas=most,
        min_replicas=least,
        initial=initial,
    )


def scene(*variants: VariantSpec, length_s: float = 3600.0) -> Scene:
    return Scene(model="llama", variants=variants or (spec(),), length_s=length_s)


def counts(ready: int, *, starting: int = 0, stuck: int = 0) -> Counts:
    there = ready + starting + stuck
    return Counts(wanted=there, provisioned=there, ready=ready, stuck=stuck)


def row(pod: str, at_s: float = 0.0, **gauges: float) -> PodMetrics:
    readings: dict[str, Reading] = {name: Known(value, at_s) for name, value in gauges.items()}
    return PodMetrics(namespace="ns", pod=pod, model="llama", sampled_at_s=at_s, **readings)


def look(
    now_s: float,
    fleet: Mapping[str, Counts],
    *,
    rows: Mapping[str, Sequence[PodMetrics]] | None = None,
    in_flight: Mapping[str, int] | None = None,
    arrived: int = 0,
    arrived_input_tokens: int = 0,
    queued: int = 0,
    served: Sequence[Served] = (),
) -> Seen:
    rows = rows or {}
    targets = {ObjectKey("ns", name): _target(name, rows.get(name, ()), fleet[name]) for name in fleet}
    flat = tuple(one for pool in rows.values() for one in pool)
    return Seen(
        now_s=now_s,
        observation=Observation(
            now_s=now_s,
            variants=(),
            targets=targets,
            scrape=Scrape(at_s=now_s, rows=flat),
            catalogue=Catalogue(),
        ),
        router=RouterView(
            queued=queued,
            in_flight=in_flight or {},
            in_flight_tokens=0,
            arrived=arrived,
            arrived_input_tokens=arrived_input_tokens,
        ),
        fleet=fleet,
        served=served,
    )


def _target(name: str, rows: Sequence[PodMetrics], count: Counts) -> Target:
    return Target(
        ref=TargetRef(api_version="apps/v1", kind="Deployment", name=name),
        state=TargetReason.FOUND,
        facts={},
        current=count.wanted,
        ready=count.ready,
        pods=frozenset(one.pod for one in rows),
    )


def busy(pod: str, *, running: float, waiting: float = 0, kv: float = 0.1, at_s: float = 0.0) -> PodMetrics:
    """Return an engine amid conversations: 1,000 tokens in, 200 out, 2 requests a second."""
    return row(
        pod,
        at_s,
        running=running,
        waiting=waiting,
        kv_usage_ratio=kv,
        completed_per_s=2.0,
        input_tokens=1000.0,
        output_tokens=200.0,
        ttft_s=0.2,
        tpot_s=0.05,
    )
