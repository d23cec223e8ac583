"""Where the API server is and who we are there: in-cluster account or kubeconfig, read anew whenever asked."""

import os
from dataclasses import dataclass
from pathlib import Path

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import (
    ConfigException,
    list_kube_config_contexts,
    load_incluster_config,
    load_kube_config,
)

from penstock.domain.errors import InvalidField

IN_CLUSTER_VARIABLE = "KUBERNETES_SERVICE_HOST"
DEFAULT_KUBECONFIG = "~/.kube/config"
POD_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_REMEDY = "name a usable one by KUBECONFIG, or the operator's --kubeconfig"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What another client of the same API server needs; `authorization` is a whole header value, or empty."""

    server: str
    authorization: str
    ca_path: str | None
    certificate_path: str | None
    private_key_path: str | None
    insecure: bool
    proxy: str | None


@dataclass(frozen=True, slots=True)
class Login:
    """One way to log in: `kubeconfig` (empty: $KUBECONFIG, the pod's account, then ~/.kube/config) and its context."""

    kubeconfig: str = ""
    context: str = ""

    async def configuration(self) -> Configuration:
        """Read files and, where the kubeconfig says so, run its login plug-in.

        Raises:
            InvalidField: there is no usable kubeconfig, and this is no pod.
        """
        configuration = Configuration()
        file = self._file()
        try:
            if file is None:
                load_incluster_config(client_configuration=configuration)
            else:
                await load_kube_config(
                    config_file=file,
                    context=self.context or None,
                    client_configuration=configuration,
                    persist_config=False,
                )
        except (ConfigException, OSError) as error:
            raise InvalidField("kubeconfig", file or "in-cluster", f"{_REMEDY} ({error})") from error
        return configuration

    async def credentials(self) -> Credentials:
        """Return the same for kopf, which has a client of its own."""
        configuration = await self.configuration()
        return Credentials(
            server=configuration.host,
            authorization=await configuration.get_api_key_with_prefix("BearerToken") or "",
            ca_path=configuration.ssl_ca_cert,
            certificate_path=configuration.cert_file,
            private_key_path=configuration.key_file,
            insecure=not configuration.verify_ssl,
            proxy=configuration.proxy,
        )

    def namespace(self) -> str:
        """Return the namespace of the context, as kubectl takes it; `default` where it names none."""
        file = self._file()
        if file is None:
            return POD_NAMESPACE_FILE.read_text().strip()
        try:
            contexts, active = list_kube_config_contexts(config_file=file)
        except (ConfigException, OSError) as error:
            raise InvalidField("kubeconfig", file, f"{_REMEDY} ({error})") from error
        chosen = next((one for one in contexts if one["name"] == self.context), active)
        return str(chosen["context"].get("namespace") or "default")

    def _file(self) -> str | None:
        """Return the kubeconfig to read, or None for the pod's own account."""
        named = self.kubeconfig or os.environ.get("KUBECONFIG", "")
        if named:
            return named
        if os.environ.get(IN_CLUSTER_VARIABLE):
            return None
        return str(Path(DEFAULT_KUBECONFIG).expanduser())
