"""What commands share: where recordings are, and what is told where an extra is missing."""

from pathlib import Path

import pytest

from penstock.cli.options import needing_local, traces
from penstock.domain.errors import InvalidField


@pytest.mark.parametrize(
    ("named", "folder"),
    [
        pytest.param("/data/traces", Path("/data/traces"), id="named"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="not named"),
    ],
)
def test_recordings_are_where_the_variable_says(
    named: str | None, folder: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PENSTOCK_TRACES", raising=False)
    if named is not None:
        monkeypatch.setenv("PENSTOCK_TRACES", named)

    assert traces() == folder


def test_a_missing_extra_is_named() -> None:
    with pytest.raises(InvalidField) as told, needing_local("penstock demo"):
        raise ModuleNotFoundError("No module named 'rich'", name="rich")

    assert (told.value.field, told.value.value, told.value.remedy) == (
        "penstock demo",
        "rich",
        "install penstock[local]",
    )
