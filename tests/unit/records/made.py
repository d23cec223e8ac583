"""Records of passes over a made-up fleet."""

from tests.unit.scaling.scene import NOW, known, observe, row, target, variant

from penstock.domain.observations import Observation
from penstock.domain.variants import Variant
from penstock.records.record import Record
from penstock.scaling.config import Config
from penstock.scaling.decide import decide
from penstock.scaling.memory import Memory


def passes(count: int = 3) -> list[Record]:
    """Return the records of `count` passes in a row over two variants under load."""
    memory, records, config = Memory(), [], Config()
    cheap, dear = variant("cheap"), variant("dear", cost_per_replica_per_h=80.0)
    for number in range(count):
        observation = _seen(cheap, dear, number)
        decisions, after = decide(observation, memory, config)
        records.append(
            Record(version="test", observation=observation, memory=memory, config=config, decisions=decisions)
        )
        memory = after
    return records


def _seen(cheap: Variant, dear: Variant, number: int) -> Observation:
    now_s = NOW + 15 * number
    per_pod = 0.6 + 0.2 * number
    seen = [
        row(one, pod, rate=per_pod, at_s=now_s, waiting=known(number, now_s)) for one in (cheap, dear) for pod in (0, 1)
    ]
    targets = {one.key: target(one, 2) for one in (cheap, dear)}
    return observe(cheap, dear, targets=targets, seen=seen, now_s=now_s)
