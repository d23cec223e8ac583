"""The room of the story of two prices: one model on cheap engines and on dear, quick ones, behind one Service."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.engines import engine
from tests.e2e.history import History, recorded
from tests.e2e.images import Images
from tests.e2e.kube import Kube, until
from tests.e2e.load import job
from tests.e2e.variants import A100, ENGINE, H100, QUICK_ENGINE, desired, variant

ROOM = "prices"
MODEL = "prices/model"
LEAST = {"cheap": 1, "dear": 0}
MOST = {"cheap": 3, "dear": 4}
SPECS = {
    "cheap": {"variantCost": "10.0", "modelProfile": {"accelerators": [A100]}},
    "dear": {"variantCost": "40.0", "modelProfile": {"accelerators": [H100]}, "accelerator": "H100"},
}
ENGINES = {"cheap": ENGINE, "dear": QUICK_ENGINE}
LOAD_S, PER_S = 75, 5  # so much that a mean over a minute tells soon that the cheap ones do not suffice
BOTH = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": ROOM},
    "spec": {"selector": {"served": ROOM}, "ports": [{"name": "http", "port": 8000, "targetPort": "http"}]},
}


@contextmanager
def put_up(kube: Kube, images: Images) -> Iterator[History]:
    """Put up engines and variants, wait until both are at their least, load them, and record what they go through."""
    kube.new_namespaces(ROOM)
    for name, least in LEAST.items():
        more = {"arguments": ENGINES[name], "replicas": least, "labels": {"served": ROOM}}
        kube.apply(*engine(images, name, model=MODEL, **more), namespace=ROOM)
    kube.apply(BOTH, namespace=ROOM)
    with recorded(kube, "va") as history:
        for name, spec in SPECS.items():
            bounds = {"minReplicas": LEAST[name], "maxReplicas": MOST[name]}
            kube.apply(variant(name, MODEL, name, **bounds, **spec), namespace=ROOM)
        kube.rolled_out("deployment", "cheap", ROOM)
        until(lambda: now(history), lambda it: it == LEAST, "both idle", 60)
        asked = {"url": f"http://{ROOM}:8000", "model": MODEL, "per_s": PER_S, "seconds": LOAD_S, "tokens": 128}
        kube.apply(job(images, "load", **asked), namespace=ROOM)
        yield history
    kube.delete_namespaces(ROOM)


def now(history: History) -> dict[str, int | None]:
    """Return what is decided at present, by the variant's name."""
    return {name: desired(history.statuses(ROOM, name)[-1]) for name in LEAST}
