"""How to reach Prometheus: all that belongs to one URL, so that no credential travels to another's."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

POD_TOKEN_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusSettings:
    """One block of settings; an empty URL means that nobody named a Prometheus.

    `token` is WVA's literal token and never printed; `token_file` wins over it. Where neither is set the pod's own
    token goes along, over https only. `source` says where the block came from.
    """

    url: str = ""
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    server_name: str = ""
    insecure_skip_verify: bool = False
    token_file: Path | None = None
    token: str = field(default="", repr=False)
    source: str = ""

    @property
    def encrypted(self) -> bool:
        """Whether the connection is TLS."""
        return self.url.lower().startswith("https://")
