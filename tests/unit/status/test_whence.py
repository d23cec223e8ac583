"""A variant without replicas names who tells the demand; nobody else's sentence changes."""

from dataclasses import replace

import pytest
from tests.unit.scaling.scene import (
    MODEL,
    NOW,
    decide_one,
    handed_over,
    known,
    observe,
    remembering,
    row,
    target,
    variant,
)

from penstock.domain.catalogue import ModelScope
from penstock.domain.observations import Inflow, Observation
from penstock.domain.readings import Absent
from penstock.status.summary import variant_status
from penstock.status.whence import with_source

CHAT = variant(min_replicas=0)
SCOPE = ModelScope("llm", MODEL)
ASLEEP = observe(CHAT, targets={CHAT.key: target(CHAT, 0)})
CALM = Inflow(waiting=known(0.0), arrivals_per_s=known(0.0))
PICKER = replace(ASLEEP, inflows={SCOPE: CALM}, scrape=replace(ASLEEP.scrape, inflows={SCOPE: CALM}))


def told(inflow: Inflow) -> Observation:
    """Nothing to scrape, and what a router says."""
    return replace(PICKER, inflows={SCOPE: inflow})


@pytest.mark.parametrize(
    ("observation", "sentence"),
    [
        pytest.param(PICKER, "Nothing to scrape; demand is read from the endpoint picker.", id="a picker"),
        pytest.param(told(replace(CALM)), "Nothing to scrape; demand is read from the router.", id="a router"),
        pytest.param(
            told(Inflow(waiting=known(1.0), arrivals_per_s=Absent("a router is too young to tell"))),
            "Nothing to scrape; demand is read from the router.",
            id="a router that has just begun to count",
        ),
        pytest.param(
            told(Inflow(waiting=Absent("a router is silent"), arrivals_per_s=Absent("a router is silent"))),
            "Nothing to scrape: no replica is ready.",
            id="a router that is silent",
        ),
        pytest.param(ASLEEP, "Nothing to scrape: no replica is ready.", id="nobody"),
        pytest.param(
            replace(PICKER, inflows={ModelScope("other", MODEL): CALM}),
            "Nothing to scrape: no replica is ready.",
            id="somebody else's",
        ),
        pytest.param(
            replace(observe(CHAT, seen=[row(CHAT, rate=0.0)]), inflows={SCOPE: CALM}),
            "Engine series are fresh.",
            id="replicas do",
        ),
    ],
)
def test_a_variant_without_replicas_names_who_tells_the_demand(observation: Observation, sentence: str) -> None:
    decision = decide_one(observation, remembering((CHAT, observation.targets[CHAT.key].current or 0)))

    outcome = handed_over(with_source(decision, observation), observation.targets[CHAT.key])

    rows = {row["type"]: row["message"] for row in variant_status(outcome, {}, NOW)["conditions"]}
    assert rows["MetricsAvailable"] == sentence
