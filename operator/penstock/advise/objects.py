"""The objects that would put an answer to use: one VariantAutoscaling for each workload, which only recommends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from penstock.advise.tracks import Owner
from penstock.api.names import VARIANT_GROUP, VARIANT_KIND, VERSION
from penstock.domain.units import format_duration, format_percent
from penstock.domain.variants import Actuation, Slo

_API_VERSIONS: Final = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "LeaderWorkerSet": "leaderworkerset.x-k8s.io/v1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an object is to say."""

    namespace: str
    model: str
    owner: Owner
    accelerator: str
    usd_per_h: float
    max_replicas: int
    startup_s: float
    slo: Slo


def body(wanted: Wanted) -> dict[str, Any] | None:
    """Return the object; None where no pod's name told what to scale."""
    owner, slo = wanted.owner, wanted.slo
    if not owner.kind:
        return None
    return {
        "apiVersion": f"{VARIANT_GROUP}/{VERSION}",
        "kind": VARIANT_KIND,
        "metadata": {"name": owner.name, **({"namespace": wanted.namespace} if wanted.namespace else {})},
        "spec": {
            "scaleTargetRef": {"apiVersion": _API_VERSIONS[owner.kind], "kind": owner.kind, "name": owner.name},
            "modelID": wanted.model,
            "accelerator": wanted.accelerator,
            "variantCost": f"{wanted.usd_per_h:.2f}",
            "minReplicas": 1,
            "maxReplicas": wanted.max_replicas,
            "startupTime": format_duration(round(wanted.startup_s)),
            "slo": {
                "ttft": format_duration(slo.ttft_s),
                "tpot": format_duration(slo.tpot_s),
                "attainment": format_percent(slo.attainment_ratio),
            },
            "actuation": Actuation.RECOMMEND.value,
        },
    }


def as_yaml(bodies: Sequence[Mapping[str, Any]]) -> str:
    """Return objects as one file that can be applied."""
    head = "# These only recommend: kubectl get va shows what Penstock would do. Remove `actuation` to let it act.\n"
    return head + yaml.safe_dump_all(map(dict, bodies), sort_keys=False, allow_unicode=True)
