"""Attachments and acknowledgements become what a policy's status tells, without any I/O."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from penstock.controller.plan import Attachment
from penstock.controller.push import Acknowledged
from penstock.domain.decisions import Verdict
from penstock.domain.errors import shown
from penstock.domain.policies import PolicyDocument
from penstock.domain.reasons import PolicyReason
from penstock.domain.rollouts import PolicyOutcome, RouterReport
from penstock.domain.units import parse_duration

AS_EXPECTED: Final = Verdict(PolicyReason.AS_EXPECTED)
_BOUND: Final = "starvationBound"
_MOST_NAMED: Final = 10  # pods in one sentence
_MOVED: Final = 0.1
_WORST_FIRST: Final = (PolicyReason.ROUTER_REJECTED, PolicyReason.ROUTER_UNREACHABLE)


def outcome(
    attachment: Attachment,
    document: PolicyDocument | None,
    good: PolicyDocument | None,
    done: Mapping[str, Acknowledged],
    bound_s: float | None,
) -> PolicyOutcome:
    """Return what became of one policy; `done` by pod uid.

    `document` is what its routers had to run, `good` the newest of which one said that it runs it.
    """
    candidate = attachment.candidate
    answers = [done[pod.uid] for pod in attachment.routers if pod.uid in done]
    reports = tuple(sorted((_report(one, document) for one in answers), key=lambda one: (one.error is None, one.pod)))
    return PolicyOutcome(
        key=candidate.key,
        generation=candidate.generation,
        accepted=_accepted(attachment, answers, document),
        programmed=_programmed(attachment, answers, document),
        degraded=_degraded(answers, document),
        routers=reports,
        effective=good.policy if attachment.wins and good else None,
        stable_generation=good.generation if attachment.wins and good else None,
        starvation_bound_s=bound_s,
    )


def _report(one: Acknowledged, document: PolicyDocument | None) -> RouterReport:
    running = one.running
    if running is None:
        return RouterReport(pod=one.router.key.name, error=one.fault.text if one.fault else "not asked yet")
    wrong = document is not None and not running.is_(document)
    error = one.fault.text if one.fault else "runs another document" if wrong else None
    return RouterReport(
        pod=one.router.key.name,
        generation=running.generation,
        hash=running.hash,
        applied_at=running.applied_at or None,
        error=error,
    )


def _accepted(
    attachment: Attachment, answers: Iterable[Acknowledged], document: PolicyDocument | None
) -> Verdict[PolicyReason]:
    """Return the attachment's own verdict, unless routers found the content impossible and none could run it."""
    refusing, running = _split(answers, document)
    invalid = next((one.fault.invalid for one in refusing if one.fault), None) if not running else None
    if attachment.reason is PolicyReason.ACCEPTED and invalid is not None:
        facts = {"field": invalid.field, "value": shown(invalid.value), "remedy": invalid.remedy}
        return Verdict(PolicyReason.INVALID, facts)
    return Verdict(attachment.reason, attachment.facts)


def _degraded(answers: Iterable[Acknowledged], document: PolicyDocument | None) -> Verdict[PolicyReason]:
    """Return whether routers differ in what they can run: then some of them are of another version."""
    refusing, running = _split(answers, document)
    if not (refusing and running):
        return AS_EXPECTED
    names = sorted(one.router.key.name for one in refusing)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return Verdict(PolicyReason.MIXED_ROUTER_VERSIONS, {"pods": ", ".join(names[:_MOST_NAMED]) + more})


def _split(
    answers: Iterable[Acknowledged], document: PolicyDocument | None
) -> tuple[list[Acknowledged], list[Acknowledged]]:
    """Return who refused the content, and who runs it."""
    answers = tuple(answers)
    refusing = [one for one in answers if one.fault and one.fault.invalid]
    return refusing, [one for one in answers if document is not None and one.runs(document)]


def _programmed(
    attachment: Attachment, answers: list[Acknowledged], document: PolicyDocument | None
) -> Verdict[PolicyReason] | None:
    if not attachment.wins or document is None:
        return None
    facts = {"policy": attachment.candidate.key.name}
    if not answers:
        return Verdict(PolicyReason.NO_ROUTERS, facts)
    reasons = {one.fault.reason for one in answers if one.fault}
    worst = next((reason for reason in _WORST_FIRST if reason in reasons), None)
    if worst is not None:
        return Verdict(worst, facts)
    right = all(one.running is not None and one.running.is_(document) for one in answers)
    if right and document.generation == attachment.candidate.generation:
        return Verdict(PolicyReason.PROGRAMMED, facts)
    kept = {"kept": str(document.generation)} if attachment.reason is PolicyReason.INVALID else {}
    return Verdict(PolicyReason.RECONCILING, {**facts, **kept})


def worth_writing(previous: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    """Return whether a status says something new; a bound that moved by less than a tenth does not."""
    before, now = _bound_s(previous), _bound_s(status)
    if _without_bound(previous) != _without_bound(status) or (before is None) is not (now is None):
        return True
    return before is not None and now is not None and abs(now - before) > _MOVED * before


def _bound_s(status: Mapping[str, Any]) -> float | None:
    text = (status.get("effective") or {}).get(_BOUND)
    return None if text is None else parse_duration(str(text), _BOUND)


def _without_bound(status: Mapping[str, Any]) -> dict[str, Any]:
    effective = {name: value for name, value in (status.get("effective") or {}).items() if name != _BOUND}
    return {**status, "effective": effective}
