"""`penstock doctor`: which link is broken between an engine and a status, or between a policy and its routers."""

import json
from typing import Any, Final

import click

from penstock.cli.options import no_color
from penstock.doctor.examine import Asked
from penstock.doctor.findings import Examination, Level, problems
from penstock.doctor.render import as_json, as_text
from penstock.domain.errors import InvalidField

KINDS: Final = {
    "va": "variant",
    "variantautoscaling": "variant",
    "variantautoscalings": "variant",
    "wp": "policy",
    "workloadpolicy": "policy",
    "workloadpolicies": "policy",
}
_COLOURS: Final = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red", Level.MISS: "red"}


@click.command("doctor")
@click.argument("what", required=False, metavar="[va/NAME|wp/NAME]")
@click.option("-n", "--namespace", help="Namespace of the object. (that of the context; without an object: all)")
@click.option("--context", default="", help="Context of the kubeconfig. (its current one)")
@click.option("--operator-namespace", default="penstock-system", show_default=True, help="Where the operator runs.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Shape of the findings.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what is not well.")
@no_color
def command(what: str | None, **given: Any) -> int:  # noqa: ANN401 - click hands over what the flags hold
    """Look along every link and name the broken one, with the command that mends it. Nothing is changed.

    The links are those between an engine's metrics and a variant's status (va/NAME), or between a policy and its
    routers (wp/NAME). Without an argument everything in the namespace is examined, and the operator.

    Exit code: 0 all is well, 1 something is not, 2 usage, 3 the cluster does not answer.
    """
    names = _names(what)
    from penstock.cluster.connection import Login  # noqa: PLC0415 - loads the Kubernetes client, see below
    from penstock.wiring import doctor  # noqa: PLC0415 - so that --help and mistakes answer before it

    login = Login(context=given["context"])
    namespace = given["namespace"] or (login.namespace() if names else None)
    found = doctor.run(login, Asked(namespace=namespace, operator_namespace=given["operator_namespace"], **names))
    if given["output"] == "json":
        click.echo(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    else:
        _print(found, quiet=given["quiet"], plain=given["no_color"])
    return 1 if problems(found) else 0


def _names(what: str | None) -> dict[str, str]:
    """Return the object that is asked for, by what `Asked` calls its kind; nothing where none is named.

    Raises:
        InvalidField: it is neither.
    """
    if what is None:
        return {}
    kind, _, name = what.partition("/")
    if not name or kind.lower() not in KINDS:
        raise InvalidField("argument", what, "write va/NAME or wp/NAME")
    return {KINDS[kind.lower()]: name}


def _print(found: list[Examination], *, quiet: bool, plain: bool) -> None:
    def paint(level: Level) -> str:
        return level.value if plain or level not in _COLOURS else click.style(level.value, fg=_COLOURS[level])

    click.echo(as_text(found, quiet=quiet, paint=paint), nl=False)
