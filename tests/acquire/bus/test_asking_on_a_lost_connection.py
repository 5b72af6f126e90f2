"""A command asked while its connection is being lost: it is asked again on the next one, and nobody is starved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from acquire.bus import instrument_client
from acquire.bus.client import BusError, Received
from acquire.bus.endpoint import Endpoint
from acquire.bus.names import Topics

MOST_TRIES = 1000  # on one connection: by then nobody else has had a turn for good


class Lost:
    """As the client library has a connection that is gone: a publish fails at once, without a turn of the loop."""

    def __init__(self) -> None:
        self.tries = 0
        self.gone = asyncio.Event()

    async def subscribe(self, topic: str) -> None:
        """Still taken."""

    async def publish(self, topic: str, payload: bytes, **more: Any) -> None:
        self.tries += 1
        if self.tries > MOST_TRIES:
            raise AssertionError("it is tried without end, and nobody else has a turn")
        asyncio.get_running_loop().call_soon(self.gone.set)
        raise BusError("Could not publish message")

    async def messages(self) -> AsyncIterator[Received]:
        await self.gone.wait()
        raise BusError("Disconnected during message iteration")
        yield  # an iterator


class Answering:
    """The next connection, at whose other end the instrument answers."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[bytes] = asyncio.Queue()
        self.reply_to = ""

    async def subscribe(self, topic: str) -> None:
        self.reply_to = self.reply_to or topic

    async def publish(self, topic: str, payload: bytes, **more: Any) -> None:
        self.asked.put_nowait(payload)

    async def messages(self) -> AsyncIterator[Received]:
        while True:
            asked = json.loads(await self.asked.get())
            answer = {"id": asked["id"], "ok": True, "result": {"done": "zero"}}
            yield Received(self.reply_to, json.dumps(answer).encode())


async def test_a_publish_that_fails_at_once_starves_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = Lost()
    connections: list[Any] = [lost, Answering()]

    @asynccontextmanager
    async def connect(endpoint: Endpoint, identifier: str) -> AsyncIterator[Any]:
        yield connections.pop(0)

    monkeypatch.setattr(instrument_client, "connect", connect)
    monkeypatch.setattr(instrument_client, "STATE_WITHIN_S", 0.01)
    topics = Topics("clinic")
    async with instrument_client.instrument_client(Endpoint("127.0.0.1", 1), topics, "MP-1", timeout_s=5) as client:
        assert await client.command("electrometer-1", "zero", {}) == {"done": "zero"}
    assert lost.tries <= 2
