"""tail: the bus in words or as JSON lines, states that lapse, and what confirms told together.

A state that is only repeated so that it does not lapse is not shown again in words; --json shows it every time, and
every confirmation.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from acquire.bus.client import Connection, Received
from acquire.bus.presence import Watch
from acquire.terminal.messages import body_of, clock, clocks_apart, lapsed, readable
from acquire.terminal.output import emit_line, say, tell
from acquire.terminal.watching import FOLDED, Filter, Folded, kind_of

LOOK_EVERY_S = 1.0
CLOCKS_APART_S = 60.0
REPEATED = ("valid_until", "emitted")  # what changes although nothing happened


class Tail:
    """What one `acquire tail` has shown."""

    def __init__(
        self, *, as_json: bool, watch: Watch | None = None, only: Filter | None = None, folded: Folded | None = None
    ) -> None:
        self._as_json = as_json
        self._watch = watch or Watch()
        self._only = only or Filter()
        self._folded = folded or Folded()
        self._shown: dict[str, dict[str, Any]] = {}
        self._lapsed: set[str] = set()
        self._apart: set[str] = set()
        self._count = 0

    async def watch(self, connection: Connection, count: int) -> None:
        """Show messages until `count` of them were shown; 0 goes on. Raises BusError when the connection is lost."""
        looking = asyncio.create_task(self._look())
        try:
            async for message in connection.messages():
                self.take(message)
                if 0 < count <= self._count:
                    return
        finally:
            self._unfold(all_=True)
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def take(self, message: Received) -> None:
        """Show one message."""
        body = body_of(message.payload)
        if not self._only.lets(message.topic, body):
            return
        is_state = isinstance(body, dict) and body.get("schema") == "state/1" and self._hear(message)
        if is_state and self._watch.has_lapsed(message.topic):
            self._show_lapsed(message.topic, body)
        elif is_state:
            self._lapsed.discard(message.topic)
            self._show_state(message.topic, body)
        elif not self._as_json and kind_of(body) in FOLDED and kind_of(body) not in self._only.kinds:
            self._folded.add(message.topic, body)
            self._unfold()
        else:
            self._show(message.topic, body)

    def _unfold(self, *, all_: bool = False) -> None:
        for topic, body, times in self._folded.due(all_=all_):
            self._show(topic, body, f" ({times} times)" if times > 1 else "")

    def look(self) -> None:
        """Show the states that have lapsed meanwhile, and confirmations that waited."""
        self._unfold()
        for topic in self._watch.lapsed():
            if topic not in self._lapsed:
                self._show_lapsed(topic, self._shown.get(topic, {}))

    def _hear(self, message: Received) -> bool:
        try:
            self._watch.hear(message)
        except ValidationError:
            return False
        ahead_s = self._watch.clock_ahead_s(message.topic)
        if ahead_s is not None and abs(ahead_s) > CLOCKS_APART_S and message.topic not in self._apart:
            self._apart.add(message.topic)
            say(clocks_apart(message.topic, ahead_s))
        return True

    def _show_state(self, topic: str, body: dict[str, Any]) -> None:
        known = self._shown.get(topic)
        self._shown[topic] = body
        if self._as_json or known is None or _content(known) != _content(body):
            self._show(topic, body)

    def _show_lapsed(self, topic: str, body: dict[str, Any]) -> None:
        self._lapsed.add(topic)
        self._shown.pop(topic, None)  # when it comes again it is news
        known = self._watch.known(topic)
        assert known is not None
        self._count += 1
        if self._as_json:
            emit_line({"topic": topic, "message": body, "nothing_known_since": known.since})
        else:
            tell(f"{clock(None, _now())}  {lapsed(topic, known.state, known.since)}")

    def _show(self, topic: str, body: Any, more: str = "") -> None:
        self._count += 1
        if self._as_json:
            emit_line({"topic": topic, "message": body})
        else:
            for line in readable(topic, body, _now()):
                tell(line + more)


def _now() -> datetime:
    return datetime.now().astimezone()


def _content(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in REPEATED}
