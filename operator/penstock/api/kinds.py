"""Kinds of objects by the paths under which the API server serves them; what both sides of a port call them."""

from dataclasses import dataclass
from typing import Final

from penstock.api import names


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """One served resource; `plural` is its name in paths."""

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


VARIANTS: Final = Kind(names.VARIANT_GROUP, names.VERSION, names.VARIANT_PLURAL, names.VARIANT_KIND)
POLICIES: Final = Kind(names.POLICY_GROUP, names.VERSION, names.POLICY_PLURAL, names.POLICY_KIND)
POOLS: Final = Kind(names.POOL_GROUP, names.POOL_VERSION, names.POOL_PLURAL, names.POOL_KIND)
PODS: Final = Kind("", "v1", "pods", "Pod")
SERVICES: Final = Kind("", "v1", "services", "Service")
CONFIGMAPS: Final = Kind("", "v1", "configmaps", "ConfigMap")
RESOURCE_QUOTAS: Final = Kind("", "v1", "resourcequotas", "ResourceQuota")
NAMESPACES: Final = Kind("", "v1", "namespaces", "Namespace", namespaced=False)
NODES: Final = Kind("", "v1", "nodes", "Node", namespaced=False)
EVENTS: Final = Kind("", "v1", "events", "Event")
ACCOUNTS: Final = Kind("", "v1", "serviceaccounts", "ServiceAccount")
DEFINITIONS: Final = Kind(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
LEASES: Final = Kind("coordination.k8s.io", "v1", "leases", "Lease")
HPAS: Final = Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
SCALED_OBJECTS: Final = Kind("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject")
REVISIONS: Final = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")
TOKEN_REVIEWS: Final = Kind("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", namespaced=False)
ACCESS_REVIEWS: Final = Kind(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False
)
SERVICE_MONITORS: Final = Kind("monitoring.coreos.com", "v1", "servicemonitors", "ServiceMonitor")
POD_MONITORS: Final = Kind("monitoring.coreos.com", "v1", "podmonitors", "PodMonitor")
