"""A run as the demo would report it, made up: what the tests look at, and what a person may render."""

import math
import random

from penstock.report.model import Change, Dispatched, Mark, Order, Report, VariantTrack
from penstock.report.parts import Fact
from penstock.report.series import grid

WORKLOADS = (("checkout-burst", 5), ("chat-burst", 3), ("batch-burst", 1))


def sample(length_s: float = 60.0) -> Report:
    chance = random.Random(3)
    times = grid(length_s, 1.0)
    demand = [6 + 5 * math.sin(math.pi * t / length_s) ** 2 + chance.uniform(-0.7, 0.7) for t in times]
    l40s = [1 + (t > 8) + (t > 20) + (t > 26) - (t > 48) for t in times]
    h100 = [1 + (t > 18) - (t > 52) for t in times]
    variants = (
        track("chat-l40s", "L40S", l40s, 1.7),
        track("chat-h100", "H100", h100, 3.9),
    )
    served = [a * 1.7 + b * 3.9 for a, b in zip(lag(l40s), lag(h100), strict=True)]
    met = [min(1.0, 1.0 if s >= d else 0.55 + 0.4 * s / d) for d, s in zip(demand, served, strict=True)]
    queue = [max(0.0, round(4 * (d - s) + chance.uniform(0, 2))) for d, s in zip(demand, served, strict=True)]
    return Report(
        title="One minute of Penstock",
        lead="Real requests through Envoy and the router to emulated engines, whose number Penstock chose; at 30 s "
        "somebody edited the policy.",
        facts=(
            Fact(label="within the SLO", value="96.4 %", note="goal 95 %: TTFT 2 s, TPOT 100 ms", good=True),
            Fact(label="requests answered", value="412 of 412", note="none lost"),
            Fact(label="replicas", value="2 to 6", note="7 decisions"),
            Fact(label="cost", value="11.8/h", note="34 % below the most that ran"),
            Fact(label="policy in force after", value="0.4 s", note="from saving the file to the router"),
        ),
        grid_s=times,
        demand_per_s=(None, *demand[1:]),
        attainment_ratio=(None, None, *met[2:]),
        target_ratio=0.95,
        queued=tuple(queue),
        variants=variants,
        marks=(
            Mark(at_s=length_s / 2, label="policy generation 2"),
            Mark(at_s=length_s * 0.6, label="burst"),
            Mark(at_s=length_s * 2 / 3, label="after the edit"),
        ),
        orders=(
            order("Before the edit", length_s / 3, "wait 0.1, criticality 0.8, rate 0.1", by_criticality=True),
            order("After the edit", length_s * 2 / 3, "wait 0.8, criticality 0, rate 0.1", by_criticality=False),
        ),
        changes=(
            change(8.0, "chat-l40s", 1, 2, "DemandUp", "7.1 req/s expected in 5 s, one replica serves 1.7 req/s"),
            change(18.0, "chat-h100", 1, 2, "DemandUp", "9.8 req/s expected in 5 s, one replica serves 3.9 req/s"),
            change(20.0, "chat-l40s", 2, 3, "DemandUp", "10.4 req/s expected in 5 s"),
            change(26.0, "chat-l40s", 3, 4, "DemandUp", "11.2 req/s expected in 5 s"),
            change(48.0, "chat-l40s", 4, 3, "DemandDown", "7.7 req/s for 10 s"),
            change(52.0, "chat-h100", 2, 1, "DemandDown", "6.9 req/s for 10 s"),
        ),
        notes=(
            "Traffic: synthetic traffic shipped with Penstock.",
            "Recorded time runs ten times as fast; the scaling pass runs every 2 s instead of every 15 s.",
            "Rates are over windows of five scrapes; an engine starts in 5 s.",
        ),
    )


def lag(counts: list[int], by: int = 5) -> list[int]:
    return [min(counts[at], counts[max(0, at - by)]) for at in range(len(counts))]


def track(name: str, accelerator: str, wanted: list[int], each: float) -> VariantTrack:
    return VariantTrack(
        name=name,
        accelerator=accelerator,
        desired=tuple(map(float, wanted)),
        ready=tuple(map(float, lag(wanted))),
        each_per_s=tuple(each for _ in wanted),
    )


def change(at_s: float, variant: str, before: int, after: int, reason: str, why: str) -> Change:
    return Change(at_s=at_s, variant=variant, before=before, after=after, reason=reason, why=why)


def order(title: str, at_s: float, policy: str, *, by_criticality: bool) -> Order:
    arrived = [
        Dispatched(request_id=f"burst-{n}", workload=name, criticality=criticality, arrived=n + 1)
        for n, (name, criticality) in enumerate(tuple(reversed(WORKLOADS)) * 16)
    ]
    ranked = sorted(arrived[8:], key=lambda one: (-one.criticality, one.arrived)) if by_criticality else arrived[8:]
    return Order(title=title, at_s=at_s, policy=policy, dispatched=(*arrived[:8], *ranked))
