"""One calm scene for tests of decisions: a test names only what differs from it.

Namespace `llm`, one variant `chat` of model `default/default` on an A100 with WVA's sample profile, which serves
0.826 requests/s within 500 ms and 24 ms at 100 tokens in and 128 out.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from penstock.domain.catalogue import Catalogue, ModelScope
from penstock.domain.decisions import Decision, Outcome, Verdict
from penstock.domain.observations import Observation, PodMetrics, Scrape, Target
from penstock.domain.readings import ABSENT, Known, Reading
from penstock.domain.reasons import ActiveReason, DecisionReason, TargetReason
from penstock.domain.variants import Actuation, ObjectKey, PerfProfile, SloOverride, TargetRef, Variant
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.history import ModelPast
from penstock.scaling.memory import Change, Memory, Remembered
from penstock.scaling.stabilise import Recommendations

NOW = 1_700_000_000.0
MODEL = "default/default"
PROFILE = PerfProfile(
    accelerator="A100",
    accelerators_per_replica=1,
    max_batch=4,
    alpha_ms=20.58,
    beta_ms=0.41,
    gamma_ms=20.58,
    delta_ms=0.041,
)
PER_REPLICA = 0.8262882  # requests per second
PATIENCE = 1 + 0.5 / (180 + 60)  # of who may wait half a second, beside the time until more can serve
ROOM = (1 + 0.08 * math.sqrt((180 + 60) / 600) * math.log(100)) / PATIENCE  # for what comes within a start, at 99.5 %


def variant(name: str = "chat", namespace: str = "llm", **changes: Any) -> Variant:
    """Return the calm variant, with changes; its target is the Deployment of its name."""
    calm = Variant(
        key=ObjectKey(namespace, name),
        uid=f"uid-{name}",
        generation=3,
        created_at_s=NOW - 86_400,
        model=MODEL,
        target=TargetRef(api_version="apps/v1", kind="Deployment", name=name),
        legacy_shape=False,
        controller_instance="",
        accelerator="A100",
        cost_per_replica_per_h=40.0,
        min_replicas=None,
        max_replicas=None,
        slo=SloOverride(ttft_s=0.5, tpot_s=0.024),
        slo_class_ref=None,
        profiles=(PROFILE,),
        actuation=None,
        startup_time_s=None,
        schedules=(),
        paused=False,
    )
    return replace(calm, **changes)


def target(of: Variant, current: int | None = 1, **changes: Any) -> Target:
    """Return a healthy target with `current` ready replicas, called chat-0, chat-1 and so on."""
    count = changes.get("ready", current or 0)
    calm = Target(
        ref=of.target,
        state=TargetReason.FOUND,
        facts={},
        uid=f"uid-target-{of.target.name}",
        current=current,
        ready=count,
        ready_pods=count,
        pods=frozenset(pod_name(of, number) for number in range(count)),
    )
    return replace(calm, **changes)


def missing(of: Variant) -> Target:
    """Return the target of a variant whose Deployment is not there."""
    facts = {"kind": of.target.kind, "namespace": of.key.namespace, "name": of.target.name}
    return Target(ref=of.target, state=TargetReason.NOT_FOUND, facts=facts)


def pod_name(of: Variant, number: int = 0) -> str:
    """Return the name of a variant's pod."""
    return f"{of.target.name}-{number}"


def known(value: float, at_s: float = NOW) -> Known:
    """Return a fresh reading."""
    return Known(value, at_s)


def row(
    of: Variant, number: int = 0, *, rate: float | Reading | None = 0.5, at_s: float = NOW, **changes: Any
) -> PodMetrics:
    """Return what one pod reports: half a request per second, nothing waiting, WVA's sample lengths and latencies."""
    completed = rate if isinstance(rate, Reading) else ABSENT if rate is None else known(rate, at_s)
    calm = PodMetrics(
        namespace=of.key.namespace,
        pod=pod_name(of, number),
        model=of.model,
        sampled_at_s=at_s,
        running=known(1, at_s),
        waiting=known(0, at_s),
        kv_usage_ratio=known(0.2, at_s),
        completed_per_s=completed,
        backlog_growth_per_s=known(0, at_s),
        input_tokens=known(100, at_s),
        output_tokens=known(128, at_s),
        ttft_s=known(0.0978, at_s),
        tpot_s=known(0.0215, at_s),
    )
    return replace(calm, **changes)


