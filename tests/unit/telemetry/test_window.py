"""What a few expositions of one engine add up to."""

import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from penstock.domain.catalogue import ModelScope
from penstock.domain.errors import InvalidField
from penstock.domain.readings import Known
from penstock.domain.series import SERIES, Signal
from penstock.telemetry.rows import Shard
from penstock.telemetry.spreads import spreads
from penstock.telemetry.window import Window, read

DATA = Path(__file__).parents[2] / "data"
MODEL = "unsloth/Meta-Llama-3.1-8B"
TTFT = "vllm:time_to_first_token_seconds"


def text(values: Mapping[str, float]) -> str:
    return "".join(f'{name}{{model_name="m"}} {value}\n' for name, value in values.items())


def window(*expositions: Mapping[str, float], scrapes: int = 5, every_s: float = 2.0) -> Window:
    made = Window(scrapes)
    for number, values in enumerate(expositions):
        made.add(read(text(values), 100.0 + number * every_s))
    return made


def only(made: Window) -> Shard:
    (shard,) = made.shards().values()
    return shard


def test_an_idle_simulator_says_that_nothing_runs_and_nothing_about_latency() -> None:
    made = Window(5)
    for at_s in (100.0, 102.0):
        made.add(read((DATA / "llm-d-inference-sim-idle.txt").read_text(), at_s))

    shard = made.shards()[MODEL, ""]

    assert (shard.running, shard.waiting, shard.kv_usage_ratio) == (0, 0, 0)
    assert (shard.completed_per_s, shard.means[Signal.TTFT], shard.backlog_growth_per_s) == (None, (None, None), 0)


def test_the_first_requests_after_idling_count_from_zero() -> None:
    made = Window(5)
    made.add(read((DATA / "llm-d-inference-sim-idle.txt").read_text(), 100.0))
    made.add(read((DATA / "llm-d-inference-sim-busy.txt").read_text(), 104.0))

    shard = made.shards()[MODEL, ""]

    assert shard.completed_per_s == 8 / 4.0  # 7 by length and 1 by stop
    assert shard.means[Signal.OUTPUT_TOKENS] == (246 / 4.0, 8 / 4.0)
    assert shard.means[Signal.TPOT] == (pytest.approx(4.76 / 4.0), 238 / 4.0)


def test_the_simulator_tells_of_its_cache_and_of_prefill() -> None:
    made = Window(5)
    made.add(read((DATA / "llm-d-inference-sim-idle.txt").read_text(), 100.0))
    made.add(read((DATA / "llm-d-inference-sim-busy.txt").read_text(), 104.0))

    shard = made.shards()[MODEL, ""]

    assert shard.kv_capacity_tokens == 16 * 1024
    assert shard.means[Signal.PREFILL][1] == 8 / 4.0


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param('engine="0",num_gpu_blocks="10",block_size="16"', 160, id="of this engine"),
        pytest.param('num_gpu_blocks="10",block_size="16"', 160, id="of all engines"),
        pytest.param('engine="1",num_gpu_blocks="10",block_size="16"', None, id="of another engine"),
        pytest.param('num_gpu_blocks="None",block_size="16"', None, id="not profiled yet"),
        pytest.param('num_gpu_blocks="0",block_size="16"', None, id="no block"),
        pytest.param('num_gpu_blocks="10"', None, id="no size"),
    ],
)
def test_what_a_cache_holds(labels: str, expected: float | None) -> None:
    made = Window(5)
    made.add(
        read(f'vllm:num_requests_running{{model_name="m",engine="0"}} 1\nvllm:cache_config_info{{{labels}}} 1', 1.0)
    )

    assert only(made).kv_capacity_tokens == expected


def test_a_rate_needs_two_expositions() -> None:
    assert only(window({"vllm:request_success_total": 5})).completed_per_s is None


@pytest.mark.parametrize(
    ("counts", "per_s"),
    [
        pytest.param([0, 4, 8], 2.0, id="steady"),
        pytest.param([100, 104, 2], 1.5, id="restarted: what it counted since"),
        pytest.param([7, 7, 7], 0.0, id="idle"),
    ],
)
def test_rates(counts: list[int], per_s: float) -> None:
    made = window(*({"vllm:request_success_total": count} for count in counts))

    assert only(made).completed_per_s == per_s


