"""A small external.metrics.k8s.io server for HPAs of the stories; a pod runs this text in the image's own Python.

Every external metric is the Prometheus series of that name, and a label selector is its matchers.
"""

import asyncio
import datetime
import ssl
import sys
import tempfile
from pathlib import Path

import aiohttp
from aiohttp import web

from penstock.router.certificates import self_signed

GROUP = "external.metrics.k8s.io/v1beta1"
METRICS = ("wva_desired_replicas", "inferno_desired_replicas")


async def listed(request: web.Request) -> web.Response:
    """Answer discovery, on which the deletion of every namespace waits."""
    del request
    kind = {"namespaced": True, "kind": "ExternalMetricValueList", "singularName": "", "verbs": ["get"]}
    rows = [{"name": name, **kind} for name in METRICS]
    return web.json_response({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP, "resources": rows})


async def valued(request: web.Request) -> web.Response:
    """Answer one metric of one namespace; the HPA names the rest in its label selector."""
    name = request.match_info["metric"]
    pairs = [pair.split("=", 1) for pair in request.query.get("labelSelector", "").split(",") if pair]
    query = f"{name}{{{','.join(f'{label}={value!r}' for label, value in pairs)}}}"
    async with aiohttp.ClientSession() as session, session.get(sys.argv[1], params={"query": query}) as answer:
        rows = (await answer.json())["data"]["result"]
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    items = [
        {"metricName": name, "metricLabels": {}, "timestamp": now, "value": str(int(float(row["value"][1])))}
        for row in rows
    ]
    return web.json_response({"kind": "ExternalMetricValueList", "apiVersion": GROUP, "metadata": {}, "items": items})


async def main() -> None:
    """Serve on 6443 until the pod ends."""
    app = web.Application()
    app.router.add_get(f"/apis/{GROUP}", listed)
    app.router.add_get(f"/apis/{GROUP}/namespaces/{{namespace}}/{{metric}}", valued)
    certificate, key = self_signed((), datetime.datetime.now(datetime.UTC))
    pair = Path(tempfile.mkdtemp()) / "pair.pem"
    pair.write_bytes(certificate + key)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pair)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, port=6443, ssl_context=tls).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
