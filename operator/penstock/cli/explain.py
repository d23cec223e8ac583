"""`penstock explain`: why a variant has the number of replicas that it has."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey
from penstock.records.codec import encode
from penstock.records.record import Record, unpack
from penstock.records.story import story


@click.command("explain")
@click.argument("what", metavar="va/NAME")
@click.option("-n", "--namespace", help="Namespace of the object. (that of the context)")
@click.option(
    "--at", "moment", metavar="TIME", help="Of this moment instead of the last change, such as 2026-11-20T09:11:30Z."
)
@click.option("--record", type=click.Path(path_type=Path), help="Read this record instead of asking the operator.")
@click.option("--context", default="", help="Context of the kubeconfig. (its current one)")
@click.option("--operator-namespace", default="penstock-system", show_default=True, help="Where the operator runs.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Shape of the answer.")
def command(what: str, **given: Any) -> None:  # noqa: ANN401 - click hands over what the flags hold
    """Tell why a variant has its number of replicas: what was needed, what one replica serves, what was weighed.

    The answer comes from the record that the operator kept of that pass; the same record goes into penstock replay
    and penstock what-if.
    """
    key, record = _from_file(what, given) if given["record"] else _from_cluster(what, given)
    decision = record.decision(key)
    if decision is None:
        raise InvalidField("argument", what, f"the record knows {', '.join(str(one.key) for one in record.decisions)}")
    if given["output"] == "json":
        click.echo(json.dumps(encode(type(decision), decision), indent=2))
    else:
        click.echo(story(record, decision), nl=False)


def _from_file(what: str, given: dict[str, Any]) -> tuple[ObjectKey, Record]:
    record = unpack(given["record"].read_bytes(), str(given["record"]))
    name, namespace = _name(what), given["namespace"]
    known = (one.key for one in record.decisions if one.key.name == name and namespace in {None, one.key.namespace})
    return next(known, ObjectKey(namespace or "", name)), record


def _from_cluster(what: str, given: dict[str, Any]) -> tuple[ObjectKey, Record]:
    name, at_s = _name(what), _moment(given["moment"])
    from penstock.cluster.connection import Login  # noqa: PLC0415 - loads the Kubernetes client, see below
    from penstock.wiring import explain  # noqa: PLC0415 - so that --help and mistakes answer before it

    login = Login(context=given["context"])
    key = ObjectKey(given["namespace"] or login.namespace(), name)
    return key, explain.record_of(login, explain.Question(key, at_s, given["operator_namespace"]))


def _name(what: str) -> str:
    kind, _, name = what.partition("/")
    if not name or kind.lower() not in {"va", "variantautoscaling", "variantautoscalings"}:
        raise InvalidField("argument", what, "write va/NAME")
    return name


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidField("--at", text, "write a time such as 2026-11-20T09:11:30Z") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
