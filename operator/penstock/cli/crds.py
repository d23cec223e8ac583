"""`penstock crds`: print the custom resource definitions, or write them to a folder."""

from pathlib import Path

import click

from penstock.api.crd import as_yaml, generate


@click.command(short_help="Print the custom resource definitions.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write one file for each definition into this folder instead.",
)
def command(out: Path | None) -> None:
    """Print the custom resource definitions of VariantAutoscaling and WorkloadPolicy, ready for kubectl.

    For example: penstock crds | kubectl apply --server-side -f -
    """
    if out is None:
        click.echo("---\n".join(as_yaml(definition) for definition in generate().values()), nl=False)
        return
    out.mkdir(parents=True, exist_ok=True)
    for name, definition in generate().items():
        (out / name).write_text(as_yaml(definition))
        click.echo(f"wrote {out / name}")
