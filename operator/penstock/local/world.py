"""A folder of YAML files as the wished-for state: the same objects as on a cluster, read without one."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from penstock.api.configmaps import read_catalogue, read_settings
from penstock.api.variantautoscaling import parse_variant
from penstock.api.workloadpolicy import WorkloadPolicy, parse_runnable
from penstock.domain.catalogue import Catalogue
from penstock.domain.errors import InvalidField
from penstock.domain.variants import ObjectKey, Variant

NAMESPACE: Final = "default"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineTemplate:
    """What a Deployment says of its engines: the command line, and how many to begin with."""

    key: ObjectKey
    command: tuple[str, ...]
    replicas: int
    max_batch: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that the files say at one moment; no `policy` means the built-in defaults."""

    variants: tuple[Variant, ...]
    engines: Mapping[ObjectKey, EngineTemplate]
    policy: WorkloadPolicy | None
    catalogue: Catalogue
    settings: Mapping[str, str]
    generation: int


def fingerprint(folder: Path) -> str:
    """Return a digest of all YAML files in a folder; it changes when any of them does."""
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_world(folder: Path, *, previous: World | None = None, generation: int = 1) -> World:
    """Read a folder; `generation` numbers its contents as an API server would.

    Raises:
        InvalidField: nothing in it, or an object that cannot be; the field begins with the file's name.
    """
    found = _objects(folder, generation)
    if not found:
        raise InvalidField("-f", str(folder), "name a folder with YAML files, for example examples/local")
    configmaps = [body for _, body in found if body["kind"] == "ConfigMap"]
    templates = _parsed(found, "Deployment", _template)
    policies = sorted(_parsed(found, "WorkloadPolicy", parse_runnable), key=lambda policy: policy.key)
    return World(
        variants=tuple(_parsed(found, "VariantAutoscaling", parse_variant)),
        engines={template.key: template for template in templates},
        policy=policies[0] if policies else None,
        catalogue=read_catalogue(
            configmaps,
            operator_namespace=NAMESPACE,
            wva_namespace=NAMESPACE,
            namespaces=(),
            previous=previous.catalogue if previous else None,
        ),
        settings=read_settings(configmaps, operator_namespace=NAMESPACE, wva_namespace=NAMESPACE),
        generation=generation,
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.y*ml") if path.suffix in {".yaml", ".yml"})


def _objects(folder: Path, generation: int) -> list[tuple[Path, dict[str, Any]]]:
    """Return every object with its file; namespace, uid and generation are given as an API server would."""
    found = []
    for path in _files(folder):
        try:
            bodies = list(yaml.safe_load_all(path.read_text()))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InvalidField(path.name, str(error).replace("\n", " "), "correct the YAML") from error
        found += [(path, _admitted(path, body, generation)) for body in bodies if body is not None]
    return found


def _admitted(path: Path, body: object, generation: int) -> dict[str, Any]:
    if not isinstance(body, dict) or not isinstance(body.get("kind"), str):
        raise InvalidField(f"{path.name}: kind", str(body)[:40], "begin each object with apiVersion and kind")
    given = body.get("metadata")
    meta = given if isinstance(given, dict) else {}
    name = str(meta.get("name", ""))
    stamp = {"namespace": NAMESPACE, "uid": f"local-{name}", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {**body, "metadata": {**stamp, **meta, "generation": generation}}


def _parsed(found: list[tuple[Path, dict[str, Any]]], kind: str, parse: Callable[[dict[str, Any]], _T]) -> list[_T]:
    parsed = []
    for path, body in found:
        if body["kind"] == kind:
            try:
                parsed.append(parse(body))
            except InvalidField as error:
                name = body["metadata"].get("name", "?")
                raise InvalidField(f"{path.name}: {kind} {name}: {error.field}", error.value, error.remedy) from error
    return parsed


def _template(body: dict[str, Any]) -> EngineTemplate:
    """Read the first container of a Deployment; its `command` may name any program that serves the OpenAI API."""
    meta, spec = body["metadata"], body.get("spec") or {}
    try:
        container = spec["template"]["spec"]["containers"][0]
        arguments = [str(word) for word in container.get("args", ())]
        command = [str(word) for word in container.get("command", ())]
    except (KeyError, IndexError, TypeError) as error:
        raise InvalidField("spec.template.spec.containers[0]", None, "give the engine's command and args") from error
    return EngineTemplate(
        key=ObjectKey(meta["namespace"], meta["name"]),
        command=(*command, *arguments),
        replicas=int(spec.get("replicas", 1)),
        max_batch=_max_batch(arguments),
    )


def _max_batch(arguments: list[str]) -> int | None:
    """Return the engine's own batch limit, if its command line names one."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, _, value = word.partition("=")
        if name == "--max-num-seqs" and (value or following).isdigit():
            return int(value or following)
    return None
