"""B12, Ray Serve: replicas in proportion to ongoing requests, once that has been wanted for long enough.

Source: ray-project/ray, python/ray/serve/autoscaling_policy.py and AutoscalingConfig (2026). Desired = ongoing
requests, averaged over `look_back_s`, over the target per replica; after 30 s (up) or 600 s (down) without a break
the latest desired number becomes the target. Ray decides ten times a second on numbers that are pushed every 10 s; here
it decides as often as they come, which is the same but for the last 0.1 s.
"""

from collections import deque
from collections.abc import Mapping
from math import ceil

from penstock.peers.replicas import clamp
from penstock.peers.rivals import Rival
from penstock.peers.split import per_variant
from penstock.peers.views import ongoing, sole
from penstock.peers.windows import Steady
from penstock.sim.policies import Seen
from penstock.sim.scene import Scene


class RayServe:
    """Ray Serve's default policy for one deployment."""

    tick_s = 10.0

    def __init__(
        self,
        scene: Scene,
        *,
        target: float = 2.0,
        upscale_delay_s: float = 30.0,
        downscale_delay_s: float = 600.0,
        look_back_s: float = 30.0,
    ) -> None:
        self._spec = sole(scene)
        self._per_replica = target
        self._delay_s = {1: upscale_delay_s, -1: downscale_delay_s}
        self._look_back_s = look_back_s
        self._target = self._spec.initial
        self._samples: deque[tuple[float, float]] = deque()
        self._steady = Steady()

    def decide(self, seen: Seen) -> Mapping[str, int]:
        """Return the deployment's target."""
        requests = self._averaged(seen.now_s, ongoing(seen, self._spec.name))
        running = seen.fleet[self._spec.name].ready
        if running == 0:
            self._target = clamp(max(self._target, 1 if requests > 0 else 0), self._spec, least=0)
        else:
            self._move(seen.now_s, clamp(desired(requests / self._per_replica, running), self._spec))
        return {self._spec.name: self._target}

    def _move(self, now_s: float, wanted: int) -> None:
        way = (wanted > self._target) - (wanted < self._target)
        held_s = self._steady.held_s(way, now_s)
        if way and held_s >= self._delay_s[way]:
            self._target = wanted
            self._steady.forget()

    def _averaged(self, now_s: float, requests: float) -> float:
        self._samples.append((now_s, requests))
        while self._samples[0][0] <= now_s - self._look_back_s:
            self._samples.popleft()
        return sum(value for _, value in self._samples) / len(self._samples)


def desired(raw: float, running: int, up: float = 1.0, down: float = 1.0) -> int:
    """Return the replicas after the scaling factors; a fall that rounding would swallow becomes one fewer."""
    change = raw - running
    scaled = ceil(running + (up if change > 0 else down) * change)
    return scaled - 1 if ceil(raw) < running and scaled == running else scaled


FAMILY: tuple[Rival, ...] = (
    Rival(
        code="B12",
        name="ray-serve",
        source="ray-project/ray python/ray/serve/autoscaling_policy.py",
        defaults={"target": 2.0, "upscale_delay_s": 30.0, "downscale_delay_s": 600.0},
        grid={"target": (2.0, 4.0, 6.0, 8.0, 16.0, 32.0, 48.0, 64.0, 96.0, 160.0), "downscale_delay_s": (120.0, 600.0)},
        by_accelerator={
            "L4": {"target": (2.0, 4.0, 6.0, 8.0)},
            "L40S": {"target": (16.0, 32.0, 48.0, 64.0)},
            "A100": {"target": (16.0, 32.0, 64.0, 96.0)},
            "H100": {"target": (32.0, 64.0, 96.0, 160.0)},
        },
        build=per_variant(RayServe),
    ),
)
