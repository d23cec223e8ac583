"""Installs Penstock as a user would, with the foreign definitions that its stories use."""

from pathlib import Path

from tests.e2e.images import ENVOY, PROMETHEUS, Images
from tests.e2e.kube import Kube


def definitions(kube: Kube, root: Path) -> None:
    """Apply the foreign definitions."""
    for name in ("inferencepools", "servicemonitors"):
        kube.run("apply", "--server-side", "-f", str(root / "tests" / "crds" / f"{name}.yaml"))


def kustomized(kube: Kube, folder: Path, images: Images) -> str:
    """Return what an overlay of the stories yields, with the images of this run."""
    rendered = kube.run("kustomize", str(folder))
    return rendered.replace(f"image: {PROMETHEUS}", f"image: {images.prometheus}").replace(
        f"image: {ENVOY}", f"image: {images.envoy}"
    )


def install(kube: Kube, root: Path, images: Images) -> None:
    """Apply the manifests, and wait until operator and Prometheus are up."""
    kept = bool(kube.list("deployments", "penstock-system"))
    manifests = kustomized(kube, root / "tests" / "e2e" / "install", images)
    kube.run("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifests)
    if kept:  # the image has the name that it had, so nothing else would start it
        kube.run("rollout", "restart", "deployment/penstock-operator", "-n", "penstock-system")
    kube.run("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    kube.rolled_out("deployment", "coredns", "kube-system")
    kube.rolled_out("deployment", "prometheus", "monitoring")
    kube.rolled_out("deployment", "penstock-operator", "penstock-system")
