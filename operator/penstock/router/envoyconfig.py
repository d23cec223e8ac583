"""Envoy's bootstrap for a router: listener, spoofable headers off, the picker, engines from an EDS file.

One template for the local world, manifests and tests. The values that differ from Envoy's defaults are those that
would otherwise end or refuse a request that is merely queued: 200 ms per message, 15 s per route, 5 min of idleness,
1024 requests per cluster, 1000 control frames per connection.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from penstock.router.headernames import DESTINATION, NEVER_FROM_CLIENTS

Json: TypeAlias = dict[str, Any]

ENGINES: Final = "engines"
"""Name of the cluster in the EDS file."""
_PICKER: Final = "picker"
_TYPE: Final = "type.googleapis.com/envoy."
_MANY: Final = {"max_connections": 65_535, "max_pending_requests": 65_535, "max_requests": 65_535, "max_retries": 1024}


class BodyMode(StrEnum):
    """What of the bodies goes through the picker; nothing is cheapest, and enough for ordering by headers."""

    NONE = "NONE"
    BUFFERED = "BUFFERED"
    STREAMED = "STREAMED"
    FULL_DUPLEX_STREAMED = "FULL_DUPLEX_STREAMED"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvoyOptions:
    """What differs between installations.

    Attributes:
        eds_path: file of the engines' addresses, replaced by rename; absolute.
        longest_wait_s: how long the picker may hold a request; the queue's own time to live ends it before.
        first_byte: report response headers too, which tells the time to first token for one more message a request.
        fail_open: pass requests on to the least loaded engine while the picker is away; else answer 500.
        body_limit_bytes: what one held request can pin in memory, and the largest buffered body.
    """

    listen_host: str
    listen_port: int
    admin_port: int
    picker_port: int
    eds_path: str
    picker_host: str = "127.0.0.1"
    picker_tls: bool = False
    request_body: BodyMode = BodyMode.NONE
    response_body: BodyMode = BodyMode.NONE
    first_byte: bool = False
    fail_open: bool = True
    longest_wait_s: int = 3600
    body_limit_bytes: int = 1 << 20


def bootstrap(options: EnvoyOptions) -> Json:
    """Return the bootstrap as Envoy reads it from JSON or YAML."""
    return {
        "admin": {"address": _address("127.0.0.1", options.admin_port)},
        "node": {"id": "penstock", "cluster": "penstock"},
        "static_resources": {"listeners": [_listener(options)], "clusters": [_engines(options), _picker(options)]},
    }


def cluster_load_assignment(addresses: tuple[str, ...]) -> Json:
    """Return the content of the EDS file for `ip:port` addresses."""
    endpoints = [{"endpoint": {"address": _address(*_split(address))}} for address in addresses]
    assignment = {
        "@type": f"{_TYPE}config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": ENGINES,
        "endpoints": [{"lb_endpoints": endpoints}] if endpoints else [],
    }
    return {"version_info": "0", "resources": [assignment]}


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def _typed(name: str, message: str, **fields: object) -> Json:
    return {"name": name, "typed_config": {"@type": f"{_TYPE}{message}", **fields}}


def _listener(options: EnvoyOptions) -> Json:
    return {
        "name": "inference",
        "address": _address(options.listen_host, options.listen_port),
        "per_connection_buffer_limit_bytes": options.body_limit_bytes,
        "filter_chains": [{"filters": [_http(options)]}],
    }


def _http(options: EnvoyOptions) -> Json:
    return _typed(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="inference",
        generate_request_id=False,
        stream_idle_timeout="0s",
        request_timeout="0s",
        request_headers_timeout="10s",
        http2_protocol_options={"max_concurrent_streams": 65_535},
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_route()]}]},
        http_filters=[_strip(), _ext_proc(options), _forward()],
    )


def _route() -> Json:
    retries = {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 2}
    return {"match": {"prefix": "/"}, "route": {"cluster": ENGINES, "timeout": "0s", "retry_policy": retries}}


def _strip() -> Json:
    """Take away what only routers may say, before anybody reads it and also while the picker is away."""
    removals = [{"remove": name} for name in (DESTINATION, *NEVER_FROM_CLIENTS)]
    return _typed(
        "envoy.filters.http.header_mutation",
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"request_mutations": removals},
    )


def _ext_proc(options: EnvoyOptions) -> Json:
    return _typed(
        "envoy.filters.http.ext_proc",
        "extensions.filters.http.ext_proc.v3.ExternalProcessor",
        grpc_service={"envoy_grpc": {"cluster_name": _PICKER}},
        message_timeout=f"{options.longest_wait_s}s",
        failure_mode_allow=options.fail_open,
        processing_mode=_processing(options),
    )


def _processing(options: EnvoyOptions) -> Json:
    """Return the modes. Trailers of the response keep the stream open until it ends: that is our completion."""
    duplex = BodyMode.FULL_DUPLEX_STREAMED
    return {
        "request_header_mode": "SEND",
        "response_header_mode": "SEND" if options.first_byte or options.response_body is not BodyMode.NONE else "SKIP",
        "request_body_mode": options.request_body.value,
        "response_body_mode": options.response_body.value,
        "request_trailer_mode": "SEND" if options.request_body is duplex else "SKIP",
        "response_trailer_mode": "SEND",
    }


def _forward() -> Json:
    return _typed("envoy.filters.http.router", "extensions.filters.http.router.v3.Router", suppress_envoy_headers=True)


def _policy(name: str, **fields: object) -> Json:
    kind = "".join(part.capitalize() for part in name.split("_"))
    config = _typed(
        f"envoy.load_balancing_policies.{name}", f"extensions.load_balancing_policies.{name}.v3.{kind}", **fields
    )
    return {"policies": [{"typed_extension_config": config}]}


def _engines(options: EnvoyOptions) -> Json:
    """Return the engines: the picked one, its fallbacks on a retry, the least loaded where nobody picked."""
    return {
        "name": ENGINES,
        "type": "EDS",
        "connect_timeout": "1s",
        "eds_cluster_config": {"eds_config": {"path_config_source": {"path": options.eds_path}}},
        "circuit_breakers": {"thresholds": [_MANY]},
        "load_balancing_policy": _policy(
            "override_host",
            override_host_sources=[{"header": DESTINATION}],
            fallback_policy=_policy("least_request"),
        ),
    }


def _picker(options: EnvoyOptions) -> Json:
    """Return the picker's cluster. Releasing a thousand held requests at once must not count as a flood."""
    http2 = {
        "max_outbound_control_frames": 1_000_000,
        "max_outbound_frames": 1_000_000,
        "connection_keepalive": {"interval": "10s", "timeout": "5s"},
    }
    address = {"endpoint": {"address": _address(options.picker_host, options.picker_port)}}
    cluster: Json = {
        "name": _PICKER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "circuit_breakers": {"thresholds": [_MANY]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_TYPE}extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": http2},
            }
        },
        "load_assignment": {"cluster_name": _PICKER, "endpoints": [{"lb_endpoints": [address]}]},
    }
    if options.picker_tls:
        cluster["transport_socket"] = _tls()
    return cluster


def _tls() -> Json:
    """Return TLS without a check of the certificate, which the picker signs itself: it shares our pod."""
    return _typed(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        common_tls_context={"validation_context": {}, "alpn_protocols": ["h2"]},
    )
