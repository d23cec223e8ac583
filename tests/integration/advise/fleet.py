"""The fleet that is recorded for `penstock advise --demo`: simulated engines under plain autoscalers, as pods tell it.

`LAW` says in words what runs. Every `SCRAPE_S` each pod's page is taken down, with vLLM's own names and buckets, and
what kube-state-metrics and the GPUs' exporter would say beside it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.integration.advise.pods import Metered, Tape, Values

from penstock.engine.gpus import known
from penstock.engine.priors import prior
from penstock.peers.vanilla import PodsHpa, waiting
from penstock.sim.engines import Engine, batching
from penstock.sim.laws import LogNormal, Rate, both, dressed, gamma
from penstock.sim.policies import Policy, Seen
from penstock.sim.results import RunResult
from penstock.sim.run import run
from penstock.sim.scene import PRICES_USD_PER_H, Scene, StartupLaw, VariantSpec
from penstock.sim.traces import Arrival

SCRAPE_S: Final = 15.0
START_S: Final = 1_767_571_200.0  # Monday, 5 January 2026
DAYS: Final = 3
WARM_UP_S: Final = 3600.0
SEED: Final = 7
OUTAGE_S: Final = (2 * 86_400 + 3 * 3600.0, 2 * 86_400 + 3.5 * 3600.0)
NAMESPACE: Final = "llm"
BLOCK: Final = 16
LAW: Final = (
    "Recorded from a real Prometheus that was given, every 15 s, what the pods of a simulated fleet said of themselves "
    "in vLLM's names and buckets; no cluster and no users stand behind it. The fleet ran from Monday 5 to Wednesday 7 "
    "January 2026 under made-up traffic. Llama 3.1 8B on L40S: a daily swing from 0.3 to 1.5 requests a second, most "
    "at 14:00 UTC, and on Tuesday at 09:00 a rush of 1.2 more for 25 minutes; a HorizontalPodAutoscaler keeps 12 "
    "requests inside of each of 3 to 12 replicas, which is ample. Qwen3 32B on pairs of H100: from 0.2 to 1.2 requests "
    "a second, most at 19:00 UTC; KEDA scales it from 1 to 6 replicas by 5 waiting requests for each, which is late. "
    "Engines are 8 % and 5 % slower than the table that advise begins with. Mistral 7B was scraped from Wednesday "
    "11:00 on. On Wednesday Prometheus was down from 03:00 to 03:30. The engine model that made the record also plays "
    "it, so the check against the record is kinder here than on real engines."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One model: hardware, traffic, and the law that scales it. It is scraped from `from_s` on."""

    name: str
    kind: str
    model: str
    gpu: str
    gpus: int
    slower: float
    replicas: tuple[int, int]
    rate: Rate
    cv: float
    prompts: LogNormal
    answers: LogNormal
    law: Callable[[Scene], Policy]
    from_s: float = 0.0


class Still:
    """Nobody scales it."""

    tick_s = SCRAPE_S

    def decide(self, seen: Seen) -> Mapping[str, int]:
        del seen
        return {}


