"""How much a model is asked for: arrivals and lengths now, and what waits already; unknown is never zero."""

from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import fmean
from typing import Final, NamedTuple

from penstock.domain.observations import Inflow
from penstock.domain.readings import known
from penstock.scaling.history import FORGETS_S, MATTERS, WINDOW_S, LengthSums, Moment
from penstock.scaling.observe import Load

_NOBODY_COUNTS: Final = Inflow()
_CHANCE: Final = 3.0  # standard errors of a window's arrivals


class Demand(NamedTuple):
    """Requests per second that arrive, and requests that wait in engines and routers."""

    arrivals_per_s: float
    backlog: float


def demand(loads: Iterable[Load], inflow: Inflow | None = None, others: Iterable[Load] = ()) -> Demand | None:
    """Return what is asked of the variants with these loads; None where nobody knows any rate.

    A router counts arrivals exactly, of the whole model, so what `others` serve of it is taken off. Without one the
    engines' finished requests count, corrected for what their lines, and those of routers, grow by.
    """
    inflow = inflow or _NOBODY_COUNTS
    counted = [load for load in loads if load.arrivals_per_s is not None]
    arriving, held = known(inflow.arrivals_per_s), known(inflow.waiting) or 0.0
    if arriving is None and not counted:
        return None
    if arriving is None:
        arriving = sum([load.arrivals_per_s or 0.0 for load in counted]) + (known(inflow.growth_per_s) or 0.0)
    else:
        arriving -= sum([load.arrivals_per_s or 0.0 for load in others])
    waiting = sum([load.waiting for load in counted])
    return Demand(arrivals_per_s=max(arriving, 0.0), backlog=waiting + held)


def lengths(
    before: LengthSums, loads: Iterable[Load], after_s: float, window_s: float, moments: Sequence[Moment] = ()
) -> tuple[LengthSums, bool]:
    """Return the length mix with what finished since, and whether it is another; an idle variant serves its siblings'.

    Loads are means of `window_s` seconds. Once these show another mix than before, it alone counts: capacities follow
    within a window, and not with the time constant of a mix that only wanders. Answers tell of another mix only while
    requests arrive steadily, by the `moments` until now: what ends after a burst are its longest ones, and before the
    first long ones of a burst have ended, its shortest.
    """
    finished = [load for load in loads if _tells_lengths(load)]
    recent = _summed(LengthSums(inputs=before.inputs, outputs=before.outputs), finished, window_s)
    prompts, answers = before.changed(recent)
    other = prompts or (answers and _is_steady(moments))
    sums = recent if other else _summed(before, finished, after_s)
    return sums.faded(after_s), other and before.means is not None


def _is_steady(moments: Sequence[Moment]) -> bool:
    """Whether arrivals are known for some minutes, and have varied by no more than a part and by chance since."""
    recent = [moment for moment in moments if moment.at_s > moments[-1].at_s - FORGETS_S]
    if not recent or recent[-1].at_s - recent[0].at_s < FORGETS_S - WINDOW_S:
        return False
    rates = [moment.arrivals_per_s for moment in recent]
    mean = fmean(rates)
    return max(max(rates) - mean, mean - min(rates)) <= MATTERS * mean + _CHANCE * sqrt(mean / WINDOW_S)


def _tells_lengths(load: Load) -> bool:
    return load.input_tokens is not None and load.output_tokens is not None and load.finished_per_s > 0


def _summed(sums: LengthSums, loads: Iterable[Load], seconds: float) -> LengthSums:
    """Return the sums and what so many seconds of these loads add to them."""
    requests, fed, made = sums.requests, sums.input_tokens, sums.output_tokens
    inputs, outputs = sums.inputs, sums.outputs
    for load in loads:
        finished = load.finished_per_s * seconds
        requests += finished
        fed += finished * (load.input_tokens or 0.0)
        made += finished * (load.output_tokens or 0.0)
        inputs = inputs.adding(finished, load.input_cv)
        outputs = outputs.adding(finished, load.output_cv)
    return LengthSums(requests, fed, made, inputs, outputs)
