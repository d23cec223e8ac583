"""Looks at VariantAutoscalings and all that stands behind them: each thing once, many things at a time."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from penstock.api.kinds import POD_MONITORS, PODS, SERVICE_MONITORS, SERVICES, VARIANTS
from penstock.api.variantautoscaling import parse_variant
from penstock.doctor.facts import Answer, Body, OperatorFacts, PodSight, Surroundings, VariantFacts
from penstock.doctor.gather import Sources, allowed, exists, nearest, sights
from penstock.domain.errors import InvalidField
from penstock.domain.observations import Scrape, Target
from penstock.domain.variants import ObjectKey, Variant
from penstock.scaling.join import Joined, join

PODS_ASKED: Final = 5  # of one variant: what is wrong with one is seldom right with the next
AT_ONCE: Final = 16
MANY_NAMESPACES: Final = 50  # above it Prometheus is asked about all, since the names would not fit into a URL


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was listed and measured for all variants at once."""

    targets: Mapping[ObjectKey, Target]
    joined: Mapping[ObjectKey, Joined]
    pods: tuple[Body, ...]


async def look_at_variants(
    sources: Sources, operator: OperatorFacts, namespace: str | None, name: str | None
) -> tuple[Surroundings, tuple[VariantFacts, ...]]:
    """Return what all variants share, and the facts of one, or of all in a namespace (None: everywhere).

    Raises:
        Unreachable, Refused: the API server could not be asked.
    """
    bodies = await sources.objects.list(VARIANTS, namespace)
    wanted = [body for body in bodies if name in {None, body["metadata"]["name"]}]
    around = await _around(sources, operator, frozenset(_key(body).namespace for body in wanted))
    if not wanted and name is not None:
        return around, (await _absent(sources, ObjectKey(namespace or "", name), bodies),)
    seen = await _seen(sources, around, bodies, wanted, namespace)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(body: Body) -> VariantFacts:
        async with gate:
            return await _one(sources, body, seen)

    return around, tuple(await asyncio.gather(*map(one, wanted)))


async def _around(sources: Sources, operator: OperatorFacts, namespaces: frozenset[str]) -> Surroundings:
    objects, scraping, settings = sources.objects, sources.scraping, operator.settings
    asked = namespaces if len(namespaces) <= MANY_NAMESPACES else frozenset[str]()
    scrape, certain = Scrape(at_s=operator.now_s), True
    if namespaces and settings.prometheus.url:
        scrape, certain = await scraping.scrape(settings, asked, operator.now_s)
    return Surroundings(
        operator=operator,
        scrape=scrape,
        certain=certain,
        service_monitors=await allowed(objects.list(SERVICE_MONITORS)),
        pod_monitors=await allowed(objects.list(POD_MONITORS)),
    )


async def _seen(
    sources: Sources, around: Surroundings, bodies: Iterable[Body], wanted: Iterable[Body], namespace: str | None
) -> _Seen:
    pods = await sources.objects.list(PODS, namespace)
    everyone = [one for one in map(_parsed, bodies) if isinstance(one, Variant)]
    keys = frozenset(map(_key, wanted))
    targets = await sources.targets.observe([one for one in everyone if one.key in keys], pods)
    return _Seen(targets, join(everyone, targets, around.scrape.rows), tuple(pods))


async def _one(sources: Sources, body: Body, seen: _Seen) -> VariantFacts:
    key, parsed = _key(body), _parsed(body)
    if isinstance(parsed, InvalidField):
        return VariantFacts(key=key, body=body, fault=parsed)
    target = seen.targets.get(key)
    mine = target.pods if target else frozenset()
    pods = sights(one for one in seen.pods if _key(one).namespace == key.namespace and _key(one).name in mine)
    return VariantFacts(
        key=key,
        body=body,
        variant=parsed,
        target=target,
        pods=pods,
        services=await allowed(sources.objects.list(SERVICES, key.namespace)),
        answers=await _answers(sources, key.namespace, pods),
        joined=seen.joined[key],
    )


async def _answers(sources: Sources, namespace: str, pods: Iterable[PodSight]) -> tuple[Answer, ...]:
    asked = [(pod.name, pod.port) for pod in pods if pod.ready and pod.port][:PODS_ASKED]
    asking = (sources.engines.ask(namespace, name, port) for name, port in asked if port)
    return tuple(await asyncio.gather(*asking))


async def _absent(sources: Sources, key: ObjectKey, bodies: Iterable[Body]) -> VariantFacts:
    there = await exists(sources.objects, key.namespace)
    return VariantFacts(key=key, nearest=nearest(key.name, bodies), namespace_exists=there)


def _parsed(body: Body) -> Variant | InvalidField:
    try:
        return parse_variant(body)
    except InvalidField as error:
        return error


def _key(body: Body) -> ObjectKey:
    return ObjectKey(body["metadata"]["namespace"], body["metadata"]["name"])
