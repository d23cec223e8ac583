"""What a host shows and lets be changed, under virtual time and without a socket."""

import json
import random
import re

import pytest

from penstock.emulator import admin
from penstock.emulator.exposition import Page
from penstock.emulator.host import Clocks, Host
from penstock.emulator.meters import Life, Meters
from penstock.emulator.refusals import ApiError
from penstock.engine.calls import Finish, Finished, FirstToken, Gauges, Started
from penstock.settings.engine import read


class Clock:
    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> float:
        return 1_795_235_647.4 + self.now_s - 100


def host(*arguments: str, clock: Clock | None = None) -> Host:
    at = clock or Clock()
    settings = read(["--model", "m", *arguments], {})
    return Host(settings, 0, Clocks(monotonic=at.monotonic, wall=at.wall), random.Random(1))


def series(page: str) -> dict[str, str]:
    return dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))


def test_start_up_ends() -> None:
    clock = Clock()
    emulated = host("--startup-duration", "5s", clock=clock)

    before = emulated.starting
    clock.now_s += 5

    assert (before, emulated.starting) == (True, False)


def test_models_lists_names_then_adapters() -> None:
    emulated = host("--served-model-name", "a", "b", "--lora-modules", '{"name": "x"}')

    listed = emulated.models()

    assert [(model["id"], model["parent"]) for model in listed] == [("a", None), ("b", None), ("x", "a")]
    assert [emulated.shown_model(name) for name in ("a", "b", "x")] == ["a", "a", "x"]
    assert [emulated.serves(name) for name in ("a", "x", "m")] == [True, True, False]


def test_made_up_metrics_replace_all_others_and_move() -> None:
    clock = Clock()
    fakes = {"running-requests": "ramp:0:10:4s", "waiting-requests": 3, "kv-cache-usage": "ramp:0:1:4s",
             "tpot-buckets-values": [0, 2], "request-prompt-tokens": [0, 1, 2],
             "request-success-total": {"stop": 4},
             "loras": [{"running": "a", "waiting": "", "timestamp": 5}]}  # fmt: skip
    emulated = host("--fake-metrics", json.dumps(fakes), clock=clock)

    at_first = series(emulated.metrics())
    clock.now_s += 1.05
    later = series(emulated.metrics())

    assert at_first['vllm:num_requests_running{model_name="m"}'] == "0"
    assert later['vllm:num_requests_running{model_name="m"}'] == "2"  # whole requests, whole refresh intervals
    assert later['vllm:kv_cache_usage_perc{model_name="m"}'].startswith("0.25")
    assert later['vllm:num_requests_waiting{model_name="m"}'] == "3"
    assert later['vllm:inter_token_latency_seconds_count{model_name="m"}'] == "2"
    assert later['vllm:prompt_tokens_total{model_name="m"}'] == "12"  # 2 + 2 x 5, the buckets' bounds
    assert later['vllm:request_success_total{finish_reason="stop",model_name="m"}'] == "4"
    assert later['vllm:lora_requests_info{max_lora="1",running_lora_adapters="a",waiting_lora_adapters=""}'] == "5"
    assert 'vllm:cache_config_info{block_size="16",num_gpu_blocks="1024"}' in later


def test_made_up_metrics_without_adapters_still_say_that_none_runs() -> None:
    page = series(host("--fake-metrics", "{}").metrics())

    assert set(page) == {
        'vllm:cache_config_info{block_size="16",num_gpu_blocks="1024"}',
        'vllm:lora_requests_info{max_lora="1",running_lora_adapters="",waiting_lora_adapters=""}',
    }
    assert list(page.values()) == ["1", "1.795235647e+09"]


