"""What one engine counts, in vLLM's names: fed by the engine's events, shown at scrape time.

Without step model the page is llm-d-inference-sim's: five series until the first request ended, queue times only of
requests that waited, and times to first token that leave the wait out. With it the page is vLLM's: waits count, and
the series of preemptions, prefix cache and steps are there.
"""

from dataclasses import dataclass
from typing import Final

from penstock.emulator.exposition import Histogram, Page
from penstock.engine.calls import Finished, FirstToken, Gauges, Started
from penstock.engine.scatter import token_bounds

TTFT_BOUNDS: Final = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
    1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0,
)  # fmt: skip
GAP_BOUNDS: Final = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)  # fmt: skip
REQUEST_BOUNDS: Final = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0,
    960.0, 1920.0, 7680.0,
)  # fmt: skip


def histograms(max_model_len: int) -> dict[str, Histogram]:
    """Return every histogram of the page, empty, by its name without `vllm:`."""
    tokens = token_bounds(max_model_len)
    bounds = {
        "e2e_request_latency_seconds": REQUEST_BOUNDS,
        "inter_token_latency_seconds": GAP_BOUNDS,
        "max_num_generation_tokens": tokens,
        "request_decode_time_seconds": REQUEST_BOUNDS,
        "request_generation_tokens": tokens,
        "request_inference_time_seconds": REQUEST_BOUNDS,
        "request_params_max_tokens": tokens,
        "request_prefill_time_seconds": REQUEST_BOUNDS,
        "request_prompt_tokens": tokens,
        "request_queue_time_seconds": REQUEST_BOUNDS,
        "request_time_per_output_token_seconds": GAP_BOUNDS,
        "time_per_output_token_seconds": GAP_BOUNDS,
        "time_to_first_token_seconds": TTFT_BOUNDS,
    }
    return {name: Histogram(bound) for name, bound in bounds.items()}


@dataclass(slots=True)
class Life:
    """One call as it is measured; times are the engine's clock."""

    prompt_tokens: int
    output_tokens: int
    max_tokens: int | None
    arrived_s: float
    started_s: float = 0.0
    first_s: float = 0.0


class Meters:
    """Counters and histograms of one engine."""

    def __init__(self, max_model_len: int, *, as_vllm: bool) -> None:
        self._as_vllm = as_vllm
        self._histograms = histograms(max_model_len)
        self._finished: dict[str, int] = {}
        self._prompt_tokens = self._output_tokens = 0

    def started(self, life: Life, event: Started) -> None:
        """Count a call that got a slot."""
        life.started_s = event.at_s
        if self._as_vllm or event.at_s > life.arrived_s:
            self._observe("request_queue_time_seconds", event.at_s - life.arrived_s)

    def first_token(self, life: Life, event: FirstToken) -> None:
        """Count a first token."""
        life.first_s = event.at_s
        begin_s = life.arrived_s if self._as_vllm else life.started_s
        self._observe("time_to_first_token_seconds", event.at_s - begin_s)
        self._observe("request_prefill_time_seconds", event.at_s - life.started_s)

    def gaps(self, gap_s: float, tokens: int) -> None:
        """Count further tokens, under the old name and the new one."""
        self._histograms["time_per_output_token_seconds"].observe(gap_s, tokens)
        self._histograms["inter_token_latency_seconds"].observe(gap_s, tokens)

    def finished(self, life: Life, event: Finished) -> None:
        """Count a call that has its last token."""
        decode_s = event.at_s - life.first_s
        self._observe("e2e_request_latency_seconds", event.at_s - life.arrived_s)
        self._observe("request_inference_time_seconds", event.at_s - life.started_s)
        self._observe("request_decode_time_seconds", decode_s)
        self._observe("request_time_per_output_token_seconds", decode_s / max(1, life.output_tokens - 1))
        self._observe("request_prompt_tokens", life.prompt_tokens)
        self._observe("request_generation_tokens", life.output_tokens)
        self._observe("max_num_generation_tokens", life.output_tokens)
        if life.max_tokens is not None:
            self._observe("request_params_max_tokens", life.max_tokens)
        self._prompt_tokens += life.prompt_tokens
        self._output_tokens += life.output_tokens
        self._finished[event.reason] = self._finished.get(event.reason, 0) + 1

    def show(self, page: Page, model: str, gauges: Gauges) -> None:
        """Put everything counted on a page; what never counted anything is left out."""
        labels = {"model_name": model}
        page.add("vllm:num_requests_running", "gauge", labels, gauges.running)
        page.add("vllm:num_requests_waiting", "gauge", labels, gauges.waiting)
        page.add("vllm:kv_cache_usage_perc", "gauge", labels, gauges.kv_usage_ratio)
        for name, histogram in self._histograms.items():
            if histogram.count:
                page.histogram(f"vllm:{name}", labels, histogram)
        for reason, count in self._finished.items():
            page.add("vllm:request_success_total", "counter", {**labels, "finish_reason": reason}, float(count))
        if self._finished:
            page.add("vllm:prompt_tokens_total", "counter", labels, float(self._prompt_tokens))
            page.add("vllm:generation_tokens_total", "counter", labels, float(self._output_tokens))
        if gauges.prefix_query_tokens:
            page.add("vllm:prefix_cache_queries_total", "counter", labels, float(gauges.prefix_query_tokens))
            page.add("vllm:prefix_cache_hits_total", "counter", labels, float(gauges.prefix_hit_tokens))
        if self._as_vllm:
            page.add("vllm:num_preemptions_total", "counter", labels, float(gauges.preemptions))

    def _observe(self, name: str, value: float) -> None:
        self._histograms[name].observe(value)
