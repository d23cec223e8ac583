"""`penstock simulate`: a fleet under virtual time, from a YAML file; what it costs, what it serves, and why."""

import json
from pathlib import Path

import click

from penstock.cli import options


@click.command("simulate")
@click.option(
    "-f",
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML with variants, traffic, faults and policy. Without it a built-in one, whose path is printed.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything that chance decides.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Shape of the result.")
def command(file: Path | None, seed: int, output: str) -> int:
    """Play traffic on a simulated fleet, with Penstock's own decisions or a rival's, and tell what came of it.

    Nothing runs and nothing is changed: engines, start-ups, scrapes and clocks are simulated, the decisions are those
    of the operator. The same file and seed give the same result. Workloads are cut from the public recordings in the
    folder that PENSTOCK_TRACES names, and drawn from a law where it has none.
    """
    from penstock.wiring import simulate  # noqa: PLC0415 - so that --help answers before all that a simulation needs

    found = simulate.simulate(file, seed, options.traces())
    click.echo(json.dumps(found, indent=2, ensure_ascii=False) if output == "json" else simulate.text(found))
    return 0