def test_admin_changes_part_and_shows_all() -> None:
    clock = Clock()
    emulated = host("--time-to-first-token=1s", '--fake-metrics={"running-requests": 1}', clock=clock)
    clock.now_s += 50

    admin.change(emulated, json.dumps({
        "inter-token-latency": "250us", "time-to-first-token": 2_000_000_000, "time-factor-under-load": 2,
        "latency-calculator": "constant", "failure-injection-rate": 50, "failure-types": ["rate_limit"],
        "fake-metrics": {"running-requests": "ramp:0:4:4s"}, "kv-cache-transfer-latency": "1s", "seed": None,
    }).encode())  # fmt: skip
    clock.now_s += 2
    shown = admin.shown(emulated)

    assert (shown["inter-token-latency"], shown["time-to-first-token"]) == ("250us", "2s")
    assert (shown["time-factor-under-load"], shown["latency-calculator"]) == (2.0, "constant")
    assert (shown["failure-injection-rate"], shown["failure-types"]) == (50, ["rate_limit"])
    assert series(emulated.metrics())['vllm:num_requests_running{model_name="m"}'] == "2"
    assert shown["port"] == 8000
    assert "port" not in admin.shown(host("--data-parallel-size=2"))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param("{", "Failed to read and parse request body", id="no JSON"),
        pytest.param("[]", "it is no JSON object", id="no object"),
        pytest.param(
            '{"prefill-overhead": "1s", "port": 1}', "port=1: remove it: it cannot be changed while serving", id="fixed"
        ),
        pytest.param('{"failure-injection-rate": 101}', "failure-injection-rate=101", id="rate"),
        pytest.param('{"failure-injection-rate": true}', "failure-injection-rate=True", id="boolean rate"),
        pytest.param('{"failure-types": "rate_limit"}', "failure-types='rate_limit': write a list", id="types"),
        pytest.param('{"failure-types": ["x"]}', "failure-types='x': write one of", id="type"),
        pytest.param('{"inter-token-latency": true}', "write a duration such as 250ms", id="boolean time"),
        pytest.param('{"inter-token-latency": "3"}', "write a duration", id="no unit"),
        pytest.param('{"time-factor-under-load": "2"}', "time-factor-under-load='2': write a number", id="factor"),
        pytest.param('{"inter-token-latency-std-dev": "1s"}', "write at most 30 %", id="deviation"),
        pytest.param('{"latency-calculator": "x"}', "write one of constant, per-token", id="calculator"),
        pytest.param('{"latency-calculator": "step-model"}', "restart the engine to begin", id="another law"),
        pytest.param('{"fake-metrics": {}}', "start the engine with --fake-metrics first", id="no fakes"),
    ],
)
def test_admin_refuses_and_changes_nothing(body: str, message: str) -> None:
    emulated = host()
    before = emulated.tunables

    with pytest.raises(ApiError, match=f"400: .*{re.escape(message)}"):
        admin.change(emulated, body.encode())

    assert emulated.tunables is before


def test_admin_of_a_step_model_takes_faults_and_keeps_the_law() -> None:
    emulated = host("--latency-calculator=step-model")

    admin.change(emulated, b'{"failure-injection-rate": 3}')

    assert admin.shown(emulated)["latency-calculator"] == "step-model"
    assert admin.shown(emulated)["failure-injection-rate"] == 3


IDLE = Gauges(running=0, waiting=0, kv_usage_ratio=0.0)


def measured(*, as_vllm: bool) -> dict[str, str]:
    meters = Meters(1024, as_vllm=as_vllm)
    life = Life(prompt_tokens=10, output_tokens=5, max_tokens=None, arrived_s=1.0)
    meters.started(life, Started(1, 3.0, 0))
    meters.first_token(life, FirstToken(1, 3.5))
    meters.gaps(0.02, 4)
    meters.finished(life, Finished(1, 3.9, Finish.STOP))
    page = Page()
    meters.show(page, "m", IDLE)
    return {name.replace('{model_name="m"}', ""): value for name, value in series(page.text()).items()}


@pytest.mark.parametrize(
    ("as_vllm", "ttft"), [pytest.param(False, "0.5", id="theirs"), pytest.param(True, "2.5", id="vLLM's")]
)
def test_the_wait_belongs_to_the_first_token_in_vllm_and_not_in_theirs(as_vllm: bool, ttft: str) -> None:
    page = measured(as_vllm=as_vllm)

    assert page["vllm:time_to_first_token_seconds_sum"] == ttft
    assert page["vllm:request_queue_time_seconds_sum"] == "2"
    assert float(page["vllm:request_decode_time_seconds_sum"]) == pytest.approx(0.4)
    assert float(page["vllm:request_time_per_output_token_seconds_sum"]) == pytest.approx(0.1)
    assert float(page["vllm:e2e_request_latency_seconds_sum"]) == pytest.approx(2.9)
    assert page["vllm:inter_token_latency_seconds_count"] == "4"
    assert "vllm:request_params_max_tokens_count" not in page
    assert ("vllm:num_preemptions_total" in page) is as_vllm
