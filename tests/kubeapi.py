"""A real etcd and kube-apiserver on loopback, without nodes or controllers: what the integration tests talk to."""

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.certificates import Authority
from tests.keptopen import KeptOpen
from tests.manifests import documents
from tests.needs import missing
from tests.ports import free_ports

ADMIN_TOKEN = "admin-of-this-test-run"
FOREIGN_CRDS = Path(__file__).parent / "crds"
OUR_CRDS = Path(__file__).parents[1] / "crds"
START_S = 60.0
# a server of some minutes has memory to spare, collecting takes a sixth of its time; one thread does not look for work
_LAZY = {"GOGC": "400", "GOMAXPROCS": "1"}
_ASSETS = "KUBEBUILDER_ASSETS"
_WELL_KNOWN = ("/usr/local/kubebuilder/bin",)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API server answered; `body` is the decoded JSON, or text where it is none."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return self.status < 300

    @property
    def message(self) -> str:
        """The sentence of a Status object: why the server refused."""
        return str(self.body.get("message", "")) if isinstance(self.body, dict) else str(self.body)


FRAIL = "frail"


class KubeApi:
    """One control plane of its own: `start()`, `stop()` (the API server alone, as in an outage), `close()`."""

    def __init__(self, programs: Path, home: Path, *flags: str) -> None:  # flags: more of them for the API server
        self._programs, self._home, self._flags = programs, home, flags
        self._etcd: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        self.token = ADMIN_TOKEN
        self.port, self._etcd_port, self._peer_port = free_ports(3)
        self.url = f"https://127.0.0.1:{self.port}"
        authority = Authority(home)  # the server would make itself RSA keys, and sign a hundred times as long
        self.ca_file, self._tls, self._signing = authority.file, authority.sign("kube-api"), authority.sign("tokens")
        self.kubeconfig = home / "kubeconfig"
        self._line = KeptOpen(self.port, self.ca_file)
        self._kinds: dict[tuple[str, str], Mapping[str, Any]] = {}

    def open(self) -> None:
        """Start both programs and wait until the API server is ready."""
        (self._home / "tokens").write_text(f"{self.token},admin,1,system:masters\n")
        self._etcd = self._spawn(
            "etcd",
            *("--data-dir", "etcd", "--unsafe-no-fsync", "--log-level", "error"),
            *("--listen-client-urls", self._etcd_url, "--advertise-client-urls", self._etcd_url),
            *("--listen-peer-urls", f"http://127.0.0.1:{self._peer_port}"),
        )
        self.start()
        self.write_kubeconfig(self.kubeconfig, self.token)

    @property
    def _etcd_url(self) -> str:
        return f"http://127.0.0.1:{self._etcd_port}"

    def start(self) -> None:
        """Start the API server on its port and wait until it is ready; what etcd holds is still there."""
        self._server = self._spawn(
            "kube-apiserver",
            *("--etcd-servers", self._etcd_url, "--cert-dir", "certs"),
            *("--tls-cert-file", str(self._tls.cert), "--tls-private-key-file", str(self._tls.key)),
            *("--bind-address", "127.0.0.1", "--secure-port", str(self.port)),
            *("--authorization-mode", "Node,RBAC", "--token-auth-file", "tokens"),
            *("--service-account-issuer", "https://localhost"),
            *("--service-account-key-file", str(self._signing.cert)),
            *("--service-account-signing-key-file", str(self._signing.key)),
            # without a controller manager nobody makes the default service accounts that pods would wait for
            *("--disable-admission-plugins", "ServiceAccount"),
            *self._flags,
        )
        deadline = time.monotonic() + START_S
        while not self._ready():
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self._home / "kube-apiserver.log").read_text()[-3000:])
            time.sleep(0.05)

    @property
    def running(self) -> bool:
        """Whether the API server was started, and not stopped since."""
        return self._server is not None

    def stop(self) -> None:
        """Kill the API server at once: connections break, nothing answers, etcd keeps its data."""
        self._line.close()
        if self._server is not None:
            self._server.send_signal(signal.SIGKILL)
            self._server.wait()
            self._server = None

    def close(self) -> None:
        """End both programs."""
        self.stop()
        if self._etcd is not None:
            self._etcd.kill()
            self._etcd.wait()
            self._etcd = None

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: str = "application/json",
        accept: str = "application/json",
        token: str = "",
    ) -> Reply:
        """Send one request (JSON, or YAML for server-side apply) and return what came back, whatever its status."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": content, "Accept": accept}
        status, raw = self._line.send(method, path, data, headers)
        return Reply(status, _decode(raw))

    def must(self, method: str, path: str, body: object = None, **how: str) -> Any:
        """Send a request that has to succeed and return its body."""
        reply = self.request(method, path, body, **how)
        assert reply.ok, f"{method} {path}: {reply.status} {reply.message}"
        return reply.body

    def apply(self, manifest: Mapping[str, Any], *, dry_run: bool = False) -> Reply:
        """Server-side apply one object, refusing unknown fields, as `kubectl apply --server-side` does."""
        query = "?fieldManager=test&force=true&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        path = f"{self.path_of(manifest)}{query}"
        return self.request("PATCH", path, manifest, content="application/apply-patch+yaml")

    def namespace(self, prefix: str = "test", **metadata: Any) -> str:
        """Create a namespace with a name of its own and return it; `labels` and `annotations` go into its metadata."""
        name = f"{prefix}-{os.getpid()}-{next(self._names)}"
        self.must("POST", "/api/v1/namespaces", {"metadata": {"name": name, **metadata}})
        return name

    def install(self, *folders: Path) -> None:
        """Apply every CRD in the folders and wait until each is established."""
        manifests = [
            part
            for folder in folders
            for file in sorted(folder.glob("*.yaml"))
            if file.name != "kustomization.yaml"
            for part in documents(file.read_text())
            if part["kind"] == "CustomResourceDefinition"
        ]
        for manifest in manifests:
            reply = self.apply(manifest)
            assert reply.ok, reply.message
        for manifest in manifests:
            wait_until(lambda name=manifest["metadata"]["name"]: self._established(name), f"CRD {name_of(manifest)}")

    def service_account_token(self, namespace: str, name: str, audience: str = "") -> str:
        """Create the service account where it is missing and return a token of it, as TokenRequest gives."""
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        self.request("POST", accounts, {"metadata": {"name": name}})
        spec = {"audiences": [audience]} if audience else {}
        return str(self.must("POST", f"{accounts}/{name}/token", {"spec": spec})["status"]["token"])

    def path_of(self, manifest: Mapping[str, Any]) -> str:
        """Return the path of an object: plural and scope as the server's discovery tells them."""
        version, meta = str(manifest["apiVersion"]), manifest["metadata"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        found = self._kind(root, manifest["kind"])
        scope = f"/namespaces/{meta['namespace']}" if found["namespaced"] else ""
        return f"{root}{scope}/{found['name']}/{meta['name']}"

    def _kind(self, root: str, name: str) -> Mapping[str, Any]:
        if (root, name) not in self._kinds:
            resources = self.must("GET", root)["resources"]
            self._kinds[root, name] = next(r for r in resources if r["kind"] == name and "/" not in r["name"])
        return self._kinds[root, name]

    def _established(self, crd: str) -> bool:
        body = self.must("GET", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{crd}")
        conditions = {c["type"]: c["status"] for c in (body.get("status") or {}).get("conditions") or []}
        group, version = body["spec"]["group"], body["spec"]["versions"][0]["name"]
        plural = body["spec"]["names"]["plural"]
        # established first, served a moment later
        return conditions.get("Established") == "True" and self.request("GET", f"/apis/{group}/{version}/{plural}").ok

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._home / f"{program}.log").open("ab") as log:
            return subprocess.Popen(
                [self._programs / program, *arguments], cwd=self._home, stdout=log, stderr=log, env=os.environ | _LAZY
            )

    def _ready(self) -> bool:
        try:
            return self.request("GET", "/readyz").ok
        except OSError:
            return False

    def write_kubeconfig(self, path: Path, token: str) -> None:
        """Write a kubeconfig for whoever has this token."""
        authority = base64.b64encode(self.ca_file.read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority-data": authority}}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user", "namespace": "default"}}],
        }
        path.write_text(yaml.safe_dump(config))


