"""The queries about a cluster's past: what its engines served, how long that took, and on what they ran."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from penstock.domain.series import BLOCK_SIZE_LABEL, BLOCKS_LABEL, SERIES, Signal
from penstock.telemetry.labels import FINISH, MODEL, POD, SHARD
from penstock.telemetry.promql import checked, first_of, one_of, selector

LOAD_STEP_S: Final = 60.0
MEANS_STEP_S: Final = 300.0
HOUR_S: Final = 3600.0


class Ask(StrEnum):
    """What is asked; the answers are sorted by it."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    INPUT_SUM = "input_sum"
    INPUT_COUNT = "input_count"
    OUTPUT_SUM = "output_sum"
    OUTPUT_COUNT = "output_count"
    TTFT_SUM = "ttft_sum"
    TTFT_COUNT = "ttft_count"
    TPOT_SUM = "tpot_sum"
    TPOT_COUNT = "tpot_count"
    INPUT_BUCKETS = "input_buckets"
    OUTPUT_BUCKETS = "output_buckets"
    TTFT_BUCKETS = "ttft_buckets"
    TPOT_BUCKETS = "tpot_buckets"
    CACHE = "cache"
    GPU_SEEN = "gpu_seen"
    GPU_OF_NODE = "gpu_of_node"
    GPU_COUNT = "gpu_count"
    WANTED = "wanted"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class PastQuery:
    """One query and how far apart its values are to be."""

    ask: Ask
    promql: str
    step_s: float


OPTIONAL: Final = frozenset({Ask.CACHE, Ask.GPU_SEEN, Ask.GPU_OF_NODE, Ask.GPU_COUNT, Ask.WANTED, Ask.READY})
"""What can be done without, where a query fails: labels that others write may contradict each other."""

_WIDER: Final = 4  # where two scrapes do not fit into the window
# the mean of each request tells whether that request kept its target; gaps between tokens tell it of no request
_TPOT: Final = (
    "vllm:request_time_per_output_token_seconds",
    *(name for name in SERIES[Signal.TPOT].names if not name.startswith("vllm:request_")),
)
_MEANS: Final = (
    (Signal.INPUT_TOKENS, Ask.INPUT_SUM, Ask.INPUT_COUNT),
    (Signal.OUTPUT_TOKENS, Ask.OUTPUT_SUM, Ask.OUTPUT_COUNT),
    (Signal.TTFT, Ask.TTFT_SUM, Ask.TTFT_COUNT),
    (Signal.TPOT, Ask.TPOT_SUM, Ask.TPOT_COUNT),
)
_BUCKETS: Final = (
    (Signal.INPUT_TOKENS, Ask.INPUT_BUCKETS),
    (Signal.OUTPUT_TOKENS, Ask.OUTPUT_BUCKETS),
    (Signal.TTFT, Ask.TTFT_BUCKETS),
    (Signal.TPOT, Ask.TPOT_BUCKETS),
)
_NODE_LABEL: Final = "label_nvidia_com_gpu_product"
_RESOURCES: Final = "nvidia_com_gpu|amd_com_gpu|gpu_intel_com_i915|gpu_intel_com_xe|habana_ai_gaudi"


def engines(load_step_s: float = LOAD_STEP_S) -> tuple[PastQuery, ...]:
    """Return the queries about all engines; load is asked for every `load_step_s`, the rest more rarely."""
    means = (
        PastQuery(ask, _mean(signal, part), MEANS_STEP_S)
        for signal, *asks in _MEANS
        for ask, part in zip(asks, ("sum", "count"), strict=True)
    )
    return _checked([
        PastQuery(Ask.RUNNING, _gauge(Signal.RUNNING), load_step_s),
        PastQuery(Ask.WAITING, _gauge(Signal.WAITING), load_step_s),
        PastQuery(Ask.COMPLETED, _completed(), load_step_s),
        *means,
        *(PastQuery(ask, _buckets(signal), HOUR_S) for signal, ask in _BUCKETS),
        PastQuery(Ask.CACHE, _cache(), HOUR_S),
        PastQuery(Ask.GPU_SEEN, f"max by ({POD}, modelName) (DCGM_FI_DEV_GPU_UTIL)", HOUR_S),
        PastQuery(Ask.GPU_OF_NODE, _of_node(), HOUR_S),
        PastQuery(Ask.GPU_COUNT, _count(), HOUR_S),
    ])  # fmt: skip


