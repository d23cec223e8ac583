"""Caches: events and lists in any order end at the truth."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.controller.bodies import meta, pod, router_labels

from penstock.api.kinds import PODS, POLICIES, VARIANTS
from penstock.controller.cache import Cache
from penstock.controller.world import World
from penstock.domain.variants import ObjectKey

KEY = ObjectKey("llm", "a")


def thing(name: str = "a", **more: Any) -> dict[str, Any]:
    return {"metadata": meta(name, **more)}


@pytest.fixture(name="cache")
def _cache() -> Cache[Any]:
    return Cache(VARIANTS, lambda body: body)


def test_older_version_does_not_replace_a_newer_one(cache: Cache[Any]) -> None:
    cache.see(thing(version=9))

    assert not cache.see(thing(version=8))
    assert cache.get(KEY) == thing(version=9)


def test_object_made_anew_replaces_the_old_one_whatever_its_version(cache: Cache[Any]) -> None:
    cache.see(thing(version=9, uid="old"))

    assert cache.see(thing(version=5, uid="new"))
    assert not cache.drop(KEY, "old")
    assert cache.get(KEY) is not None


def test_list_removes_what_vanished_unseen(cache: Cache[Any]) -> None:
    cache.see(thing("a"))
    cache.see(thing("b"))

    changed = cache.fold([thing("b")], cache.mark())

    assert changed
    assert [body["metadata"]["name"] for body in cache.values()] == ["b"]
    assert cache.complete


def test_list_does_not_remove_what_came_after_it_was_asked_for(cache: Cache[Any]) -> None:
    mark = cache.mark()
    cache.see(thing("a"))

    cache.fold([], mark)

    assert cache.get(KEY) is not None


def test_list_of_what_is_known_changes_nothing(cache: Cache[Any]) -> None:
    cache.see(thing())

    assert not cache.fold([thing()], cache.mark())


def test_projected_away_objects_are_remembered_but_not_shown() -> None:
    cache: Cache[str] = Cache(PODS, lambda _: None)

    cache.see(thing())

    assert cache.values() == ()
    assert cache.get(KEY) is None
    assert cache.drop(KEY, "a")


@given(st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_order_of_events_does_not_matter(versions: list[int]) -> None:
    cache: Cache[Any] = Cache(VARIANTS, lambda body: body)
    for version in versions:
        cache.see(thing(version=version))

    assert cache.get(KEY) == thing(version=max(versions))


def test_world_is_complete_when_every_kind_was_listed() -> None:
    world = World()
    for cache in world.caches[1:]:
        world.listed(cache, [], cache.mark())
    assert not world.complete

    world.listed(world.caches[0], [], world.caches[0].mark())

    assert world.complete


@pytest.mark.parametrize(
    ("change", "scaling"),
    [
        pytest.param({"generation": 2}, True, id="spec edited"),
        pytest.param({"generation": 1, "version": 7}, False, id="status written by ourselves"),
        pytest.param({"generation": 1, "labels": {"wva.llmd.ai/controller-instance": "b"}}, True, id="relabelled"),
    ],
)
def test_edit_of_a_variant_wakes_the_pass_and_a_status_does_not(change: dict[str, Any], scaling: bool) -> None:
    world = World()
    world.happened(VARIANTS, "ADDED", thing(generation=1))
    world.scaling.clear()

    world.happened(VARIANTS, "MODIFIED", thing(**({"version": 2} | change)))

    assert world.scaling.is_set() is scaling
    assert not world.routing.is_set()


def test_policies_and_router_pods_wake_the_push_and_engines_do_not() -> None:
    world = World()
    world.happened(PODS, None, pod("engine"))
    assert not world.routing.is_set()

    world.happened(PODS, None, pod("router", labels=router_labels()))
    assert world.routing.is_set()
    world.routing.clear()
    world.happened(PODS, "DELETED", pod("router", labels=router_labels()))
    assert world.routing.is_set()
    world.routing.clear()
    world.happened(POLICIES, "ADDED", thing(generation=1))
    assert world.routing.is_set()
    assert world.routers() == ()
