import json
from dataclasses import replace
from typing import Any

import pytest

from penstock.router.envoyconfig import BodyMode, EnvoyOptions, bootstrap, cluster_load_assignment

OPTIONS = EnvoyOptions(
    listen_host="0.0.0.0", listen_port=8081, admin_port=9901, picker_port=9002, eds_path="/eds/eds.json"
)


def manager(options: EnvoyOptions) -> dict[str, Any]:
    listener = bootstrap(options)["static_resources"]["listeners"][0]
    config: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return config


def test_headers_that_only_routers_set_are_taken_away_before_anything_else() -> None:
    filters = manager(OPTIONS)["http_filters"]

    removed = {one["remove"] for one in filters[0]["typed_config"]["mutations"]["request_mutations"]}
    assert [one["name"].rpartition(".")[2] for one in filters] == ["header_mutation", "ext_proc", "router"]
    assert {"x-gateway-destination-endpoint", "x-prefiller-host-port", "x-data-parallel-host-port"} <= removed
    assert "x-workload-context" not in removed


def test_the_admin_port_is_for_the_pod_alone() -> None:
    assert bootstrap(OPTIONS)["admin"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 9901}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, ("SKIP", "NONE", "NONE", "SKIP"), id="headers"),
        pytest.param({"first_byte": True}, ("SEND", "NONE", "NONE", "SKIP"), id="first byte"),
        pytest.param({"request_body": BodyMode.BUFFERED}, ("SKIP", "BUFFERED", "NONE", "SKIP"), id="buffered"),
        pytest.param(
            {"request_body": BodyMode.FULL_DUPLEX_STREAMED, "response_body": BodyMode.FULL_DUPLEX_STREAMED},
            ("SEND", "FULL_DUPLEX_STREAMED", "FULL_DUPLEX_STREAMED", "SEND"),
            id="full duplex",
        ),
    ],
)
def test_modes_follow_the_options_and_the_end_of_the_response_is_always_told(
    changes: dict[str, Any], expected: tuple[str, ...]
) -> None:
    mode = manager(replace(OPTIONS, **changes))["http_filters"][1]["typed_config"]["processing_mode"]

    keys = ("response_header_mode", "request_body_mode", "response_body_mode", "request_trailer_mode")
    assert tuple(mode[key] for key in keys) == expected
    assert (mode["request_header_mode"], mode["response_trailer_mode"]) == ("SEND", "SEND")


def test_a_queued_request_is_ended_by_the_queue_not_by_the_proxy() -> None:
    http = manager(OPTIONS)

    assert http["stream_idle_timeout"] == http["request_timeout"] == "0s"
    assert http["route_config"]["virtual_hosts"][0]["routes"][0]["route"]["timeout"] == "0s"
    assert http["http_filters"][1]["typed_config"]["message_timeout"] == "3600s"


def test_the_picker_is_reached_by_tls_where_it_serves_tls() -> None:
    plain = bootstrap(OPTIONS)["static_resources"]["clusters"][1]
    secure = bootstrap(replace(OPTIONS, picker_tls=True))["static_resources"]["clusters"][1]

    assert "transport_socket" not in plain
    assert secure["transport_socket"]["typed_config"]["common_tls_context"]["alpn_protocols"] == ["h2"]


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        pytest.param((), [], id="none"),
        pytest.param(("10.0.0.1:80", "[fd00::1]:81"), [("10.0.0.1", 80), ("fd00::1", 81)], id="both families"),
    ],
)
def test_the_eds_file_names_every_endpoint(addresses: tuple[str, ...], expected: list[tuple[str, int]]) -> None:
    resource = json.loads(json.dumps(cluster_load_assignment(addresses)))["resources"][0]

    found = [
        (
            one["endpoint"]["address"]["socket_address"]["address"],
            one["endpoint"]["address"]["socket_address"]["port_value"],
        )
        for group in resource["endpoints"]
        for one in group["lb_endpoints"]
    ]
    assert found == expected
    assert resource["cluster_name"] == "engines"
