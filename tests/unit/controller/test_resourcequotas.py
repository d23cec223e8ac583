"""ResourceQuotas on accelerators: what a namespace may have, less what others use, and never less than what runs."""

from typing import Any

import pytest
from tests.unit.controller.bodies import meta, pod
from tests.unit.controller.test_targets import REF

from penstock.controller.pods import pod_facts
from penstock.controller.resourcequotas import Allowance, allowances, quotas
from penstock.controller.targets import Sight
from penstock.domain.observations import Target
from penstock.domain.reasons import TargetReason
from penstock.domain.variants import ObjectKey
from penstock.scaling.config import Quota

KEY = ObjectKey("llm", "gpus")
GPU, AMD = "nvidia.com/gpu", "amd.com/gpu"


def body(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": meta("gpus"), "spec": {"hard": hard} | spec, "status": {"used": used or {}}}


def sight(pods: int, *, each: int | None = 2, product: str | None = "H100", resource: str = GPU) -> Sight:
    target = Target(ref=REF, state=TargetReason.FOUND, facts={}, accelerator=product, accelerators_per_replica=each)
    found = (pod_facts(pod(f"{product}-{number}")) for number in range(pods))
    return Sight(target, pods=tuple(one for one in found if one is not None), resource=resource)


@pytest.mark.parametrize(
    ("quota", "found"),
    [
        pytest.param(
            body({f"requests.{GPU}": "8", "requests.cpu": "100"}, {f"requests.{GPU}": "3"}),
            (Allowance(key=KEY, resource=GPU, hard=8, used=3),),
            id="GPUs",
        ),
        pytest.param(
            body({f"requests.{GPU}": "8", f"requests.{AMD}": "4"}),
            (
                Allowance(key=KEY, resource=AMD, hard=4, used=None),
                Allowance(key=KEY, resource=GPU, hard=8, used=None),
            ),
            id="two resources, not counted yet",
        ),
        pytest.param(body({"pods": "10", "limits.memory": "1Gi"}), None, id="nothing of ours"),
        pytest.param(body({f"requests.{GPU}": "8"}, scopes=["BestEffort"]), None, id="for some pods"),
        pytest.param(body({f"requests.{GPU}": "8"}, scopeSelector={"matchExpressions": []}), None, id="by a selector"),
        pytest.param(body({f"requests.{GPU}": "1k"}), None, id="no count"),
        pytest.param({"metadata": meta("gpus")}, None, id="empty"),
    ],
)
def test_what_a_resource_quota_limits(quota: dict[str, Any], found: tuple[Allowance, ...] | None) -> None:
    assert allowances(quota) == found


@pytest.mark.parametrize(
    ("hard", "used", "sights", "expected"),
    [
        pytest.param(8, 4, [sight(2)], [("", 8)], id="all that is used is ours"),
        pytest.param(8, 7, [sight(2)], [("", 5)], id="others use three"),
        pytest.param(8, None, [sight(2)], [("", 8)], id="not counted yet"),
        pytest.param(8, 4, [sight(1), sight(1, product="A100")], [("", 8)], id="two types share one resource"),
        pytest.param(8, 12, [sight(4)], [("", 8)], id="never less than what runs"),
        pytest.param(2, 4, [sight(2)], [("", 4)], id="lowered below what runs"),
        pytest.param(
            8, 4, [sight(2), sight(1, product="MI300X", resource=AMD)], [("H100", 8)], id="another resource beside it"
        ),
        pytest.param(
            8, 0, [sight(0, product=None), sight(1, resource=AMD)], [], id="a type that nobody knows, beside another"
        ),
        pytest.param(8, 4, [sight(2, resource="")], [], id="nobody asks for it"),
        pytest.param(8, 3, [sight(2, each=None)], [("", 7)], id="one each, where nobody tells"),
    ],
)
def test_quotas(hard: int, used: int | None, sights: list[Sight], expected: list[tuple[str, int]]) -> None:
    known = {ObjectKey("llm", f"v{number}"): one for number, one in enumerate(sights)}
    known[ObjectKey("other", "v")] = sight(5, resource=AMD)

    found = quotas([Allowance(key=KEY, resource=GPU, hard=hard, used=used)], known)

    assert found == tuple(
        Quota(accelerator=accelerator, max_accelerators=most, namespace="llm", where="ResourceQuota llm/gpus")
        for accelerator, most in expected
    )
