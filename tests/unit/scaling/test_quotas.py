"""Quotas: by priority, what runs before what is new, and never the last replica."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.scaling.scene import PROFILE, by_name, observe, rows, target, variant

from penstock.domain.observations import Observation
from penstock.domain.reasons import LimitReason, OptimizationReason
from penstock.domain.variants import ObjectKey
from penstock.scaling import decide as module
from penstock.scaling.config import Config, Quota
from penstock.scaling.quotas import Claim, grant


def claim(name: str, wanted: int, running: int = 0, **changes: Any) -> Claim:
    return replace(
        Claim(
            key=ObjectKey("llm", name),
            accelerator="H100",
            accelerators_per_replica=1,
            priority=10,
            wanted=wanted,
            running=running,
        ),
        **changes,
    )


EIGHT = Quota(accelerator="H100", max_accelerators=8)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param([claim("a", 5)], {"a": 5}, id="room enough"),
        pytest.param([claim("a", 12)], {"a": 8}, id="not above the quota"),
        pytest.param([claim("a", 12, accelerators_per_replica=4)], {"a": 2}, id="counted in accelerators"),
        pytest.param([claim("a", 6), claim("b", 6, priority=1)], {"a": 2, "b": 6}, id="the higher priority first"),
        pytest.param([claim("a", 6), claim("b", 6, 6)], {"a": 2, "b": 6}, id="what runs before what is new"),
        pytest.param([claim("a", 12), claim("b", 6, fixed=True)], {"a": 2, "b": 6}, id="what is held counts"),
        pytest.param([claim("a", 12, accelerator="A100")], {"a": 12}, id="another accelerator"),
        pytest.param([claim("a", 12, accelerator=None)], {"a": 12}, id="an unknown accelerator"),
        pytest.param([claim("a", 9, 9), claim("b", 1, 1)], {"a": 8, "b": 1}, id="the last replica stays"),
    ],
)
def test_grants(claims: list[Claim], expected: dict[str, int]) -> None:
    granted = grant(claims, [EIGHT])

    assert {key.name: one.replicas for key, one in granted.items()} == expected


def test_a_quota_of_a_namespace_binds_there_alone_and_is_named() -> None:
    local = Quota(accelerator="H100", max_accelerators=2, namespace="llm", where="ResourceQuota llm/gpus")
    elsewhere = claim("b", 5, key=ObjectKey("other", "b"))

    granted = grant([claim("a", 5), elsewhere], [local, EIGHT])

    assert granted[ObjectKey("llm", "a")].replicas == 2
    assert granted[ObjectKey("llm", "a")].by == local
    assert granted[elsewhere.key].replicas == 5
    assert granted[elsewhere.key].by is None


def test_a_quota_of_no_type_counts_all_of_its_namespace() -> None:
    any_type = Quota(accelerator="", max_accelerators=6, namespace="llm", where="ResourceQuota llm/gpus")
    claims = [claim("a", 4), claim("b", 4, accelerator="A100"), claim("c", 4, accelerator=None)]

    granted = grant([*claims, claim("d", 4, key=ObjectKey("other", "d"))], [any_type])

    assert sum(granted[one.key].replicas for one in claims) == 6
    assert granted[ObjectKey("other", "d")].replicas == 4


def test_a_paused_variant_takes_of_a_quota_what_it_runs() -> None:
    """Its computed number is for show: another one must not be granted what it did not give up."""
    halted = variant("halted", paused=True, max_replicas=1)
    other = variant("other", min_replicas=2)
    at = {halted.key: target(halted, 3), other.key: target(other, 1)}
    quota = Quota(accelerator="A100", max_accelerators=4)
    seen = [*rows(halted, 3, total=0.3), *rows(other, 1, total=0.1)]

    found = by_name(observe(halted, other, targets=at, seen=seen), config=Config(quotas=(quota,)))

    assert found["other"].desired == 1


SMALL = variant("small", min_replicas=0, cost_per_replica_per_h=10.0)
OTHER = variant(
    "other",
    min_replicas=0,
    cost_per_replica_per_h=13.0,
    accelerator="L40S",
    profiles=(replace(PROFILE, accelerator="L40S"),),
)
THREE = Config(quotas=(Quota(accelerator="A100", max_accelerators=3),))


def under_load() -> Observation:
    """Return two replicas of the cheaper variant that can no longer serve what arrives."""
    at = {SMALL.key: target(SMALL, 2), OTHER.key: target(OTHER, 0)}
    return observe(SMALL, OTHER, targets=at, seen=rows(SMALL, 2, total=4.0))


def test_what_a_quota_refuses_goes_to_another_variant() -> None:
    free = by_name(under_load())

    found = by_name(under_load(), config=THREE)

    assert ((free["small"].desired or 0) >= 5, free["other"].desired) == (True, 0)
    assert (found["small"].desired, found["other"].desired) == (3, (free["small"].desired or 0) - 3)
    assert found["small"].limited.reason is LimitReason.WITHIN
    assert found["small"].summary.endswith("; quota of 3 A100 sends some elsewhere")


def test_quotas_hold_even_if_sharing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ArithmeticError("no share")

    monkeypatch.setattr(module, "share", fails)

    found = by_name(under_load(), config=THREE)

    assert (found["small"].desired, found["other"].desired) == (3, 0)
    assert found["small"].limited.reason is LimitReason.QUOTA
    assert {one.optimization.facts["unshared"] for one in found.values()} == {"ArithmeticError: no share"}
    assert all(one.optimization.reason is OptimizationReason.SUCCEEDED for one in found.values())


def test_where_quotas_are_shared_out_nothing_is_said_of_it() -> None:
    assert all("unshared" not in one.optimization.facts for one in by_name(under_load(), config=THREE).values())
