"""`penstock explain` as somebody with the cluster's kubeconfig runs it."""

import os
import subprocess
import sys

from tests.e2e.kube import CommandError, Kube


def explained(kube: Kube, what: str, namespace: str) -> str:
    """Return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "penstock", "explain", what, "-n", namespace],
        env={**os.environ, "KUBECONFIG": str(kube.kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"penstock explain {what}: exit {done.returncode}: {done.stderr}")
    return done.stdout
