"""Everything about Prometheus, taken from the one source that names a URL, so that no token travels to another's."""

from collections.abc import Mapping
from typing import Any, Final

from penstock.domain.errors import InvalidField
from penstock.settings.parsers import path, plain, switch, url
from penstock.settings.prometheus import PrometheusSettings
from penstock.settings.sources import Setting, Sources, Written

URL: Final = Setting(name="prometheusURL", wva="PROMETHEUS_BASE_URL", parse=url, help="Address of Prometheus.")
_REST: Final = {
    "ca_file": Setting(name="prometheusCA", wva="PROMETHEUS_CA_CERT_PATH", parse=path,
                       help="File of the authority that signed its certificate."),
    "client_cert_file": Setting(name="prometheusClientCert", wva="PROMETHEUS_CLIENT_CERT_PATH", parse=path,
                                help="File of the certificate to show it."),
    "client_key_file": Setting(name="prometheusClientKey", wva="PROMETHEUS_CLIENT_KEY_PATH", parse=path,
                               help="File of that certificate's key."),
    "server_name": Setting(name="prometheusServerName", wva="PROMETHEUS_SERVER_NAME", parse=plain,
                           help="Name in its certificate, where the URL has another."),
    "insecure_skip_verify": Setting(name="prometheusInsecureSkipVerify", wva="PROMETHEUS_TLS_INSECURE_SKIP_VERIFY",
                                    parse=switch, help="Do not check its certificate. (false)"),
    "token_file": Setting(name="prometheusTokenFile", wva="PROMETHEUS_TOKEN_PATH", parse=path,
                          help="File of a bearer token, read again each minute. (https: the pod's own)"),
}  # fmt: skip
PROMETHEUS: Final = (URL, *_REST.values())
_TOKEN: Final = "PROMETHEUS_BEARER_TOKEN"  # noqa: S105 - WVA's name of a variable; ours takes files only
_SOURCES: Final = ("flags", "environment", "penstock-config", "WVA's environment", "WVA's ConfigMap")
_OURS: Final = 3  # WVA's own deployments name a token file whether or not they name a URL beside it


def prometheus_settings(sources: Sources) -> PrometheusSettings:
    """Return the block in force; an empty URL where nobody names one.

    Raises:
        InvalidField: a text of that block cannot be used, or a source that would come first lacks the URL.
    """
    said = {name: list(sources.layers(setting)) for name, setting in {"url": URL, **_REST}.items()}
    for index, source in enumerate(_SOURCES):
        block = {name: written for name, layers in said.items() if (written := layers[index]) is not None}
        if "url" in block:
            token = _token(source, sources)
            values: dict[str, Any] = {name: written.value() for name, written in block.items()}
            return PrometheusSettings(**values, token=token, source=source)
        if block and index < _OURS:
            raise _homeless(next(iter(block.values())))
    return PrometheusSettings()


def _token(source: str, sources: Sources) -> str:
    where: Mapping[str, Mapping[str, str]] = {_SOURCES[3]: sources.environ, _SOURCES[4]: sources.texts}
    return where.get(source, {}).get(_TOKEN, "").strip()


def _homeless(written: Written) -> InvalidField:
    remedy = f"set {URL.name} in the same place; all about Prometheus comes from the source that names its URL"
    return InvalidField(written.field, written.text, remedy)
