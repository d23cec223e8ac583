"""Says of a variant without replicas who tells what is asked of its model: nothing of its own could be scraped."""

from penstock.domain.catalogue import ModelScope
from penstock.domain.decisions import Decision, Verdict
from penstock.domain.observations import Inflow, Observation
from penstock.domain.readings import Known
from penstock.domain.reasons import MetricsReason


def with_source(decision: Decision, observation: Observation) -> Decision:
    """Return the decision for those who read it: where no replica tells the demand, with the name of who does.

    Who is asked and says nothing is not named: nobody would wake the model by that.
    """
    scope = ModelScope(decision.key.namespace, decision.model)
    inflow = observation.inflows.get(scope)
    if inflow is None or not _tells(inflow) or decision.metrics.reason is not MetricsReason.NO_REPLICAS:
        return decision
    source = "the endpoint picker" if inflow is observation.scrape.inflows.get(scope) else "the router"
    return decision._replace(metrics=Verdict(MetricsReason.NO_REPLICAS, {**decision.metrics.facts, "source": source}))


def _tells(inflow: Inflow) -> bool:
    return isinstance(inflow.waiting, Known) or isinstance(inflow.arrivals_per_s, Known)
