"""`penstock explain`: why a variant has its replicas, what a policy is at its routers, what became of a request."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from penstock.cli.doctor import KINDS
from penstock.cli.faults import passed_over
from penstock.doctor.inforce import policy_story
from penstock.doctor.render import as_json
from penstock.doctor.request import request_story
from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey
from penstock.records.codec import encode
from penstock.records.present import present
from penstock.records.record import Record, unpack
from penstock.records.story import story

Given = dict[str, Any]
Told = tuple[Any, str]  # as JSON, as text
_OF_VARIANTS: Final = {"moment": "--at", "record": "--record"}


@click.command("explain")
@click.argument("what", metavar="va/NAME|wp/NAME|request/ID")
@click.option("-n", "--namespace", help="Namespace of the object, or of the request's routers. (that of the context)")
@click.option(
    "--at", "moment", metavar="TIME", help="Of this moment instead of the last change, such as 2026-11-20T09:11:30Z."
)
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="Read this file, or this folder of records, instead of asking the operator.",
)
@click.option("--context", default="", help="Context of the kubeconfig. (its current one)")
@click.option("--operator-namespace", default="penstock-system", show_default=True, help="Where the operator runs.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Shape of the answer.")
def command(what: str, **given: Any) -> None:  # noqa: ANN401 - click hands over what the flags hold
    """Tell why things are as they are.

    va/NAME: what was needed, what one replica serves and what was weighed when the replicas last changed, from the
    record that the operator kept of that pass; the same record goes into penstock replay and penstock what-if. It
    also says where the object was edited since, and what keeps it from being Ready.

    wp/NAME: what the policy says, which routers run it, and why the others do not.

    request/ID: where a router sent the request with this x-request-id, and why then; routers keep the last few
    thousand.
    """
    tell, name = _asked(what, given)
    body, text = tell(name, given)
    click.echo(text if given["output"] == "text" else f"{json.dumps(body, indent=2, ensure_ascii=False)}\n", nl=False)


def _asked(what: str, given: Given) -> tuple[Callable[[str, Given], Told], str]:
    kind, _, name = what.partition("/")
    tell = _TELLERS.get("request" if kind == "request" else KINDS.get(kind.lower(), ""))
    if tell is None or not name:
        raise InvalidField("argument", what, "write va/NAME, wp/NAME or request/ID")
    idle = [flag for key, flag in _OF_VARIANTS.items() if given[key] is not None]
    if idle and tell is not _variant:
        raise InvalidField(idle[0], given["moment"] or given["record"], "leave it out: it is for va/NAME alone")
    return tell, name


def _variant(name: str, given: Given) -> Told:
    key, record, body = _from_file(name, given) if given["record"] else _from_cluster(name, given)
    decision = record.decision(key)
    if decision is None:
        known = ", ".join(str(one.key) for one in record.decisions)
        raise InvalidField("argument", f"va/{name}", f"the record knows {known}")
    now = present(decision, body) if body is not None else ()
    return encode(type(decision), decision), story(record, decision, now)


def _from_file(name: str, given: Given) -> tuple[ObjectKey, Record, None]:
    from penstock.wiring.recordfolder import named, record_in  # noqa: PLC0415 - loads the operator, see below

    path, namespace = given["record"], given["namespace"]
    if path.is_dir():
        found = record_in(path, name, namespace, _moment(given["moment"]))
        for fault in found.passed_over:
            click.echo(passed_over(fault), err=True)
        return found.key, found.record, None
    if given["moment"] is not None:
        raise InvalidField(
            "--at", given["moment"], "leave it out: a file is of one moment; --record takes folders, too"
        )
    record = unpack(path.read_bytes(), str(path))
    return named(record, name, namespace) or ObjectKey(namespace or "", name), record, None


def _from_cluster(name: str, given: Given) -> tuple[ObjectKey, Record, Mapping[str, Any] | None]:
    at_s = _moment(given["moment"])
    from penstock.wiring import explain  # noqa: PLC0415 - loads the Kubernetes client, see below

    key = ObjectKey(_namespace(given), name)
    found = explain.answer(_login(given), explain.Question(key, at_s, given["operator_namespace"]))
    return key, found.record, found.body


def _policy(name: str, given: Given) -> Told:
    from penstock.wiring import explainrouters  # noqa: PLC0415 - so that --help and mistakes answer before it

    key = ObjectKey(_namespace(given), name)
    found = explainrouters.policy(_login(given), key, given["operator_namespace"])
    body = {"object": found.facts.body, "routers": found.routers, **as_json([found.examined])}
    return body, policy_story(found.facts, found.examined, found.routers)


def _request(request_id: str, given: Given) -> Told:
    from penstock.wiring import explainrouters  # noqa: PLC0415 - as above

    rows = explainrouters.request(_login(given), _namespace(given), request_id, given["operator_namespace"])
    return rows, request_story(request_id, rows)


_TELLERS: Final = {"variant": _variant, "policy": _policy, "request": _request}


def _login(given: Given) -> Any:  # noqa: ANN401 - its class is not loaded yet
    from penstock.cluster.connection import Login  # noqa: PLC0415 - as above

    return Login(context=given["context"])


def _namespace(given: Given) -> str:
    return str(given["namespace"] or _login(given).namespace())


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidField("--at", text, "write a time such as 2026-11-20T09:11:30Z") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
