"""Between which replica counts a variant may move: its own bounds, or those of an open schedule."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from penstock.domain.cron import is_open
from penstock.domain.decisions import Verdict
from penstock.domain.reasons import LimitReason
from penstock.domain.variants import Schedule, Variant

WITHIN: Final = Verdict(LimitReason.WITHIN)


class Bounds(NamedTuple):
    """Least and most replicas, and who set them (empty: nobody wrote one, the default holds).

    `asleep` says that somebody set the target to zero although nothing asks us to bring it back: it stays there.
    """

    min_replicas: int
    max_replicas: int | None
    min_where: str = ""
    max_where: str = ""
    asleep: bool = False

    def clamp(self, replicas: int) -> int:
        """Return the nearest allowed number."""
        capped = replicas if self.max_replicas is None else min(replicas, self.max_replicas)
        return max(capped, self.min_replicas)

    def most(self) -> Verdict[LimitReason]:
        """Return what is said when more is needed than allowed; a target that sleeps is no limit that anyone set."""
        if not self.max_where:
            return WITHIN
        return Verdict(LimitReason.MAX_REPLICAS, {"limit": f"maxReplicas {self.max_replicas}", "where": self.max_where})

    def least(self) -> Verdict[LimitReason]:
        """Return what is said when less is needed than allowed; that one replica stays is no limit that anyone set."""
        if not self.min_where:
            return WITHIN
        return Verdict(LimitReason.MIN_REPLICAS, {"limit": f"minReplicas {self.min_replicas}", "where": self.min_where})


def bounds(variant: Variant, *, zero_enabled: bool, current: int | None, now_s: float) -> Bounds:
    """Resolve the bounds; of several open schedules the highest minimum and the lowest maximum, the minimum first.

    Raises:
        InvalidField: a schedule that is no cron text, or names no time zone.
    """
    lower, upper = _open(variant.schedules, now_s) if variant.schedules else (None, None)
    least = _lower(lower) if lower else variant.min_replicas
    most = _upper(upper) if upper else variant.max_replicas
    asleep = current == 0 and not least and not (zero_enabled or least == 0)
    floor = least if least is not None else int(not zero_enabled and not asleep)
    return Bounds(
        min_replicas=floor,
        max_replicas=None if most is None else max(most, floor),
        min_where="" if least is None else _where(lower),
        max_where="" if most is None else _where(upper),
        asleep=asleep,
    )


def _open(schedules: Sequence[Schedule], now_s: float) -> tuple[Schedule | None, Schedule | None]:
    """Return whose minimum and whose maximum hold now."""
    windows = [one for one in schedules if is_open(one.schedule, one.duration_s, one.time_zone, now_s)]
    lower = max([one for one in windows if one.min_replicas is not None], key=_lower, default=None)
    return lower, min([one for one in windows if one.max_replicas is not None], key=_upper, default=None)


def _lower(window: Schedule) -> int:
    return window.min_replicas or 0


def _upper(window: Schedule) -> int:
    return window.max_replicas or 0


def _where(window: Schedule | None) -> str:
    return f"spec.schedules, window {window.name}" if window else "spec"
