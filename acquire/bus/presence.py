"""Retained states lapse: who is there says so again and again, and what nobody repeats is not believed for ever.

After a power cut of host and broker together there is no last will, and the broker comes back with "ready" retained and
nobody there. So a state says until when it holds (`valid_until`, the host's clock), is repeated three times as often,
and is published with that expiry where the broker speaks MQTT 5. "stopped" and "offline" do not lapse: they stay true.

The clocks of two machines may be apart, and a live service must not be called dead because of that. What comes live, or
with the rest of its expiry (MQTT 5, 3.3.2.3.3: the broker subtracts the time it waited), holds for a span of time from
then on; only a retained state without expiry is held against the clock, corrected by what was seen live before.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from acquire.bus.client import BusError, Connection, Received, Will
from acquire.bus.messages import State
from acquire.canonical import utc_now
from acquire.strict_numbers import moment

REFRESH_S = 20.0
VALID_S = 3 * REFRESH_S
FAREWELL_S = 1.0
LASTING = ("stopped", "offline")


UNKNOWN = "unknown"


def offline() -> State:
    """The will of a connection that is made now: it may be said much later, so it does not say since when."""
    why = f"The connection it made at {utc_now()} was lost; when, nobody was there to say."
    return State(state="offline", since=UNKNOWN, why=why)


def at_rest(state: State) -> State:
    """The last word of who goes orderly: "stopped", and no command is taken."""
    if state.state != "stopped":
        state = state.model_copy(update={"state": "stopped", "since": utc_now(), "why": None})
    return without_commands(state)


def without_commands(state: State) -> State:
    """The same state with every command `now` false: nobody would carry it out."""
    return state.model_copy(update={"commands": [c.model_copy(update={"now": False}) for c in state.commands]})


@dataclass(slots=True)
class Presence:
    """Tells one retained state on one connection, whose last will falls to "offline"."""

    topic: str
    state: Callable[[], State]
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def will(self) -> Will:
        """The last will of the connection about to be made."""
        return Will(self.topic, _payload(offline()))

    async def keep_told(self, connection: Connection) -> None:
        """Say it now, at every change and every REFRESH_S, until cancelled. Raises BusError."""
        while True:
            self.changed.clear()
            await self._say(connection, self.state())
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await self.changed.wait()

    async def farewell(self, connection: Connection) -> None:
        """Say "stopped": an orderly end makes the broker forget the will."""
        with suppress(BusError, TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                await self._say(connection, at_rest(self.state()))

    async def _say(self, connection: Connection, state: State) -> None:
        if state.state in LASTING:
            await connection.publish(self.topic, _payload(state), retain=True)
            return
        until = datetime.now(UTC) + timedelta(seconds=VALID_S)
        lapsing = state.model_copy(update={"valid_until": until.strftime("%Y-%m-%dT%H:%M:%S.%fZ")})
        await connection.publish(self.topic, _payload(lapsing), retain=True, expires_s=math.ceil(VALID_S))


def _payload(state: State) -> bytes:
    return state.model_dump_json(by_alias=True, exclude_none=True).encode()


# --- for those who look on --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """A state as it was heard. `until` is a moment of the monotonic clock, or None for one that does not lapse."""

    state: State
    until: float | None

    @property
    def since(self) -> str:
        """From when on nothing is known, once it has lapsed: what it was valid until, by the clock of who said it."""
        return self.state.valid_until or self.state.since


class Watch:
    """The states of one connection or more, by topic, and which of them have lapsed."""

    def __init__(
        self,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._known: dict[str, Known] = {}
        self._ahead_s: dict[str, float] = {}  # how far the clock of who says it is ahead of ours, seen live

    def hear(self, message: Received) -> Known:
        """Take a state message. Raises pydantic.ValidationError where it is none."""
        state = State.model_validate_json(message.payload)
        known = self._known[message.topic] = Known(state, self._until(state, message))
        return known

    def known(self, topic: str) -> Known | None:
        """The last state heard under this topic."""
        return self._known.get(topic)

    def has_lapsed(self, topic: str) -> bool:
        """Whether a state was heard under this topic and holds no longer."""
        known = self._known.get(topic)
        return known is not None and known.until is not None and known.until <= self._monotonic()

    def lapsed(self) -> list[str]:
        """The topics whose state holds no longer."""
        return [topic for topic in self._known if self.has_lapsed(topic)]

    def clock_ahead_s(self, topic: str) -> float | None:
        """How far the clock of who says this state is ahead of ours; None before one came live."""
        return self._ahead_s.get(topic)

    def _until(self, state: State, message: Received) -> float | None:
        stated = _moment(state.valid_until)
        if stated is None:
            return None
        valid_s = VALID_S if message.expires_s is None else min(float(message.expires_s), VALID_S)
        left_s = (stated - self._clock()).total_seconds()
        if not message.retained:
            self._ahead_s[message.topic] = left_s - valid_s
        elif message.expires_s is None:
            valid_s = min(left_s - self._ahead_s.get(message.topic, 0.0), VALID_S)
        return self._monotonic() + valid_s


def _moment(text: str | None) -> datetime | None:
    """A moment with its time zone; None where there is none to be read."""
    try:
        return moment(text) if text else None
    except ValueError:
        return None
