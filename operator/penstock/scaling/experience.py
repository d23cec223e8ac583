"""What is learnt of one variant: how it serves, how long its replicas take to start, and when it had no room."""

from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Final

from penstock.domain.observations import Birth, Target
from penstock.engine.learned import Learned

ENOUGH_STARTS: Final = 3
"""Measured starts after which they count, and not what somebody expected."""
FADES_TO: Final = 20
"""Starts that count at most: an older one weighs less with each new one, so that a faster image is noticed."""
FAILS_AFTER: Final = 3.0
"""A start that takes so many times the usual is not credited any more."""
FAILS_AFTER_S: Final = 30.0
"""But it has so many seconds at least: where starts take two, one of ten proves nothing."""
LONGEST_AWAY: Final = 4
"""A variant without room is not asked for twice as long each time after the first, at most so many times as long."""


@dataclass(frozen=True, slots=True)
class Starts:
    """Durations of starts from created to Ready: how many, and mean and variance of their logarithms.

    `until_s` is when the last one counted became Ready.
    """

    count: int = 0
    log_mean: float = 0.0
    log_variance: float = 0.0
    until_s: float = 0.0

    def seeing(self, births: tuple[Birth, ...]) -> "Starts":
        """Return these with the births that became Ready since."""
        if not births:
            return self
        found, until_s = self, self.until_s
        ready = [
            (one.ready_at_s, one.created_at_s)
            for one in births
            if one.ready_at_s is not None and one.ready_at_s > until_s
        ]
        for ready_at_s, created_at_s in sorted(ready):
            found = found._adding(max(ready_at_s - created_at_s, 1.0), ready_at_s)
        return found

    def _adding(self, seconds: float, at_s: float) -> "Starts":
        count = self.count + 1
        weight = 1.0 / min(count, FADES_TO)
        off = log(seconds) - self.log_mean
        variance = (1 - weight) * (self.log_variance + weight * off * off)
        return Starts(count, self.log_mean + weight * off, variance, at_s)

    def expected_s(self, prior_s: float) -> float:
        """Return the median where enough starts were measured, else what was expected."""
        return exp(self.log_mean) if self.count >= ENOUGH_STARTS else prior_s

    def cautious_s(self, prior_s: float) -> float:
        """Return what five starts of six do not exceed."""
        if self.count < ENOUGH_STARTS:
            return prior_s
        return exp(self.log_mean + sqrt(self.log_variance))


@dataclass(frozen=True, slots=True)
class Outage:
    """Replicas found no place, for the `times`-th time in a row: no more are asked for before `until_s`."""

    since_s: float
    until_s: float
    times: int = 1

    def again(self, now_s: float, first_s: float) -> "Outage":
        """Return the next one, with twice the time; the first one takes `first_s`."""
        return Outage(now_s, now_s + first_s * min(2**self.times, LONGEST_AWAY), self.times + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """All that is learnt of the variant with this `uid`.

    `learned` is of its engine, from samples of which the last ended at `learned_at_s`; `capacity_error_ratio` is how
    far what had been expected was off each of them on average, None where none was measured. `pending_since_s` is since
    when replicas were asked for and `ready`, the number that serves, did not change; `lined_since_s` since when a line
    too long for the targets stands before every engine.
    """

    uid: str
    starts: Starts = Starts()
    learned: Learned | None = None
    learned_at_s: float = 0.0
    capacity_error_ratio: float | None = None
    outage: Outage | None = None
    pending_since_s: float | None = None
    ready: int = 0
    lined_since_s: float | None = None

    def is_away(self, now_s: float) -> bool:
        """Whether the variant is not to be asked for more now."""
        return self.outage is not None and now_s < self.outage.until_s


@dataclass(frozen=True, slots=True)
class Pending:
    """Replicas asked for that do not serve: those that will, those without a place, and those to be given up."""

    credited: int = 0
    stuck: int = 0
    late: int = 0


NONE_PENDING: Final = Pending()


def pending(target: Target, wanted: int, experience: Experience, startup_s: float, now_s: float) -> Pending:
    """Judge what was asked for and does not serve; what nobody creates counts like what never gets ready."""
    missing = max(wanted - target.ready, 0)
    if not missing:
        return NONE_PENDING
    latest_s = now_s - max(FAILS_AFTER * startup_s, FAILS_AFTER_S)
    unready = [one for one in target.births if one.ready_at_s is None]
    late = sum(one.created_at_s < latest_s for one in unready)
    if experience.pending_since_s is not None and experience.pending_since_s < latest_s:
        late += max(missing - len(unready), 0)
    late = min(late, missing)
    stuck = min(max(target.stuck, late), missing)
    return Pending(missing - stuck, stuck, late)


def following(before: Experience, target: Target, wanted: int, now_s: float) -> Experience:
    """Return the experience with what the target shows now; a replica that serves ends an outage."""
    starts = before.starts.seeing(target.births)
    progress = target.ready != before.ready
    since_s = before.pending_since_s
    if wanted <= target.ready:
        since_s = None
    elif progress or since_s is None:
        since_s = now_s
    outage = before.outage
    if outage is not None and starts.until_s > outage.since_s:
        outage = None
    same = starts is before.starts and outage is before.outage and since_s == before.pending_since_s and not progress
    return (
        before if same else replace(before, starts=starts, outage=outage, pending_since_s=since_s, ready=target.ready)
    )
