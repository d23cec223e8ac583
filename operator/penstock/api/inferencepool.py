"""InferencePool v1 of the Gateway API inference extension: which pods, which of their ports, and who picks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from penstock.api.checked import Checked, read
from penstock.api.metadata import read_metadata, section
from penstock.domain.variants import ObjectKey

DEFAULT_PICKER_PORT = 9002
_Port = Annotated[int, Field(ge=1, le=65535)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picker:
    """The Service (group empty) that gateways ask, in the pool's namespace."""

    group: str
    kind: str
    name: str
    port: int
    fail_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One InferencePool: every pod with all `match_labels` serves on each of `target_ports`."""

    key: ObjectKey
    uid: str
    match_labels: Mapping[str, str]
    target_ports: tuple[int, ...]
    picker: Picker | None


class _PortFields(Checked):
    """A port by number."""

    number: _Port


class _SelectorFields(Checked):
    """Labels of the pods."""

    match_labels: Annotated[dict[str, str], Field(min_length=1)]


class _PickerFields(Checked):
    """Who picks; the port is that of ext_proc."""

    group: str = ""
    kind: str = "Service"
    name: Annotated[str, Field(min_length=1)]
    port: _PortFields | None = None
    failure_mode: str = "FailClose"


class _PoolSpec(Checked):
    """The spec of an InferencePool."""

    selector: _SelectorFields
    target_ports: Annotated[list[_PortFields], Field(min_length=1, max_length=8)]
    endpoint_picker_ref: _PickerFields | None = None


def parse_pool(body: Mapping[str, Any]) -> Pool:
    """Return the value of an InferencePool object.

    Raises:
        InvalidField: it has no selector or no target port, or one that cannot be.
    """
    metadata = read_metadata(body)
    spec = read(_PoolSpec, section(body, "spec"), "spec")
    ports = dict.fromkeys(port.number for port in spec.target_ports)
    return Pool(
        key=metadata.key,
        uid=metadata.uid,
        match_labels=spec.selector.match_labels,
        target_ports=tuple(ports),
        picker=None if spec.endpoint_picker_ref is None else _picker(spec.endpoint_picker_ref),
    )


def _picker(ref: _PickerFields) -> Picker:
    return Picker(
        group=ref.group,
        kind=ref.kind,
        name=ref.name,
        port=ref.port.number if ref.port else DEFAULT_PICKER_PORT,
        fail_open=ref.failure_mode == "FailOpen",
    )
