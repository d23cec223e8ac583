"""Checks along the way from an engine's metrics to a variant's status, and from a policy to the routers that run it."""
