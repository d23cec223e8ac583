"""Names of the series that we read of engines and pickers, and their aliases over versions (WVA's among them)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Signal(StrEnum):
    """What a series tells; histograms are read by `_sum` and `_count`, those of lengths by `_bucket`, too."""

    RUNNING = "running"
    WAITING = "waiting"
    KV_USAGE = "kv_usage"
    COMPLETED = "completed"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    TTFT = "ttft"
    TPOT = "tpot"
    PREFILL = "prefill"
    KV_CAPACITY = "kv_capacity"
    PICKER_QUEUE = "picker_queue"
    PICKER_REQUESTS = "picker_requests"


@dataclass(frozen=True, slots=True)
class Series:
    """One signal's names, newest first; the first that answers for a pod counts."""

    names: tuple[str, ...]
    kind: str  # gauge, counter, histogram, info: numbers in its labels


SERIES: Final = {
    Signal.RUNNING: Series(("vllm:num_requests_running",), "gauge"),
    Signal.WAITING: Series(("vllm:num_requests_waiting",), "gauge"),
    Signal.KV_USAGE: Series(("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"), "gauge"),
    Signal.COMPLETED: Series(("vllm:request_success_total",), "counter"),
    Signal.INPUT_TOKENS: Series(("vllm:request_prompt_tokens",), "histogram"),
    Signal.OUTPUT_TOKENS: Series(("vllm:request_generation_tokens",), "histogram"),
    Signal.TTFT: Series(("vllm:time_to_first_token_seconds",), "histogram"),
    Signal.TPOT: Series(
        (
            "vllm:time_per_output_token_seconds",
            "vllm:request_time_per_output_token_seconds",
            "vllm:inter_token_latency_seconds",
        ),
        "histogram",
    ),
    Signal.PREFILL: Series(("vllm:request_prefill_time_seconds",), "histogram"),
    Signal.KV_CAPACITY: Series(("vllm:cache_config_info",), "info"),
    Signal.PICKER_QUEUE: Series(
        ("llm_d_epp_flow_control_queue_size", "inference_extension_flow_control_queue_size"), "gauge"
    ),
    Signal.PICKER_REQUESTS: Series(
        ("llm_d_epp_request_total", "inference_objective_request_total", "inference_model_request_total"), "counter"
    ),
}

BLOCKS_LABEL: Final = "num_gpu_blocks"
BLOCK_SIZE_LABEL: Final = "block_size"


def kv_tokens(labels: Mapping[str, str]) -> float | None:
    """Return how many tokens the KV cache holds by the labels of its info series; None where they tell no number."""
    texts = labels.get(BLOCKS_LABEL, ""), labels.get(BLOCK_SIZE_LABEL, "")
    if not all(text.isascii() and text.isdecimal() for text in texts):
        return None
    return float(int(texts[0]) * int(texts[1])) or None
