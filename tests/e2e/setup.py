"""Installs Penstock as a user would, with the foreign definitions that its stories use."""

from pathlib import Path

from tests.e2e.kube import Kube


def definitions(kube: Kube, root: Path) -> None:
    """Apply the foreign definitions."""
    for name in ("inferencepools", "servicemonitors"):
        kube.run("apply", "--server-side", "-f", str(root / "tests" / "crds" / f"{name}.yaml"))


def install(kube: Kube, root: Path) -> None:
    """Apply the manifests, and wait until operator and Prometheus are up."""
    kube.run("apply", "--server-side", "-k", str(root / "tests" / "e2e" / "install"))
    kube.run("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    kube.rolled_out("deployment", "coredns", "kube-system")
    kube.rolled_out("deployment", "prometheus", "monitoring")
    kube.rolled_out("deployment", "penstock-operator", "penstock-system")
