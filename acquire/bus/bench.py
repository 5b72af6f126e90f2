"""Asking instruments to do something, over the bus: the client's side of commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from acquire.bus.client import BusError, Connection, Endpoint, connect
from acquire.bus.messages import Answer, Command
from acquire.bus.names import Topics


class NotDone(Exception):
    """The instrument refused, or did not answer in time: one plain sentence."""


class BusBench:
    """Sends commands and waits for their answers. Made by `bench`."""

    def __init__(self, connection: Connection, topics: Topics, reply_to: str, by: str, timeout_s: float) -> None:
        self._connection = connection
        self._topics = topics
        self._reply_to = reply_to
        self._by = by
        self._timeout_s = timeout_s
        self._waiting: dict[str, asyncio.Future[Answer]] = {}

    async def command(self, instrument: str, name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Ask; returns the result. Raises NotDone. Asked again under the same id while no answer comes."""
        asked = Command(id=uuid4(), by=self._by, reply_to=self._reply_to, parameters=dict(parameters))
        payload = asked.model_dump_json(by_alias=True).encode()
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[str(asked.id)] = future
        try:
            answer = await self._ask(self._topics.command(instrument, name), payload, future)
        except BusError as error:
            raise NotDone(f"The broker was lost while {instrument} was asked to {name}: {error}.") from error
        finally:
            del self._waiting[str(asked.id)]
        if not answer.ok:
            raise NotDone(answer.error or f"{instrument} refused to {name}.")
        return answer.result

    async def _ask(self, topic: str, payload: bytes, future: asyncio.Future[Answer]) -> Answer:
        patience = min(2.0, self._timeout_s)
        for _ in range(max(1, int(self._timeout_s / patience))):
            await self._connection.publish(topic, payload)
            with suppress(TimeoutError):
                return await asyncio.wait_for(asyncio.shield(future), patience)
        raise NotDone(f"No answer within {self._timeout_s:g} s to a request under {topic}; is `acquire run` up?")

    async def listen(self) -> None:
        """Take answers until cancelled."""
        async for message in self._connection.messages():
            with suppress(ValidationError):
                answer = Answer.model_validate_json(message.payload)
                future = self._waiting.get(str(answer.id))
                if future is not None and not future.done():
                    future.set_result(answer)


@asynccontextmanager
async def bench(endpoint: Endpoint, topics: Topics, by: str, *, timeout_s: float = 120) -> AsyncIterator[BusBench]:
    """A bench over its own connection. Raises BusError when the broker cannot be had."""
    client = f"bench-{uuid4().hex[:12]}"
    reply_to = topics.reply(client)
    async with connect(endpoint, client) as connection:
        await connection.subscribe(reply_to)
        made = BusBench(connection, topics, reply_to, by, timeout_s)
        listener = asyncio.create_task(made.listen(), name="bench-listen")
        try:
            yield made
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError, BusError):
                await listener
