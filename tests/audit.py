"""What the API server's audit log says of an account: which rights it used, and what was denied to it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import yaml

_DECISION = "authorization.k8s.io/decision"
_REASON = "authorization.k8s.io/reason"
# the answer to a watch is complete when it ends, so its start is told, too
_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}],
}


class Right(NamedTuple):
    """One thing that an account may do; `name` is empty for any object."""

    group: str
    resource: str
    verb: str
    name: str = ""


class Audit:
    """The log of one API server: give it `flags` at its start."""

    def __init__(self, home: Path) -> None:
        self._log, policy = home / "audit.log", home / "audit-policy.yaml"
        policy.write_text(yaml.safe_dump(_POLICY))
        self.flags = (f"--audit-policy-file={policy}", f"--audit-log-path={self._log}", "--audit-log-mode=blocking")

    def used(self, user: str, role: str) -> frozenset[Right]:
        """Return the rights that a user had thanks to a Role or ClusterRole of that name."""
        grounds = f'Role "{role}" to ServiceAccount'
        return frozenset(
            _right(event)
            for event in self._events(user)
            if event["annotations"][_DECISION] == "allow" and grounds in event["annotations"][_REASON]
        )

    def denied(self, user: str) -> frozenset[Right]:
        """Return what a user was forbidden."""
        return frozenset(_right(event) for event in self._events(user) if event["annotations"][_DECISION] == "forbid")

    def _events(self, user: str) -> Iterator[dict[str, Any]]:
        for line in self._log.read_text().splitlines():
            event = json.loads(line)
            if event["user"]["username"] == user and _DECISION in event.get("annotations", {}):
                yield event


def _right(event: Mapping[str, Any]) -> Right:
    about = event.get("objectRef", {"resource": event["requestURI"]})
    sub = f"/{about['subresource']}" if "subresource" in about else ""
    return Right(about.get("apiGroup", ""), about["resource"] + sub, event["verb"], about.get("name", ""))


def granted(roles: Iterable[Mapping[str, Any]]) -> frozenset[Right]:
    """Return every single right that Roles and ClusterRoles grant."""
    return frozenset(
        Right(*one)
        for role in roles
        for rule in role["rules"]
        for one in product(rule["apiGroups"], rule["resources"], rule["verbs"], rule.get("resourceNames", [""]))
    )


def unused(grants: Iterable[Right], used: Iterable[Right]) -> set[Right]:
    """Return the grants that nothing needed; one without a name is needed by any object."""
    named = set(used)
    needed = named | {right._replace(name="") for right in named}
    return {right for right in grants if right not in needed}
