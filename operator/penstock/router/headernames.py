"""Header names of the endpoint-picker protocol, and those that no client may slip past a router.

Sources: Gateway API Inference Extension, proposal 004; llm-d-router's list of names that only the system sets.
"""

from typing import Final

DESTINATION: Final = "x-gateway-destination-endpoint"
SUBSET: Final = "x-gateway-destination-endpoint-subset"
SERVED: Final = "x-gateway-destination-endpoint-served"
DROPPED_REASON: Final = "x-llm-d-request-dropped-reason"
WORKLOAD_CONTEXT: Final = "x-workload-context"

TEST_SELECTION: Final = "test-epp-endpoint-selection"
TEST_SERVED: Final = "x-conformance-test-served-endpoint"
"""The two of the gateway conformance suite; obeyed only where somebody switched that on."""

LB_NAMESPACE: Final = "envoy.lb"
SUBSET_NAMESPACE: Final = "envoy.lb.subset_hint"

NEVER_FROM_CLIENTS: Final = (
    SUBSET,
    SERVED,
    DROPPED_REASON,
    "x-prefiller-host-port",
    "x-encoder-hosts-ports",
    "x-data-parallel-host-port",
    "x-kv-cache-source-host-port",
    "x-gateway-destination-endpoint-scores",
)
"""Only routers set these; an engine's sidecar obeys some of them, so a client's own would aim it at any address."""

READ_BY_ROUTERS: Final = (
    WORKLOAD_CONTEXT,
    "x-llm-d-inference-fairness-id",
    "x-gateway-inference-fairness-id",
    "x-llm-d-inference-objective",
    "x-gateway-inference-objective",
    "x-llm-d-model-name-rewrite",
    "x-gateway-model-name-rewrite",
    "x-llm-d-slo-ttft-ms",
    "x-llm-d-slo-tpot-ms",
    "x-slo-ttft-ms",
    "x-slo-tpot-ms",
    "x-llm-d-inference-ttl",
    "x-llm-d-video-fps",
    "x-llm-d-video-duration-seconds",
    "x-llm-d-video-resolution",
)
"""Meant for routers; engines neither need nor see them."""

REMOVED: Final = NEVER_FROM_CLIENTS + READ_BY_ROUTERS
"""What leaves every request that passes a pick. The destination is not among them: it is overwritten."""
