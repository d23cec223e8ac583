"""Bounds of single fields: what a remedy shows is within them, whatever they are."""

import pytest

from penstock.api.fields import Duration


@pytest.mark.parametrize(
    ("bounds", "remedy"),
    [
        pytest.param({"above": "0s", "at_most": "1h"}, "above 0s and at most 1h, such as 500ms, 30s or 10m", id="wide"),
        pytest.param(
            {"above": "30s", "at_most": "1h"}, "above 30s and at most 1h, such as 10m", id="an example is out"
        ),
        pytest.param(
            {"at_least": "30s", "at_most": "1m"}, "of at least 30s and at most 1m, such as 30s", id="the least"
        ),
        pytest.param(
            {"at_least": "1s", "at_most": "2s"}, "of at least 1s and at most 2s, such as 1s or 2s", id="narrow"
        ),
        pytest.param({"above": "1s", "at_most": "2s"}, "above 1s and at most 2s, such as 2s", id="narrow, one is out"),
    ],
)
def test_examples_of_a_duration_are_within_its_bounds(bounds: dict[str, str], remedy: str) -> None:
    assert Duration(**bounds).remedy == f"write a duration {remedy}"
