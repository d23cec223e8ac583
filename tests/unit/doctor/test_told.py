"""What the operator is told, read from its pod and the ConfigMaps as it would read them."""

from typing import Any

import pytest

from penstock.doctor.told import configmap_keys, options, read_told, wva_home
from penstock.domain.errors import InvalidField

HOME = "penstock-system"


def pod(args: list[str], env: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "operator", "args": args, "env": env or []}]}}


def configmap(data: dict[str, str], name: str = "penstock-config") -> dict[str, Any]:
    return {"metadata": {"namespace": HOME, "name": name}, "data": data}


@pytest.mark.parametrize(
    ("body", "data", "interval_s"),
    [
        pytest.param(None, {}, 15.0, id="nobody runs"),
        pytest.param(pod(["operator", "--interval", "7s"]), {"interval": "9s"}, 7.0, id="flag and value"),
        pytest.param(pod(["operator", "--interval=7s"]), {"interval": "9s"}, 7.0, id="flag=value"),
        pytest.param(pod([], [{"name": "PENSTOCK_INTERVAL", "value": "8s"}]), {"interval": "9s"}, 8.0, id="variable"),
        pytest.param(
            pod([], [{"name": "PENSTOCK_INTERVAL", "valueFrom": {"configMapKeyRef": {}}}]),
            {"interval": "9s"},
            9.0,
            id="variable from elsewhere",
        ),
        pytest.param(pod(["--interval"]), {}, 15.0, id="flag without value"),
    ],
)
def test_the_writer_that_wins(body: dict[str, Any] | None, data: dict[str, str], interval_s: float) -> None:
    settings, fault, _ = read_told(options(body, HOME), [configmap(data)], [])

    assert (settings.interval_s, fault) == (interval_s, None)


def test_bad_text_is_told_and_left_out() -> None:
    data = {"interval": "soon", "staleAfter": "90s", "idleBeforeZero": "later"}

    settings, fault, _ = read_told(options(None, HOME), [configmap(data)], [])

    assert (settings.interval_s, settings.scaling.stale_after_s) == (15.0, 90.0)
    assert fault is not None
    assert fault.field == "interval"


def test_bad_flag_has_no_settings() -> None:
    with pytest.raises(InvalidField, match="--interval"):
        read_told(options(pod(["--interval", "soon"]), HOME), [], [])


def test_catalogue_comes_along() -> None:
    costs = configmap({"A100": '{"device": "A100", "cost": "40.00"}'}, "accelerator-unit-costs")

    _, _, catalogue = read_told(options(None, HOME), [costs], [])

    assert dict(catalogue.unit_costs_per_h) == {"A100": 40.0}


def test_every_configmap_is_named_once() -> None:
    keys = configmap_keys(HOME, HOME)

    assert len(keys) == len(set(keys)) == 6


@pytest.mark.parametrize(
    ("environ", "cost"),
    [pytest.param([], 40.0, id="our ConfigMap"),
     pytest.param([{"name": "PENSTOCK_WVA_NAMESPACE", "value": "other"}], 1.0, id="a variable before it")],
)  # fmt: skip
def test_where_the_configmaps_of_wva_are(environ: list[dict[str, Any]], cost: float) -> None:
    own = configmap({"wvaNamespace": "wva"})
    costs = [
        {"metadata": {"namespace": place, "name": "accelerator-unit-costs"}, "data": {"A100": f'{{"cost": "{price}"}}'}}
        for place, price in (("wva", 40.0), ("other", 1.0))
    ]

    told = options(pod([], environ), HOME)
    _, _, catalogue = read_told(told, [own, *costs], [])

    assert dict(catalogue.unit_costs_per_h) == {"A100": cost}
    assert wva_home(told, own) == ("other" if environ else "wva")


def test_a_place_that_can_be_none_counts_as_not_written() -> None:
    own = configmap({"wvaNamespace": "a/b"})

    told = options(pod([], [{"name": "PENSTOCK_INTERVAL", "value": "5s"}]), HOME)
    _, fault, _ = read_told(told, [own], [])

    assert wva_home(told, own) == "workload-variant-autoscaler-system"
    assert fault is not None
    assert fault.field == "wvaNamespace"
