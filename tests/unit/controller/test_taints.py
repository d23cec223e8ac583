"""Taints against tolerations, row by row as Kubernetes reads them."""

from typing import Any

import pytest

from penstock.controller.taints import may_come, taints_of, tolerations_of

GPU = "nvidia.com/gpu"
TEAM = {"key": "team", "value": "a", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("taints", "tolerations", "comes"),
    [
        pytest.param([], [], True, id="no taint"),
        pytest.param([TEAM], [], False, id="a taint"),
        pytest.param([TEAM | {"effect": "NoExecute"}], [], False, id="one that drives away"),
        pytest.param([TEAM | {"effect": "PreferNoSchedule"}], [], True, id="a wish"),
        pytest.param([{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}], [], True, id="its condition"),
        pytest.param([{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}], [], False, id="its disk"),
        pytest.param([TEAM], [{"key": "team", "value": "a"}], True, id="the same"),
        pytest.param([TEAM], [{"key": "team", "operator": "Equal", "value": "b"}], False, id="another value"),
        pytest.param([TEAM], [{"key": "team", "operator": "Exists"}], True, id="any value"),
        pytest.param([TEAM], [{"key": "other", "operator": "Exists"}], False, id="another key"),
        pytest.param([TEAM], [{"operator": "Exists"}], True, id="everything"),
        pytest.param([TEAM], [{"operator": "Exists", "effect": "NoExecute"}], False, id="everything of another effect"),
        pytest.param([TEAM, {"key": "spot", "effect": "NoSchedule"}], [{"key": "team", "value": "a"}], False,
                     id="one of two"),
        pytest.param([{"key": "spot", "effect": "NoSchedule"}], [{"key": "spot"}], True, id="without a value"),
        pytest.param([TEAM], [{"key": "team", "operator": "Lt", "value": "5"}], True, id="an operator of later years"),
        pytest.param([{"key": GPU, "value": "present", "effect": "NoSchedule"}], [], True, id="called as the resource"),
        pytest.param([{"key": GPU, "effect": "NoExecute"}], [], False, id="called as the resource, and drives away"),
        pytest.param([{"key": "amd.com/gpu", "effect": "NoSchedule"}], [], False, id="called as another resource"),
    ],
)  # fmt: skip
def test_who_may_come(taints: list[dict[str, Any]], tolerations: list[dict[str, Any]], *, comes: bool) -> None:
    given = taints_of({"taints": taints}), tolerations_of({"tolerations": tolerations})

    assert may_come(*given, frozenset({GPU})) is comes


def test_null_is_nothing() -> None:
    assert (taints_of({"taints": None}), tolerations_of({"tolerations": None})) == (frozenset(), frozenset())
