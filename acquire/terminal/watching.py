"""Which messages of the bus somebody wants to see, and those that are told together: confirmations repeat what was
shown already, so that they are one line a topic in ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from acquire.bus.names import instrument_of


class Kind(StrEnum):
    """What is said on the bus, as the schema of a message names it."""

    READINGS = "readings"
    STATE = "state"
    EVENT = "event"
    COMMAND = "command"
    ANSWER = "answer"
    ANCHOR = "anchor"
    COMMITTED = "committed"
    BATCH = "batch"
    BATCH_COMMITTED = "batch-committed"


FOLDED = frozenset({Kind.COMMITTED, Kind.BATCH, Kind.BATCH_COMMITTED})
EVERY_S = 10.0


def kind_of(body: Any) -> str:
    """The kind of a message: `readings` of readings/1; an empty text for what is none of the contract."""
    return str(body.get("schema", "")).partition("/")[0] if isinstance(body, dict) else ""


@dataclass(slots=True)
class Filter:
    """Instruments, kinds and sessions; each left empty lets everything through.

    A session's messages are its events, the markers that name it, and what its instruments say between these.
    """

    instruments: Collection[str] = ()
    kinds: Collection[str] = ()
    sessions: Collection[str] = ()
    _open: set[str] = field(default_factory=set)

    def lets(self, topic: str, body: Any) -> bool:
        """Whether to show a message; to be asked of each, in order."""
        instrument = (instrument_of(topic) or ("", ""))[1]
        of_session = not self.sessions or self._of_session(topic, body)
        of_instrument = not self.instruments or instrument in self.instruments
        return of_session and of_instrument and (not self.kinds or kind_of(body) in self.kinds)

    def _of_session(self, topic: str, body: Any) -> bool:
        if any(f"/sessions/{each}/" in topic for each in self.sessions):
            return True
        if kind_of(body) != "readings":
            return isinstance(body, dict) and _parameters(body).get("session") in self.sessions
        was_open = topic in self._open
        readings = body.get("readings")
        for each in readings if isinstance(readings, list) else ():
            if isinstance(each, dict) and each.get("kind") == "marker":
                begins = each.get("mark") == "begin" and each.get("session") in self.sessions
                was_open = was_open or begins
                (self._open.add if begins else self._open.discard)(topic)
        return was_open


def _parameters(body: dict[str, Any]) -> dict[str, Any]:
    found = body.get("parameters")
    return found if isinstance(found, dict) else {}


class Folded:
    """Messages that are told together, a line each topic: the last of them, and how many there were."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._shown_at: dict[str, float] = {}
        self._waiting: dict[str, tuple[Any, int]] = {}

    def add(self, topic: str, body: Any) -> None:
        """One more."""
        _, count = self._waiting.get(topic, (None, 0))
        self._waiting[topic] = (body, count + 1)

    def due(self, *, all_: bool = False) -> Iterator[tuple[str, Any, int]]:
        """(topic, the last of them, how many) of each topic whose time has come, or of all."""
        now = self._monotonic()
        for topic in list(self._waiting):
            if all_ or now - self._shown_at.get(topic, -EVERY_S) >= EVERY_S:
                self._shown_at[topic] = now
                yield topic, *self._waiting.pop(topic)
