"""What the annotation says by which a pod is told to take no new requests."""

from collections.abc import Mapping

from penstock.api.names import ANNOTATION_DRAINING


def is_draining(annotations: Mapping[str, str]) -> bool:
    """Whether a pod drains: by `true`, as people write it, or by the time since when, as the operator does."""
    return (annotations.get(ANNOTATION_DRAINING) or "false") != "false"
