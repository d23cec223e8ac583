"""The flags of `penstock engine`: those of llm-d-inference-sim, which of them act here, and the few that are ours."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.domain.goduration import parse_go_duration

Convert = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag; `convert` raises InvalidField. `many` takes values up to the next flag, `switch` none or a boolean."""

    name: str
    help: str = ""
    shown: str = "TEXT"
    default: object = ""
    convert: Convert = str
    many: bool = False
    switch: bool = False


def _number(name: str, kind: type[int] | type[float], least: float, most: float) -> Convert:
    def convert(text: str) -> object:
        with contextlib.suppress(ValueError):
            value = kind(text)
            if least <= value <= most:
                return value
        bounds = f"{least:g} to {most:g}" if most < 2**62 else f"{least:g} or more"
        raise InvalidField(f"--{name}", text, f"write a number, {bounds}")

    return convert


def _integer(name: str, default: int | None, text: str, least: int = 0, most: int = 2**63) -> Flag:
    return Flag(name=name, help=text, shown="N", default=default, convert=_number(name, int, least, most))


def _duration(name: str, text: str, default_s: float = 0.0) -> Flag:
    def convert(written: str) -> float:
        return parse_go_duration(written, f"--{name}")

    return Flag(name=name, help=text, shown="TIME", default=default_s, convert=convert)


def _word(name: str, text: str, shown: str = "TEXT", default: str = "") -> Flag:
    return Flag(name=name, help=text, shown=shown, default=default)


def _choice(name: str, text: str, choices: tuple[str, ...]) -> Flag:
    def convert(written: str) -> str:
        if written not in choices:
            raise InvalidField(
                f"--{name}", written, f"write one of {', '.join(choice or '(empty)' for choice in choices)}"
            )
        return written

    return Flag(name=name, help=text, shown="|".join(filter(None, choices)), default=choices[0], convert=convert)


def truth(name: str) -> Convert:
    """Return the reader of a switch's value, which Go lets one write as --flag=false."""

    def convert(written: str) -> bool:
        if written.lower() not in {"true", "false", "1", "0", "t", "f"}:
            raise InvalidField(f"--{name}", written, "write true or false")
        return written.lower() in {"true", "1", "t"}

    return convert


def _switch(name: str, text: str = "") -> Flag:
    return Flag(name=name, help=text, default=False, convert=truth(name), switch=True)


def _many(name: str, text: str, shown: str) -> Flag:
    return Flag(name=name, help=text, shown=shown, default=(), many=True)


FAILURE_TYPES: Final = (
    "rate_limit", "invalid_api_key", "context_length", "server_error", "invalid_request", "model_not_found",
)  # fmt: skip
STEP_MODEL: Final = "step-model"

