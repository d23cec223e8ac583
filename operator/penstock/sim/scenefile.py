"""Reads what to simulate from YAML: variants, traffic, faults, and whose decisions."""

import dataclasses
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import Field

from penstock.api.checked import Closed, Rule, read
from penstock.api.fields import Duration, Percent
from penstock.domain.errors import InvalidField
from penstock.engine.steptime import cost_of
from penstock.sim import traces
from penstock.sim.scene import PRICES_USD_PER_H, Fault, Scene, StartupLaw, VariantSpec
from penstock.sim.traces import Arrival
from penstock.sim.workloads import workload

EXAMPLE: Final = Path(__file__).with_name("example.yaml")
OURS: Final = "penstock"

Seconds = Annotated[float, Duration(at_least="0s")]
Positive = Annotated[float, Duration(above="0s")]


class _Slo(Closed):
    ttft: Positive | None = None
    tpot: Positive | None = None
    attainment: Annotated[float, Percent(at_least="50%", at_most="99.999%")] | None = None


class _Startup(Closed):
    median: Positive = 120.0
    sigma: Annotated[float, Field(ge=0, le=2)] = 0.15
    failures: Annotated[float, Percent(at_least="0%", at_most="99%")] = 0.0
    node: Seconds = 0.0
    warm_nodes: Annotated[int, Field(ge=0)] = 1_000_000


class _Variant(Closed):
    name: Annotated[str, Field(min_length=1)]
    gpu: str
    usd_per_hour: Annotated[float, Field(gt=0)] | None = None
    max: Annotated[int, Field(ge=1)]
    min: Annotated[int, Field(ge=0)] = 0
    initial: Annotated[int, Field(ge=0)] = 1
    max_num_seqs: Annotated[int, Field(ge=1)] = 256
    max_num_batched_tokens: Annotated[int, Field(ge=1)] = 2048
    accelerators_per_replica: Annotated[int, Field(ge=1)] = 1
    startup: _Startup = _Startup()

    def spec(self, field: str) -> VariantSpec:
        """Return the variant; a GPU is a row of the table of step times."""
        name = self.gpu.upper()
        usd_per_h = self.usd_per_hour or PRICES_USD_PER_H.get(name)
        if usd_per_h is None:
            raise InvalidField(f"{field}.usdPerHour", None, f"there is no list price of {self.gpu}; write one")
        start = self.startup
        return VariantSpec(
            name=self.name,
            accelerator=name,
            cost=cost_of(name, f"{field}.gpu"),
            usd_per_h=usd_per_h,
            max_replicas=self.max,
            min_replicas=self.min,
            initial=min(max(self.initial, self.min), self.max),
            max_num_seqs=self.max_num_seqs,
            token_budget=self.max_num_batched_tokens,
            accelerators_per_replica=self.accelerators_per_replica,
            startup=StartupLaw(
                median_s=start.median,
                sigma=start.sigma,
                failure_ratio=start.failures,
                node_s=start.node,
                warm_nodes=start.warm_nodes,
            ),
        )


class _Traffic(Closed):
    workload: str | None = None
    trace: str | None = None
    start: Seconds = 0.0
    speed: Annotated[float, Field(gt=0)] = 1.0
    synthetic: Annotated[float, Field(gt=0)] | None = None
    RULES = (
        Rule(
            holds=lambda model: sum(one is not None for one in (model.workload, model.trace, model.synthetic)) == 1,
            message="write exactly one of workload, trace and synthetic",
            field="traffic",
        ),
        Rule(
            holds=lambda model: model.trace is not None or model.start == 0.0,
            message="leave it out: only a trace can be entered later",
            field="start",
        ),
        Rule(
            holds=lambda model: model.trace is not None or model.speed == 1.0,
            message="leave it out: only a trace can be played faster",
            field="speed",
        ),
    )


class _Fault(Closed):
    kind: Literal["metrics-gone", "metrics-stale", "out-of-stock", "slow-start", "crash"]
    from_: Annotated[Seconds, Field(alias="from")]
    until: Seconds | None = None
    variant: str = ""
    ratio: Annotated[float, Field(gt=0, le=1)] = 1.0
    factor: Annotated[float, Field(gt=0)] = 1.0

    def fault(self) -> Fault:
        """Return the fault; what has no end is over at once, as a crash is."""
        until_s = self.from_ if self.until is None else self.until
        return Fault(
            kind=self.kind, from_s=self.from_, until_s=until_s, variant=self.variant, ratio=self.ratio,
            factor=self.factor,
        )  # fmt: skip