def name_of(manifest: Mapping[str, Any]) -> str:
    """Return the name of an object."""
    return str(manifest["metadata"]["name"])


def wait_until(condition: Any, what: str, timeout_s: float = 60.0) -> Any:
    """Poll until the condition holds and return its value; fail naming what was awaited."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {timeout_s} s"
        time.sleep(0.02)
    return value


def programs() -> Path:
    """Return the folder that holds kube-apiserver and etcd, or skip saying how to get them."""
    on_path = shutil.which("kube-apiserver")
    folders = [os.environ.get(_ASSETS), str(Path(on_path).parent) if on_path else None, *_WELL_KNOWN]
    for folder in filter(None, folders):
        if all((Path(folder) / name).is_file() for name in ("kube-apiserver", "etcd")):
            return Path(folder)
    return missing(
        "kube-apiserver with etcd", f"run `setup-envtest use 1.34.x` and set {_ASSETS} to the folder it prints"
    )


@contextmanager
def _running(folder: Path, *definitions: Path) -> Iterator[KubeApi]:
    api = KubeApi(programs(), folder)
    try:
        api.open()
        if definitions:
            api.install(*definitions)
        yield api
    finally:
        api.close()


@pytest.fixture(scope="session")
def kube_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApi]:
    """One control plane per worker, with the foreign CRDs of tests/crds and our own; namespaces keep tests apart."""
    with _running(tmp_path_factory.mktemp("control-plane"), FOREIGN_CRDS, OUR_CRDS) as api:
        yield api


@pytest.fixture
def own_kube_api(tmp_path: Path) -> Iterator[KubeApi]:
    """A bare control plane for one test that needs CRDs to be absent."""
    with _running(tmp_path) as api:
        yield api


@pytest.fixture(name="frail_kube_api", scope="session")
def frail_kube_api_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeApi]:
    """A control plane with all CRDs for those tests that stop it, one after the other."""
    with _running(tmp_path_factory.mktemp("frail-control-plane"), FOREIGN_CRDS, OUR_CRDS) as api:
        yield api


@pytest.fixture(params=[pytest.param(None, id=FRAIL)])
def stopping_kube_api(frail_kube_api: KubeApi) -> KubeApi:
    """The control plane that one test may stop, started again where the test before left it stopped.

    Its id keeps these tests on one worker, which then starts one for all of them.
    """
    if not frail_kube_api.running:
        frail_kube_api.start()
    return frail_kube_api


def _decode(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")
