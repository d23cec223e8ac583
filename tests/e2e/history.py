"""Every state that objects of one kind went through: what happened while a story looked elsewhere is not lost."""

import contextlib
import json
import os
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from tests.e2e.kube import Kube

Key = tuple[str, str]


@dataclass(slots=True)
class History:
    """States by (namespace, name), in order."""

    states: defaultdict[Key, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def statuses(self, namespace: str, name: str) -> list[dict[str, Any]]:
        """Return every status so far; an object without one does not count."""
        return [body["status"] for body in tuple(self.states[namespace, name]) if "status" in body]

    def read(self, stream: IO[str]) -> None:
        """Take in objects, one a line, until the stream ends."""
        for line in stream:
            body = json.loads(line)
            meta = body["metadata"]
            self.states[meta["namespace"], meta["name"]].append(body)


@contextlib.contextmanager
def recorded(kube: Kube, kind: str) -> Iterator[History]:
    """Watch a kind in all namespaces as long as the block lasts."""
    command = [str(kube.kubectl), "get", kind, "--all-namespaces", "--watch", "-o", 'jsonpath={@}{"\\n"}']
    history = History()
    with subprocess.Popen(
        command, env={**os.environ, "KUBECONFIG": str(kube.kubeconfig)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=history.read, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            yield history
        finally:
            process.kill()
            reader.join()