def daily(low: float, high: float, peak_h: float, days: Sequence[float], rush_per_s: float = 0.0) -> Rate:
    """Swing between two rates, with a factor for each day; a rush on Tuesday at 09:00, and the same noise each time."""
    noise = [Random(f"{SEED}/{slot}").lognormvariate(-0.01, 0.14) for slot in range(DAYS * 144 + 144)]

    def rate(at_s: float) -> float:
        at_s = max(at_s - WARM_UP_S, 0.0)
        day, hour = min(int(at_s // 86_400), DAYS - 1), at_s % 86_400 / 3600
        swing = (low + high) / 2 + (high - low) / 2 * math.cos(2 * math.pi * (hour - peak_h) / 24)
        return days[day] * swing * noise[int(at_s // 600)] + (rush_per_s if day == 1 and 9 <= hour < 9.42 else 0.0)

    return rate


def log_normal(mean: float, cv: float, longest: int) -> LogNormal:
    square = math.log(1 + cv**2)
    return LogNormal(mu=math.log(mean) - square / 2, sigma=math.sqrt(square), longest=longest)


WORKLOADS: Final = (
    Workload(
        name="llama-8b",
        kind="deployment",
        model="meta-llama/Llama-3.1-8B-Instruct",
        gpu="NVIDIA-L40S",
        gpus=1,
        slower=1.08,
        replicas=(3, 12),
        rate=daily(0.3, 1.5, 14, (1.0, 1.1, 0.95), rush_per_s=1.2),
        cv=1.2,
        prompts=log_normal(3000, 0.8, 16_000),
        answers=log_normal(900, 0.7, 6000),
        law=lambda scene: PodsHpa(scene, running=12),
    ),
    Workload(
        name="qwen3-32b",
        kind="deployment",
        model="Qwen/Qwen3-32B",
        gpu="NVIDIA H100 80GB HBM3",
        gpus=2,
        slower=1.05,
        replicas=(1, 6),
        rate=daily(0.2, 1.2, 19, (0.95, 1.05, 1.0)),
        cv=1.0,
        prompts=log_normal(5000, 0.8, 24_000),
        answers=log_normal(1200, 0.8, 8000),
        law=lambda scene: waiting(scene, target=5),
    ),
    Workload(
        name="mistral-7b",
        kind="statefulset",
        model="mistralai/Mistral-7B-Instruct-v0.3",
        gpu="NVIDIA-L4",
        gpus=1,
        slower=1.0,
        replicas=(1, 1),
        rate=daily(0.03, 0.09, 12, (1.0, 1.0, 1.0)),
        cv=1.0,
        prompts=log_normal(500, 0.6, 4000),
        answers=log_normal(120, 0.6, 1000),
        law=lambda _: Still(),
        from_s=2 * 86_400 + 11 * 3600.0,
    ),
)


# --- what is taken down


class Watched:
    """A policy, with everything that is said at each of its ticks taken down first."""

    tick_s = SCRAPE_S

    def __init__(self, workload: Workload, scene: Scene, tape: Tape) -> None:
        self.policy = workload.law(scene)
        self.engines: dict[str, Metered] = {}
        self._workload, self._tape = workload, tape

    def engine(self, spec: VariantSpec, chance: Random) -> Engine:
        """Build the engine of the next replica; the simulator numbers them in this order."""
        made = Metered(batching(spec, chance))
        self.engines[f"{spec.name}-{len(self.engines)}"] = made
        return made

    def decide(self, seen: Seen) -> Mapping[str, int]:
        at_s = seen.now_s - WARM_UP_S
        if at_s >= 0 and not OUTAGE_S[0] <= at_s < OUTAGE_S[1]:
            self._take_down(round(seen.now_s / SCRAPE_S), seen, scraped=at_s >= self._workload.from_s)
        return self.policy.decide(seen)

    def _take_down(self, scrape: int, seen: Seen, *, scraped: bool) -> None:
        for row in seen.observation.scrape.rows if scraped else ():
            self._pod_says(scrape, row.pod)
        (target,) = seen.observation.targets.values()
        for pod in target.pods:
            self._cluster_says(scrape, pod)
        counts, its = seen.fleet[self._workload.name], self._workload
        owner = {"namespace": NAMESPACE, its.kind: its.name}
        wanted = "kube_deployment_spec_replicas" if its.kind == "deployment" else "kube_statefulset_replicas"
        self._tape.put(scrape, wanted, owner, counts.wanted)
        self._tape.put(scrape, f"kube_{its.kind}_status_replicas_ready", owner, counts.ready)

    def _pod_says(self, scrape: int, replica: str) -> None:
        its, engine, page = self._workload, self.engines[replica], Values(self._tape.names)
        place = {"namespace": NAMESPACE, "pod": pod_name(its, replica), "container": "vllm", "job": its.name}
        engine.show(page, its.model)
        for (name, le), value in page.values.items():
            more = {"le": le} if le else {"finished_reason": "stop"} if name.endswith("success_total") else {}
            self._tape.put(scrape, name, {**place, "model_name": its.model, **more}, value)
        blocks = {"num_gpu_blocks": str(engine.kv_capacity_tokens // BLOCK), "block_size": str(BLOCK)}
        self._tape.put(scrape, "vllm:cache_config_info", {**place, **blocks}, 1.0)

    def _cluster_says(self, scrape: int, replica: str) -> None:
        its, pod = self._workload, pod_name(self._workload, replica)
        node = f"{its.name}-node-{int(replica.rpartition('-')[2]) % its.replicas[1]}"
        place = {"namespace": NAMESPACE, "pod": pod}
        asked = {**place, "container": "vllm", "node": node, "resource": "nvidia_com_gpu", "unit": "integer"}
        self._tape.put(scrape, "kube_pod_info", {**place, "node": node}, 1.0)
        self._tape.put(scrape, "kube_pod_container_resource_requests", asked, its.gpus)
        if its.gpus == 1:  # one kind of node is told by GPU feature discovery, the other by the GPUs' exporter
            self._tape.put(scrape, "kube_node_labels", {"node": node, "label_nvidia_com_gpu_product": its.gpu}, 1.0)
            return
        busy = 100.0 if self.engines[replica].running else 0.0
        for gpu in range(its.gpus):
            self._tape.put(scrape, "DCGM_FI_DEV_GPU_UTIL", {**place, "gpu": str(gpu), "modelName": its.gpu}, busy)


def pod_name(workload: Workload, replica: str) -> str:
    """Return a name as its controller would give it."""
    if workload.kind == "statefulset":
        return replica
    end = "".join(Random(f"{SEED}/{replica}").choices("bcdfghjklmnpqrstvwxz2456789", k=5))
    return f"{workload.name}-7c9d5f8b6d-{end}"


def play(workload: Workload, length_s: float, tape: Tape) -> RunResult:
    """Let a workload run for so long after its warm-up."""
    gpu, cost = known(workload.gpu), prior(workload.gpu, workload.gpus, workload.model)
    assert gpu is not None
    assert cost is not None, "the table knows the hardware of the demo"
    slower = (workload.slower,) * 3
    spec = VariantSpec(
        name=workload.name,
        accelerator=gpu.row,
        cost=cost.shape.cost.scaled(slower, slower, floor=workload.slower),
        usd_per_h=PRICES_USD_PER_H[gpu.row] * workload.gpus,
        min_replicas=workload.replicas[0],
        max_replicas=workload.replicas[1],
        initial=workload.replicas[0],
        accelerators_per_replica=workload.gpus,
        startup=StartupLaw(median_s=170.0),
    )
    whole_s = WARM_UP_S + length_s
    # as without a gateway
    scene = Scene(model=workload.model, variants=(spec,), length_s=whole_s, scrape_s=SCRAPE_S, router=False)
    watched = Watched(workload, scene, tape)
    return run(scene, sent(workload, whole_s), watched, SEED, engines=watched.engine)


def sent(workload: Workload, length_s: float) -> list[Arrival]:
    chance = Random(f"{SEED}/{workload.name}")
    times = gamma(workload.rate, workload.cv, length_s, chance)
    return dressed(times, both(workload.prompts, workload.answers), chance)