def replicas(names: Iterable[str], step_s: float = LOAD_STEP_S) -> tuple[PastQuery, ...]:
    """Return the queries about the replicas of Deployments and StatefulSets of these names, by kube-state-metrics."""
    wanted = sorted(set(names))
    if not wanted:
        return ()
    return _checked([
        PastQuery(Ask.WANTED, _replicas(wanted, "kube_deployment_spec_replicas", "kube_statefulset_replicas"), step_s),
        PastQuery(
            Ask.READY,
            _replicas(wanted, "kube_deployment_status_replicas_ready", "kube_statefulset_status_replicas_ready"),
            step_s,
        ),
    ])  # fmt: skip


def _checked(found: Sequence[PastQuery]) -> tuple[PastQuery, ...]:
    return tuple(PastQuery(one.ask, checked(one.promql), one.step_s) for one in found)


def _gauge(signal: Signal) -> str:
    return _per_pod(first_of(map(selector, SERIES[signal].names)))


def _completed() -> str:
    """Return the counters themselves: what they grew by from step to step is exact, however rarely is scraped."""
    counted = first_of(map(selector, SERIES[Signal.COMPLETED].names))
    return f"sum by ({POD}, model_name) (max by ({SHARD}, {FINISH}) ({counted}))"


def _mean(signal: Signal, part: str) -> str:
    return _per_pod(_windowed("rate", [f"{name}_{part}" for name in SERIES[signal].names], MEANS_STEP_S))


def _buckets(signal: Signal) -> str:
    """Return an hour's growth of each bucket, of one histogram only: others may have other bounds."""
    names = SERIES[signal].names if signal is not Signal.TPOT else _TPOT
    hours = [f"sum by ({MODEL}, le) (increase({selector(f'{name}_bucket', (), HOUR_S)}))" for name in names]
    found = hours[-1]
    for better in reversed(hours[:-1]):
        found = f"{better} or (({found}) unless on ({MODEL}) {better})"
    return found


def _cache() -> str:
    told = first_of(map(selector, SERIES[Signal.KV_CAPACITY].names))
    return f"max by ({POD}, {BLOCKS_LABEL}, {BLOCK_SIZE_LABEL}) ({told})"


def _of_node() -> str:
    """Name the product that GPU feature discovery wrote on the node of each pod."""
    labelled = f'max by (node, {_NODE_LABEL}) (kube_node_labels{{{_NODE_LABEL}!=""}})'
    placed = "max by (namespace, pod, node) (kube_pod_info)"
    return f"{placed} * on (node) group_left ({_NODE_LABEL}) {labelled}"


def _count() -> str:
    name = f'kube_pod_container_resource_requests{{resource=~"{_RESOURCES}"}}'
    return f"sum by (namespace, pod) (max by (namespace, pod, container) ({name}))"


def _replicas(names: Sequence[str], deployments: str, stateful: str) -> str:
    found = (
        f'label_replace(max by (namespace, {label}) ({series}{{{one_of(label, names)}}}), "owner", "$1", "{label}", '
        '"(.*)")'
        for series, label in ((deployments, "deployment"), (stateful, "statefulset"))
    )
    return first_of(found)


def _windowed(function: str, names: Sequence[str], window_s: float) -> str:
    windows = (window_s, window_s * _WIDER)
    return first_of(f"{function}({selector(name, (), wide)})" for wide in windows for name in names)


def _per_pod(expression: str) -> str:
    """Sum over the engines of a pod; copies of a series fall together."""
    return f"sum by ({POD}, model_name) (max by ({SHARD}) ({expression}))"
