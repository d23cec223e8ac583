"""`penstock replay`: decide recorded passes again and tell every bit that differs."""

import json
from pathlib import Path

import click

from penstock.records.record import unpack
from penstock.records.replay import Difference, replay


@click.command("replay")
@click.argument("records", nargs=-1, required=True, metavar="RECORD...", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Shape of the findings.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what differs.")
def command(records: tuple[Path, ...], output: str, *, quiet: bool) -> int:
    """Decide recorded scaling passes again. RECORD is a file, or a folder of them such as the operator's recordDir.

    Exit code: 0 all came out to the bit, 1 something differs, 2 a file is no record.
    """
    found = {str(path): replay(unpack(path.read_bytes(), str(path))) for path in _files(records)}
    click.echo(_as_json(found) if output == "json" else _as_text(found, quiet=quiet), nl=False)
    return 1 if any(found.values()) else 0


def _files(paths: tuple[Path, ...]) -> list[Path]:
    return [file for path in paths for file in (sorted(path.glob("*.json.gz")) if path.is_dir() else [path])]


def _as_text(found: dict[str, tuple[Difference, ...]], *, quiet: bool) -> str:
    lines = []
    for name, differences in found.items():
        if differences or not quiet:
            lines.append(f"{'FAIL' if differences else 'ok  '}  {name}")
        lines += [f"      {difference}" for difference in differences]
    same = sum(not differences for differences in found.values())
    return "\n".join([*lines, f"{same} of {len(found)} passes decided again to the bit"]) + "\n"


def _as_json(found: dict[str, tuple[Difference, ...]]) -> str:
    rows = {
        name: [{"where": one.where, "recorded": one.recorded, "again": one.again} for one in differences]
        for name, differences in found.items()
    }
    return json.dumps(rows, indent=2) + "\n"
