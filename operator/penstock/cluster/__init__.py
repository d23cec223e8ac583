"""Adapter to Kubernetes, on kubernetes.aio; fits the ports of the controller and the router by shape."""
