"""The list of nodes: asked for now and then, kept for as long as it is fresh, and told once where there is none."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from tests.unit.controller.bodies import meta

from penstock.api.kinds import NODES, Kind
from penstock.controller.nodelist import EVERY_S, NodeList
from penstock.controller.ports import Objects
from penstock.domain.errors import PenstockError, Refused, Unreachable

DENIED = Refused("api", 403, "nodes is forbidden", "grant the right in RBAC")
OUTAGE = Unreachable("api", "timeout", "")
WITHIN_S = 120.0


@dataclass(slots=True)
class Api:
    """Has nodes, or an error, at a time of its own."""

    answer: list[dict[str, Any]] | PenstockError = field(default_factory=lambda: [gpus("a")])
    now_s: float = 0.0
    asked: int = 0

    async def list(self, kind: Kind, namespace: str | None = None, selector: str = "") -> Sequence[Mapping[str, Any]]:
        assert (kind, namespace, selector) == (NODES, None, "")
        self.asked += 1
        if isinstance(self.answer, PenstockError):
            raise self.answer
        return self.answer

    def nodes(self) -> NodeList:
        return NodeList(cast("Objects", self), lambda: self.now_s)


def gpus(name: str) -> dict[str, Any]:
    return {"metadata": meta(name), "status": {"allocatable": {"nvidia.com/gpu": "8"}}}


async def names(listed: NodeList, within_s: float = WITHIN_S) -> list[str] | None:
    found = await listed.fresh(within_s=within_s)
    return None if found is None else [one.name for one in found]


async def test_nodes_are_listed_now_and_then() -> None:
    api = Api()
    listed = api.nodes()

    first = await names(listed)
    api.answer = [gpus("b"), {"metadata": meta("without"), "status": {}}]
    api.now_s = EVERY_S - 1
    same = await names(listed)
    api.now_s = EVERY_S
    after = await names(listed)

    assert (first, same, after) == (["a"], ["a"], ["b"])
    assert api.asked == 2


async def test_a_list_may_not_be_older_than_what_is_stale() -> None:
    api = Api()
    listed = api.nodes()
    await names(listed, 10.0)

    api.answer, api.now_s = [gpus("b")], 10.0

    assert await names(listed, 10.0) == ["b"]


@pytest.mark.parametrize("error", [DENIED, OUTAGE])
async def test_the_last_list_holds_until_it_is_stale(error: PenstockError, caplog: pytest.LogCaptureFixture) -> None:
    api = Api()
    listed = api.nodes()
    await names(listed)

    api.answer = error
    with caplog.at_level(logging.WARNING, "penstock.operator"):
        api.now_s = WITHIN_S - 1
        before = await names(listed)
        api.now_s = WITHIN_S
        stale = await names(listed)

    assert (before, stale) == (["a"], None)
    assert [(one.levelname, vars(one)["error"]) for one in caplog.records] == [("WARNING", str(error))]


async def test_another_trouble_and_one_after_better_times_are_told_anew(caplog: pytest.LogCaptureFixture) -> None:
    api = Api()
    listed = api.nodes()

    with caplog.at_level(logging.WARNING, "penstock.operator"):
        for answer in (DENIED, DENIED, OUTAGE, [gpus("a")], OUTAGE):
            api.answer = answer
            api.now_s += EVERY_S
            await names(listed)

    assert [vars(one)["error"] for one in caplog.records] == [str(one) for one in (DENIED, OUTAGE, OUTAGE)]
