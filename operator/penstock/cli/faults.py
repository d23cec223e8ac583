"""Every error of a command line as three lines (what, where, what to do) and the exit code that goes with it."""

from typing import Final, NamedTuple

import click

from penstock.domain.errors import InvalidField, NoSuchObject, NotEnoughData, PenstockError, Refused, Unreachable, shown

FINE: Final = 0
PROBLEM: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
REFUSED: Final = 4
INTERRUPTED: Final = 130

_A_VALUE: Final = "a value cannot be used"


class Told(NamedTuple):
    """The three lines and the exit code."""

    what: str
    where: str
    remedy: str
    status: int

    def __str__(self) -> str:
        return f"error: {self.what}\n  at:  {self.where}\n  fix: {self.remedy}"


def explain(error: PenstockError | click.ClickException | OSError, asked: str = "penstock") -> Told:
    """Return what is told of an error; `asked` is the command that was, for errors that do not know it."""
    match error:
        case click.ClickException():
            return _usage(error, asked)
        case OSError():
            cause = (error.strerror or type(error).__name__).lower()
            return Told(cause, str(error.filename), "name a path that this user can read and write", USAGE)
        case NoSuchObject():
            namespace, _, _ = str(error.value).partition("/")
            return Told(f"there is no {error.field} {error.value}", f"namespace {namespace}", error.remedy, USAGE)
        case InvalidField():
            return Told(_A_VALUE, f"{error.field} = {shown(error.value)}", error.remedy, USAGE)
        case Unreachable():
            return Told(f"no answer ({error.cause})", error.peer, error.remedy, UNREACHABLE)
        case Refused():
            return Told(f"refused: {error.message}", f"{error.peer} ({error.status})", error.remedy, UNREACHABLE)
        case NotEnoughData():
            return Told("the data do not carry an answer", str(error), error.remedy, REFUSED)
        case _:
            return Told(str(error), type(error).__name__, "report this with the log", PROBLEM)


def passed_over(fault: InvalidField | OSError) -> str:
    """Return what is told of a record that cannot be read where an older one answers."""
    told = explain(fault)
    fix = f"{told.remedy}; or delete it from the folder"
    return f"note: a record was passed over, an older one answers: {told.what}\n  at:  {told.where}\n  fix: {fix}"


def _usage(error: click.ClickException, asked: str) -> Told:
    """Return what is told of a command line that click could not read."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else asked
    look = f"see {path} --help"
    match error:
        case click.NoSuchOption() | click.NoSuchCommand():
            close = ", ".join(error.possibilities or ())
            return Told(error.message, path, f"did you mean {close}? Else {look}" if close else look, USAGE)
        case click.MissingParameter():
            return Told(error.format_message(), path, f"give it; {look}", USAGE)
        case click.BadParameter():
            return Told(_A_VALUE, _place(error, path), error.message, USAGE)
        case _:
            return Told(error.format_message(), path, look, USAGE)


def _place(error: click.BadParameter, path: str) -> str:
    hint = error.param_hint
    if hint is None and error.param is not None:
        hint = error.param.get_error_hint(error.ctx)
    return f"{path}: {hint if isinstance(hint, str) else ' or '.join(hint or ())}"
