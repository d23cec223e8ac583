"""The flags of `penstock engine`: each of llm-d-inference-sim's is taken, acts or warns; others stop the start."""

from pathlib import Path

import pytest

from penstock.domain.errors import InvalidField
from penstock.engine.latency import Calculator, Latencies
from penstock.engine.steptime import GPUS
from penstock.settings.engine import AdapterModule, EngineSettings, parser, read
from penstock.settings.engineflags import FAILURE_TYPES, IGNORED, KNOWN

# every flag of llm-d-inference-sim at commit eec055a, by type
THEIRS = {
    "int": "block-size data-parallel-rank data-parallel-size default-embedding-dimensions event-batch-size "
    "failure-injection-rate image-emission-rate kv-cache-size kv-events-replay-queue-size max-cpu-loras max-loras "
    "max-model-len max-num-seqs max-request-body-size-mb max-tool-call-array-param-length max-tool-call-integer-param "
    "max-waiting-queue-length min-tool-call-array-param-length min-tool-call-integer-param "
    "object-tool-call-not-required-field-probability port seed tensor-parallel-size "
    "tool-call-extra-call-probability tool-call-not-required-param-probability",
    "float": "global-cache-hit-threshold max-tool-call-number-param min-tool-call-number-param time-factor-under-load",
    "duration": "fake-metrics-refresh-interval inter-token-latency inter-token-latency-std-dev "
    "kv-cache-transfer-latency kv-cache-transfer-latency-std-dev kv-cache-transfer-time-per-token "
    "kv-cache-transfer-time-std-dev mm-render-timeout prefill-overhead prefill-time-per-token prefill-time-std-dev "
    "render-timeout startup-duration time-to-first-token time-to-first-token-std-dev time-to-generate-image "
    "time-to-generate-image-std-dev",
    "string": "dataset-path dataset-table-name dataset-url ec-transfer-config hash-seed kv-events-replay-endpoint "
    "mm-processor-kwargs render-url zmq-endpoint",
    "bool": "dataset-in-memory enable-kvcache enable-prefix-caching enable-request-id-headers enable-sleep-mode "
    "enforce-eager force-dummy-tokenizer mm-encoder-only no-enable-prefix-caching no-enable-sleep-mode "
    "no-enforce-eager no-mm-encoder-only no-omni omni self-signed-certs skip-tool-validation use-vllm-map-event-format",
}
VALUES = {"int": "8", "float": "1", "duration": "0s", "string": "x"}
SPECIAL = {
    "config": "", "model": "m", "mode": "echo", "latency-calculator": "constant", "lora-modules": '{"name": "a"}',
    "failure-types": "server_error", "fake-metrics": "{}", "served-model-name": "n", "ssl-certfile": "",
    "ssl-keyfile": "",
}  # fmt: skip


def settings(*arguments: str, **environment: str) -> EngineSettings:
    return read(["--model", "m", *arguments], environment)


def test_every_flag_of_theirs_is_taken_in_both_spellings() -> None:
    pairs = {name: VALUES.get(kind, "") for kind, names in THEIRS.items() for name in names.split()} | SPECIAL

    glued = read([f"--{name}={value}" if value else f"--{name}=false" for name, value in pairs.items()
                  if value or name in THEIRS["bool"].split()], {})  # fmt: skip
    spaced = read([word for name, value in pairs.items() if value for word in (f"--{name}", value)], {})
    switched = read(["--model", "m", *(f"--{name}" for name in THEIRS["bool"].split())], {})

    assert glued.port == spaced.port == 8
    assert set(pairs) <= set(KNOWN)
    assert set(switched.ignored) == set(THEIRS["bool"].split()) & set(IGNORED)


