"""`penstock demo`: a minute of recorded traffic through the local world, and a page that shows what was decided."""

from pathlib import Path
from typing import Final

import click

from penstock.cli import options
from penstock.domain.errors import InvalidField
from penstock.domain.units import parse_duration

SHORTEST_S: Final = 3.0  # the edit of the policy half-way must have a before and an after


@click.command("demo")
@click.option(
    "--out", default=Path("out/demo"), type=click.Path(path_type=Path), show_default=True, help="Folder of the report."
)
@click.option("--duration", default="60s", show_default=True, help="Length of the traffic, at least 3s.")
@click.option(
    "-f",
    "--files",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of YAML files to run instead of the built-in ones; it is copied, the copy is edited.",
)
@options.no_color
def command(out: Path, duration: str, files: Path | None, *, no_color: bool) -> int:
    """Drive the local world with a minute of chat traffic, edit its policy half-way, and write a report.

    The traffic is ten minutes of a public trace played ten times as fast, where PENSTOCK_TRACES names a folder that
    has it (azure-2023-conv.csv.gz); otherwise made up. The report is OUT/report.html, with report.md and report.json.
    """
    seconds = parse_duration(duration, "--duration")
    if seconds < SHORTEST_S:
        raise InvalidField("--duration", duration, f"write at least {SHORTEST_S:g}s")
    with options.needing_local("penstock demo"):
        from penstock.wiring import demo  # noqa: PLC0415 - not before it is known to be there
    return demo.run(files, out, seconds, options.traces(), no_color=no_color)