def test_a_window_forgets() -> None:
    made = window(*({"vllm:request_success_total": count} for count in (0, 100, 100, 100)), scrapes=2)

    assert only(made).completed_per_s == 0


def test_an_exposition_of_the_same_instant_is_dropped() -> None:
    made = window({"vllm:request_success_total": 0}, {"vllm:request_success_total": 5}, every_s=0.0)

    assert only(made).completed_per_s is None


def test_the_newest_alias_that_has_counted_gives_the_mean() -> None:
    first, second, third = SERIES[Signal.TPOT].names
    grown = {f"{second}_sum": 1.0, f"{second}_count": 10.0, f"{third}_sum": 9.0, f"{third}_count": 10.0}

    shard = only(window(dict.fromkeys(grown, 0.0), grown))

    assert shard.means[Signal.TPOT] == (0.5, 5.0)
    assert f"{first}_count" not in grown


def test_models_and_engines_stay_apart() -> None:
    made = Window(5)
    lines = [
        f'vllm:num_requests_running{{model_name="{m}",engine="{e}"}} {n}' for n, (m, e) in enumerate(["a0", "a1", "b0"])
    ]
    made.add(read("\n".join(lines), 100.0))

    assert {name: shard.running for name, shard in made.shards().items()} == {
        ("a", "0"): 0,
        ("a", "1"): 1,
        ("b", "0"): 2,
    }


def test_growth_is_the_slope_of_running_and_waiting() -> None:
    made = window(*({"vllm:num_requests_running": n, "vllm:num_requests_waiting": 2 * n} for n in range(4)))

    assert only(made).backlog_growth_per_s == pytest.approx(1.5)


def test_growth_is_unknown_where_a_gauge_is_missing() -> None:
    made = window(*({"vllm:num_requests_running": n} for n in range(4)))

    assert only(made).backlog_growth_per_s is None


PROMPTS = SERIES[Signal.INPUT_TOKENS].names[0]


def bucket(bound: str, count: float, engine: str = "0") -> str:
    return f'{PROMPTS}_bucket{{model_name="m",engine="{engine}",le="{bound}"}} {count}'


def test_buckets_grow_over_the_window_and_add_up_over_engines() -> None:
    made = Window(5)
    for at_s, short, all_of_them in ((100.0, 5, 9), (104.0, 9, 17)):
        lines = [bucket("200.0", short), bucket("+Inf", all_of_them), bucket("+Inf", all_of_them, "1")]
        made.add(read("\n".join(lines), at_s))

    assert made.buckets() == {("m", Signal.INPUT_TOKENS): {200.0: 1.0, math.inf: 4.0}}


def test_buckets_need_two_expositions() -> None:
    made = Window(5)
    made.add(read(bucket("1.0", 3), 100.0))

    assert made.buckets() == {}


def test_the_simulator_tells_how_its_lengths_scatter() -> None:
    made = Window(5)
    made.add(read((DATA / "llm-d-inference-sim-idle.txt").read_text(), 100.0))
    made.add(read((DATA / "llm-d-inference-sim-busy.txt").read_text(), 104.0))

    counts = {(ModelScope("llm", model), signal): found for (model, signal), found in made.buckets().items()}
    spread = spreads(counts, 104.0)[ModelScope("llm", MODEL)]

    assert all(
        isinstance(one, Known) and one.at_s == 104.0 and 0 < one.value < 3
        for one in (spread.input_cv, spread.output_cv)
    )


@pytest.mark.parametrize("labels", ['le="many"', ""])
def test_a_bucket_without_a_bound_is_refused(labels: str) -> None:
    with pytest.raises(InvalidField):
        read(f"{PROMPTS}_bucket{{{labels}}} 1", 0.0)


def test_malformed_text_is_refused() -> None:
    with pytest.raises(InvalidField):
        read("vllm:num_requests_running{ 1", 0.0)
