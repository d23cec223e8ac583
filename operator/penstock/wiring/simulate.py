"""Joins a simulation: the scene of a file, its traffic, our decisions or a rival's, and what came of it."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from penstock.domain.units import format_duration, format_percent
from penstock.peers.all import rival
from penstock.peers.static import begun
from penstock.sim.ours import Ours
from penstock.sim.policies import Policy
from penstock.sim.results import Row, RunResult
from penstock.sim.run import run
from penstock.sim.scenefile import EXAMPLE, OURS, Scenario, scenario


def simulate(file: Path | None, seed: int, recordings: Path | None) -> dict[str, Any]:
    """Play a scene (without a file, the built-in one) and return what came of it, as JSON could hold it."""
    asked = scenario(file or EXAMPLE, seed, recordings)
    policy = _policy(asked)
    result = run(begun(asked.scene, policy), asked.arrivals, policy, seed)
    return {
        "file": str(file or EXAMPLE),
        "seed": seed,
        "policy": asked.policy,
        "model": asked.scene.model,
        "length_s": asked.scene.length_s,
        "traffic": {"requests": len(asked.arrivals), "credit": asked.credit},
        "slo": _slo(asked, result),
        "latency_s": {"ttft": _quantiles(result.ttft_s), "tpot": _quantiles(result.tpot_s)},
        "requests": {"killed": result.killed, "lost": result.lost, "unfinished": result.unfinished},
        "cost": {"usd_per_h": result.usd_per_h(), "usd": result.usd, "gpu_hours": result.gpu_hours},
        "replicas": {name: _replicas(result, name) for name in result.timeline},
        "scaling": {
            "events": result.scale_events,
            "reversals": result.reversals,
            "passes": result.passes,
            "blind_passes": result.blind_passes,
        },
        "changes": list(_changes(policy)),
    }


def text(found: dict[str, Any]) -> str:
    """Return the same for people."""
    slo, cost, scaling, requests = found["slo"], found["cost"], found["scaling"], found["requests"]
    lines = [
        f"{found['file']}: {found['model']}, {found['traffic']['requests']} requests in "
        f"{format_duration(found['length_s'])}, policy {found['policy']}, seed {found['seed']}",
        f"traffic     {found['traffic']['credit']}",
        f"within SLO  {_share(slo['attainment'])}, wanted {format_percent(slo['wanted'])} within "
        f"TTFT {format_duration(slo['ttft_s'])} and TPOT {format_duration(slo['tpot_s'])}",
        *(f"{name.upper():<11} {_line(row)}" for name, row in found["latency_s"].items()),
        f"cost        ${cost['usd_per_h']:.2f} an hour, {cost['gpu_hours']:.2f} GPU hours",
        *(f"{name:<11} {_counts(row)}" for name, row in found["replicas"].items()),
        f"changes     {scaling['events']}, of them {scaling['reversals']} back within ten minutes; "
        f"{scaling['blind_passes']} of {scaling['passes']} decisions without metrics",
        f"not served  {requests['killed']} ended by scaling, {requests['lost']} lost in crashes, "
        f"{requests['unfinished']} never finished",
    ]
    return "\n".join([*lines, *(_change(change) for change in found["changes"])])


def _policy(asked: Scenario) -> Policy:
    if asked.policy == OURS:
        return Ours(asked.scene)
    return rival(asked.policy).policy(asked.scene, asked.knobs, asked.arrivals)


def _slo(asked: Scenario, result: RunResult) -> dict[str, float]:
    slo = asked.scene.slo
    return {
        "attainment": result.attainment(slo),
        "wanted": slo.attainment_ratio,
        "ttft_s": slo.ttft_s,
        "tpot_s": slo.tpot_s,
    }


def _quantiles(values: Iterable[float]) -> dict[str, float | None]:
    known = sorted(value for value in values if not math.isnan(value))
    return {f"p{part}": known[len(known) * part // 100] if known else None for part in (50, 90, 99)}


def _replicas(result: RunResult, name: str) -> dict[str, Any]:
    rows: Sequence[Row] = result.timeline[name]
    return {
        "mean": result.mean_replicas(name),
        "least": min(row[1] for row in rows),
        "most": max(row[1] for row in rows),
        "timeline": [dict(zip(("at_s", "wanted", "provisioned", "ready"), row, strict=True)) for row in rows],
    }


def _changes(policy: Policy) -> Iterable[dict[str, Any]]:
    for at_s, decision in policy.changes if isinstance(policy, Ours) else ():
        yield {
            "at_s": at_s,
            "variant": decision.key.name,
            "replicas": decision.desired,
            "reason": decision.reason,
            "summary": decision.summary,
        }


def _share(ratio: float) -> str:
    return f"{100 * ratio:.2f} % of requests"


def _line(row: dict[str, float | None]) -> str:
    return ", ".join(f"{name} {'–' if value is None else _time(value)}" for name, value in row.items())


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def _counts(row: dict[str, Any]) -> str:
    return f"{row['mean']:.2f} replicas on average, {row['least']} to {row['most']} wanted"


def _change(change: dict[str, Any]) -> str:
    minutes, seconds = divmod(round(change["at_s"]), 60)
    what = f"{change['variant']} → {change['replicas']}"
    return f"{minutes:4d}:{seconds:02d}  {what:<12} {change['reason']}: {change['summary']}"
