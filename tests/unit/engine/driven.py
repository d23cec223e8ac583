"""Engines driven from one event to the next until nothing is left."""

from penstock.engine.calls import Event
from penstock.engine.model import EngineModel


def drained(engine: EngineModel) -> list[Event]:
    """Return all that happens."""
    events: list[Event] = []
    while (due_s := engine.next_event_s()) is not None:
        events += engine.advance(due_s)
    return events
