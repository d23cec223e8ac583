"""Servers that the integration tests share."""

from tests.kubeapi import kube_api, own_kube_api
from tests.prometheus import prometheus

__all__ = ["kube_api", "own_kube_api", "prometheus"]
