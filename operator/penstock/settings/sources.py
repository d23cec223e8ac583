"""Where a setting may come from, and which of several writers wins."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its name in `penstock-config`, what it is for, its default as people would write it.

    `wva` is the variable that WVA has for it, `wva_parse` its spelling where that differs.
    """

    name: str
    help: str
    parse: Callable[[str, str], Any]
    default: str = ""
    wva: str = ""
    wva_parse: Callable[[str, str], Any] | None = None

    @property
    def flag(self) -> str:
        """`staleAfter` as `--stale-after`."""
        return f"--{_WORD.sub('-', self.name).lower()}"

    @property
    def env(self) -> str:
        """`staleAfter` as `PENSTOCK_STALE_AFTER`."""
        return f"PENSTOCK_{_WORD.sub('_', self.name).upper()}"


@dataclass(frozen=True, slots=True)
class Written:
    """A text and the name under which its writer knows it."""

    field: str
    text: str
    parse: Callable[[str, str], Any]

    def value(self) -> Any:  # noqa: ANN401 - as many types as there are settings
        """Return the value.

        Raises:
            InvalidField: the text cannot be used.
        """
        return self.parse(self.text, self.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All that was said: flags by the setting's name, environment, and the ConfigMaps' texts by their keys."""

    flags: Mapping[str, str]
    environ: Mapping[str, str]
    texts: Mapping[str, str]

    def layers(self, setting: Setting) -> Iterator[Written | None]:
        """Yield what each source says of a setting, the one that wins first; None where it says nothing."""
        wva_parse = setting.wva_parse or setting.parse
        yield _written(self.flags, setting.name, setting.flag, setting.parse)
        yield _written(self.environ, setting.env, setting.env, setting.parse)
        yield _written(self.texts, setting.name, setting.name, setting.parse)
        yield _written(self.environ, setting.wva, setting.wva, wva_parse)
        yield _written(self.texts, setting.wva, setting.wva, wva_parse)

    def value(self, setting: Setting) -> Any:  # noqa: ANN401 - as many types as there are settings
        """Return the value that holds.

        Raises:
            InvalidField: the text that wins cannot be used.
        """
        fallback = Written(setting.name, setting.default, setting.parse)
        return next(filter(None, self.layers(setting)), fallback).value()


def _written(where: Mapping[str, str], key: str, field: str, parse: Callable[[str, str], Any]) -> Written | None:
    text = where.get(key, "") if key else ""
    return Written(field, text, parse) if text.strip() else None
