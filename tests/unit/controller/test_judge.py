"""What is shown of a variant's measurements, and how attainment is asked for."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import log

import pytest
from tests.unit.controller.test_actuate import DECISION

from penstock.controller.judge import Judge
from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Learnt
from penstock.domain.errors import Unreachable
from penstock.scaling.experience import Experience, Outage, Starts
from penstock.scaling.memory import Memory

SCOPE = ModelScope("llm", "m")
Answer = Mapping[tuple[ModelScope, tuple[float, float]], float]


@dataclass
class Prometheus:
    """Answers with a share, or not at all."""

    share: float | None = 0.99
    asked: list[Mapping[ModelScope, frozenset[tuple[float, float]]]] = field(default_factory=list)

    async def attained(
        self, settings: object, wanted: Mapping[ModelScope, frozenset[tuple[float, float]]], now_s: float
    ) -> Answer:
        del settings, now_s
        self.asked.append(wanted)
        if self.share is None:
            raise Unreachable("prom", "timeout", "")
        return {(scope, pair): self.share for scope, pairs in wanted.items() for pair in pairs}


@dataclass
class Leader:
    leading: bool = True
    term: int = 1


class Configured:
    settings = None


def judge(prometheus: Prometheus) -> Judge:
    return Judge(prometheus, Configured())  # type: ignore[arg-type]  # what it uses of them


def memory(starts: Starts, outage: Outage | None = None) -> Memory:
    return Memory(experiences={DECISION.key: Experience(uid="va", starts=starts, outage=outage)})


@pytest.mark.parametrize(
    ("known", "learnt"),
    [
        pytest.param(Memory(), Learnt(), id="nothing"),
        pytest.param(memory(Starts(2, log(90.0))), Learnt(starts=2), id="too few starts"),
        pytest.param(memory(Starts(3, log(90.0))), Learnt(starts=3, startup_s=pytest.approx(90.0)), id="enough"),
        pytest.param(memory(Starts(), Outage(900.0, 1800.0)), Learnt(unavailable_until_s=1800.0), id="no room"),
        pytest.param(memory(Starts(), Outage(10.0, 910.0)), Learnt(), id="an outage that is over"),
    ],
)
def test_what_is_measured(known: Memory, learnt: Learnt) -> None:
    assert judge(Prometheus()).learnt(DECISION, known, 1000.0) == learnt


@pytest.mark.looptime
async def test_each_has_the_share_of_its_own_model_and_targets_and_none_that_was_not_told_again() -> None:
    prometheus = Prometheus()
    one, strict = judge(prometheus), DECISION._replace(slo=replace(DECISION.slo, ttft_s=0.5))
    other = DECISION._replace(model="other")
    one.look([DECISION], Memory(), 1000.0)
    task = asyncio.create_task(one.keep_asking(Leader()))

    await asyncio.sleep(65)
    shares = [one.learnt(each, Memory(), 1000.0).attainment_ratio for each in (DECISION, strict, other)]
    prometheus.share = None
    await asyncio.sleep(60)
    silent = one.learnt(DECISION, Memory(), 1000.0).attainment_ratio
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert shares == [0.99, None, None]
    assert silent is None


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("prometheus", "leading", "attained"),
    [
        pytest.param(Prometheus(), True, 0.99, id="answered"),
        pytest.param(Prometheus(share=None), True, None, id="not answered"),
        pytest.param(Prometheus(), False, None, id="another leads"),
    ],
)
async def test_attainment_is_asked_for_once_a_minute(
    prometheus: Prometheus, leading: bool, attained: float | None
) -> None:
    one = judge(prometheus)
    one.look([DECISION], Memory(), 1000.0)
    task = asyncio.create_task(one.keep_asking(Leader(leading)))

    await asyncio.sleep(185)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert one.learnt(DECISION, Memory(), 1000.0).attainment_ratio == attained
    assert prometheus.asked == ([{SCOPE: frozenset({(2.0, 0.1)})}] * 3 if leading else [])
