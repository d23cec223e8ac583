"""What several commands share: whole numbers, blame for the variable where that was wrong, folders, extras."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from penstock.domain.errors import InvalidField


class NamedOption(click.Option):
    """An option that, when its variable is wrong, blames the variable."""

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """Return what to blame."""
        if ctx is None or ctx.get_parameter_source(self.name or "") is not ParameterSource.ENVIRONMENT:
            return super().get_error_hint(ctx)
        return self.envvar if isinstance(self.envvar, str) else " or ".join(self.envvar or ())


class Number(click.ParamType[int]):
    """A whole number between two others."""

    name = "number"

    def __init__(self, low: int, high: int) -> None:
        self._low, self._high = low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 - click's
        """Return the number, or fail with what would be one."""
        text = str(value)
        if not text.isascii() or not text.isdecimal() or not self._low <= int(text) <= self._high:
            self.fail(f"{text!r}: write a number from {self._low} to {self._high}", param, ctx)
        return int(text)


PORT: Final = Number(0, 65535)


def traces() -> Path | None:
    """Return the folder of public recordings that PENSTOCK_TRACES names; None where it names none."""
    folder = os.environ.get("PENSTOCK_TRACES")
    return Path(folder) if folder else None


@contextmanager
def needing_local(command: str) -> Iterator[None]:
    """Load within this what needs the extra `local`, which a router has not.

    Raises:
        InvalidField: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise InvalidField(command, error.name, "install penstock[local]") from error


def _plain(context: click.Context, option: click.Parameter, asked: bool) -> bool:  # noqa: FBT001 - called by click
    del context, option
    return asked or bool(os.environ.get("NO_COLOR"))


no_color: Final = click.option(
    "--no-color",
    is_flag=True,
    callback=_plain,
    help="Print without colours, as with NO_COLOR; they are only used in a terminal.",
)
