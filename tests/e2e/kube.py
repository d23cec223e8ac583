"""kubectl as the stories use it: apply, read, wait on a condition, forward a port on loopback."""

import contextlib
import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

T = TypeVar("T")
POLL_S = 0.5
SLOWER = 2.0
"""How much slower than the machine that waits are written for another one may be."""


class NotInTimeError(AssertionError):
    """A condition did not come true before its deadline; the message shows the last thing seen."""


class CommandError(RuntimeError):
    """A command failed; the message holds what it complained about."""


def until(see: Callable[[], T], want: Callable[[T], Any], what: str, within_s: float = 60.0) -> T:
    """Return the first value of `see` that `want` accepts; ask twice a second, and on a slow machine for longer."""
    begun = time.monotonic()
    while True:
        try:
            seen: Any = see()
            if want(seen):
                return seen
        except (CommandError, KeyError, IndexError, OSError) as error:
            seen = repr(error)
        passed_s = time.monotonic() - begun
        if passed_s > SLOWER * within_s:
            shown = seen if isinstance(seen, str) else json.dumps(seen, indent=1, default=str)
            raise NotInTimeError(f"not within {passed_s:.0f} s: {what}; last seen: {shown[-4000:]}")
        time.sleep(POLL_S)


@dataclass(frozen=True, slots=True)
class Kube:
    """One cluster through its kubeconfig."""

    kubectl: Path
    kubeconfig: Path

    def run(self, *words: str, stdin: str | None = None, timeout_s: float = 240.0) -> str:
        """Return what one kubectl command printed; raise with what it complained about."""
        return self._bytes(*words, stdin=stdin, timeout_s=timeout_s).decode()

    def _bytes(self, *words: str, stdin: str | None = None, timeout_s: float = 240.0) -> bytes:
        done = subprocess.run(
            [str(self.kubectl), *words],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            input=stdin.encode() if stdin is not None else None,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode:
            said = (done.stderr + done.stdout).decode(errors="replace")
            raise CommandError(f"kubectl {' '.join(words)}: exit {done.returncode}: {said}")
        return done.stdout

    def raw(self, path: str) -> bytes:
        """Return what the API server answers to a GET, byte for byte."""
        return self._bytes("get", "--raw", path)

    def apply(self, *objects: Mapping[str, Any] | str, namespace: str = "default") -> None:
        """Apply objects (or YAML text) as a user would."""
        text = "\n---\n".join(one if isinstance(one, str) else yaml.safe_dump(dict(one)) for one in objects)
        self.run("apply", "-n", namespace, "-f", "-", stdin=text)

    def get(self, kind: str, name: str, namespace: str = "default") -> dict[str, Any]:
        """Return one object."""
        body: dict[str, Any] = json.loads(self.run("get", kind, name, "-n", namespace, "-o", "json"))
        return body

    def list(self, kind: str, namespace: str = "default", selector: str = "") -> list[dict[str, Any]]:
        """Return all objects of a kind, or those with these labels."""
        labels = ["-l", selector] if selector else []
        body = json.loads(self.run("get", kind, "-n", namespace, "-o", "json", *labels))
        return list(body["items"])

    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Delete one object if it is there, and wait until it is gone."""
        self.run("delete", kind, name, "-n", namespace, "--ignore-not-found", "--wait=true")

    def new_namespaces(self, *names: str) -> None:
        """Create namespaces; what an earlier run on a kept cluster left of them goes first."""
        self.run("delete", "namespace", *names, "--ignore-not-found", "--wait=true")
        self.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names))

    def delete_namespaces(self, *names: str) -> None:
        """Delete namespaces with all that is in them; nobody waits for the end."""
        self.run("delete", "namespace", *names, "--ignore-not-found", "--wait=false")

    def patch(self, kind: str, name: str, body: Mapping[str, Any], namespace: str = "default") -> None:
        """Merge fields into one object."""
        self.run("patch", kind, name, "-n", namespace, "--type=merge", "-p", json.dumps(body))

    def rolled_out(self, kind: str, name: str, namespace: str = "default", within_s: int = 240) -> None:
        """Wait until all replicas of the newest template are there and ready."""
        words = ("rollout", "status", f"{kind}/{name}", "-n", namespace, f"--timeout={within_s}s")
        self.run(*words, timeout_s=within_s + 10)

    def logs(self, target: str, namespace: str = "default", *more: str) -> str:
        """Return what a pod or a workload has printed."""
        return self.run("logs", target, "-n", namespace, "--tail=-1", *more)

    @contextlib.contextmanager
    def forward(self, target: str, port: int, namespace: str = "default") -> Iterator[str]:
        """Give a URL on loopback that leads to a pod's or Service's port, as long as the block lasts."""
        command: Sequence[str] = (str(self.kubectl), "port-forward", "-n", namespace, target, f":{port}")
        with subprocess.Popen(
            command,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                match = re.search(r"127\.0\.0\.1:(\d+)", line)
                if match is None:
                    raise NotInTimeError(f"no port-forward to {target}: {line}{process.stdout.read()}")
                yield f"http://127.0.0.1:{match[1]}"
            finally:
                process.kill()
