"""Servers that the integration tests share."""

from tests.kubeapi import frail_kube_api_of_session, kube_api, own_kube_api, stopping_kube_api
from tests.prometheus import prometheus

__all__ = ["frail_kube_api_of_session", "kube_api", "own_kube_api", "prometheus", "stopping_kube_api"]
