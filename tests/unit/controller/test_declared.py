"""Variants that are declared on a scaler by annotation: told once, and only where nothing else declares them."""

from typing import Any

import pytest
from tests.unit.controller.bodies import meta
from tests.unit.scaling.scene import variant

from penstock.controller.declared import MESSAGE, Declared
from penstock.controller.scalers import Scaler, hpa, scaled_object
from penstock.domain.errors import Unreachable


class Objects:
    """Takes events, unless the API server is away."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, str, str]] = []
        self.away = False

    async def event(self, about: dict[str, Any], kind: str, reason: str, message: str) -> None:
        self.events.append((about["apiVersion"], about["name"], kind, reason))
        assert (about["uid"], message) == ("u", f"{MESSAGE}.")
        if self.away:
            raise Unreachable("Kubernetes API", "timeout", "wait")


def declaring(kind: str = "hpa", value: str = "true", **labels: str) -> Scaler:
    body = {
        "metadata": meta("own", uid="u", annotations={"llm-d.ai/managed": value}, labels=labels),
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "chat"}},
    }
    found = hpa(body) if kind == "hpa" else scaled_object(body)
    assert found is not None
    return found


@pytest.fixture
def objects() -> Objects:
    return Objects()


async def tell(declared: Declared, objects: Objects, *scalers: Scaler, variants: tuple[Any, ...] = ()) -> None:
    await declared.tell(objects, scalers, variants, "")  # type: ignore[arg-type] - event is all it needs


@pytest.mark.parametrize(("kind", "version"), [("hpa", "autoscaling/v2"), ("keda", "keda.sh/v1alpha1")])
async def test_each_is_told_once(kind: str, version: str, objects: Objects, caplog: pytest.LogCaptureFixture) -> None:
    declared = Declared()

    for _ in range(3):
        await tell(declared, objects, declaring(kind))

    assert objects.events == [(version, "own", "Warning", "NotSupported")]
    assert [one.message for one in caplog.records] == [MESSAGE]


@pytest.mark.parametrize(
    ("scaler", "variants"),
    [
        pytest.param(declaring(value="false"), (), id="it declares nothing"),
        pytest.param(declaring(), (variant("chat"),), id="an object declares the same"),
        pytest.param(declaring(**{"wva.llmd.ai/controller-instance": "blue"}), (), id="it is for another operator"),
    ],
)
async def test_nobody_is_bothered_where(scaler: Scaler, variants: tuple[Any, ...], objects: Objects) -> None:
    await tell(Declared(), objects, scaler, variants=variants)

    assert objects.events == []


@pytest.mark.parametrize("other", [variant("other"), variant("chat", namespace="elsewhere")])
async def test_a_variant_of_something_else_is_no_excuse(other: Any, objects: Objects) -> None:
    await tell(Declared(), objects, declaring(), variants=(other,))

    assert len(objects.events) == 1


async def test_it_is_told_again_when_its_variant_went(objects: Objects) -> None:
    declared = Declared()

    for variants in ((), (variant("chat"),), ()):
        await tell(declared, objects, declaring(), variants=variants)

    assert len(objects.events) == 2


async def test_an_api_server_that_is_away_ends_no_pass(objects: Objects, caplog: pytest.LogCaptureFixture) -> None:
    objects.away = True

    await tell(Declared(), objects, declaring())

    assert caplog.records[-1].message == "Event not posted"
