"""Generations of a policy that its routers took, as ControllerRevisions: what a bad edit falls back on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.api.checked import read
from penstock.api.document import encode_policy, policy_hash
from penstock.api.kinds import POLICIES, REVISIONS
from penstock.api.metadata import read_metadata, section
from penstock.api.names import APP, LABEL_APP, LABEL_COMPONENT, LABEL_POLICY_UID
from penstock.api.policyfields import PolicyFields
from penstock.domain.policies import Policy
from penstock.domain.variants import ObjectKey

COMPONENT: Final = "policy-revision"
_LONGEST_NAME: Final = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One generation that was good; `name` is that of its ControllerRevision."""

    name: str
    generation: int
    policy: Policy


def revision(policy: ObjectKey, generation: int, content: Policy) -> Revision:
    """Return the revision of some content: equal content, equal name."""
    end = f"-{policy_hash(content)}"
    return Revision(name=policy.name[: _LONGEST_NAME - len(end)] + end, generation=generation, policy=content)


def encode_revision(kept: Revision, policy: ObjectKey, uid: str) -> dict[str, Any]:
    """Return the ControllerRevision: it goes with its policy, and its spec is written out with every default."""
    owner = {"apiVersion": POLICIES.api_version, "kind": POLICIES.name, "name": policy.name, "uid": uid}
    labels = {LABEL_APP: APP, LABEL_COMPONENT: COMPONENT, LABEL_POLICY_UID: uid}
    return {
        "apiVersion": REVISIONS.api_version,
        "kind": REVISIONS.name,
        "metadata": {
            "name": kept.name,
            "namespace": policy.namespace,
            "labels": labels,
            "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": False}],
        },
        "revision": kept.generation,
        "data": {"spec": encode_policy(kept.policy)},
    }


def read_revision(body: Mapping[str, Any]) -> Revision:
    """Return what a ControllerRevision of ours holds.

    Raises:
        InvalidField: another version of Penstock wrote it, or somebody else.
    """
    spec = section(section(body, "data"), "spec")
    fields = read(PolicyFields, spec, "data.spec")
    return Revision(
        name=read_metadata(body).key.name, generation=int(body.get("revision") or 0), policy=fields.policy()
    )


def selector(uid: str) -> str:
    """Return the label selector of the revisions of one policy."""
    return f"{LABEL_COMPONENT}={COMPONENT},{LABEL_POLICY_UID}={uid}"
