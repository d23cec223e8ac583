"""Times as other programs read them."""

from datetime import UTC, datetime


def rfc3339(unix_s: float) -> str:
    """Return a Unix time as Kubernetes writes it: `2026-11-20T09:14:31Z`, whole seconds."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
