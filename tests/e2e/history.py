"""Every state that objects of one kind went through: what happened while a story looked elsewhere is not lost."""

import contextlib
import json
import os
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from tests.e2e.kube import Kube
from tests.e2e.variants import desired

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One decision that changed a variant's number, or the first one."""

    at: datetime
    variant: str
    number: int
    reason: str
    summary: str

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.variant} {self.number} ({self.reason}: {self.summary})"


def _step(name: str, number: int, decision: Mapping[str, str]) -> Step:
    return Step(datetime.fromisoformat(decision["time"]), name, number, decision["reason"], decision.get("summary", ""))


@dataclass(slots=True)
class History:
    """States by (namespace, name), in order."""

    states: defaultdict[Key, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def statuses(self, namespace: str, name: str) -> list[dict[str, Any]]:
        """Return every status so far; an object without one does not count."""
        return [body["status"] for body in tuple(self.states[namespace, name]) if "status" in body]

    def steps(self, namespace: str, *names: str) -> list[Step]:
        """Return the steps of these variants, or of all of a namespace, in order of time."""
        found: dict[tuple[str, str], Step] = {}
        for room, name in tuple(self.states):
            if room == namespace and name in (names or (name,)):
                for one in self.statuses(room, name):
                    number, decision = desired(one), one.get("decision")
                    if number is not None and decision:
                        found.setdefault((name, decision["id"]), _step(name, number, decision))
        return sorted(found.values(), key=lambda step: step.at)

    def told(self, namespace: str) -> str:
        """Return all steps of a namespace as text, for whoever wonders why a story failed."""
        return "\n".join(["steps of the variants:", *map(str, self.steps(namespace))])

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
