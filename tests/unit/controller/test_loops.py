"""The leader's loops: passes come at the interval that is set, whether or not anybody touched an object."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from penstock.controller import loops
from penstock.controller.loops import keep_scaling
from penstock.controller.serving import Pulse

pytestmark = pytest.mark.looptime
SPAN_S = 600.0


@dataclass
class Scaling:
    """Passes that cost no time, of a world in which nothing happens but what a test does after some of them."""

    intervals_s: list[float]
    failing: bool = False
    at_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = SimpleNamespace(complete=True, scaling=asyncio.Event())
        self.meters = SimpleNamespace()
        self.configuration = SimpleNamespace(settings=SimpleNamespace(interval_s=self.intervals_s.pop(0)))

    async def run(self) -> None:
        self.at_s.append(asyncio.get_running_loop().time())
        if self.intervals_s:
            self.configuration.settings.interval_s = self.intervals_s.pop(0)
        if self.failing:
            raise RuntimeError("a pass that fails")


@pytest.fixture(name="leader")
def _leader(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(monotonic=lambda: asyncio.get_running_loop().time())
    monkeypatch.setattr(loops, "time", clock)
    monkeypatch.setattr(loops, "STANDBY_S", 5.0)  # it only looks whether it still leads
    return SimpleNamespace(leading=True, term=1)


async def kept(scaling: Scaling, leader: SimpleNamespace) -> list[float]:
    """Return when passes began within ten minutes, by seconds since the first."""
    pulse = Pulse(clock=lambda: 0.0)
    loop = asyncio.create_task(keep_scaling(scaling, leader, pulse))  # type: ignore[arg-type]  # what it uses of them
    await asyncio.sleep(SPAN_S - 1.0)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    return [at_s - scaling.at_s[0] for at_s in scaling.at_s]


@pytest.mark.parametrize("interval_s", [15.0, 60.0])
@pytest.mark.parametrize("failing", [False, True], ids=["passes succeed", "passes fail"])
async def test_passes_come_at_the_interval_that_is_set_although_nothing_happens(
    interval_s: float, failing: bool, leader: SimpleNamespace
) -> None:
    """WVA went by thirty seconds whatever was set, and looked at some objects only when they were touched."""
    found = await kept(Scaling([interval_s], failing=failing), leader)

    assert found == pytest.approx([interval_s * number for number in range(int(SPAN_S / interval_s))])


async def test_who_does_not_lead_decides_nothing_and_shows_nothing(leader: SimpleNamespace) -> None:
    scaling, told = Scaling([15.0]), list[str]()
    scaling.meters = SimpleNamespace(stand_by=lambda: told.append("nothing"))
    leader.leading = False
    pulse = Pulse(clock=lambda: 0.0)
    loop = asyncio.create_task(keep_scaling(scaling, leader, pulse))  # type: ignore[arg-type]  # what it uses of them

    await asyncio.sleep(11.0)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)

    assert (scaling.at_s, told) == ([], ["nothing"] * 3)


async def test_another_interval_holds_after_the_pass_that_read_it(leader: SimpleNamespace) -> None:
    found = await kept(Scaling([60.0, 60.0, 240.0]), leader)

    assert found == pytest.approx([0.0, 60.0, 120.0, 360.0])


async def test_an_edit_is_not_kept_waiting_for_the_interval(leader: SimpleNamespace) -> None:
    scaling = Scaling([300.0])
    asyncio.get_running_loop().call_later(100.0, scaling.world.scaling.set)

    assert await kept(scaling, leader) == pytest.approx([0.0, 100.0, 400.0])
