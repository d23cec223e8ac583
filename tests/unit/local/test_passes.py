"""What a pass of the local world sees of requests: its router's word, where there is but one model."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.unit.controller.test_targets import VARIANT

from penstock.domain.catalogue import Catalogue, ModelScope
from penstock.domain.decisions import Verdict
from penstock.domain.observations import Inflow, Scrape
from penstock.domain.readings import ABSENT, Known
from penstock.domain.reasons import MetricsReason
from penstock.domain.variants import ObjectKey
from penstock.local.fleet import Fleet
from penstock.local.passes import Passes
from penstock.local.ports import Asked, Scraping
from penstock.local.world import NAMESPACE, EngineTemplate, World
from penstock.scaling.config import Config

SCOPE = ModelScope(NAMESPACE, "m")


class Engines:
    """None runs, so that none tells anything."""

    async def scrape(self, engines: object, namespace: str, now_s: float) -> Scrape:
        del engines, namespace
        return Scrape(at_s=now_s)


def world(*models: str) -> World:
    variants = tuple(replace(VARIANT, model=model) for model in models)
    return World(variants=variants, engines={}, policy=None, catalogue=Catalogue(), settings={}, generation=1)


@pytest.mark.parametrize(
    ("models", "asked", "expected"),
    [
        pytest.param(
            ["m", "m"],
            [Asked(0, None), Asked(6, 2.5)],
            {SCOPE: Inflow(waiting=Known(6, 103.0), growth_per_s=Known(2.0, 103.0))},
            id="two variants of one model; a rate over a minute is too slow here",
        ),
        pytest.param(
            ["m"],
            [Asked(0, 0.0)],
            {SCOPE: Inflow(waiting=Known(0, 100.0), arrivals_per_s=Known(0.0, 100.0))},
            id="silence is silence over any time",
        ),
        pytest.param(
            ["m"], [Asked(6, None)], {SCOPE: Inflow(waiting=Known(6, 100.0), growth_per_s=ABSENT)}, id="at first"
        ),
        pytest.param(["m", "n"], [Asked(6, 2.5)], {}, id="the router cannot tell models apart"),
        pytest.param(["m"], [Asked(6, 2.5), Asked(None, None)], {}, id="it does not answer"),
    ],
)
def test_what_the_router_sees(models: list[str], asked: list[Asked], expected: dict[ModelScope, Inflow]) -> None:
    passes = Passes(Fleet(Path(), cast("Any", None)), cast("Scraping", None), lambda: 0.0)

    seen = [passes._inflows(world(*models), 100.0 + 3 * turn, told) for turn, told in enumerate(asked)]

    assert seen[-1] == expected


async def test_a_variant_without_engines_is_told_by_the_router_and_says_so() -> None:
    here = replace(VARIANT, key=VARIANT.key._replace(namespace=NAMESPACE), model="m", min_replicas=0)
    template = EngineTemplate(key=ObjectKey(NAMESPACE, here.target.name), command=(), replicas=0, max_batch=None)
    seen = replace(world(), variants=(here,), engines={template.key: template})
    passes = Passes(Fleet(Path(), cast("Any", None)), Engines(), lambda: 100.0)

    (outcome,) = await passes.run(seen, Config(), Asked(0, 0.0))

    assert outcome.decision.metrics == Verdict(MetricsReason.NO_REPLICAS, {"source": "the router"})
