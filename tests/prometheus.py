"""A real Prometheus on loopback for tests: written to directly, at any time stamp, or scraping what a test serves."""

import os
import shutil
import signal
import struct
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.needs import missing
from tests.ports import free_ports

IMAGE = "prom/prometheus:v3.5.3"
START_S = 30.0
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]  # Prometheus's mark of a vanished series


def program() -> Path:
    """Return the binary: `PENSTOCK_PROMETHEUS`, PATH, or out of the image if docker has it; else skip."""
    named = os.environ.get("PENSTOCK_PROMETHEUS") or shutil.which("prometheus")
    return Path(named) if named else _from_image()


def _from_image() -> Path:
    kept = Path(__file__).parents[1] / "out" / "tools" / "prometheus"
    if kept.is_file():
        return kept
    remedy = f"put `prometheus` on PATH, name it in PENSTOCK_PROMETHEUS, or `docker pull {IMAGE}`"
    try:
        container = _docker("create", IMAGE, "x").strip()
    except (OSError, subprocess.CalledProcessError):
        missing("Prometheus", remedy)
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_suffix(f".{os.getpid()}")  # two test workers may get here at once
    _docker("cp", f"{container}:/bin/prometheus", str(fresh))
    _docker("rm", container)
    os.replace(fresh, kept)
    return kept


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


@dataclass(slots=True)
class Series:
    """One series to write: labels with `__name__`, and (Unix seconds, value) in order."""

    name: str
    labels: Mapping[str, str]
    samples: Sequence[tuple[float, float]]


@dataclass(slots=True)
class PrometheusServer:
    """One Prometheus: `open()`, `stop()` (killed, as in an outage), `close()`. `web` is its web configuration file."""

    home: Path
    targets: Mapping[str, Sequence[str]] = field(default_factory=dict)  # job -> host:port
    web: Mapping[str, Any] = field(default_factory=dict)
    port: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)  # more of prometheus.yml
    address: str = "127.0.0.1"
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'https' if 'tls_server_config' in self.web else 'http'}://{self.address}:{self.port}"

    def open(self) -> None:
        """Start and wait until it listens; a second start finds the data of the first."""
        self.port = self.port or free_ports(1)[0]
        config, web = self.home / "prometheus.yml", self.home / "web.yml"
        config.write_text(yaml.safe_dump(self._config()))
        web.write_text(yaml.safe_dump(dict(self.web)))
        log = (self.home / "prometheus.log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [str(program()), f"--config.file={config}", f"--web.config.file={web}",
                 f"--storage.tsdb.path={self.home / 'data'}", f"--web.listen-address={self.address}:{self.port}",
                 "--web.enable-remote-write-receiver"],
                cwd=self.home, stdout=log, stderr=log,
            )  # fmt: skip
        self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + START_S
        while not self._listens():
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.home / "prometheus.log").read_text()[-3000:])
            time.sleep(0.02)

    def _listens(self) -> bool:
        if self.web:  # TLS or passwords; the log is simpler to ask than the server
            return "Server is ready" in (self.home / "prometheus.log").read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:  # noqa: S310 - http
                return bool(answer.status == 200)
        except OSError:
            return False

    def _config(self) -> dict[str, Any]:
        jobs = [
            {"job_name": job, "honor_labels": True, "static_configs": [{"targets": list(targets)}]}
            for job, targets in self.targets.items()
        ]
        return {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": jobs,
            "storage": {"tsdb": {"out_of_order_time_window": "1h"}},
            **self.config,
        }

    def write(self, series: Sequence[Series]) -> None:
        """Store samples by remote write; they can be asked for at once."""
        body = _snappy(b"".join(_field(1, _series(one)) for one in series))
        headers = {
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        }
        request = urllib.request.Request(f"{self.url}/api/v1/write", data=body, headers=headers)  # noqa: S310 - http
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - http
            assert answer.status == 204

    def stop(self) -> None:
        """Kill it at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    close = stop


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """One per worker; tests keep apart by a namespace label of their own."""
    server = PrometheusServer(tmp_path_factory.mktemp("prometheus"))
    try:
        server.open()
        yield server
    finally:
        server.close()


def steady(
    name: str, labels: Mapping[str, str], now_s: float, *, value: float, per_s: float = 0.0, every_s: float = 10.0,
    count: int = 13, age_s: float = 0.0,
) -> Series:  # fmt: skip
    """Return a series that ends at `value`, `age_s` seconds before now, and grew by `per_s` until then."""
    ages = [every_s * back for back in range(count - 1, -1, -1)]
    return Series(name, labels, [(now_s - age_s - age, value - per_s * age) for age in ages])


def _series(one: Series) -> bytes:
    """Encode a `prometheus.TimeSeries`: labels sorted by name, then samples."""
    labels = sorted({"__name__": one.name, **one.labels}.items())
    encoded = b"".join(_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels)
    samples = (
        b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(round(at_s * 1000)) for at_s, value in one.samples
    )
    return encoded + b"".join(_field(2, sample) for sample in samples)


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _snappy(body: bytes) -> bytes:
    """Frame bytes as snappy's block format without compressing them: literals of at most 64 KiB."""
    chunks = [body[start : start + 2**16] for start in range(0, len(body), 2**16)]
    return _varint(len(body)) + b"".join(b"\xf4" + struct.pack("<H", len(chunk) - 1) + chunk for chunk in chunks)
