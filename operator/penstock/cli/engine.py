"""`penstock engine`: an emulated vLLM server that takes the flags of llm-d-inference-sim."""

import os
from typing import Final

import click

from penstock import logs
from penstock.settings import engine as settings


def _run(arguments: tuple[str, ...]) -> int:
    if {"-h", "--help"} & set(arguments):
        click.echo(settings.parser().format_help())
        return 0
    read = settings.read(arguments, os.environ)
    logs.setup("info", "text")
    from penstock.wiring import engine  # noqa: PLC0415 - after the flags, so that --help and mistakes answer at once

    return engine.run(read)


# click would not let a flag take several values, so its own reading is switched off
command: Final = click.Command(
    "engine",
    params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
    callback=_run,
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
