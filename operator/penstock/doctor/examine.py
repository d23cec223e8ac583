"""The doctor's one door: looks at what was asked for, judges it, and returns the findings."""

from dataclasses import dataclass

from penstock.doctor.facts import OperatorFacts, PolicyFacts
from penstock.doctor.findings import Examination, Finding, Level
from penstock.doctor.gather import Sources, look_at_operator
from penstock.doctor.gatherpolicies import look_at_policies
from penstock.doctor.gathervariants import look_at_variants
from penstock.doctor.operator import examine_operator
from penstock.doctor.policy import examine_policy
from penstock.doctor.variant import examine_variant


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whom to examine. No names: everything in `namespace` (None: everywhere), and the operator."""

    namespace: str | None
    operator_namespace: str
    variant: str | None = None
    policy: str | None = None


async def examine(sources: Sources, asked: Asked, now_s: float) -> list[Examination]:
    """Return the examinations in the order in which they are told; `now_s` is Unix time.

    Raises:
        Unreachable, Refused: the API server could not be asked.
    """
    operator = await look_at_operator(sources.objects, asked.operator_namespace, now_s)
    if asked.policy is not None:
        return await _policies(sources, operator, asked)
    if asked.variant is not None:
        return await _variants(sources, operator, asked)
    found = [*await _variants(sources, operator, asked), *await _policies(sources, operator, asked)]
    return [examine_operator(operator), *(found or [_nothing(asked)])]


async def _variants(sources: Sources, operator: OperatorFacts, asked: Asked) -> list[Examination]:
    around, found = await look_at_variants(sources, operator, asked.namespace, asked.variant)
    return [examine_variant(facts, around) for facts in found]


async def examine_policies(sources: Sources, asked: Asked, now_s: float) -> list[tuple[PolicyFacts, Examination]]:
    """Return policies as they were found, each with its examination; raises as `examine`."""
    operator = await look_at_operator(sources.objects, asked.operator_namespace, now_s)
    found = await look_at_policies(sources, asked.namespace, asked.policy)
    return [(facts, examine_policy(facts, operator)) for facts in found]


async def _policies(sources: Sources, operator: OperatorFacts, asked: Asked) -> list[Examination]:
    found = await look_at_policies(sources, asked.namespace, asked.policy)
    return [examine_policy(facts, operator) for facts in found]


def _nothing(asked: Asked) -> Examination:
    where = f"in {asked.namespace}" if asked.namespace else "anywhere"
    text = f"there is no VariantAutoscaling and no WorkloadPolicy {where}"
    return Examination("objects", asked.namespace or "", (Finding(Level.WARN, "objects", text),))
