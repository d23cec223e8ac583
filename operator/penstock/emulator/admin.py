"""`/admin/config`: shows the configuration, and changes latencies, faults and made-up metrics while serving."""

import json
from dataclasses import replace
from typing import Any, Final

from penstock.domain.errors import InvalidField
from penstock.domain.goduration import parse_go_duration
from penstock.domain.units import format_duration
from penstock.emulator.host import Host, Tunables
from penstock.emulator.refusals import ApiError
from penstock.engine.latency import Calculator, Latencies
from penstock.settings.engine import LATENCY_FLAGS, faults
from penstock.settings.engineflags import STEP_MODEL
from penstock.settings.fakemetrics import FIELD, FakeMetrics, parse_fake_metrics

_RATE, _TYPES, _CALCULATOR, _FACTOR = (
    "failure-injection-rate", "failure-types", "latency-calculator", "time-factor-under-load",
)  # fmt: skip
# llm-d-inference-sim changes these as well; here they have no effect, as on the command line
_WITHOUT_EFFECT: Final = frozenset({
    "kv-cache-transfer-latency", "kv-cache-transfer-latency-std-dev", "kv-cache-transfer-time-per-token",
    "kv-cache-transfer-time-std-dev",
})  # fmt: skip
_NS: Final = 1e9


def shown(host: Host) -> dict[str, object]:
    """Return the configuration as JSON, by flag names."""
    settings, tunables = host.settings, host.tunables
    times = {
        flag: getattr(tunables.latencies, field) if flag == _FACTOR else _written(getattr(tunables.latencies, field))
        for flag, field in LATENCY_FLAGS.items()
    }
    return {
        "model": settings.model,
        "served-model-name": list(settings.names),
        "max-num-seqs": settings.engine.max_num_seqs,
        "max-waiting-queue-length": settings.engine.max_waiting,
        "max-model-len": settings.max_model_len,
        "block-size": settings.engine.block_tokens,
        "kv-cache-size": settings.reported_kv_blocks,
        "mode": "echo" if settings.echo else "random",
        _CALCULATOR: STEP_MODEL if settings.step_model else tunables.latencies.calculator.value,
        **times,
        _RATE: tunables.faults.rate_percent,
        _TYPES: list(tunables.faults.types),
    } | ({"port": host.port} if settings.ranks == 1 else {})


def _written(seconds: float) -> str:
    """Return a duration that Go reads; those of a token are often below a millisecond."""
    whole_ms = abs(seconds * 1000 - round(seconds * 1000)) < 1e-9
    return format_duration(seconds) if whole_ms else f"{seconds * 1e6:g}us"


def change(host: Host, body: bytes) -> None:
    """Apply a partial configuration whole or not at all; null leaves a field alone.

    Raises:
        ApiError: 400, no JSON object, an unknown field, or a value that cannot be.
    """
    try:
        given = json.loads(body)
    except ValueError as error:
        raise ApiError(400, f"Failed to read and parse request body, {error}") from None
    if not isinstance(given, dict):
        raise ApiError(400, "Failed to read and parse request body, it is no JSON object")
    try:
        host.tune(_changed(host, {key: value for key, value in given.items() if value is not None}))
    except InvalidField as error:
        raise ApiError(400, str(error), error.field) from None


def _changed(host: Host, given: dict[str, Any]) -> Tunables:
    for key, value in given.items():
        if key not in LATENCY_FLAGS and key not in {_RATE, _TYPES, _CALCULATOR, FIELD} | _WITHOUT_EFFECT:
            raise InvalidField(key, value, "remove it: it cannot be changed while serving")
    now = host.tunables
    rate = given.get(_RATE, now.faults.rate_percent)
    if isinstance(rate, bool) or not isinstance(rate, int) or not 0 <= rate <= 100:
        raise InvalidField(_RATE, rate, "write a whole number, 0 to 100")
    types = given.get(_TYPES, list(now.faults.types))
    if not isinstance(types, list):
        raise InvalidField(_TYPES, types, "write a list")
    return Tunables(
        latencies=_latencies(host, given),
        faults=faults(rate, types),
        fakes=_fakes(now.fakes, given[FIELD]) if FIELD in given else now.fakes,
    )


def _latencies(host: Host, given: dict[str, Any]) -> Latencies:
    latencies = host.tunables.latencies
    calculator = given.get(_CALCULATOR, STEP_MODEL if host.settings.step_model else latencies.calculator.value)
    if (calculator == STEP_MODEL) != host.settings.step_model:
        raise InvalidField(_CALCULATOR, calculator, f"restart the engine to begin or to end with {STEP_MODEL}")
    fields: dict[str, Any] = {
        LATENCY_FLAGS[flag]: _time(flag, value) for flag, value in given.items() if flag in LATENCY_FLAGS
    }
    if not host.settings.step_model:
        fields["calculator"] = _calculator(calculator)
    return replace(latencies, **fields)


def _calculator(name: object) -> Calculator:
    if name not in list(Calculator):
        raise InvalidField(_CALCULATOR, name, f"write one of {', '.join(filter(None, Calculator))}")
    return Calculator(str(name))


def _time(flag: str, value: object) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if flag == _FACTOR and number:
        return float(value)  # type: ignore[arg-type] # a number, by the line above
    if flag != _FACTOR and isinstance(value, str):
        return parse_go_duration(value, flag)
    if flag != _FACTOR and number:
        return float(value) / _NS  # type: ignore[arg-type] # a number, by the line above
    raise InvalidField(flag, value, "write a number" if flag == _FACTOR else "write a duration such as 250ms")


def _fakes(now: FakeMetrics | None, given: object) -> FakeMetrics:
    if now is None:
        raise InvalidField(FIELD, given, "start the engine with --fake-metrics first")
    return parse_fake_metrics(given, now)
