"""`penstock what-if`: decide a recorded pass again with inputs changed, and tell what would have been."""

import json
from pathlib import Path

import click

from penstock.domain.errors import InvalidField
from penstock.records.record import unpack
from penstock.records.whatif import HOW, WhatIf, what_if


@click.command("what-if")
@click.argument("record", type=click.Path(path_type=Path))
@click.option(
    "--set", "changes", multiple=True, required=True, metavar="NAME=VALUE", help=f"{HOW[0].upper()}{HOW[1:]}."
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Shape of the answer.")
def command(record: Path, changes: tuple[str, ...], output: str) -> None:
    """Decide one recorded scaling pass again as if something had been different, and print both answers.

    For example: penstock what-if RECORD --set demand=+20% --set slo.ttft=1s
    """
    found = what_if(unpack(record.read_bytes(), str(record)), dict(_pair(change) for change in changes))
    click.echo(_as_json(found) if output == "json" else _as_text(found), nl=False)


def _pair(change: str) -> tuple[str, str]:
    name, equals, value = change.partition("=")
    if not (name and equals and value):
        raise InvalidField("--set", change, HOW)
    return name, value


def _as_text(found: tuple[WhatIf, ...]) -> str:
    width = max((len(str(one.before.key)) for one in found), default=0)
    return "".join(f"{one.before.key!s:{width}}  {_told(one)}\n" for one in found)


def _told(one: WhatIf) -> str:
    before, after = _shown(one.before.desired), _shown(one.after.desired)
    if before == after:
        return f"{before}, as decided"
    return f"{after} instead of {before}: {one.after.this_pass}, {one.why}"


def _shown(replicas: int | None) -> str:
    return "no number" if replicas is None else str(replicas)


def _as_json(found: tuple[WhatIf, ...]) -> str:
    rows = [
        {
            "variant": str(one.before.key),
            "before": one.before.desired,
            "after": one.after.desired,
            "reason": one.after.this_pass,
            "summary": one.why,
        }
        for one in found
    ]
    return json.dumps(rows, indent=2) + "\n"
