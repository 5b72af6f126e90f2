"""A wire in memory between a driver's transport and its simulator, on which replies are mutated on their way."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from drivers import LinkDown
from fuzz.reply_mutations import mutated
from simulators.ports import PortUser

REMEMBERED = 60  # replies that may come in the place of another one


class BadWire:
    """Both ends: the simulator's port (simulators.ports.Port) and, as `transport`, the host's (drivers.Transport).

    share: of the replies, how many are mutated from now on; mutated: how many were, `last` the last of them.
    """

    resource = "memory"

    def __init__(self, r: random.Random) -> None:
        self.share = 0.0
        self.mutated = 0
        self.last = b""
        self.transport = _HostEnd(self)
        self._random = r
        self._replies: deque[bytes] = deque(maxlen=REMEMBERED)
        self.user: PortUser | None = None

    async def open(self, user: PortUser) -> None:
        self.user = user

    async def send(self, data: bytes) -> bool:
        if data:
            self._replies.append(data)
            self.transport.give(self._on_its_way(data))
        return True

    async def vanish(self) -> None:
        self.transport.give(None)

    async def come_back(self) -> None:
        return

    def set_busy(self, busy: bool) -> None:
        return

    async def close(self) -> None:
        await self.vanish()

    def _on_its_way(self, data: bytes) -> bytes:
        if self._random.random() >= self.share:
            return data
        damaged = mutated(self._random, data, self._replies)
        if damaged != data:
            self.mutated += 1
            self.last = damaged
        return damaged


class _HostEnd:
    def __init__(self, wire: BadWire) -> None:
        self._wire = wire
        self._received: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._plugged = False

    def give(self, data: bytes | None) -> None:
        """Bytes that arrive; None: the other end is gone."""
        if self._plugged and data != b"":
            self._received.put_nowait(data)

    async def open(self) -> None:
        self._received = asyncio.Queue()
        self._plugged = True
        assert self._wire.user is not None
        self._wire.user.on_open()

    async def write(self, data: bytes) -> None:
        assert self._wire.user is not None
        asyncio.get_running_loop().call_soon(self._wire.user.on_bytes, data)

    async def read_some(self) -> bytes:
        data = await self._received.get()
        if data is None:
            raise LinkDown("The port is gone.")
        return data

    async def close(self) -> None:
        if self._plugged and self._wire.user is not None:
            self.give(None)
            self._plugged = False
            self._wire.user.on_close()
