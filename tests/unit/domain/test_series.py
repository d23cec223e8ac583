"""Names under which engines have told one thing over the years: none of them may be forgotten."""

import pytest

from penstock.domain.series import SERIES, Signal


@pytest.mark.parametrize(
    ("signal", "names"),
    [
        pytest.param(
            Signal.TPOT,
            [
                "vllm:time_per_output_token_seconds",
                "vllm:request_time_per_output_token_seconds",
                "vllm:inter_token_latency_seconds",
            ],
            id="between tokens",
        ),
        pytest.param(Signal.KV_USAGE, ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"], id="cache"),
        pytest.param(
            Signal.PICKER_QUEUE,
            ["llm_d_epp_flow_control_queue_size", "inference_extension_flow_control_queue_size"],
            id="what pickers hold back",
        ),
    ],
)
def test_a_series_that_was_renamed_is_looked_for_under_each_of_its_names(signal: Signal, names: list[str]) -> None:
    """WVA knew the first name of the time between tokens alone; vLLM renamed it twice (#1018)."""
    assert list(SERIES[signal].names) == names
