"""What explain says of an object as it is now, beyond the record of its last change."""

from typing import Any

import pytest
from tests.unit.scaling.scene import decide_one, observe, row, variant

from penstock.records.present import present

CHAT = variant("chat", generation=3)
BLOCKED = [{"type": "Ready", "status": "False", "reason": "ForeignScaler", "message": "Delete it."}]
READY = [{"type": "Ready", "status": "True", "reason": "Ready", "message": "Decided from fresh data."}]
EDITED = "the object was edited: this rests on generation 3, now it is at 5, which"


@pytest.mark.parametrize(
    ("generation", "status", "told"),
    [
        pytest.param(3, {"observedGeneration": 3, "conditions": READY}, [], id="as it was decided"),
        pytest.param(5, {"observedGeneration": 5}, [("since", f"{EDITED} left the number as it is")], id="edited"),
        pytest.param(5, {"observedGeneration": 3}, [("since", f"{EDITED} no pass has regarded yet")], id="just edited"),
        pytest.param(5, {}, [("since", f"{EDITED} no pass has regarded yet")], id="edited, no status"),
        pytest.param(1, {"observedGeneration": 1}, [], id="another object of its name"),
        pytest.param(3, {"conditions": BLOCKED}, [("amiss", "ForeignScaler: Delete it.")], id="amiss"),
        pytest.param(3, {"conditions": None}, [], id="no condition"),
    ],
)
def test_what_became_of_a_variant_since_its_last_change(
    generation: int, status: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    decision = decide_one(observe(CHAT, seen=[row(CHAT)]))

    assert list(present(decision, {"metadata": {"generation": generation}, "status": status})) == told


def test_an_object_without_a_generation_says_nothing_of_it() -> None:
    decision = decide_one(observe(CHAT, seen=[row(CHAT)]))

    assert not present(decision, {"metadata": {}})
