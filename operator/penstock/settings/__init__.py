"""Flags, environment and ConfigMaps become frozen settings, checked once: one file per process."""
