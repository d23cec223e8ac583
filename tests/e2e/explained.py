"""`penstock explain` as somebody with the cluster's kubeconfig runs it."""

import os
import subprocess
import sys
from datetime import datetime

from tests.e2e.kube import CommandError, Kube


def explained(kube: Kube, what: str, namespace: str, *, at: datetime | None = None) -> str:
    """Return what it prints, of now or of another moment."""
    moment = [] if at is None else ["--at", at.isoformat()]
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "explain", what, "-n", namespace, *moment],
        env={**os.environ, "KUBECONFIG": str(kube.kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"penstock explain {what}: exit {done.returncode}: {done.stderr}")
    return done.stdout
