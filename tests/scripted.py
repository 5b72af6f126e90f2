"""The other end of a wire in memory: a device that answers each line by a table and remembers what it heard."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from drivers import Instrument, Model, connect
from drivers.transport.memory import MemoryTransport

Answer = Callable[[str], bytes | None]


class Device:
    """answer: request line to reply, None for no reply. once: exact bytes to be sent the next time a line is heard."""

    def __init__(self, wire: MemoryTransport, answer: Answer | Mapping[str, bytes], end: bytes = b"\r\n") -> None:
        self.wire = wire
        self.answer = answer if callable(answer) else answer.get
        self.end = end
        self.heard: list[str] = []
        self.once: dict[str, list[bytes]] = {}
        self._part = b""

    async def run(self) -> None:
        """Answers until cancelled."""
        while True:
            *lines, self._part = re.split(rb"[\r\n]+", self._part + await self.wire.read_some())
            for line in lines:
                await self._hear(line.decode())

    async def _hear(self, line: str) -> None:
        self.heard.append(line)
        if self.once.get(line):
            await self.say(self.once[line].pop(0))
        elif (reply := self.answer(line)) is not None:
            await self.say(reply + self.end)

    async def say(self, data: bytes) -> None:
        """Send exactly these bytes, asked or not."""
        if data:
            await self.wire.write(data)


@asynccontextmanager
async def played(
    model: Model,
    answer: Answer | Mapping[str, bytes],
    *,
    opened: bool = True,
    resource: str = "memory",
    **settings: Any,
) -> AsyncIterator[tuple[Any, Device]]:
    """(a model's instrument, the device it talks to), for tests in virtual time."""
    ours, theirs = MemoryTransport.pair()
    instrument: Instrument = connect(model, resource, {"timeout_s": 0.05} | settings, transport=ours)
    device = Device(theirs, answer)
    running = asyncio.create_task(device.run())
    try:
        if opened:
            await instrument.open()
        yield instrument, device
    finally:
        await instrument.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
