"""Whose series are whose: rows of the scrape joined to the live pods of each variant.

Only pods that the cluster shows alive count, so the series of dead ones do not. Rows without a pod label are shared
by the model's variants in proportion to their replicas. Rows without a namespace label stand in for a namespace only
where no other one has variants or series of that model; validation and collection use this one rule.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple

from penstock.domain.observations import PodMetrics, Target
from penstock.domain.readings import Known, Reading, Stale
from penstock.domain.variants import ObjectKey, Variant

_NAMESPACE: Final = attrgetter("namespace")
_POD: Final = attrgetter("pod")
_MODEL: Final = attrgetter("model")
_SCOPE: Final = attrgetter("namespace", "model")


class _Rows(NamedTuple):
    """Rows by a name: one of each name, and all of those names that have `several`.

    Ten thousand tuples of one row each would wake the garbage collector, which costs more than to make them.
    """

    one: Mapping[str, PodMetrics]
    several: Mapping[str, tuple[PodMetrics, ...]]

    def of(self, name: str) -> tuple[PodMetrics, ...]:
        """Return the rows of a name, in their order."""
        found = self.several.get(name)
        if found is not None:
            return found
        row = self.one.get(name)
        return () if row is None else (row,)


_NO_ROWS: Final = _Rows(MappingProxyType({}), MappingProxyType({}))


class Joined(NamedTuple):
    """A variant's rows, and the other model names that its own pods report.

    Each row speaks for so many `replicas`: a part, where rows are shared. `apart`: each is of a pod of its own.
    """

    rows: tuple[PodMetrics, ...] = ()
    other_models: tuple[str, ...] = ()
    replicas: float = 1.0
    apart: bool = False


@dataclass(frozen=True, slots=True)
class _Index:
    """Rows by namespace and pod and, without a pod label, by namespace and model; replicas by (namespace, model).

    `bare` are the (namespace, model) for which rows without a namespace label stand in.
    """

    by_pod: Mapping[str, _Rows]
    podless: Mapping[str, _Rows]
    replicas: Mapping[tuple[str, str], int]
    bare: frozenset[tuple[str, str]]


def join(
    variants: Iterable[Variant], targets: Mapping[ObjectKey, Target], rows: Iterable[PodMetrics]
) -> dict[ObjectKey, Joined]:
    """Return what belongs to each variant; every variant has an entry."""
    variants, rows = tuple(variants), tuple(rows)
    index = _index(variants, targets, rows)
    return {variant.key: _joined(variant, targets.get(variant.key), index) for variant in variants}


def _index(variants: tuple[Variant, ...], targets: Mapping[ObjectKey, Target], rows: tuple[PodMetrics, ...]) -> _Index:
    inside: dict[str, list[PodMetrics]] = defaultdict(list)
    for namespace, found in groupby(rows, _NAMESPACE):
        inside[namespace].extend(found)
    by_pod = {namespace: _by_name(found, _POD) for namespace, found in inside.items()}
    podless = {namespace: _by_name(pods.of(""), _MODEL) for namespace, pods in by_pod.items() if "" in pods.one}
    replicas: dict[tuple[str, str], int] = defaultdict(int)
    for variant in variants:
        replicas[variant.key.namespace, variant.model] += _weight(targets.get(variant.key))
    return _Index(by_pod, podless, replicas, _bare(set(replicas), rows) if "" in inside else frozenset())


def _by_name(rows: Sequence[PodMetrics], name: Callable[[PodMetrics], str]) -> _Rows:
    """Return the rows of each name, in their order; nearly always there is one of each."""
    one = dict(zip(map(name, rows), rows, strict=True))
    if len(one) == len(rows):
        return _Rows(one, {})
    found: dict[str, list[PodMetrics]] = defaultdict(list)
    for row in rows:
        found[name(row)].append(row)
    return _Rows(one, {name: tuple(those) for name, those in found.items() if len(those) > 1})


def _bare(wanted: set[tuple[str, str]], rows: Iterable[PodMetrics]) -> frozenset[tuple[str, str]]:
    """Return for which of the wanted no row has their namespace, and no other namespace wants or has their model."""
    labelled = {scope for scope in map(_SCOPE, rows) if scope[0]}
    namespaces = Counter(model for _, model in labelled | wanted)
    return frozenset(scope for scope in wanted - labelled if namespaces[scope[1]] == 1)


def _weight(target: Target | None) -> int:
    """Return how many replicas may stand behind a row without a pod label."""
    return 0 if target is None else target.ready or target.current or 0


def _joined(variant: Variant, target: Target | None, index: _Index) -> Joined:
    if target is None:
        return Joined()
    for label in _namespace_labels(variant, index):
        found = index.by_pod.get(label, _NO_ROWS)
        if own := _by_pod(variant, target, found):
            return Joined(own, apart=not found.several)
        if shared := _shared(variant, target, label, index):
            return shared
    return Joined(other_models=_other_models(variant, target, index))


def _namespace_labels(variant: Variant, index: _Index) -> tuple[str, ...]:
    """Return the values of the namespace label under which the variant's series may be found, best first."""
    namespace = variant.key.namespace
    return (namespace, "") if (namespace, variant.model) in index.bare else (namespace,)


def _by_pod(variant: Variant, target: Target, found: _Rows) -> tuple[PodMetrics, ...]:
    pods, model = sorted(target.pods), variant.model
    if not found.several:
        return tuple([row for row in map(found.one.get, pods) if row is not None and row.model == model])
    return tuple([row for row in chain.from_iterable(map(found.of, pods)) if row.model == model])


def _shared(variant: Variant, target: Target, label: str, index: _Index) -> Joined | None:
    replicas, rows = _weight(target), index.podless.get(label, _NO_ROWS).of(variant.model)
    if not replicas or not rows:
        return None
    share = replicas / index.replicas[variant.key.namespace, variant.model]
    return Joined(tuple([_part(row, share) for row in rows]), replicas=replicas / len(rows))


def _part(row: PodMetrics, share: float) -> PodMetrics:
    """Return a share of what adds up over pods; means and ratios stay as they are."""
    return replace(
        row,
        running=_scaled(row.running, share),
        waiting=_scaled(row.waiting, share),
        completed_per_s=_scaled(row.completed_per_s, share),
        backlog_growth_per_s=_scaled(row.backlog_growth_per_s, share),
    )


def _scaled(number: Reading, share: float) -> Reading:
    if isinstance(number, Known):
        return Known(number.value * share, number.at_s)
    return Stale(number.last * share, number.at_s) if isinstance(number, Stale) else number


def _other_models(variant: Variant, target: Target, index: _Index) -> tuple[str, ...]:
    rows = (
        row
        for label in (variant.key.namespace, "")
        for pod in target.pods
        for row in index.by_pod.get(label, _NO_ROWS).of(pod)
    )
    return tuple(sorted({row.model for row in rows if row.model and row.model != variant.model}))
