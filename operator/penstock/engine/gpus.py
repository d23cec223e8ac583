"""What is known of accelerators from their data sheets, and by which names clusters call them."""

import re
from dataclasses import dataclass
from typing import Final

_GIB: Final = 1.073741824


@dataclass(frozen=True, slots=True)
class Gpu:
    """Memory bandwidth in GB/s, dense 16-bit TFLOP/s, memory in GB; `row` is its kin in `steptime.GPUS`."""

    bandwidth: float
    flops: float
    memory: float
    row: str


def _gpu(bandwidth: float, flops: float, memory_gib: float, row: str = "H100") -> Gpu:
    return Gpu(bandwidth, flops, memory_gib * _GIB, row)


# vendors' data sheets; GPUs with GDDR memory are reckoned from the L40S, those with HBM from the H100
FACTS: Final = {
    "H100": _gpu(3350, 989, 80),
    "H100-PCIE": _gpu(2000, 756, 80),
    "H100-NVL": _gpu(3900, 835, 94),
    "H200": _gpu(4800, 989, 141, "H200"),
    "GH200": _gpu(4000, 989, 96, "H200"),
    "B200": _gpu(8000, 2250, 180, "H200"),
    "GB200": _gpu(8000, 2500, 186, "H200"),
    "B300": _gpu(8000, 2250, 270, "H200"),
    "A100": _gpu(2039, 312, 80, "A100"),
    "A100-40GB": _gpu(1555, 312, 40, "A100"),
    "A30": _gpu(933, 165, 24, "A100"),
    "V100": _gpu(900, 125, 16, "A100"),
    "L40S": _gpu(864, 362, 48, "L40S"),
    "L40": _gpu(864, 181, 48, "L40S"),
    "L4": _gpu(300, 121, 24, "L4"),
    "A10G": _gpu(600, 70, 24, "L40S"),
    "A10": _gpu(600, 125, 24, "L40S"),
    "A40": _gpu(696, 150, 48, "L40S"),
    "T4": _gpu(320, 65, 16, "L4"),
    "RTXPRO6000": _gpu(1792, 503, 96, "RTXPRO6000"),
    "RTX6000ADA": _gpu(960, 364, 48, "L40S"),
    "RTX4090": _gpu(1008, 165, 24, "L40S"),
    "RTX5090": _gpu(1792, 210, 32, "RTXPRO6000"),
    "MI210": _gpu(1638, 181, 64, "A100"),
    "MI250": _gpu(3277, 362, 128, "A100"),
    "MI300X": _gpu(5300, 1307, 192),
    "MI325X": _gpu(6000, 1307, 256),
    "MI355X": _gpu(8000, 2500, 288),
    "GAUDI2": _gpu(2450, 432, 96),
    "GAUDI3": _gpu(3700, 1835, 128),
}

# as device plug-ins, feature discovery and clouds write them; the first that fits is meant
_NAMES: Final = tuple(
    (re.compile(rf"(?:^|-){pattern}(?:-|$)"), name)
    for pattern, name in (
        (r"H100-(?:.*-)?PCIE", "H100-PCIE"),
        (r"H100-(?:.*-)?NVL", "H100-NVL"),
        (r"A100-(?:.*-)?40GB", "A100-40GB"),
        (r"A100-(?:.*-)?80GB", "A100"),
        (r"TESLA-A100", "A100-40GB"),
        (r"RTX-?PRO-?6000", "RTXPRO6000"),
        (r"RTX-?6000-?ADA", "RTX6000ADA"),
        (r"(?:RTX-?)?4090", "RTX4090"),
        (r"(?:RTX-?)?5090", "RTX5090"),
        (r"(?:HL-225.?|GAUDI-?2)", "GAUDI2"),
        (r"(?:HL-3\d\d.?|GAUDI-?3)", "GAUDI3"),
        (r"MI250X?", "MI250"),
        *((name, name) for name in FACTS if "-" not in name),
    )
)


def known(accelerator: str) -> Gpu | None:
    """Return the facts of an accelerator by any of its names; None for strangers and for slices (MIG)."""
    name = re.sub(r"[^A-Z0-9]+", "-", accelerator.upper()).strip("-")
    if re.search(r"(?:^|-)MIG(?:-|$)", name):
        return None
    return next((FACTS[meant] for pattern, meant in _NAMES if pattern.search(name)), None)
