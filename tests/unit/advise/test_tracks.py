"""Whose pods series are of, and how they lie on the grid."""

import pytest

from penstock.advise.tracks import Grid, Owner, PodKey, added, grouped, key_of, owner_of


@pytest.mark.parametrize(
    ("pod", "owner"),
    [
        pytest.param("chat-7c9d5f8b6d-x2k4p", Owner("Deployment", "chat"), id="Deployment"),
        pytest.param("qwen3-32b-7c9d5f8b6d-x2k4p", Owner("Deployment", "qwen3-32b"), id="digits in the name"),
        pytest.param("chat-0", Owner("StatefulSet", "chat"), id="StatefulSet"),
        pytest.param("chat-0-1", Owner("LeaderWorkerSet", "chat"), id="LeaderWorkerSet"),
        pytest.param("chat", Owner("", ""), id="a bare pod"),
        pytest.param("10.0.0.1:8000", Owner("", ""), id="an address"),
        pytest.param("vllm-engine", Owner("", ""), id="words"),
    ],
)
def test_the_owner_of_a_pod_by_its_name(pod: str, owner: Owner) -> None:
    assert owner_of(pod) == owner


@pytest.mark.parametrize(
    ("labels", "key"),
    [
        ({"namespace": "n", "pod": "p", "model_name": "m", "instance": "i"}, PodKey("n", "m", "p")),
        (
            {"namespace": "monitoring", "exported_namespace": "n", "pod": "agent", "exported_pod": "p"},
            PodKey("n", "", "p"),
        ),
        ({"instance": "10.0.0.1:8000", "model_name": "m"}, PodKey("", "m", "10.0.0.1:8000")),
    ],
    ids=["plain", "renamed by the scrape", "no pod"],
)
def test_whose_series_it_is(labels: dict[str, str], key: PodKey) -> None:
    assert key_of(labels) == key


def test_gaps_stay_gaps() -> None:
    grid = Grid(start_s=1000, step_s=60, count=4)

    assert grid.column([(1000, 1.0), (1121, 3.0), (9000, 9.0), (900, 9.0)]) == [1.0, None, 3.0, None]


def test_what_is_known_adds_up() -> None:
    assert added([[1.0, None, None], [2.0, 3.0, None]]) == [3.0, 3.0, None]


def test_pods_of_one_owner_are_one_variant() -> None:
    pods = [PodKey("n", "m", f"chat-7c9d5f8b6d-x2k4{letter}") for letter in "bcd"] + [PodKey("n", "m", "other-0")]

    assert {owner.name: len(found) for (_, _, owner), found in grouped(pods).items()} == {"chat": 3, "other": 1}
