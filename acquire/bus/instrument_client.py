"""Asking instruments to do something, over the bus: the client's side of commands.

A request is asked again under its id until it is answered or the time is up; the broker may come and go meanwhile. It
says when it was sent, how long it is wanted and which run of the daemon it is meant for, so that it acts once or never.
The contract is in docs/bus.md, "Commands".
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from pydantic import ValidationError

from acquire.backoff import to_broker
from acquire.bus.client import BusError, Connection, connect
from acquire.bus.endpoint import Endpoint
from acquire.bus.messages import NEVER_TOO_LATE, Answer, Command, State
from acquire.bus.names import Topics
from acquire.bus.presence import Watch

AGAIN_S = (1.0, 2.0, 4.0, 8.0)
UNSENT_S = 0.05
STATE_WITHIN_S = 2.0
LONGEST_S = 300.0
_NEVER_TOO_LATE = tuple(f"/command/{name}" for name in NEVER_TOO_LATE)


class NotDone(Exception):
    """The instrument refused, or did not answer in time: one plain sentence."""


class InstrumentClient:
    """Sends commands and waits for their answers. Made by `instrument_client`."""

    def __init__(self, topics: Topics, client: str, by: str, timeout_s: float) -> None:
        self._topics = topics
        self._client = client
        self._reply_to = topics.reply(client)
        self._by = by
        self._timeout_s = timeout_s
        self._connection: Connection | None = None
        self._connected = asyncio.Event()
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._wanted: set[str] = set()  # instruments whose state is listened to
        self._watch = Watch()
        self._state_heard = asyncio.Event()

    async def command(self, instrument: str, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Ask; returns the result. Raises NotDone."""
        answer = await self.ask(instrument, name, parameters)
        if not answer.ok:
            raise NotDone(answer.error or f"{instrument} refused to {name}.")
        return answer.result

    async def ask(self, instrument: str, name: str, parameters: Mapping[str, Any]) -> Answer:
        """Ask; returns the answer, also a refusal.

        Raises NotDone when none came, and without asking where nobody has been there for longer than a state holds.
        """
        asked = await self._request(instrument, parameters)
        if await self.has_lapsed(instrument):
            raise NotDone(f"{self._lapsed(instrument)} Nothing was asked.")
        return await self._ask(instrument, name, asked, self._timeout_s)

    async def _ask(self, instrument: str, name: str, asked: Command, within_s: float) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[str(asked.id)] = future
        try:
            async with asyncio.timeout(within_s):
                return await self._until_answered(self._topics.command(instrument, name), asked, future)
        except TimeoutError as error:
            raise NotDone(self._no_answer(instrument, name)) from error
        finally:
            del self._waiting[str(asked.id)]

    async def state(self, instrument: str) -> State | None:
        """What the instrument last said of itself; None where nothing of that name is known to the broker.

        Whether somebody is still there to say so: `has_lapsed`.
        """
        topic = self._topics.state(instrument)
        with suppress(TimeoutError, BusError):
            async with asyncio.timeout(min(STATE_WITHIN_S, self._timeout_s)):
                await self._connected.wait()
                if instrument not in self._wanted and self._connection is not None:
                    self._wanted.add(instrument)
                    await self._connection.subscribe(topic)
                while self._watch.known(topic) is None:
                    self._state_heard.clear()
                    await self._state_heard.wait()
        known = self._watch.known(topic)
        return known.state if known is not None else None

    async def has_lapsed(self, instrument: str) -> bool:
        """Whether the state holds no longer and nobody is there: two clocks apart are no proof, so it is asked.

        Who is there refuses a request of another run at once and does nothing (docs/commands.md, "Once or never").
        """
        if not self._watch.has_lapsed(self._topics.state(instrument)):
            return False
        asked = self._command(uuid4(), {})
        try:
            await self._ask(instrument, "look", asked, min(STATE_WITHIN_S, self._timeout_s))
        except NotDone:
            return True
        return False

    def known_since(self, instrument: str) -> str | None:
        """The moment a state held until, by the clock of who said it."""
        known = self._watch.known(self._topics.state(instrument))
        return known.since if known is not None else None

    async def _request(self, instrument: str, parameters: Mapping[str, Any]) -> Command:
        state = await self.state(instrument)
        return self._command(state.run if state else None, parameters)

    def _command(self, run: UUID | None, parameters: Mapping[str, Any]) -> Command:
        return Command(
            id=uuid4(), by=self._by, reply_to=self._reply_to, sent=datetime.now(UTC),
            valid_s=min(self._timeout_s, LONGEST_S), run=run, parameters=dict(parameters),
        )  # fmt: skip

    async def _until_answered(self, topic: str, asked: Command, future: asyncio.Future[Answer]) -> Answer:
        payload = asked.model_dump_json(by_alias=True, exclude_none=True).encode()
        for n in count():
            await self._connected.wait()
            connection = self._connection
            with suppress(BusError, TimeoutError):
                if connection is not None:
                    await self._publish(connection, topic, payload, asked)
                async with asyncio.timeout(AGAIN_S[min(n, len(AGAIN_S) - 1)]):
                    return await asyncio.shield(future)
            # A publish on a connection just lost fails at once, before anybody could see that it is: without a pause
            # nobody ever would.
            await asyncio.sleep(UNSENT_S)
        raise AssertionError("unreachable: counting does not end")

    async def _publish(self, connection: Connection, topic: str, payload: bytes, asked: Command) -> None:
        await connection.publish(
            topic,
            payload,
            response_topic=self._reply_to,
            correlation=asked.id.bytes,
            expires_s=None if topic.endswith(_NEVER_TOO_LATE) else math.ceil(asked.valid_s),
        )

    def _no_answer(self, instrument: str, name: str) -> str:
        known = self._watch.known(self._topics.state(instrument))
        state = known.state if known is not None else None
        if not self._connected.is_set():
            why = "the broker was lost."
        elif self._watch.has_lapsed(self._topics.state(instrument)):
            why = self._lapsed(instrument)
        elif state is None:
            why = f"nothing is known of {instrument} on this broker; is `acquire run` up, and the name right?"
        else:
            why = f"it is {state.state}{': ' + state.why if state.why else '.'}"
        return (
            f"{instrument} did not answer to {name} within {self._timeout_s:g} s: {why} It may have been done or not."
        )

    def _lapsed(self, instrument: str) -> str:
        known = self._watch.known(self._topics.state(instrument))
        assert known is not None
        return (
            f"Nothing is known of {instrument} since {known.since}, it was {known.state.state} then;"
            " is `acquire run` up?"
        )

    # --- the connection ---------------------------------------------------------------------------------------------

    async def run(self, endpoint: Endpoint, connected: asyncio.Future[None]) -> None:
        """Until cancelled. An error of the first connection is set on `connected`; later ones are made again."""
        again = to_broker()
        while True:
            try:
                async with connect(endpoint, self._client) as connection:
                    again.worked()
                    await connection.subscribe(self._reply_to)
                    for instrument in self._wanted:
                        await connection.subscribe(self._topics.state(instrument))
                    self._connection = connection
                    self._connected.set()
                    if not connected.done():
                        connected.set_result(None)
                    await self._listen(connection)
            except BusError as error:
                if not connected.done():
                    connected.set_exception(error)
                    return
            finally:
                self._connection = None
                self._connected.clear()
            await asyncio.sleep(again.next_s())

    async def _listen(self, connection: Connection) -> None:
        async for message in connection.messages():
            with suppress(ValidationError):
                if message.topic == self._reply_to:
                    self._take_answer(Answer.model_validate_json(message.payload))
                elif message.topic.endswith("/state"):
                    self._watch.hear(message)
                    self._state_heard.set()

    def _take_answer(self, answer: Answer) -> None:
        future = self._waiting.get(str(answer.id))
        if future is not None and not future.done():
            future.set_result(answer)


@asynccontextmanager
async def instrument_client(
    endpoint: Endpoint, topics: Topics, by: str, *, timeout_s: float = 120
) -> AsyncIterator[InstrumentClient]:
    """A client over its own connection. Raises BusError when the broker cannot be had."""
    made = InstrumentClient(topics, f"client-{uuid4().hex[:12]}", by, timeout_s)
    connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(made.run(endpoint, connected), name="instrument-client")
    try:
        await connected
        yield made
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
