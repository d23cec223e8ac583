"""Errors that cross from one process to another."""

import pickle

import pytest

from penstock.domain.errors import InvalidField, NoSuchObject, NotEnoughData, PenstockError, Refused, Unreachable


@pytest.mark.parametrize(
    "error",
    [
        InvalidField("inputTokens", 4e13, "write 1 or more"),
        NoSuchObject("VariantAutoscaling", "llm/chta", "va", "chat"),
        Unreachable("http://prometheus", "timeout", "try again"),
        Refused("the API server", 403, "no", "grant it"),
        NotEnoughData("too few hours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_a_worker_is_told_as_it_was(error: PenstockError) -> None:
    """An exception that cannot be made again ends the whole pool: nobody learns what was wrong."""
    found = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(found) is type(error)
    assert str(found) == str(error)
    assert vars(found) == vars(error)
