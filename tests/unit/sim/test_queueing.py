"""The fleet's machinery is right: queues of which the answer is known come out as formula and simpy say."""

import math
import random
from collections.abc import Generator, Sequence

import pytest
import simpy
from tests.unit.sim.stubs import TOKENS_PER_S, Script, scene, servers, variant

from penstock.sim.results import RunResult
from penstock.sim.run import run
from penstock.sim.traces import Arrival


def poisson(count: int, per_s: float, mean_s: float, seed: int) -> list[Arrival]:
    chance, at_s, found = random.Random(seed), 0.0, []
    for _ in range(count):
        at_s += chance.expovariate(per_s)
        takes = round(chance.expovariate(1 / mean_s) * TOKENS_PER_S)
        found.append(Arrival(at_s=at_s, input_tokens=1, output_tokens=max(takes, 1)))
    return found


def played(arrivals: Sequence[Arrival], *, replicas: int, each: int) -> RunResult:
    world = scene(variant(initial=replicas), length_s=arrivals[-1].at_s)
    return run(world, arrivals, Script({}), seed=1, engines=servers(each))


def mean_wait_s(servers: int, per_s: float, mean_s: float) -> float:
    """Erlang's C, 1917: the chance to wait times the mean wait of those that do."""
    offered = per_s * mean_s
    busy = offered**servers / math.factorial(servers) / (1 - offered / servers)
    waits = busy / (sum(offered**n / math.factorial(n) for n in range(servers)) + busy)
    return waits * mean_s / (servers - offered)


@pytest.mark.parametrize(
    ("count", "load"),
    [pytest.param(1, 0.5, id="M/M/1"), pytest.param(4, 0.7, id="M/M/4")],
)
@pytest.mark.unmeasured
def test_one_queue_waits_as_long_as_erlang_says(count: int, load: float) -> None:
    arrivals = poisson(30_000, count * load, 1.0, seed=6)
    per_s = len(arrivals) / arrivals[-1].at_s  # as drawn: less noise than with the rates that were drawn from
    takes_s = sum(arrival.output_tokens for arrival in arrivals) / len(arrivals) / TOKENS_PER_S

    result = played(arrivals, replicas=1, each=count)

    mean_s = sum(result.ttft_s) / len(result.ttft_s)
    assert mean_s == pytest.approx(mean_wait_s(count, per_s, takes_s), rel=0.05)


def foreign(arrivals: Sequence[Arrival], queues: int, each: int) -> list[float]:
    """Return each request's wait in simpy: it joins the queue with the fewest inside, the first among equals."""
    env = simpy.Environment()
    lines = [simpy.Resource(env, capacity=each) for _ in range(queues)]
    inside, waits = [0] * queues, [0.0] * len(arrivals)

    def serve(number: int, arrival: Arrival) -> Generator[simpy.Event, None, None]:
        yield env.timeout(arrival.at_s)
        line = inside.index(min(inside))
        inside[line] += 1
        with lines[line].request() as turn:
            yield turn
            waits[number] = env.now - arrival.at_s
            yield env.timeout(arrival.output_tokens / TOKENS_PER_S)
        inside[line] -= 1

    for number, arrival in enumerate(arrivals):
        env.process(serve(number, arrival))
    env.run()
    return waits


@pytest.mark.parametrize(
    ("queues", "each"),
    [pytest.param(1, 1, id="M/M/1"), pytest.param(1, 3, id="M/M/3"), pytest.param(3, 1, id="join the shortest of 3")],
)
@pytest.mark.unmeasured
def test_every_request_waits_as_long_as_in_simpy(queues: int, each: int) -> None:
    arrivals = poisson(3_000, 0.9 * queues * each, 1.0, seed=7)

    result = played(arrivals, replicas=queues, each=each)

    assert list(result.ttft_s) == pytest.approx(foreign(arrivals, queues, each), abs=1e-6)
    assert max(result.ttft_s) > 1.0
