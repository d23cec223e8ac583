"""The world without a cluster: engines, Envoy and router as processes, YAML files instead of an API server."""
