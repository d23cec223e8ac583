"""What `penstock engine` is told: flags of llm-d-inference-sim and its YAML file become one frozen value."""

import argparse
import difflib
import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from penstock.domain.errors import InvalidField
from penstock.engine.latency import Calculator, Latencies
from penstock.engine.model import EngineConfig
from penstock.engine.steptime import StepCost, cost_of
from penstock.settings.engineflags import FAILURE_TYPES, IGNORED, KNOWN, SECTIONS, STEP_MODEL, Flag
from penstock.settings.fakemetrics import FakeMetrics, parse_fake_metrics

LATENCY_FLAGS: Final = {
    "time-to-first-token": "time_to_first_token_s",
    "time-to-first-token-std-dev": "time_to_first_token_std_dev_s",
    "inter-token-latency": "inter_token_latency_s",
    "inter-token-latency-std-dev": "inter_token_latency_std_dev_s",
    "prefill-overhead": "prefill_overhead_s",
    "prefill-time-per-token": "prefill_time_per_token_s",
    "prefill-time-std-dev": "prefill_time_std_dev_s",
    "time-factor-under-load": "time_factor_under_load",
}
_NESTED: Final = ("latencies", "kvcache")
_LARGE_BUDGET: Final = ("H100", "H200")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterModule:
    """A LoRA adapter that can be asked for by its name."""

    name: str
    path: str
    base: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Which share of the calls fails, and how."""

    rate_percent: int = 0
    types: tuple[str, ...] = FAILURE_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """One emulated server. `ignored` names the flags that were given and have no effect."""

    model: str
    names: tuple[str, ...]
    adapters: tuple[AdapterModule, ...]
    engine: EngineConfig
    max_model_len: int
    reported_kv_blocks: int
    prefix_caching: bool
    echo: bool
    seed: int | None
    startup_s: float
    faults: Faults
    fake_metrics: FakeMetrics | None
    fake_refresh_s: float
    host: str
    port: int
    ranks: int
    request_id_headers: bool
    max_body_bytes: int
    certificate: Path | None
    key: Path | None
    ignored: tuple[str, ...]
    pod_name: str = ""
    pod_namespace: str = ""

    @property
    def step_model(self) -> bool:
        """Whether the engine batches as vLLM does, and then reports as vLLM does where the two differ."""
        return self.engine.step_cost is not None


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> EngineSettings:
    """Return the settings of a command line; the YAML file of --config and SIM_MODEL stand below it.

    Raises:
        InvalidField: an unknown flag or key, or a value that cannot be.
    """
    file = _parse(arguments)["config"]
    lower = _file_arguments(Path(file)) if file else []
    if model := environment.get("SIM_MODEL"):
        lower.append(f"--model={model}")
    settings = _settings(_parse([*lower, *arguments]))
    return replace(
        settings, pod_name=environment.get("POD_NAME", ""), pod_namespace=environment.get("POD_NAMESPACE", "")
    )


def _parse(arguments: Sequence[str]) -> dict[str, Any]:
    given, unknown = parser().parse_known_args(list(arguments))
    if unknown:
        name = unknown[0].partition("=")[0]
        near = difflib.get_close_matches(name.lstrip("-"), KNOWN, 1)
        guess = f"write --{near[0]}" if near else "remove this argument"
        raise InvalidField("unknown argument", name, f"{guess}, or see penstock engine --help")
    return {name.replace("_", "-"): value for name, value in vars(given).items()}


class _Parser(argparse.ArgumentParser):
    """Argparse that raises our error."""

    def error(self, message: str) -> None:  # type: ignore[override] # argparse exits here, we raise
        """Turn what argparse says into one of our errors."""
        argument, _, problem = message.removeprefix("argument ").partition(": ")
        raise InvalidField(argument, problem, "see penstock engine --help")


class _Help(argparse.HelpFormatter):
    """Wide, and flags are never broken at their hyphens."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=44, width=118)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def parser() -> argparse.ArgumentParser:
    """Return the parser, which also prints the help."""
    ignored = ", ".join(f"--{name}" for name in IGNORED)
    made = _Parser(
        prog="penstock engine",
        usage="penstock engine --model NAME [flags]",
        description="Run an emulated vLLM server: OpenAI completions and chat with SSE, vLLM's metrics, and the flags "
        "of llm-d-inference-sim. Times need a unit, as in 100ms. Lists are separated by spaces.",
        epilog=f"Taken with a warning, without effect: {ignored}. Unknown flags stop the start with exit code 2.",
        add_help=False,
        allow_abbrev=False,
        formatter_class=_Help,
    )
    for title, flags in SECTIONS.items():
        group = made.add_argument_group(title)
        for flag in flags:
            _add(group, flag, flag.help)
    for flag in IGNORED.values():
        _add(made, flag, argparse.SUPPRESS)
    return made


def _add(group: Any, flag: Flag, text: str) -> None:  # noqa: ANN401 - argparse's groups have no public type
    named: dict[str, Any] = {"default": flag.default, "type": flag.convert, "help": text.replace("%", "%%")}
    if flag.name in IGNORED:
        named["default"] = None
    if flag.switch:
        named |= {"nargs": "?", "const": True, "metavar": "BOOL"}
    else:
        named |= {"nargs": "*" if flag.many else None, "metavar": flag.shown}
    group.add_argument(f"--{flag.name}", **named)