def test_defaults_are_theirs() -> None:
    read_settings = settings()

    assert (read_settings.port, read_settings.max_model_len, read_settings.reported_kv_blocks) == (8000, 1024, 1024)
    assert (read_settings.engine.max_num_seqs, read_settings.engine.max_waiting) == (5, 1000)
    assert (read_settings.engine.kv_blocks, read_settings.engine.block_tokens) == (0, 16)
    assert read_settings.engine.latencies == Latencies()
    assert (read_settings.names, read_settings.ranks, read_settings.seed) == (("m",), 1, None)
    assert (read_settings.faults.rate_percent, read_settings.faults.types) == (0, FAILURE_TYPES)
    assert (read_settings.fake_metrics, read_settings.fake_refresh_s, read_settings.ignored) == (None, 0.1, ())


def test_latencies_keep_what_go_can_write() -> None:
    read_settings = settings(
        "--latency-calculator", "per-token", "--prefill-overhead=30ms", "--prefill-time-per-token", "250us",
        "--inter-token-latency=1.5s", "--inter-token-latency-std-dev", "0.1s", "--time-factor-under-load", "2",
    )  # fmt: skip

    assert read_settings.engine.latencies == Latencies(
        calculator=Calculator.PER_TOKEN, prefill_overhead_s=0.03, prefill_time_per_token_s=0.00025,
        inter_token_latency_s=1.5, inter_token_latency_std_dev_s=0.1, time_factor_under_load=2.0,
    )  # fmt: skip


def test_lists_take_values_until_the_next_flag() -> None:
    read_settings = settings(
        "--served-model-name", "a", "b", "--lora-modules", '{"name": "x", "path": "/x", "base_model_name": "a"}',
        '{"name": "y"}', "--failure-types", "rate_limit", "server_error", "--failure-injection-rate", "7",
    )  # fmt: skip

    assert read_settings.names == ("a", "b")
    assert read_settings.adapters == (
        AdapterModule(name="x", path="/x", base="a"), AdapterModule(name="y", path="", base=""),
    )  # fmt: skip
    assert (read_settings.faults.rate_percent, read_settings.faults.types) == (7, ("rate_limit", "server_error"))


@pytest.mark.parametrize(
    ("arguments", "slots", "length", "blocks", "budget"),
    [
        pytest.param((), 256, 131_072, 28_500, 8192, id="H100 and vLLM's limits"),
        pytest.param(("--gpu", "l4"), 256, 131_072, 2875, 2048, id="another GPU"),
        pytest.param(
            ("--gpu=A100", "--max-num-seqs=9", "--max-model-len=100", "--kv-cache-size=50"), 9, 100, 50, 2048, id="told"
        ),
        pytest.param(("--gpu=A100", "--max-num-seqs=4096"), 4096, 131_072, 28_500, 4096, id="budget for all slots"),
    ],
)
def test_step_model(arguments: tuple[str, ...], slots: int, length: int, blocks: int, budget: int) -> None:
    read_settings = settings("--latency-calculator", "step-model", "--time-to-first-token=1s", *arguments)

    assert read_settings.step_model
    assert read_settings.engine.step_cost in GPUS.values()
    assert (read_settings.engine.max_num_seqs, read_settings.max_model_len) == (slots, length)
    assert (read_settings.engine.kv_blocks, read_settings.reported_kv_blocks) == (blocks, blocks)
    assert read_settings.engine.max_num_batched_tokens == budget


def test_the_prefix_cache_can_be_switched_off_for_the_step_model_only() -> None:
    assert settings("--no-enable-prefix-caching").prefix_caching
    assert not settings("--no-enable-prefix-caching", "--latency-calculator=step-model").prefix_caching


def test_a_file_stands_below_the_environment_and_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "model: of-file\nport: 8011\nmax-num-seqs: 7\nserved-model-name: [a, b]\nlatencies: {time-to-first-token: 2s}\n"
        'kvcache: {enable-kvcache: true, kv-cache-size: 9}\nfake-metrics: {running-requests: 3}\nseed: "5"\n'
        'lora-modules: [\'{"name": "x"}\']\n'
    )

    of_file = read(["--config", str(path)], {})
    above = read([f"--config={path}", "--port=8012", "--served-model-name", "c"], {"SIM_MODEL": "of-env"})

    assert (of_file.model, of_file.port, of_file.names, of_file.seed) == ("of-file", 8011, ("a", "b"), 5)
    assert (of_file.engine.max_num_seqs, of_file.engine.kv_blocks) == (7, 9)
    assert of_file.engine.latencies.time_to_first_token_s == 2.0
    assert of_file.fake_metrics is not None
    assert of_file.adapters[0].name == "x"
    assert (above.model, above.port, above.names) == ("of-env", 8012, ("c",))
    assert read(["--model", "of-flag"], {"SIM_MODEL": "of-env"}).model == "of-flag"


