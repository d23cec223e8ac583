"""Load from inside the cluster: a Job that sends completions at a fixed pace, for a time or until it is enough."""

import json
from typing import Any

from tests.e2e.images import Images
from tests.e2e.kube import Kube

ENOUGH = "/tmp/enough"  # noqa: S108  in a pod of its own
# Runs in the image's own Python. Open loop: a request is sent when it is due, whatever became of the ones before. Each
# has a connection of its own, so that engines that come get their share, and none is sent to one that goes.
PROGRAM = """
import asyncio, collections, json, os, sys, aiohttp

async def one(session, url, body):
    try:
        async with session.post(url, json=body) as answer:
            await answer.read()
            return answer.status
    except aiohttp.ClientError as error:
        return type(error).__name__

async def main(url, model, per_s, seconds, tokens, enough):
    body = {"model": model, "prompt": "word " * 100, "max_tokens": int(tokens), "ignore_eos": True}
    apart = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=apart, timeout=aiohttp.ClientTimeout(total=120)) as session:
        tasks = []
        for _ in range(int(float(per_s) * float(seconds))):
            if os.path.exists(enough):
                break
            tasks.append(asyncio.create_task(one(session, url, body)))
            await asyncio.sleep(1 / float(per_s))
        answers = await asyncio.gather(*tasks)
    print(json.dumps(collections.Counter(map(str, answers))))

asyncio.run(main(*sys.argv[1:]))
"""


def job(
    images: Images, name: str, *, url: str, model: str, per_s: float, seconds: float, tokens: int
) -> dict[str, Any]:
    """Return a Job that sends `per_s` requests a second for `seconds`, and then is done."""
    container = {
        "name": "load",
        "image": images.penstock,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/opt/penstock/bin/python", "-c", PROGRAM],
        "args": [f"{url}/v1/completions", model, str(per_s), str(seconds), str(tokens), ENOUGH],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": int(seconds) + 180,
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
    }


def enough(kube: Kube, name: str, namespace: str) -> None:
    """End a load before its time; a CommandError if it has ended already."""
    kube.run("exec", f"job/{name}", "-n", namespace, "--", "touch", ENOUGH)


def answers(kube: Kube, name: str, namespace: str) -> dict[str, int]:
    """Wait for the end of a Job and return how often each status, or class of error, was the answer."""
    kube.run("wait", f"job/{name}", "-n", namespace, "--for=condition=Complete", "--timeout=200s", timeout_s=210)
    counted: dict[str, int] = json.loads(kube.logs(f"job/{name}", namespace))
    return counted
