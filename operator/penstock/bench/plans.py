"""How much is compared: which workloads and rivals, on how many seeds, and how many points are tried."""

from dataclasses import dataclass, replace
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.peers.all import RIVALS, rival
from penstock.sim.workloads import NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An extent. `spread` grid points of every rival and shape are tried at first; then `rounds` of `steps` more.

    Beside these `steps`, each round tries one more size of the fleet that never changes.

    The runs that a workload takes are about shapes × (1 + spread) + rounds × steps + seeds × (rivals + 3).
    """

    workloads: tuple[str, ...]
    rivals: tuple[str, ...]
    seeds: int
    spread: int
    rounds: int
    steps: int
    quick: bool

    def only(self, workload: str | None, policies: tuple[str, ...], seeds: int | None) -> "Plan":
        """Return the plan for some rivals and one workload, or for those that begin so, as W3 does for W3-rising.

        Raises:
            InvalidField: there is no such workload or rival.
        """
        workloads = self.workloads if workload is None else _workloads(workload)
        rivals = self.rivals if not policies else tuple(rival(code).code for code in policies)
        return replace(self, workloads=workloads, rivals=rivals, seeds=self.seeds if seeds is None else seeds)


def full() -> Plan:
    """Return everything: all workloads whole, all rivals, five seeds; as many points as two cores try in an hour."""
    return Plan(
        workloads=NAMES,
        rivals=tuple(one.code for one in RIVALS),
        seeds=5,
        spread=1,
        rounds=5,
        steps=12,
        quick=False,
    )


_QUICK: Final = ("W1", "W3-falling", "W6", "W10")
_QUICK_RIVALS: Final = ("B0", "B7", "B8", "B15", "B16")


def quick() -> Plan:
    """Return what a pull request waits for: slices of some minutes of four workloads, five rivals, two seeds."""
    return Plan(workloads=_QUICK, rivals=_QUICK_RIVALS, seeds=2, spread=2, rounds=4, steps=0, quick=True)


def _workloads(name: str) -> tuple[str, ...]:
    wanted = name.upper()
    found = tuple(one for one in NAMES if one.upper() == wanted or one.upper().startswith(f"{wanted}-"))
    if not found:
        raise InvalidField("--workload", name, f"write one of {', '.join(NAMES)}")
    return found
