"""llm-d's recipes for KEDA: raw vLLM series (B3), EPP queue (B4), EPP saturation (B5), tokens (B6), latency (B7).

Sources: llm-d/llm-d `guides/workload-autoscaling` as of August 2026 (keda-epp/optimized-baseline, commit 057abb4a
and f7374fc7; keda-epp-token-aware, 04c0115b; README.slo-aware.md, d38c9f0c) and llm-d/llm-d-autoscaling#1517
`hack/setup-keda-vllm-scaling.sh` (5c4a1af9). Bounds are the scene's, the same for every rival.
"""

import math
from collections import deque
from collections.abc import Sequence
from typing import Final

from penstock.peers.hpa import ALL_AT_ONCE, By, Direction, HpaBehavior, Kind, Rate, Signal
from penstock.peers.keda import Keda
from penstock.peers.profile import prefill_per_s
from penstock.peers.replicas import whole
from penstock.peers.rivals import CONCURRENCIES, Rival, concurrencies
from penstock.peers.split import per_variant
from penstock.peers.views import gauges, quantile, recent, sole
from penstock.sim.policies import Counts, Seen
from penstock.sim.scene import Scene

WINDOWS: Final = HpaBehavior(up=Direction(300, ALL_AT_ONCE), down=Direction(300, ALL_AT_ONCE))
NO_UP_WINDOW: Final = HpaBehavior(up=Direction(0, ALL_AT_ONCE), down=Direction(300, ALL_AT_ONCE))
POD_BY_POD: Final = HpaBehavior(
    up=Direction(0, (Rate(By.PODS, 1, 180),)), down=Direction(300, (Rate(By.PODS, 1, 300),))
)
BURST_UP_DRAIN_SLOW: Final = HpaBehavior(
    up=Direction(30, (Rate(By.PERCENT, 100, 60), Rate(By.PODS, 4, 60))), down=Direction(180, (Rate(By.PODS, 1, 120),))
)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0  # an empty answer is zero to KEDA


def raw_series(scene: Scene, *, kv: float, waiting: float, shipped: float) -> Keda:
    """B3. As shipped: the *averages* of KV use and waiting over pods, against AverageValue, a pod per 3 min.

    An average against AverageValue does not grow with the fleet (two replicas at most from KV). `shipped=0` is what was
    meant: the sums, max(⌈n·KV/kv⌉, ⌈Σ waiting/waiting⌉), under the HPA's own behaviour.
    """
    name = sole(scene).name

    def signals(seen: Seen, _: Counts) -> list[Signal]:
        of = _mean if shipped else math.fsum
        kv_use = gauges(seen, name, lambda row: row.kv_usage_ratio)
        queued = gauges(seen, name, lambda row: row.waiting)
        return [Signal(of(kv_use), kv), Signal(of(queued), waiting)]

    return Keda(scene, POD_BY_POD if shipped else HpaBehavior(), signals, sleeps=False)


def queue(scene: Scene, *, queued: float, running: float, style: float) -> Keda:
    """B4. max(⌈queue/1⌉, ⌈running/16⌉): with 300 s windows (style 0), the overshoot guard (1), or neither (2).

    The guard asks for the demand where that is no more than what is there, else for max(demand - pending, replicas).
    """
    name = sole(scene).name

    def signals(seen: Seen, counts: Counts) -> list[Signal]:
        waiting = Signal(seen.router.queued, queued)
        inside = Signal(seen.router.in_flight.get(name, 0), running)
        if style != 1:
            return [waiting, inside]
        demand = max((waiting.value or 0) / queued, (inside.value or 0) / running)
        pending = counts.provisioned - counts.ready
        guarded = demand if demand <= counts.provisioned else max(demand - pending, counts.provisioned)
        return [Signal(guarded, 1)]

    return Keda(scene, WINDOWS if style == 0 else NO_UP_WINDOW, signals)


def saturation(scene: Scene, *, ratio: float, running: float, value: float, window_s: float) -> Keda:
    """B5. max(⌈saturation/.7⌉, ⌈running/16⌉), saturation = mean over pods of max(waiting/5, KV/.8).

    As shipped the pool's ratio stands against AverageValue, so that term ends at two replicas until queues push it past
    1.4; `value=1` is what was meant, n·saturation/.7 (HPA type Value). An empty pool counts as saturated. The guide's
    first form (keda-epp-saturation, 903da90e) leaves windows and rates to the HPA: `window_s=0`.
    """
    name = sole(scene).name
    kind = Kind.VALUE if value else Kind.AVERAGE_VALUE

    def signals(seen: Seen, _: Counts) -> list[Signal]:
        full = Signal(_saturation(seen, name), ratio, kind)
        return [full, Signal(seen.router.in_flight.get(name, 0), running)]

    return Keda(scene, WINDOWS if window_s else HpaBehavior(), signals, sleeps=False)


def _saturation(seen: Seen, name: str) -> float:
    queued = gauges(seen, name, lambda row: row.waiting)
    kv_use = gauges(seen, name, lambda row: row.kv_usage_ratio)
    if not queued or len(queued) != len(kv_use):
        return 1.0
    return _mean([max(waiting / 5, kv / 0.8) for waiting, kv in zip(queued, kv_use, strict=True)])


