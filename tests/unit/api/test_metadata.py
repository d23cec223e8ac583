"""Metadata of objects from an API server, and of manifests that lack most of it."""

from datetime import UTC, datetime

import pytest

from penstock.api.metadata import Metadata, read_metadata, unix_seconds
from penstock.domain.variants import ObjectKey


def test_manifest_from_a_file() -> None:
    assert read_metadata({"metadata": {"name": "x"}}) == Metadata(key=ObjectKey("default", "x"))


def test_generation_is_a_number_or_nothing() -> None:
    bodies = [{"metadata": {"name": "x", "generation": value}} for value in (3, "3", None)]

    assert [read_metadata(body).generation for body in bodies] == [3, 0, 0]


def test_labels_without_values_are_left_as_they_are_written() -> None:
    read = read_metadata({"metadata": {"name": "x", "labels": {"a": "b"}, "annotations": None}})

    assert (read.labels, read.annotations) == ({"a": "b"}, {})


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        pytest.param("2026-11-20T09:14:30Z", 1795166070.0, id="as the API server writes it"),
        pytest.param("2026-11-20T10:14:30+01:00", 1795166070.0, id="with an offset"),
        pytest.param(datetime(2026, 11, 20, 9, 14, 30, tzinfo=UTC), 1795166070.0, id="as YAML reads it"),
        pytest.param(datetime(2026, 11, 20, 9, 14, 30), 1795166070.0, id="as YAML reads it, no zone"),  # noqa: DTZ001
        pytest.param("yesterday", 0.0, id="no stamp"),
        pytest.param(None, 0.0, id="none"),
    ],
)
def test_creation_time(stamp: object, expected: float) -> None:
    assert unix_seconds(stamp) == expected
