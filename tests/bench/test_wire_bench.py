"""What a pick costs: plain Envoy, Envoy with our wire alone, and Envoy with the whole router, in turns of one run.

Printed as processor time per request (which load on the machine disturbs least) and as ratios to plain Envoy.
"""

import asyncio
import contextlib
import json
import os
import platform
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from tests.bench import load
from tests.envoy import Envoy, envoy
from tests.integration.router.processes import started

pytestmark = pytest.mark.bench

ROUNDS, SECONDS, CONNECTIONS = 3, 2.0, 16


def without_picker(config: dict[str, Any]) -> None:
    """Make a plain proxy: what Envoy costs alone."""
    filters = _filters(config)
    filters[:] = [one for one in filters if "ext_proc" not in one["name"]]


def answering(config: dict[str, Any]) -> None:
    """Make an engine that answers at once, dearer than none and cheaper than any in Python."""
    without_picker(config)
    routes = _manager(config)["route_config"]["virtual_hosts"][0]["routes"]
    routes[:] = [{"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "{}"}}}]


def _manager(config: dict[str, Any]) -> dict[str, Any]:
    listener = config["static_resources"]["listeners"][0]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def _filters(config: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _manager(config)["http_filters"]
    return found


@dataclass(slots=True)
class Arm:
    """One way to serve, and what its rounds have cost."""

    front: Envoy
    picker: int | None
    rates: list[float] = field(default_factory=list)
    proxy_us: list[float] = field(default_factory=list)
    picker_us: list[float] = field(default_factory=list)

    async def round(self) -> None:
        """Load it for a while and write down what it took."""
        pids = [self.front.process.pid, self.picker or os.getpid()]
        before = [load.cpu_s(pid) for pid in pids]
        answered, failed = await load.run(self.front.port, CONNECTIONS, SECONDS)
        spent = [(load.cpu_s(pid) - start) / answered * 1e6 for pid, start in zip(pids, before, strict=True)]
        assert failed == 0
        self.rates.append(answered / SECONDS)
        self.proxy_us.append(spent[0])
        self.picker_us.append(spent[1] if self.picker else 0.0)

    @property
    def total_us(self) -> list[float]:
        return [proxy + picker for proxy, picker in zip(self.proxy_us, self.picker_us, strict=True)]


@contextlib.asynccontextmanager
async def wire_alone(address: str) -> AsyncIterator[tuple[int, int]]:
    """Run the wire with a gate that answers at once; yields process and port."""
    command = (sys.executable, str(Path(__file__).with_name("wire_process.py")), address)
    one = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert one.stdout is not None
        yield one.pid, int(await asyncio.wait_for(one.stdout.readline(), 30))
    finally:
        one.kill()
        await one.wait()


@contextlib.asynccontextmanager
async def arms(folder: Path) -> AsyncIterator[dict[str, Arm]]:
    """Run all that is compared, before one engine."""
    homes = {name: folder / name for name in ("engine", "plain", "wire", "router")}
    for home in homes.values():
        home.mkdir()
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        engine = f"127.0.0.1:{(await enter(envoy(homes['engine'], 9, (), answering))).port}"
        (homes["router"] / "endpoints.json").write_text(json.dumps([engine]))
        wire_pid, wire_port = await enter(wire_alone(engine))
        router = await enter(started(homes["router"]))
        yield {
            "plain Envoy": Arm(await enter(envoy(homes["plain"], 9, (engine,), without_picker)), None),
            "our wire": Arm(await enter(envoy(homes["wire"], wire_port, (engine,))), wire_pid),
            "whole router": Arm(await enter(envoy(homes["router"], router.grpc, (engine,))), router.process.pid),
        }


async def test_processor_time_and_throughput_beside_plain_envoy(tmp_path: Path) -> None:
    async with arms(tmp_path) as compared:
        for _ in range(ROUNDS):
            for arm in compared.values():
                await arm.round()

    plain = compared["plain Envoy"]
    print(f"\n{machine()}; {CONNECTIONS} connections, median of {ROUNDS} rounds of {SECONDS:g} s in turns")
    print(f"{'':14}{'req/s':>8}{'proxy us':>10}{'picker us':>11}{'CPU x plain':>13}{'req/s x plain':>15}")
    for name, arm in compared.items():
        print(
            f"{name:14}{median(arm.rates):8.0f}{median(arm.proxy_us):10.1f}{median(arm.picker_us):11.1f}"
            f"{ratio(arm.total_us, plain.total_us):13.2f}{ratio(arm.rates, plain.rates):15.2f}"
        )
    # five is twice what the prototype took, half of what a picker on grpcio took
    assert ratio(compared["our wire"].total_us, plain.total_us) < 5


def ratio(of: list[float], to: list[float]) -> float:
    """Return the median of the rounds' own ratios."""
    return median(one / other for one, other in zip(of, to, strict=True))


def machine() -> str:
    """Return what the figures depend on."""
    model = next(
        (line.split(": ")[1] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ""
    )
    return f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
