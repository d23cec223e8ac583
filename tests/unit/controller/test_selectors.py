"""Label selectors as `/scale` spells them."""

import pytest

from penstock.controller.selectors import exactly, parse_selector
from penstock.domain.errors import InvalidField

LABELS = {"app": "chat", "tier": "gold", "leaderworkerset.sigs.k8s.io/name": "big"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("app=chat", True, id="equal"),
        pytest.param("app==chat,tier=gold", True, id="all terms hold"),
        pytest.param("app=chat,tier=silver", False, id="one term fails"),
        pytest.param("leaderworkerset.sigs.k8s.io/name=big", True, id="prefixed name"),
        pytest.param("tier in (gold, silver)", True, id="in"),
        pytest.param("tier notin (gold),app=chat", False, id="not in"),
        pytest.param("zone notin (a)", True, id="not in holds without the label"),
        pytest.param("app!=chat", False, id="unequal"),
        pytest.param("app", True, id="exists"),
        pytest.param("!app", False, id="must be absent"),
        pytest.param("!old,app", True, id="absent and present"),
        pytest.param("app=", False, id="empty value"),
        pytest.param("", False, id="no selector selects nothing"),
    ],
)
def test_selector(text: str, found: bool) -> None:
    assert parse_selector(text).matches(LABELS) is found


@pytest.mark.parametrize("text", ["app=chat,,", "=x", "app in gold", "app=chat tier=gold", "app>3"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(InvalidField, match="selector"):
        parse_selector(text)


def test_candidates_are_found_by_one_pair() -> None:
    assert parse_selector("tier,app=chat").pair == ("app", "chat")
    assert parse_selector("tier").pair is None
    assert exactly({"b": "2", "a": "1"}).pair == ("a", "1")


def test_service_without_selector_selects_nothing() -> None:
    assert not exactly({}).matches(LABELS)
    assert exactly({"app": "chat"}).matches(LABELS)