def tokens(scene: Scene, *, backlog_s: float, kv: float, paced: float) -> Keda:
    """B6. max(⌈in-flight tokens / V_P / 1.5 s⌉, ⌈Σ KV/.8⌉); V_P = a full chunk ÷ the time of its step.

    As shipped at most a pod per 3 min comes and a pod per 5 min goes; `paced=0` takes the brakes of B4's guard.
    """
    spec = sole(scene)
    per_s = prefill_per_s(spec)

    def signals(seen: Seen, _: Counts) -> list[Signal]:
        prefill = Signal(seen.router.in_flight_tokens / per_s, backlog_s)
        return [prefill, Signal(math.fsum(gauges(seen, spec.name, lambda row: row.kv_usage_ratio)), kv)]

    return Keda(scene, POD_BY_POD if paced else NO_UP_WINDOW, signals, sleeps=False)


def slo_aware(scene: Scene, *, up: float, down: float) -> Keda:
    """B7. s = mean over 45 s of min(2, max(P90 TTFT/S1, P90 TPOT/S2)), measured over 1 min; replicas from s.

    Above `up` n + ⌈n(s·(r/n)/up - 1)⌉, below `down` n - ⌊n(1 - s/down)⌋, n provisioned and r ready; idle reads 0.
    Latencies are those measured, as where the EPP's latency predictor is not set up; TTFT is known at the first token.
    """
    samples: deque[float] = deque(maxlen=3)  # recording rules run every 15 s

    def signals(seen: Seen, counts: Counts) -> list[Signal]:
        samples.append(min(2.0, _worst(seen, scene)))
        return [Signal(slo_wanted(_mean(samples), counts, up, down), 1)]

    return Keda(scene, BURST_UP_DRAIN_SLOW, signals, sleeps=False)


def _worst(seen: Seen, scene: Scene) -> float:
    first = [one.ttft_s for one in recent(seen.first_tokens, seen.now_s, 60)]
    further = [one.tpot_s for one in recent(seen.served, seen.now_s, 60) if one.tpot_s is not None]
    ratios = quantile(first, 0.9) / scene.slo.ttft_s, quantile(further, 0.9) / scene.slo.tpot_s
    return max((ratio for ratio in ratios if not math.isnan(ratio)), default=0.0)


def slo_wanted(s: float, counts: Counts, up: float, down: float) -> int:
    """Return the replicas that the recipe's formula asks for at a signal `s`."""
    n, r = counts.provisioned, counts.ready
    if s > up:
        credit = r / n if 0 < r < n else 1.0
        return n + whole(n * (s * credit / up - 1))
    if s < down:
        return n - math.floor(n * (1 - s / down) + 1e-9)
    return n


# in this order the point in the middle of a grid, which is tried at once, is of a form that is not shipped
FAMILY: Final = (
    Rival(
        code="B3",
        name="llm-d raw vLLM",
        source="llm-d/llm-d-autoscaling#1517 hack/setup-keda-vllm-scaling.sh at 5c4a1af9",
        defaults={"kv": 0.6, "waiting": 30, "shipped": 1},
        grid={"shipped": (0, 1), "kv": (0.3, 0.45, 0.6), "waiting": (5, 30)},
        build=per_variant(raw_series),
    ),
    Rival(
        code="B4",
        name="llm-d EPP queue",
        source="llm-d/llm-d guides/workload-autoscaling/keda-epp, queue at 057abb4a and queue-guard at f7374fc7",
        defaults={"queued": 1, "running": 16, "style": 0},
        grid={"style": (0, 1, 2), "running": CONCURRENCIES},
        by_accelerator=concurrencies("running"),
        build=per_variant(queue),
    ),
    Rival(
        code="B5",
        name="llm-d EPP saturation",
        source="llm-d/llm-d guides/workload-autoscaling/keda-epp, overlay saturation, at 76e392de",
        defaults={"ratio": 0.7, "running": 16, "value": 0, "window_s": 300},
        grid={"window_s": (0, 300), "value": (0, 1), "running": CONCURRENCIES},
        by_accelerator=concurrencies("running"),
        build=per_variant(saturation),
    ),
    Rival(
        code="B6",
        name="llm-d token-aware",
        source="llm-d/llm-d guides/workload-autoscaling/keda-epp-token-aware at 04c0115b",
        defaults={"backlog_s": 1.5, "kv": 0.8, "paced": 1},
        grid={"kv": (0.4, 0.6, 0.8), "paced": (0, 1), "backlog_s": (0.5, 1.5)},
        build=per_variant(tokens),
    ),
    Rival(
        code="B7",
        name="llm-d slo-aware",
        source="llm-d/llm-d guides/workload-autoscaling/README.slo-aware.md at d38c9f0c (llm-d/llm-d#2011)",
        defaults={"up": 0.55, "down": 0.40},
        grid={"up": (0.45, 0.55, 0.7, 0.9), "down": (0.25, 0.4)},
        build=per_variant(slo_aware),
    ),
)
