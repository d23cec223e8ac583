"""Which endpoint a request goes to, and in which order others follow."""

from dataclasses import dataclass

import pytest

from penstock.picking.pick import pick
from penstock.picking.subset import names


@dataclass(frozen=True, slots=True)
class Candidate:
    address: str
    load_ratio: float = 0.0
    unanswered: int = 0
    has_room: bool = True


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        pytest.param([], (), id="none"),
        pytest.param([Candidate("a", 0.5), Candidate("b", 0.2), Candidate("c", 0.3)], ("b", "c", "a"), id="least load"),
        pytest.param([Candidate("a", 0.5), Candidate("b", 0.5, 2), Candidate("c", 0.5, 1)], ("a", "c", "b"),
                     id="fewest unanswered among equals"),
        pytest.param([Candidate("a", 0.1, has_room=False), Candidate("b", 0.9)], ("b", "a"), id="a full one only last"),
        pytest.param([Candidate(name) for name in "abcde"], ("a", "b", "c"), id="two fallbacks at most"),
    ],
)  # fmt: skip
def test_pick(candidates: list[Candidate], expected: tuple[str, ...]) -> None:
    assert pick(candidates, 0) == expected


def test_equals_take_turns() -> None:
    candidates = [Candidate(name) for name in "abc"]

    picked = [pick(candidates, turn)[0] for turn in range(6)]

    assert picked == ["a", "b", "c", "a", "b", "c"]


@pytest.mark.parametrize(
    ("hint", "address", "is_named"),
    [
        pytest.param("10.0.0.1:8000", "10.0.0.1:8000", True, id="exact"),
        pytest.param("10.0.0.1:8001", "10.0.0.1:8000", False, id="another port"),
        pytest.param("10.0.0.1", "10.0.0.1:8000", True, id="all ports of an address"),
        pytest.param("10.0.0.1", "10.0.0.11:8000", False, id="another address"),
        pytest.param("[fd00::1]:8000", "[fd00::1]:8000", True, id="IPv6"),
        pytest.param("fd00::1", "[fd00::1]:8000", True, id="IPv6, all ports"),
        pytest.param("[fd00::1]", "[fd00::1]:8000", True, id="IPv6 in brackets, all ports"),
    ],
)
def test_subset_names(hint: str, address: str, is_named: bool) -> None:
    assert (hint in names(address)) is is_named
