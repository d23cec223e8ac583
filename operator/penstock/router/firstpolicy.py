"""The policy that a starting router runs until one is pushed: disk, file, plug-in parameters, then the built-in one.

A file that a person named and that cannot be used stops the start; the disk's own copy is reported and passed over.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from penstock.api.document import NotJson, decode, policy_hash
from penstock.api.names import POLICY_KIND
from penstock.api.workloadpolicy import parse_runnable
from penstock.domain.errors import InvalidField
from penstock.domain.policies import Policy, PolicyDocument
from penstock.flow.supported import check
from penstock.router.disk import PolicyDisk
from penstock.router.state import Source
from penstock.settings import pickerconfig

_log: Final = logging.getLogger("penstock.router")


def first(disk: PolicyDisk, policy_file: Path | None, config_file: Path | None) -> tuple[PolicyDocument, Source]:
    """Return the strongest policy there is. Files are read even where the disk is stronger: a mistake shows at once.

    Raises:
        InvalidField: a named file cannot be read, or asks for what this router cannot run.
    """
    named = [_from_config(config_file)] if config_file else []
    named = [_from_policy(policy_file), *named] if policy_file else named
    kept = _from_disk(disk)
    if kept is not None:
        return kept, Source.DISK
    return (named[0], Source.FILE) if named else (_document(Policy()), Source.BUILTIN)


def _from_disk(disk: PolicyDisk) -> PolicyDocument | None:
    try:
        document = disk.load()
        if document is not None:
            check(document)
    except InvalidField as error:
        _log.warning("the policy on disk is ignored", extra={"error": str(error)})
        return None
    return document


def _from_policy(path: Path) -> PolicyDocument:
    """Read a WorkloadPolicy resource, or a document as the admin API takes it; its revision counts for nothing."""
    text = _text(path, "--policy-file")
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidField("--policy-file", str(path), f"write valid YAML ({error})") from None
    try:
        document = _resource(body) if isinstance(body, Mapping) and "kind" in body else decode(text.encode())
    except NotJson as error:
        raise InvalidField("--policy-file", str(path), f"write a {POLICY_KIND}, or a JSON document ({error})") from None
    check(document)
    return document


def _resource(body: Mapping[str, Any]) -> PolicyDocument:
    if body["kind"] != POLICY_KIND:
        raise InvalidField("kind", body["kind"], f"write {POLICY_KIND}")
    parsed = parse_runnable(body)
    return _document(parsed.policy, uid=parsed.uid, name=parsed.key.name, generation=parsed.generation)


def _from_config(path: Path) -> PolicyDocument:
    config = pickerconfig.read(_text(path, "--config-file"))
    if config.ignored:
        _log.warning("plug-ins without effect here", extra={"plugins": ", ".join(config.ignored)})
    document = _document(config.policy)
    check(document)
    return document


def _text(path: Path, flag: str) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidField(flag, str(path), f"make it readable ({error})") from None


def _document(policy: Policy, *, uid: str = "", name: str = "", generation: int = 0) -> PolicyDocument:
    return PolicyDocument(
        schema=1, revision=0, uid=uid, name=name, generation=generation, hash=policy_hash(policy), policy=policy
    )
