"""Starts of pods: the first readiness counts where it was watched; recoveries and second tries never do."""

from typing import Any

import pytest
from tests.unit.controller.bodies import pod

from penstock.api.kinds import PODS
from penstock.controller.births import birth
from penstock.controller.cache import Cache
from penstock.controller.pods import PodFacts, pod_facts, remembering
from penstock.domain.observations import Birth
from penstock.domain.variants import ObjectKey

CREATED = "2026-11-20T09:00:00Z"
CREATED_S = 1795165200.0


def at(seconds: float) -> str:
    return f"2026-11-20T09:{int(seconds) // 60:02d}:{int(seconds) % 60:02d}Z"


def look(
    changed_s: float | None, *, ready: bool, restarts: int = 0, version: int = 1, started_s: float = 2
) -> dict[str, Any]:
    """Return a pod whose readiness changed last so long after its creation."""
    body = pod("a", version=version, creationTimestamp=CREATED)
    condition = {"type": "Ready", "status": "True" if ready else "False"}
    body["status"] |= {
        "startTime": at(started_s),
        "conditions": [] if changed_s is None else [condition | {"lastTransitionTime": at(changed_s)}],
        "containerStatuses": [{"restartCount": restarts}],
    }
    return body


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param([look(None, ready=False)], Birth(CREATED_S, None), id="not scheduled yet"),
        pytest.param([look(2, ready=False)], Birth(CREATED_S, None), id="starting"),
        pytest.param(
            [look(900, ready=False, started_s=900)], Birth(CREATED_S, None), id="starting on a node that came late"
        ),
        pytest.param([look(2, ready=False), look(90, ready=True)], Birth(CREATED_S, CREATED_S + 90), id="started"),
        pytest.param([look(90, ready=True)], None, id="Ready when first seen: perhaps again"),
        pytest.param([look(1200, ready=False)], None, id="not Ready any more when first seen"),
        pytest.param([look(1200, ready=False), look(1300, ready=True)], None, id="recovered, but never seen to start"),
        pytest.param(
            [look(2, ready=False), look(90, ready=True), look(1200, ready=False), look(1300, ready=True)],
            Birth(CREATED_S, CREATED_S + 90),
            id="flapped: the first time stays",
        ),
        pytest.param(
            [look(2, ready=False), look(1200, ready=False), look(1300, ready=True)],
            None,
            id="flapped between two looks",
        ),
        pytest.param([look(2, ready=False), look(400, ready=True, restarts=1)], None, id="Ready at the second try"),
        pytest.param([look(2, ready=False, restarts=3)], Birth(CREATED_S, None), id="crashes, and still starts"),
        pytest.param(
            [look(2, ready=False), look(90, ready=True), look(700, ready=True, restarts=1)],
            Birth(CREATED_S, CREATED_S + 90),
            id="restarted later",
        ),
    ],
)
def test_what_looks_tell(looks: list[dict[str, Any]], expected: Birth | None) -> None:
    cache: Cache[PodFacts] = Cache(PODS, pod_facts, remembering)
    for version, body in enumerate(looks, start=1):
        body["metadata"]["resourceVersion"] = str(version)
        cache.see(body)

    (found,) = cache.values()

    assert found.birth == expected


def test_a_pod_made_anew_under_the_name_starts_anew() -> None:
    cache: Cache[PodFacts] = Cache(PODS, pod_facts, remembering)
    for body in (look(2, ready=False), look(90, ready=True)):
        cache.see(body)
    second = look(3, ready=False)
    second["metadata"]["uid"] = "second"

    cache.see(second)

    kept = cache.get(ObjectKey("llm", "a"))
    assert kept is not None
    assert kept.birth == Birth(CREATED_S, None)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"status": {}}, id="no creation"),
        pytest.param(
            look(-0.0, ready=True) | {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, id="no time"
        ),
    ],
)
def test_what_is_not_told_is_not_guessed(body: dict[str, Any]) -> None:
    meta = body.get("metadata", {})

    assert birth(meta, body["status"]) is None
