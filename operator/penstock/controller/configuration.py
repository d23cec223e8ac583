"""ConfigMaps, read by name before each pass: entries as a catalogue, texts as settings, and what is wrong."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.api.configmaps import read_catalogue, read_settings
from penstock.api.kinds import CONFIGMAPS
from penstock.api.names import (
    LABEL_CONFIG_ENABLED,
    SETTINGS_CONFIGMAP,
    WVA_SATURATION,
    WVA_SCALE_TO_ZERO,
    WVA_SERVICE_CLASSES,
    WVA_SETTINGS_2025,
    WVA_SETTINGS_2026,
    WVA_UNIT_COSTS,
)
from penstock.controller.about import about
from penstock.controller.ports import Configure, Objects, Settings
from penstock.domain.catalogue import Catalogue, ConfigProblem
from penstock.domain.errors import InvalidField, Refused, Unreachable, shown
from penstock.domain.variants import ObjectKey
from penstock.scaling.config import named
from penstock.settings.unread import unread

log = logging.getLogger("penstock.controller")

LOCAL: Final = (WVA_SATURATION, WVA_SCALE_TO_ZERO)
SHARED: Final = (WVA_SETTINGS_2025, WVA_SETTINGS_2026, WVA_UNIT_COSTS, WVA_SERVICE_CLASSES, *LOCAL)


@dataclass(slots=True)
class Configuration:
    """What holds now. A bad text or entry keeps its last good value; an outage of the API server keeps everything.

    `get`s by name need no right to list or watch the ConfigMaps of others.
    """

    objects: Objects
    configure: Configure
    operator_namespace: str
    settings: Settings = field(init=False)
    catalogue: Catalogue = field(default_factory=Catalogue)
    problems: tuple[ConfigProblem, ...] = ()
    _texts: dict[str, str] = field(default_factory=dict)
    _strangers: frozenset[tuple[str, str, str]] = frozenset()

    def __post_init__(self) -> None:
        """Start from flags and environment alone; a bad one of these stops the start."""
        self.settings = self.configure({})

    async def refresh(self, namespaces: Iterable[Mapping[str, Any]]) -> bool:
        """Read everything anew and return whether that could be done; `namespaces` are Namespace objects."""
        namespaces = tuple(namespaces)
        try:
            bodies, wrong = await self._settle(namespaces)
        except (Refused, Unreachable) as error:
            log.warning("ConfigMaps could not be read; what they said before holds", extra={"error": str(error)})
            return False
        self.catalogue = read_catalogue(
            bodies,
            operator_namespace=self.operator_namespace,
            wva_namespace=self.settings.wva_namespace,
            namespaces=namespaces,
            previous=self.catalogue,
        )
        self._tell_of_analyzers()
        await self._report((*self.catalogue.problems, *wrong, *self._unread(bodies)), bodies)
        return True

    async def _settle(
        self, namespaces: tuple[Mapping[str, Any], ...]
    ) -> tuple[list[Mapping[str, Any]], tuple[ConfigProblem, ...]]:
        """Read and settle; return what was read, and what was bad of it.

        Our own ConfigMap comes first and alone, since it says where WVA's are; nothing holds before all is read, so
        that a place which cannot be looked into hides neither a mended text nor what held before.
        """
        found = await self.objects.get(CONFIGMAPS, ObjectKey(self.operator_namespace, SETTINGS_CONFIGMAP))
        own = [] if found is None else [found]
        place = self._place(own)
        bodies = [*own, *await self._read(namespaces, place)]
        return bodies, self._resettle(bodies, place)

    def _place(self, own: list[Mapping[str, Any]]) -> str:
        """Return where WVA's ConfigMaps are; a text that can be no place leaves the last one."""
        try:
            return self.configure.wva_namespace(read_settings(own, operator_namespace=self.operator_namespace))
        except InvalidField:
            return self.settings.wva_namespace

    async def _read(self, namespaces: tuple[Mapping[str, Any], ...], wva_namespace: str) -> list[Mapping[str, Any]]:
        labelled = [
            str(body["metadata"]["name"])
            for body in namespaces
            if (body["metadata"].get("labels") or {}).get(LABEL_CONFIG_ENABLED) == "true"
        ]
        keys = {ObjectKey(place, name) for place in (self.operator_namespace, wva_namespace) for name in SHARED}
        keys |= {ObjectKey(place, name) for place in labelled for name in LOCAL}
        found = await asyncio.gather(*(self.objects.get(CONFIGMAPS, key) for key in sorted(keys)))
        return [body for body in found if body is not None]

    def _tell_of_analyzers(self) -> None:
        """Say once of each model which analyser is asked for that is not here: saturation-v1 counts instead."""
        asked = frozenset(
            (scope.namespace, scope.model, thresholds.analyzer)
            for scope, thresholds in self.catalogue.saturation.items()
            if thresholds.analyzer and named(thresholds.analyzer) is None
        )
        for namespace, model, name in sorted(asked - self._strangers):
            facts = {"analyzer": name, "namespace": namespace or "all", "model": model or "all"}
            log.warning("This version has no such analyzer; saturation-v1 is used", extra=facts)
        self._strangers = asked

    def _resettle(self, bodies: list[Mapping[str, Any]], wva_namespace: str) -> tuple[ConfigProblem, ...]:
        """Settle for the texts of now, each bad one replaced by its last good value; return what was bad."""
        texts = read_settings(bodies, operator_namespace=self.operator_namespace, wva_namespace=wva_namespace)
        problems: list[ConfigProblem] = []
        while True:
            try:
                self.settings = self.configure(texts)
            except InvalidField as error:
                problems.append(self._problem(error))
                if error.field not in texts:
                    return tuple(problems)
                bad = texts.pop(error.field)
                if self._texts.get(error.field, bad) != bad:
                    texts[error.field] = self._texts[error.field]
            else:
                self._texts = texts
                return tuple(problems)

    def _unread(self, bodies: list[Mapping[str, Any]]) -> tuple[ConfigProblem, ...]:
        home, wva = self.operator_namespace, self.settings.wva_namespace
        return unread(bodies, operator_namespace=home, wva_namespace=wva)

    def _problem(self, error: InvalidField) -> ConfigProblem:
        where = str(ObjectKey(self.operator_namespace, SETTINGS_CONFIGMAP))
        return ConfigProblem(
            configmap=where, key=error.field, field=error.field, value=shown(error.value), remedy=error.remedy
        )

    async def _report(self, problems: tuple[ConfigProblem, ...], bodies: list[Mapping[str, Any]]) -> None:
        """Post one event per problem that was not there before."""
        fresh = [problem for problem in problems if problem not in self.problems]
        self.problems = problems
        abouts = {
            f"{body['metadata']['namespace']}/{body['metadata']['name']}": about(CONFIGMAPS, body) for body in bodies
        }
        for problem in fresh:
            message = f"{problem.key}: {problem.field}={problem.value}: {problem.remedy}"
            log.warning("Config entry not used", extra={"configmap": problem.configmap, "problem": message})
            if problem.configmap in abouts:
                await self._event(abouts[problem.configmap], message)

    async def _event(self, whom: Mapping[str, Any], message: str) -> None:
        try:
            await self.objects.event(whom, "Warning", "InvalidConfigEntry", message)
        except (Refused, Unreachable) as error:
            log.warning("Event not posted", extra={"error": str(error)})
