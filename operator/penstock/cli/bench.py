"""`penstock bench`: comparisons that anybody can repeat; so far that of replica counts."""

from pathlib import Path

import click

from penstock.cli import options


@click.group("bench")
def command() -> None:
    """Compare Penstock with others by simulation."""


@command.command("scaling")
@click.option("--quick", "extent", flag_value="quick", default="quick", help="Slices of four workloads; two minutes.")
@click.option("--full", "extent", flag_value="full", help="All workloads and rivals, five seeds; an hour on two cores.")
@click.option("--workload", metavar="NAME", help="One workload only, such as W1, or W3 for its three windows.")
@click.option(
    "--policy", "policies", metavar="CODE", multiple=True, help="One rival only, such as B8; may be repeated."
)
@click.option("--seeds", type=options.Number(1, 100), help="Seeds of ours and of the best points; 2 quick, 5 full.")
@click.option("--workers", type=options.Number(1, 1024), help="Processes; as many as there are cores by default.")
@click.option("--resume", is_flag=True, help="Take over what OUT has of the same runs by the same code.")
@click.option(
    "--out", default=Path("out/bench"), type=click.Path(path_type=Path), show_default=True, help="Folder of the report."
)
@options.no_color
def scaling(**asked: object) -> int:
    """Compare replica decisions: ours at its defaults against other autoscalers, each tuned on the first seed.

    Traffic is that of public recordings, where PENSTOCK_TRACES names a folder that has them; otherwise made up. The
    report is OUT/scaling.html, with scaling.md and scaling.json; OUT/runs.jsonl has every run. Exit code 1: a target
    is missed by a full run, or some pass of any run came out otherwise when decided again.
    """
    with options.needing_local("penstock bench"):
        from penstock.wiring import bench  # noqa: PLC0415 - not before it is known to be there
    return bench.scaling(bench.Request(traces=options.traces(), **asked))  # type: ignore[arg-type] # click's
