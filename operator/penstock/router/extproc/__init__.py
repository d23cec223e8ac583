"""Envoy's external processing, as the endpoint-picker protocol uses it: one gRPC stream per HTTP request."""