class _File(Closed):
    traffic: _Traffic
    model: str | None = None
    length: Positive | None = None
    slo: _Slo = _Slo()
    variants: list[_Variant] = Field(default_factory=list)
    quotas: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    faults: list[_Fault] = Field(default_factory=list)
    idle_before_zero: Positive | None = None
    router: bool | None = None
    policy: str = OURS
    knobs: dict[str, float] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is to be simulated: a scene, its arrivals and who is to be named for them, and the policy with its knobs."""

    scene: Scene
    arrivals: Sequence[Arrival]
    credit: str
    policy: str
    knobs: Mapping[str, float]


def scenario(path: Path, seed: int, recordings: Path | None) -> Scenario:
    """Read a file and draw or cut its traffic; `recordings` is a folder with the workloads' public traces.

    Raises:
        InvalidField: a field that is missing, unknown or cannot be, or a variant that a fault names and nobody has.
    """
    file = _file(path)
    if file.traffic.workload is not None:
        _leave_to_workload(file)
        made = workload(file.traffic.workload, seed, recordings)
        scene, arrivals, credit = _settled(file, made.scene), made.arrivals, made.credit
    else:
        scene = _scene(file)
        arrivals, credit = _traffic(file, path, scene.length_s, seed)
    scene = dataclasses.replace(scene, faults=(*scene.faults, *_faults(file, scene)))
    return Scenario(scene=scene, arrivals=arrivals, credit=credit, policy=file.policy, knobs=file.knobs)


def _file(path: Path) -> _File:
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidField("-f", str(path), f"write YAML ({type(error).__name__})") from error
    if not isinstance(body, dict):
        raise InvalidField("-f", str(path), "write a mapping with variants and traffic")
    return read(_File, body)


def _scene(file: _File) -> Scene:
    if not file.variants:
        raise InvalidField("variants", None, "write at least one variant, or name a workload")
    if file.length is None:
        raise InvalidField("length", None, "this field is required")
    variants = tuple(variant.spec(f"variants[{place}]") for place, variant in enumerate(file.variants))
    return _settled(file, Scene(model="model", variants=variants, length_s=file.length))


def _leave_to_workload(file: _File) -> None:
    """Refuse what a workload's traffic was made together with: beside it another would be played than was asked for."""
    name = file.traffic.workload
    if file.length is not None:
        raise InvalidField("length", file.length, f"leave it out: {name} has its own; or play a trace or synthetic")
    if file.variants:
        names = ", ".join(variant.name for variant in file.variants)
        raise InvalidField("variants", names, f"leave them out: {name} has its own; or play a trace or synthetic")


def _settled(file: _File, scene: Scene) -> Scene:
    """Return a scene with the settings that the file has; what it does not say stays as it is."""
    slo = {"ttft_s": file.slo.ttft, "tpot_s": file.slo.tpot, "attainment_ratio": file.slo.attainment}
    said = {
        "model": file.model,
        "slo": dataclasses.replace(scene.slo, **_given(slo)),
        "router": file.router,
        "quotas": {name.upper(): most for name, most in file.quotas.items()} or None,
        "idle_before_zero_s": file.idle_before_zero,
    }
    return dataclasses.replace(scene, **_given(said))


def _given(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


def _traffic(file: _File, path: Path, length_s: float, seed: int) -> tuple[tuple[Arrival, ...], str]:
    asked = file.traffic
    if asked.synthetic is not None:
        return tuple(traces.synthetic(length_s, asked.synthetic, random.Random(seed))), traces.SYNTHETIC_CREDIT
    recorded = path.parent / (asked.trace or "")
    played = traces.window(traces.read(recorded), asked.start, length_s * asked.speed)
    return tuple(traces.faster(played, asked.speed)), recorded.name


def _faults(file: _File, scene: Scene) -> list[Fault]:
    names = {"", *(spec.name for spec in scene.variants)}
    for place, fault in enumerate(file.faults):
        if fault.variant not in names or (fault.kind == "crash" and not fault.variant):
            known = ", ".join(sorted(names - {""}))
            raise InvalidField(f"faults[{place}].variant", fault.variant, f"write one of {known}")
    return [fault.fault() for fault in file.faults]
