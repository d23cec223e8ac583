"""The container images of a run: ours is built, the others are taken from the machine or pulled."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PENSTOCK = "penstock:dev"
PROMETHEUS = "prom/prometheus:v3.5.3"
ENVOY = "envoyproxy/envoy:v1.40.0"
SIM = "ghcr.io/llm-d/llm-d-inference-sim:v0.9.2"
PULL_S = 120


@dataclass(frozen=True, slots=True)
class Images:
    """Names to load into the cluster; `sim_command` starts the engine image (empty: its own entry point)."""

    penstock: str
    prometheus: str
    envoy: str
    sim: str
    sim_command: tuple[str, ...]

    @property
    def engines(self) -> str:
        """Say which engines the stories run against."""
        if not self.sim_command:
            return f"engines: {self.sim}"
        wanted = os.environ.get("SIM_IMAGE", SIM)
        return f"engines: {wanted} cannot be had here, so the drop-in `penstock engine` plays its part"

    @property
    def foreign(self) -> tuple[str, ...]:
        """Everything that is not built here."""
        return (self.prometheus, self.envoy, *([] if self.sim_command else [self.sim]))


def choose() -> Images:
    """Make sure of the images of others; without the simulator's image our drop-in plays its part."""
    prometheus = os.environ.get("PROMETHEUS_IMAGE", PROMETHEUS)
    envoy = os.environ.get("ENVOY_IMAGE", ENVOY)
    for image in (prometheus, envoy):
        if not _had(image):
            raise RuntimeError(f"{image} is neither on this machine nor to be pulled: docker pull it, or name another")
    wanted = os.environ.get("SIM_IMAGE", SIM)
    if _had(wanted):
        return Images(PENSTOCK, prometheus, envoy, wanted, ())
    return Images(PENSTOCK, prometheus, envoy, PENSTOCK, ("penstock", "engine"))


class Build:
    """The build of our image, which goes on beside whatever else is to be prepared."""

    def __init__(self, root: Path, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        with log.open("wb") as out:
            self._make = subprocess.Popen(
                ["make", "-s", "image", f"IMAGE={PENSTOCK}"], cwd=root, stdout=out, stderr=subprocess.STDOUT
            )

    def done(self) -> None:
        """Wait for the image, or fail with the end of the build's log."""
        if self._make.wait():
            raise RuntimeError(f"make image failed:\n{self._log.read_text()[-4000:]}")


def _had(image: str) -> bool:
    """Whether an image is on this machine, or could be pulled."""
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0:
        return True
    try:
        pulled = subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, timeout=PULL_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return pulled.returncode == 0
