"""Logging in: from a kubeconfig, from inside a pod, and again when a token has worn out."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from kubernetes.aio.config import incluster_config
from tests.kubeapi import KubeApi

from penstock.api.kinds import NAMESPACES
from penstock.cluster.client import Kube, path_of
from penstock.cluster.connection import Login
from penstock.domain.errors import InvalidField, Refused, Unreachable


@pytest.fixture(name="write_token")
def _write_token(kube_api: KubeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Make this process believe that it runs in a pod; return what replaces the pod's token."""
    token = tmp_path / "token"
    token.write_text(kube_api.token)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(kube_api.port))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(kube_api.ca_file))
    return token.write_text


@pytest.mark.usefixtures("write_token")
async def test_pod_logs_in_with_its_own_account(kube_api: KubeApi) -> None:
    async with Kube(Login()) as kube:
        listing = await kube.call("GET", path_of(NAMESPACES))
    credentials = await Login().credentials()

    assert listing["items"]
    assert credentials.authorization.split() == ["bearer", kube_api.token]


async def test_worn_token_is_read_again(kube_api: KubeApi, write_token: Callable[[str], int]) -> None:
    write_token("worn out")
    async with Kube(Login()) as kube:
        write_token(kube_api.token)

        assert (await kube.call("GET", path_of(NAMESPACES)))["items"]


async def test_token_that_stays_wrong_is_refused(write_token: Callable[[str], int]) -> None:
    write_token("wrong")
    async with Kube(Login()) as kube:
        with pytest.raises(Refused) as refused:
            await kube.call("GET", path_of(NAMESPACES))

    assert refused.value.status == 401


async def test_kubeconfig_of_the_environment_wins_over_the_pod(
    kube_api: KubeApi, write_token: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_token("wrong")
    monkeypatch.setenv("KUBECONFIG", str(kube_api.kubeconfig))

    async with Kube(Login()) as kube:
        assert (await kube.call("GET", path_of(NAMESPACES)))["items"]


async def test_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidField, match="kubeconfig"):
        await Login(kubeconfig=str(tmp_path / "none")).configuration()


async def test_unknown_context_is_named(kube_api: KubeApi) -> None:
    with pytest.raises(InvalidField, match="kubeconfig"):
        await Login(kubeconfig=str(kube_api.kubeconfig), context="none").configuration()


async def test_silent_address_is_unreachable(kube_api: KubeApi, tmp_path: Path) -> None:
    config = yaml.safe_load(kube_api.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(config))

    async with Kube(Login(kubeconfig=str(file))) as kube:
        with pytest.raises(Unreachable, match="connection refused"):
            await kube.call("GET", path_of(NAMESPACES))