SECTIONS: Final[dict[str, tuple[Flag, ...]]] = {
    "Model": (
        _word("model", "the model that is served; required (or SIM_MODEL in the environment)", "NAME"),
        _many("served-model-name", "names in the API; the first one is shown in answers and metrics", "NAME"),
        _many("lora-modules", 'adapters: {"name": "a", "path": "p", "base_model_name": "m"}', "JSON"),
        _integer("max-loras", 1, "different adapters that run at a time (1)", 1),
        _choice("mode", "answer with made-up sentences, or with what was asked", ("random", "echo")),
        Flag(name="seed", help="seed of everything drawn (absent: another one each time)", shown="N", default=None,
             convert=_number("seed", int, -(2**63), 2**63)),
        _word("config", "YAML file with these flags as keys; the command line wins", "FILE"),
    ),
    "Limits": (
        _integer("max-num-seqs", None, "calls that run at a time (5; 256 with step-model)", 1),
        _integer("max-waiting-queue-length", 1000, "calls that may wait (1000); the next one gets 429"),
        _integer("max-model-len", None, "tokens of prompt and answer together (1024; 131072 with step-model)", 1),
        _integer("max-request-body-size-mb", 4, "largest request body (4)", 1, 512),
    ),
    "Latency": (
        _choice("latency-calculator", "law of time: per call, or (ours) vLLM's mixed steps on --gpu",
                ("", "constant", "per-token", STEP_MODEL)),
        _duration("time-to-first-token", "from the start of a call to its first token"),
        _duration("time-to-first-token-std-dev", "its standard deviation, at most 30 % of it"),
        _duration("inter-token-latency", "between two tokens"),
        _duration("inter-token-latency-std-dev", "its standard deviation, at most 30 % of it"),
        _duration("prefill-overhead", "per-token law: constant part of the time to first token"),
        _duration("prefill-time-per-token", "per-token law: part for each prompt token not in the cache"),
        _duration("prefill-time-std-dev", "per-token law: standard deviation of the sum"),
        Flag(name="time-factor-under-load", help="times stretch up to this factor with all slots taken", shown="X",
             default=1.0, convert=_number("time-factor-under-load", float, 1, 2**63)),
        _duration("startup-duration", "/health answers 503 for so long after the start"),
    ),
    "GPU model (ours; with --latency-calculator step-model)": (
        _word("gpu", "row of the step-time table (H100)", "NAME"),
        _integer("max-num-batched-tokens", None, "token budget of a step (8192 on H100 and H200, else 2048)", 1),
        _choice("scheduling-policy", "order of the waiting queue; `priority` lets lower numbers go first",
                ("fcfs", "priority")),
    ),
    "KV cache": (
        _switch("enable-kvcache", "count KV blocks and prefix-cache hits; step-model always does"),
        _integer("kv-cache-size", None, "blocks (1024; with step-model what the GPU holds)", 1),
        _integer("block-size", 16, "tokens of a block (16)", 1, 1024),
        _switch("enable-prefix-caching", "find prompts that begin alike (the default)"),
        _switch("no-enable-prefix-caching", "step-model: compute every prompt in full"),
    ),
    "Faults and made-up metrics": (
        _integer("failure-injection-rate", 0, "percent of the calls that fail", 0, 100),
        _many("failure-types", f"which failures: {', '.join(FAILURE_TYPES)} (absent: all)", "TYPE"),
        _word("fake-metrics", 'report these instead, such as {"running-requests": "ramp:0:9:30s"}', "JSON"),
        _duration("fake-metrics-refresh-interval", "how often functions among them are evaluated (100ms)", 0.1),
    ),
    "Serving": (
        _word("host", "address to listen on (ours; 0.0.0.0)", "ADDRESS", "0.0.0.0"),  # noqa: S104 - as every model server in a pod
        _integer("port", 8000, "port (8000); rank r of a data-parallel engine listens on port + r", 0, 65535),
        _integer("data-parallel-size", 1, "ranks (1), each an engine of its own", 1, 8),
        _integer("data-parallel-rank", -1, "this process is one rank: --data-parallel-size does not count", -1, 1024),
        _switch("enable-request-id-headers", "answer with X-Request-Id, the caller's own where it sent one"),
        _word("ssl-certfile", "serve HTTPS with this certificate", "FILE"),
        _word("ssl-keyfile", "its key", "FILE"),
    ),
}  # fmt: skip

_IGNORED_VALUES: Final = (
    "dataset-path dataset-table-name dataset-url default-embedding-dimensions ec-transfer-config "
    "event-batch-size global-cache-hit-threshold hash-seed image-emission-rate kv-cache-transfer-latency "
    "kv-cache-transfer-latency-std-dev kv-cache-transfer-time-per-token kv-cache-transfer-time-std-dev "
    "kv-events-replay-endpoint kv-events-replay-queue-size max-cpu-loras max-tool-call-array-param-length "
    "max-tool-call-integer-param max-tool-call-number-param min-tool-call-array-param-length "
    "min-tool-call-integer-param min-tool-call-number-param mm-processor-kwargs mm-render-timeout "
    "object-tool-call-not-required-field-probability render-timeout render-url tensor-parallel-size "
    "time-to-generate-image time-to-generate-image-std-dev tool-call-extra-call-probability "
    "tool-call-not-required-param-probability v vmodule zmq-endpoint"
)
_IGNORED_SWITCHES: Final = (
    "dataset-in-memory enable-sleep-mode enforce-eager force-dummy-tokenizer mm-encoder-only no-enable-sleep-mode "
    "no-enforce-eager no-mm-encoder-only no-omni omni self-signed-certs skip-tool-validation use-vllm-map-event-format"
)
IGNORED: Final[dict[str, Flag]] = {
    **{name: _word(name, "") for name in _IGNORED_VALUES.split()},
    **{name: _switch(name) for name in _IGNORED_SWITCHES.split()},
}
KNOWN: Final[dict[str, Flag]] = {flag.name: flag for flags in SECTIONS.values() for flag in flags} | IGNORED