def idle_row(of: Variant, number: int = 0, *, at_s: float = NOW) -> PodMetrics:
    """Return what a pod reports that never served: gauges, no counter, no histogram (llm-d-inference-sim at rest)."""
    nothing = known(0, at_s)
    return PodMetrics(
        namespace=of.key.namespace,
        pod=pod_name(of, number),
        model=of.model,
        sampled_at_s=at_s,
        running=nothing,
        waiting=nothing,
        kv_usage_ratio=nothing,
    )


def rows(of: Variant, count: int, *, total: float, at_s: float = NOW, **changes: Any) -> tuple[PodMetrics, ...]:
    """Return the rows of `count` pods that share `total` finished requests per second."""
    return tuple(row(of, number, rate=total / count, at_s=at_s, **changes) for number in range(count))


def observe(
    *variants: Variant,
    targets: Mapping[ObjectKey, Target] | None = None,
    seen: Iterable[PodMetrics] = (),
    now_s: float = NOW,
    catalogue: Catalogue | None = None,
    **scrape: Any,
) -> Observation:
    """Return an observation; a variant without a target given has one ready replica."""
    given = targets or {}
    return Observation(
        now_s=now_s,
        variants=variants,
        targets={one.key: given.get(one.key) or target(one) for one in variants},
        scrape=Scrape(at_s=now_s, rows=tuple(seen), **scrape),
        catalogue=catalogue or Catalogue(),
    )


def decide_one(observation: Observation, memory: Memory | None = None, config: Config | None = None) -> Decision:
    """Return the decision of the only variant."""
    (decision,), _ = decide(observation, memory or Memory(), config or Config())
    return decision


def by_name(
    observation: Observation, memory: Memory | None = None, config: Config | None = None
) -> dict[str, Decision]:
    """Return all decisions by the variant's name."""
    decisions, _ = decide(observation, memory or Memory(), config or Config())
    return {decision.key.name: decision for decision in decisions}


def remembering(*past: tuple[Variant, int], at_s: float = NOW - 3600) -> Memory:
    """Return a memory in which each variant was decided at `at_s`, and demand was known, and low, ever since."""
    variants, models = {}, {}
    for one, replicas in past:
        change = Change(at_s=at_s, reason=DecisionReason.STEADY, summary=f"{replicas}: calm", record_id="00c0ffee")
        variants[one.key] = Remembered(
            uid=one.uid,
            desired=replicas,
            decided_at_s=at_s,
            change=change,
            recommendations=Recommendations().adding(at_s, replicas),
        )
        models[ModelScope(one.key.namespace, one.model)] = ModelPast(since_s=at_s)
    return Memory(variants, models)


def handed_over(decision: Decision, at: Target) -> Outcome:
    """Return what becomes of a decision when acting on it succeeds."""
    reasons = {
        Actuation.SCALE: ActiveReason.SCALE_APPLIED,
        Actuation.METRICS: ActiveReason.GAUGE_PUBLISHED,
        Actuation.RECOMMEND: ActiveReason.RECOMMENDING,
    }
    active = decision.active or Verdict(reasons[decision.mode])
    if decision.desired is None:
        active = decision.active or Verdict(ActiveReason.HOLDING)
    scaled = active.reason is ActiveReason.SCALE_APPLIED and at.current is not None
    return Outcome(
        decision=decision,
        active=active,
        current=decision.desired if scaled else at.current,
        ready=at.ready,
        starting=at.starting,
        stuck=at.stuck,
        draining=at.draining,
    )
