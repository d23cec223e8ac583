"""`penstock local`: the whole of Penstock on this machine, from a folder of YAML files."""

from pathlib import Path

import click

from penstock.cli import options
from penstock.domain.units import parse_duration


@click.command("local")
@click.option(
    "-f",
    "--files",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of YAML: Deployments of engines, VariantAutoscalings, a WorkloadPolicy; edits take effect at once.",
)
@click.option("--duration", help="End after this long, such as 10m; without it, run until interrupted.")
@click.option(
    "--out", default=Path("out/local"), type=click.Path(path_type=Path), help="Folder for logs and generated files."
)
@options.no_color
def command(files: Path, duration: str | None, out: Path, *, no_color: bool) -> int:
    """Run engines, Envoy, the router and the scaling pass on this machine, without a cluster.

    Clients send requests to http://127.0.0.1:8081. Replicas are processes: scaling starts and stops them.
    """
    seconds = None if duration is None else parse_duration(duration, "--duration")
    with options.needing_local("penstock local"):
        from penstock.wiring import local  # noqa: PLC0415 - not before it is known to be there
    return local.run(files, out, seconds, no_color=no_color)
