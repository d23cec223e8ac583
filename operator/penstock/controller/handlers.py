"""Everything that kopf sees: one silent handler per kind that feeds the caches. Nothing else imports kopf's framework.

No finalizers, annotations or timers: objects of users stay as they are, and a thousand variants cost one
pass and not a thousand tasks.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import kopf

from penstock.api.kinds import Kind
from penstock.api.names import FIELD_MANAGER, POLICY_GROUP
from penstock.controller.world import World

CONNECT_S: Final = 5.0
REQUEST_S: Final = 30.0
PAGE: Final = 500
FIRST_BACKOFFS_S: Final = (0.1, 0.5, 1.0, 2.0)
LAST_BACKOFF_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Shared:
    """What handlers need; the same object in each of them."""

    world: World
    login: Callable[[], Awaitable[kopf.ConnectionInfo]]

    def __copy__(self) -> "Shared":
        return self


class _Backoffs:
    """Waits between attempts, without end: an API server that is away for an hour must not end the operator."""

    def __iter__(self) -> Iterator[float]:
        yield from FIRST_BACKOFFS_S
        while True:
            yield LAST_BACKOFF_S


async def run(shared: Shared, kinds: Iterable[Kind], namespaces: tuple[str, ...], ready: asyncio.Event) -> None:
    """Watch until cancelled. `namespaces` empty: the whole cluster. `ready` is set once kopf has started."""
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    await kopf.operator(
        registry=registry(kinds),
        memo=shared,
        # nobody sees it; without it kopf looks up the user's name, which a container's user id need not have
        identity=FIELD_MANAGER,  # type: ignore[arg-type]  # kopf does not export its Identity, a NewType of str
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        ready_flag=ready,
        settings=_settings(namespaced=bool(namespaces)),
    )


def registry(kinds: Iterable[Kind]) -> kopf.OperatorRegistry:
    """Return the handlers for these kinds."""
    found = kopf.OperatorRegistry()
    kopf.on.login(registry=found)(login)
    for kind in kinds:
        kopf.on.event(kind.group, kind.version, kind.plural, registry=found, id=kind.plural)(happening(kind))
    return found


async def login(*, memo: Shared, **_: Any) -> kopf.ConnectionInfo:
    """Log in as our own client does; asked again when the API server says 401."""
    return await memo.login()


def happening(kind: Kind) -> Callable[..., Awaitable[None]]:
    """Return the handler of one kind."""

    async def happened(*, event: kopf.RawEvent, memo: Any, **_: Any) -> None:
        """Take one change into the caches."""
        memo.world.happened(kind, event["type"], event["object"])

    return happened


def _settings(*, namespaced: bool) -> kopf.OperatorSettings:
    """Bound every wait, never give up, and let nothing of kopf's appear on an object.

    With namespaces given, new CRDs and namespaces are not looked for: that takes rights over the whole cluster.
    """
    settings = kopf.OperatorSettings()
    settings.persistence.finalizer = f"{POLICY_GROUP}/finalizer"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=POLICY_GROUP, v1=False)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=POLICY_GROUP, v1=False)
    settings.process.ultimate_exiting_timeout = None  # our own process knows when it has ended
    settings.posting.enabled = False
    settings.networking.connect_timeout = CONNECT_S
    settings.networking.request_timeout = REQUEST_S
    settings.networking.error_backoffs = _Backoffs()
    settings.watching.chunk_size = PAGE
    settings.scanning.disabled = namespaced
    return settings
