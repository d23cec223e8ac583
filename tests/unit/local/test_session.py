"""How the processes of the local world are put together."""

from pathlib import Path

from penstock.local.ports import Ports
from penstock.local.session import Session

PORTS = Ports(proxy=1, proxy_admin=2, grpc=3, health=4, metrics=5, admin=6)


def test_the_router_is_told_where_its_envoy_answers_so_that_it_picks_nobody_unknown_to_it(tmp_path: Path) -> None:
    session = Session(files=tmp_path, folder=tmp_path, ports=PORTS, http=None, neighbours=None, witness=None)  # type: ignore[arg-type]  # nothing is started

    assert "--envoy-admin-port=2" in session._router_command()
