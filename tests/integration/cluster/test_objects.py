"""Objects as plain JSON: whole lists, status that only we own, and writes that never hit another object."""

from typing import Any

import pytest
from tests.integration.cluster.conftest import deployment
from tests.kubeapi import KubeApi

from penstock.api.kinds import CONFIGMAPS, PODS, SCALED_OBJECTS, VARIANTS, Kind
from penstock.cluster import objects as module
from penstock.cluster.client import Kube
from penstock.cluster.objects import Objects
from penstock.domain.errors import Refused
from penstock.domain.variants import ObjectKey


def variant(api: KubeApi, namespace: str) -> dict[str, Any]:
    meta = {"name": "chat", "namespace": namespace}
    kind = {"apiVersion": VARIANTS.api_version, "kind": VARIANTS.name}
    assert api.apply({**kind, "metadata": meta, "spec": {"modelID": "m"}}).ok
    made: dict[str, Any] = api.must("GET", api.path_of({**kind, "metadata": meta}))
    return made


async def test_lists_are_whole_whatever_the_page(
    kube_api: KubeApi, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", "2")
    namespace, names = kube_api.namespace(), [f"c{number}" for number in range(5)]
    for name in names:
        meta = {"name": name, "namespace": namespace, "labels": {"odd": str(int(name[1:]) % 2)}}
        kube_api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})

    everything = await Objects(kube).list(CONFIGMAPS, namespace)
    some = await Objects(kube).list(CONFIGMAPS, namespace, "odd=1")

    assert [body["metadata"]["name"] for body in everything] == names
    assert [body["metadata"]["name"] for body in some] == ["c1", "c3"]


async def test_kind_that_is_not_served_has_no_objects(kube: Kube) -> None:
    absent = Kind("fleet.example", "v1", "fleets", "Fleet")

    assert await Objects(kube).list(absent) == []
    assert await Objects(kube).get(absent, ObjectKey("default", "x")) is None
    assert await Objects(kube).get(SCALED_OBJECTS, ObjectKey("default", "x")) is None


async def test_status_is_ours_and_replaced_whole(kube_api: KubeApi, kube: Kube) -> None:
    body = variant(kube_api, kube_api.namespace())

    first = await Objects(kube).write_status(VARIANTS, body, {"replicas": {"current": 1}, "observedGeneration": 1})
    written = await Objects(kube).write_status(VARIANTS, first, {"observedGeneration": 1})

    assert written["status"] == {"observedGeneration": 1}
    entry = next(one for one in written["metadata"]["managedFields"] if one.get("subresource") == "status")
    assert (entry["manager"], entry["operation"]) == ("penstock", "Apply")


async def test_status_never_reaches_an_object_that_changed_or_was_made_anew(kube_api: KubeApi, kube: Kube) -> None:
    old = variant(kube_api, kube_api.namespace())
    path = kube_api.path_of(old)
    kube_api.must("DELETE", path)
    variant(kube_api, old["metadata"]["namespace"])

    with pytest.raises(Refused) as refused:
        await Objects(kube).write_status(VARIANTS, old, {"observedGeneration": 1})

    assert refused.value.status == 409
    assert "status" not in kube_api.must("GET", path)


async def test_status_of_a_deleted_object_makes_none(kube_api: KubeApi, kube: Kube) -> None:
    old = variant(kube_api, kube_api.namespace())
    kube_api.must("DELETE", kube_api.path_of(old))

    with pytest.raises(Refused):
        await Objects(kube).write_status(VARIANTS, old, {"observedGeneration": 1})

    assert await Objects(kube).get(VARIANTS, ObjectKey(old["metadata"]["namespace"], "chat")) is None


async def test_missing_right_names_itself(kube_api: KubeApi, kube: Kube) -> None:
    namespace = kube_api.namespace()
    kube_api.apply(deployment(namespace, "chat", 1))
    key = ObjectKey(namespace, "x")

    with pytest.raises(Refused, match="grant the right in RBAC") as refused:
        await _as_nobody(kube_api, kube).get(PODS, key)

    assert refused.value.status == 403


def _as_nobody(api: KubeApi, kube: Kube) -> Objects:
    token = api.service_account_token(api.namespace(), "nobody")
    assert kube._client is not None
    kube._client.configuration.api_key["BearerToken"] = f"Bearer {token}"
    return Objects(kube)
