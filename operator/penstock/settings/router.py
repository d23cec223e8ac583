"""Settings of `penstock router`: what flags and environment said, checked once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penstock.domain.errors import InvalidField
from penstock.domain.goduration import parse_go_duration
from penstock.domain.units import parse_bytes

LOOPBACK: Final = "127.0.0.1"
MAX_TARGET_PORTS: Final = 8  # as many as an InferencePool may name
_ONE_ORIGIN: Final = (
    "give exactly one of --pool-name (PENSTOCK_POOL_NAME), --endpoint-selector (PENSTOCK_ENDPOINT_SELECTOR) "
    "and --endpoints-file (PENSTOCK_ENDPOINTS_FILE)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPool:
    """Endpoints are the ready pods of an InferencePool, times its target ports."""

    name: str
    namespace: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FromSelector:
    """Endpoints are the ready pods that a label selector finds, times these ports."""

    selector: str
    namespace: str
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FromFile:
    """Endpoints stand in a YAML or JSON file that may change at any time."""

    path: Path


EndpointOrigin = FromPool | FromSelector | FromFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Ports that the router listens on; 0 takes a free one, which the log names."""

    grpc: int
    health: int
    metrics: int
    admin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterSettings:
    """Everything that a router process is told at its start.

    `grpc_address` is where ext_proc listens (empty: everywhere). `local`: no cluster; everything listens on loopback,
    and the admin API asks no token. `pod_uid` is the audience of admin tokens, `operator_namespace` the home of the
    service accounts that may use the admin API. `envoy_admin_port`: of an Envoy that ends with this router; 0: none.
    """

    endpoints: EndpointOrigin
    ports: Ports
    grpc_address: str
    config_file: Path | None
    policy_file: Path | None
    state_dir: Path
    eds_file: Path | None
    secure_serving: bool
    cert_path: Path | None
    drain_timeout_s: float
    max_workloads: int
    max_body_bytes: int
    conformance: bool
    local: bool
    operator_namespace: str
    pod_name: str
    pod_uid: str
    envoy_admin_port: int = 0

    @property
    def listen_address(self) -> str:
        """The address of all ports but ext_proc's; empty is every address of this machine."""
        return LOOPBACK if self.local else ""

    @property
    def pool_name(self) -> str:
        """The name that metrics call the pool by."""
        match self.endpoints:
            case FromPool(name=name):
                return name
            case FromSelector(selector=selector):
                return selector
            case FromFile(path=path):
                return path.stem


def endpoint_origin(*, pool: tuple[str, str, str], selector: str, ports: str, file: str) -> EndpointOrigin:
    """Return the one origin that was named; `pool` is name, namespace and group.

    Raises:
        InvalidField: none or several are named, or one of them cannot be.
    """
    named = [flag for flag, value in _origins(pool[0], selector, file) if value]
    if len(named) != 1:
        raise InvalidField("endpoints", ", ".join(named) or "none", _ONE_ORIGIN)
    if file:
        return FromFile(path=Path(file))
    if selector:
        return FromSelector(selector=selector, namespace=pool[1] or "default", ports=target_ports(ports))
    return FromPool(name=pool[0], namespace=pool[1] or "default", group=pool[2])


def _origins(pool: str, selector: str, file: str) -> tuple[tuple[str, str], ...]:
    return (("--pool-name", pool), ("--endpoint-selector", selector), ("--endpoints-file", file))


def target_ports(text: str) -> tuple[int, ...]:
    """Return the ports of `8000,8001`, without repetition, in order.

    Raises:
        InvalidField: no port, more than eight, or something that is none.
    """
    field = "--endpoint-target-ports"
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and 1 <= int(part) <= 65535 for part in parts):
        raise InvalidField(field, text, "write ports from 1 to 65535, separated by commas")
    ports = tuple(dict.fromkeys(int(part) for part in parts))
    if len(ports) > MAX_TARGET_PORTS:
        raise InvalidField(field, text, f"name at most {MAX_TARGET_PORTS} ports")
    return ports


def no_front(port: int) -> None:
    """Take `--http-port 0` alone.

    Raises:
        InvalidField: a front is asked for.
    """
    if port:
        raise InvalidField("--http-port", port, "this version has no front of its own; put Envoy before it")


def drain_timeout_s(text: str) -> float:
    """Return the seconds of `--drain-timeout`.

    Raises:
        InvalidField: no duration as Go writes it.
    """
    return parse_go_duration(text, "--drain-timeout")


def max_body_bytes(text: str) -> int:
    """Return the bytes of `--max-body`.

    Raises:
        InvalidField: no quantity, or zero.
    """
    size = parse_bytes(text, "--max-body")
    if size < 1:
        raise InvalidField("--max-body", text, "write a quantity above zero such as 10Mi")
    return size
