"""A fixed number of replicas (B0): swept, which finds what the busiest minutes of this very traffic need."""

from collections.abc import Mapping
from typing import Final

from penstock.peers.replicas import clamp
from penstock.peers.rivals import SINGLE, Rival, over_all
from penstock.peers.views import sole
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene


class Static:
    """B0. The same number of replicas from first to last second, by default all that the variant may have."""

    tick_s = 60.0

    def __init__(self, scene: Scene, *, replicas: float) -> None:
        spec = sole(scene)
        self._wanted = {spec.name: clamp(replicas, spec, least=0)}

    def decide(self, seen: Seen) -> Mapping[str, int]:  # noqa: ARG002 - a constant looks at nothing
        """Return the constant."""
        return self._wanted


FAMILY: Final = (
    Rival(
        code="B0",
        name="static",
        source="no autoscaler: a fixed spec.replicas",
        defaults={"replicas": 1_000_000},
        grid={"replicas": (*range(1, 13), 14, 16, 18, 20)},
        build=over_all(Static),
        reactive=False,
        shapes=frozenset({SINGLE}),
    ),
)
