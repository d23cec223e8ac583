"""The container images of a run: ours is built, the others are taken from the machine or pulled."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PENSTOCK = "penstock:dev"
PROMETHEUS = "prom/prometheus:v3.5.3"
ENVOY = "envoyproxy/envoy:v1.40.0"
SIM = "ghcr.io/llm-d/llm-d-inference-sim:v0.9.2"


@dataclass(frozen=True, slots=True)
class Images:
    """Names to load into the cluster; `sim_command` starts the engine image (empty: its own entry point)."""

    penstock: str
    prometheus: str
    envoy: str
    sim: str
    sim_command: tuple[str, ...]


def provide(root: Path) -> Images:
    """Build our image and make sure of the others; without the simulator's image our drop-in plays its part."""
    subprocess.run(["make", "-s", "image", f"IMAGE={PENSTOCK}"], cwd=root, check=True)
    prometheus = os.environ.get("PROMETHEUS_IMAGE", PROMETHEUS)
    envoy = os.environ.get("ENVOY_IMAGE", ENVOY)
    for image in (prometheus, envoy):
        if not _had(image):
            raise RuntimeError(f"{image} is neither on this machine nor to be pulled: docker pull it, or name another")
    wanted = os.environ.get("SIM_IMAGE", SIM)
    if _had(wanted):
        print(f"engines: {wanted}")
        return Images(PENSTOCK, prometheus, envoy, wanted, ())
    print(f"engines: {wanted} cannot be had here, so the drop-in `penstock engine` of {PENSTOCK} plays its part")
    return Images(PENSTOCK, prometheus, envoy, PENSTOCK, ("penstock", "engine"))


def _had(image: str) -> bool:
    """Whether an image is on this machine, or could be pulled within a minute."""
    if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0:
        return True
    try:
        pulled = subprocess.run(["docker", "pull", "--quiet", image], capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return False
    return pulled.returncode == 0