def test_the_pod_names_itself_in_the_environment() -> None:
    read_settings = read(["--model", "m"], {"POD_NAME": "p", "POD_NAMESPACE": "n"})

    assert (read_settings.pod_name, read_settings.pod_namespace) == ("p", "n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--mdoel", "x"], "unknown argument='--mdoel': write --model, or see", id="unknown flag"),
        pytest.param(["--zzz=1"], "unknown argument='--zzz': remove this argument", id="like nothing"),
        pytest.param(["x"], "unknown argument='x'", id="no flag at all"),
        pytest.param(["--port"], "--port='expected one argument'", id="no value"),
        pytest.param(["--port", "x"], "--port='x': write a number, 0 to 65535", id="no number"),
        pytest.param(["--max-num-seqs", "0"], "--max-num-seqs='0': write a number, 1 or more", id="too small"),
        pytest.param(["--time-factor-under-load", "nan"], "write a number, 1 or more", id="NaN"),
        pytest.param(["--time-to-first-token", "100"], "time-to-first-token='100': write a duration", id="no unit"),
        pytest.param(["--mode", "x"], "--mode='x': write one of random, echo", id="mode"),
        pytest.param(["--latency-calculator", "x"], "write one of .empty., constant, per-token, step", id="calculator"),
        pytest.param(["--enable-kvcache", "yes"], "--enable-kvcache='yes': write true or false", id="switch"),
        pytest.param(["--failure-types", "x"], "failure-types='x': write one of rate_limit", id="failure type"),
        pytest.param(["--fake-metrics", "{"], "--fake-metrics='{': write valid JSON", id="fake metrics"),
        pytest.param(["--lora-modules", "[]"], "--lora-modules='..': write", id="adapter"),
        pytest.param(["--gpu", "H100"], "--gpu='H100': add --latency-calculator step-model", id="gpu without law"),
        pytest.param(["--latency-calculator=step-model", "--gpu=x"], "--gpu='x': write one of H100", id="gpu"),
        pytest.param(["--ssl-certfile", "x"], "give --ssl-certfile and --ssl-keyfile together", id="half a pair"),
        pytest.param(
            ["--inter-token-latency=1s", "--inter-token-latency-std-dev=2s"], "write at most 30 %", id="deviation"
        ),
        pytest.param(["--config", "/nowhere"], "--config='/nowhere': name a readable YAML file", id="no file"),
    ],
)
def test_a_mistake_names_itself_and_the_remedy(arguments: list[str], message: str) -> None:
    with pytest.raises(InvalidField, match=message):
        settings(*arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("- a", "write flags as keys", id="no mapping"),
        pytest.param("prot: 1", "--config: prot=1: remove it", id="unknown key"),
        pytest.param("a: [", "name a readable YAML file", id="no YAML"),
    ],
)
def test_a_mistake_in_the_file_names_itself(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)

    with pytest.raises(InvalidField, match=message):
        settings("--config", str(path))


def test_no_model_is_a_mistake() -> None:
    with pytest.raises(InvalidField, match="--model='': name the model"):
        read([], {})


def test_the_help_has_sections_and_names_what_is_ignored() -> None:
    text = parser().format_help()

    assert "Latency:\n  --latency-calculator constant|per-token|step-model" in text
    assert "--zmq-endpoint" in text
    assert all(f"--{name}" in text for name in KNOWN)
    assert max(map(len, text.splitlines())) <= 118
