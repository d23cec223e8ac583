"""The page of metrics that are made up: `--fake-metrics` in place of what the engine counts."""

import math
from typing import Final

from penstock.emulator.exposition import Histogram, Page
from penstock.emulator.meters import histograms
from penstock.settings.fakemetrics import FakeMetrics, Wave

_GAUGES: Final = {
    "running-requests": "vllm:num_requests_running",
    "waiting-requests": "vllm:num_requests_waiting",
    "kv-cache-usage": "vllm:kv_cache_usage_perc",
}
_HISTOGRAMS: Final = {
    "ttft-buckets-values": ("time_to_first_token_seconds",),
    "tpot-buckets-values": ("time_per_output_token_seconds", "inter_token_latency_seconds"),
    "e2erl-buckets-values": ("e2e_request_latency_seconds",),
    "queue-time-buckets-values": ("request_queue_time_seconds",),
    "inf-time-buckets-values": ("request_inference_time_seconds",),
    "prefill-time-buckets-values": ("request_prefill_time_seconds",),
    "decode-time-buckets-values": ("request_decode_time_seconds",),
    "request-prompt-tokens": ("request_prompt_tokens",),
    "request-generation-tokens": ("request_generation_tokens",),
    "request-max-generation-tokens": ("max_num_generation_tokens",),
    "request-params-max-tokens": ("request_params_max_tokens",),
}
_TOTALS: Final = {
    "total-prompt-tokens": "vllm:prompt_tokens_total",
    "total-generation-tokens": "vllm:generation_tokens_total",
    "prefix-cache-queries": "vllm:prefix_cache_queries_total",
    "prefix-cache-hits": "vllm:prefix_cache_hits_total",
}
# a total that is not given follows from the histogram of the same tokens
_IMPLIED: Final = {
    "total-prompt-tokens": "request-prompt-tokens",
    "total-generation-tokens": "request-generation-tokens",
}


def show(page: Page, fakes: FakeMetrics, model: str, max_model_len: int, elapsed_s: float) -> None:
    """Put made-up metrics on a page; functions are evaluated `elapsed_s` after they were set."""
    labels = {"model_name": model}
    for key, gauge in fakes.gauges.items():
        page.add(_GAUGES[key], "gauge", labels, _value(key, gauge, elapsed_s))
    empty = histograms(max_model_len)
    sums: dict[str, int] = {}
    for key, counts in fakes.histograms.items():
        for name in _HISTOGRAMS[key]:
            sums[key] = _fill(empty[name], counts)
            page.histogram(f"vllm:{name}", labels, empty[name])
    implied = {total: sums[key] for total, key in _IMPLIED.items() if key in sums}
    for key, total in {**implied, **fakes.totals}.items():
        page.add(_TOTALS[key], "counter", labels, float(total))
    for reason, count in fakes.finished.items():
        page.add("vllm:request_success_total", "counter", {**labels, "finish_reason": reason}, float(count))


def _value(key: str, gauge: float | Wave, elapsed_s: float) -> float:
    if not isinstance(gauge, Wave):
        return gauge
    value = gauge.at(elapsed_s)
    return value if key == "kv-cache-usage" else float(math.trunc(value))


def _fill(histogram: Histogram, counts: tuple[int, ...]) -> int:
    """Put counts into the buckets from the first on, each at its upper bound; return the sum in whole units."""
    total = 0
    beyond = histogram.bounds[-1] + 1 if histogram.bounds else 1.0
    for bound, count in zip((*histogram.bounds, beyond), counts, strict=False):
        if count:
            histogram.observe(bound, count)
            total += int(bound) * count
    return total