def _file_arguments(path: Path) -> list[str]:
    """Return a YAML file as arguments, so that both ways in are checked alike."""
    import yaml  # noqa: PLC0415 - most engines start without such a file, and quickly

    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise InvalidField("--config", str(path), f"name a readable YAML file ({error})") from None
    if not isinstance(body, dict):
        raise InvalidField("--config", str(path), "write flags as keys: model, port, …")
    flat = {**body}
    for section in _NESTED:
        flat |= flat.pop(section, None) or {}
    return [argument for key, value in flat.items() for argument in _file_argument(str(key), value)]


def _file_argument(key: str, value: object) -> list[str]:
    if key not in KNOWN:
        raise InvalidField(f"--config: {key}", value, "remove it, or see penstock engine --help for the keys")
    if KNOWN[key].many:
        return [f"--{key}", *(_text(item) for item in (value if isinstance(value, list) else [value]))]
    return [f"--{key}={_text(value)}"]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _settings(given: dict[str, Any]) -> EngineSettings:
    model = given["model"]
    if not model:
        raise InvalidField("--model", model, "name the model that is served")
    certificate, key = (Path(given[name]) if given[name] else None for name in ("ssl-certfile", "ssl-keyfile"))
    if (certificate is None) != (key is None):
        raise InvalidField("--ssl-certfile", given["ssl-certfile"], "give --ssl-certfile and --ssl-keyfile together")
    step_model = given["latency-calculator"] == STEP_MODEL
    engine = _engine(given, step_model=step_model)
    return EngineSettings(
        model=model,
        names=tuple(given["served-model-name"]) or (model,),
        adapters=tuple(_adapter(text) for text in given["lora-modules"]),
        engine=engine,
        reported_kv_blocks=engine.kv_blocks or given["kv-cache-size"] or 1024,
        max_model_len=given["max-model-len"] or (131_072 if step_model else 1024),
        prefix_caching=not (step_model and given["no-enable-prefix-caching"]),
        echo=given["mode"] == "echo",
        seed=given["seed"],
        startup_s=given["startup-duration"],
        faults=faults(given["failure-injection-rate"], given["failure-types"]),
        fake_metrics=_fake(given["fake-metrics"]),
        fake_refresh_s=given["fake-metrics-refresh-interval"],
        host=given["host"],
        port=given["port"],
        ranks=1 if given["data-parallel-rank"] >= 0 else given["data-parallel-size"],
        request_id_headers=given["enable-request-id-headers"],
        max_body_bytes=given["max-request-body-size-mb"] * 2**20,
        certificate=certificate,
        key=key,
        ignored=tuple(name for name in IGNORED if given[name] is not None),
    )


def _engine(given: dict[str, Any], *, step_model: bool) -> EngineConfig:
    gpu = (given["gpu"] or "H100") if step_model else ""
    if given["gpu"] and not step_model:
        raise InvalidField("--gpu", given["gpu"], f"add --latency-calculator {STEP_MODEL}")
    cost = cost_of(gpu, "--gpu") if gpu else None
    slots = given["max-num-seqs"] or (256 if step_model else 5)
    return EngineConfig(
        max_num_seqs=slots,
        max_waiting=given["max-waiting-queue-length"],
        latencies=_latencies(given, step_model=step_model),
        step_cost=cost,
        max_num_batched_tokens=given["max-num-batched-tokens"]
        or max(slots, 8192 if gpu.upper().startswith(_LARGE_BUDGET) else 2048),
        kv_blocks=_blocks(given, cost),
        block_tokens=given["block-size"],
        by_priority=given["scheduling-policy"] == "priority",
        max_adapters=given["max-loras"],
    )


def _blocks(given: dict[str, Any], cost: StepCost | None) -> int:
    """Return the KV blocks that are modelled: none, as many as the GPU holds, or as many as told."""
    if cost is None:
        return (given["kv-cache-size"] or 1024) if given["enable-kvcache"] else 0
    return int(given["kv-cache-size"] or cost.kv_tokens // given["block-size"])


def _latencies(given: dict[str, Any], *, step_model: bool) -> Latencies:
    calculator = Calculator.UNSET if step_model else Calculator(given["latency-calculator"])
    return Latencies(calculator=calculator, **{field: given[flag] for flag, field in LATENCY_FLAGS.items()})


def _adapter(text: str) -> AdapterModule:
    module = _json(text, "--lora-modules")
    if not isinstance(module, dict) or not module.get("name"):
        raise InvalidField("--lora-modules", text, 'write {"name": "a", "path": "p", "base_model_name": "m"}')
    return AdapterModule(
        name=str(module["name"]), path=str(module.get("path", "")), base=str(module.get("base_model_name", ""))
    )


def faults(rate_percent: int, types: Sequence[str]) -> Faults:
    """Return the faults of a rate and type names, none meaning all.

    Raises:
        InvalidField: an unknown type.
    """
    for name in types:
        if name not in FAILURE_TYPES:
            raise InvalidField("failure-types", name, f"write one of {', '.join(FAILURE_TYPES)}")
    return Faults(rate_percent=rate_percent, types=tuple(types) or FAILURE_TYPES)


def _fake(text: str) -> FakeMetrics | None:
    return parse_fake_metrics(_json(text, "--fake-metrics")) if text else None


def _json(text: str, field: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidField(field, text, f"write valid JSON ({error})") from None
