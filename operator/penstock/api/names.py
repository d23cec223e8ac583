"""Names that other programs and people know us by: groups, kinds, labels, annotations, ConfigMaps."""

from typing import Final

VARIANT_GROUP: Final = "llmd.ai"
VARIANT_KIND: Final = "VariantAutoscaling"
VARIANT_PLURAL: Final = "variantautoscalings"
POLICY_GROUP: Final = "penstock.dev"
POLICY_KIND: Final = "WorkloadPolicy"
POLICY_PLURAL: Final = "workloadpolicies"
VERSION: Final = "v1alpha1"  # of both kinds

POOL_GROUP: Final = "inference.networking.k8s.io"
POOL_VERSION: Final = "v1"
POOL_KIND: Final = "InferencePool"
POOL_PLURAL: Final = "inferencepools"

# --- labels that we read --------------------------------------------------------------------------
LABEL_ACCELERATOR: Final = "inference.optimization/acceleratorName"
LABEL_CONTROLLER_INSTANCE: Final = "wva.llmd.ai/controller-instance"
LABEL_CONFIG_ENABLED: Final = "wva.llmd.ai/config-enabled"
LABEL_POLICY_KIND: Final = "gateway.networking.k8s.io/policy"  # GEP-713, on the CRD of WorkloadPolicy

# --- labels that our own objects carry -------------------------------------------------------------
LABEL_APP: Final = "app.kubernetes.io/name"
LABEL_COMPONENT: Final = "app.kubernetes.io/component"
LABEL_POLICY_UID: Final = "penstock.dev/policy-uid"  # on a ControllerRevision; a policy's name may be too long for one
APP: Final = "penstock"

# --- annotations -----------------------------------------------------------------------------------
ANNOTATION_MANAGED: Final = "llm-d.ai/managed"  # on an HPA or ScaledObject
ANNOTATION_MODEL_ID: Final = "llm-d.ai/model-id"
ANNOTATION_VARIANT_COST: Final = "llm-d.ai/variant-cost"
ANNOTATION_KEDA_PAUSED: Final = "autoscaling.keda.sh/paused"
ANNOTATION_EXCLUDE: Final = "wva.llmd.ai/exclude"  # on a Namespace
ANNOTATION_ACTIVE_PORTS: Final = "llm-d.ai/active-ports"  # on a pod
ANNOTATION_DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"  # written
ANNOTATION_DRAINING: Final = "penstock.dev/draining"  # written

# --- objects of ours -------------------------------------------------------------------------------
FIELD_MANAGER: Final = "penstock"
LEASE: Final = "penstock-operator"
SETTINGS_CONFIGMAP: Final = "penstock-config"
LEARNED_CONFIGMAP: Final = "penstock-learned"
OPERATOR_ACCOUNT: Final = "penstock-operator"
VIEWER_ACCOUNT: Final = "penstock-viewer"
AUDIENCE_PREFIX: Final = "router.penstock.dev/"  # followed by the uid of the one router pod that may accept the token

# --- ConfigMaps of the Workload Variant Autoscaler, both generations ---------------------------------
WVA_NAMESPACE: Final = "workload-variant-autoscaler-system"
WVA_SETTINGS_2025: Final = "workload-variant-autoscaler-variantautoscaling-config"
WVA_SETTINGS_2026: Final = "wva-variantautoscaling-config"
WVA_UNIT_COSTS: Final = "accelerator-unit-costs"
WVA_SERVICE_CLASSES: Final = "service-classes-config"
WVA_SATURATION: Final = "wva-saturation-scaling-config"
WVA_SCALE_TO_ZERO: Final = "wva-model-scale-to-zero-config"
