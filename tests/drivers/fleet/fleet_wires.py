"""Four wires in memory between a driver's transport and a simulator's port: perfect, byte by byte, lossy, delayed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from drivers import LinkDown
from simulators.ports import PortUser

CHARACTER_S = 0.001  # ten bits at 9600 baud
TURN_S = 1e-6


@dataclass(frozen=True, slots=True)
class Kind:
    """piece: bytes that travel together; delay_s: at most, drawn for each; loss: share of messages that are damaged."""

    name: str
    piece: int | None = None
    delay_s: float = 0.0
    loss: float = 0.0


WIRES = (Kind("perfect"), Kind("byte-by-byte", piece=1), Kind("lossy", loss=0.06), Kind("delayed", delay_s=0.15))


class Way:
    """One direction. What is carried arrives in order, with the number of the operation it was sent in."""

    def __init__(self, kind: Kind, seed: str, arrive: Callable[[bytes, int], None]) -> None:
        self.kind = kind
        self.loses = False
        self._random = random.Random(seed)
        self._arrive = arrive
        self._last_at = 0.0
        self._connection = 0

    def carry(self, data: bytes, operation: int = 0) -> None:
        loop = asyncio.get_running_loop()
        for piece in self._pieces(self._damaged(data)):
            if self.kind.piece is None and not self.kind.delay_s:
                loop.call_soon(self._arrived, self._connection, piece, operation)
                continue
            travels_s = CHARACTER_S if self.kind.piece else self._random.uniform(0.3, 1) * self.kind.delay_s
            self._last_at = max(loop.time() + travels_s, self._last_at + (travels_s if self.kind.piece else TURN_S))
            loop.call_at(self._last_at, self._arrived, self._connection, piece, operation)

    def cut(self) -> None:
        """What is on the way never arrives."""
        self._connection += 1

    def _arrived(self, connection: int, piece: bytes, operation: int) -> None:
        if connection == self._connection:
            self._arrive(piece, operation)

    def _damaged(self, data: bytes) -> bytes:
        """All of a message lost, its head or its tail: never a piece out of its middle, which no text form notices."""
        if not self.loses or len(data) < 2 or self._random.random() >= self.kind.loss:
            return data
        at = self._random.randrange(1, len(data) + 1)
        return self._random.choice([b"", data[:at], data[at:]])

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        size = self.kind.piece or max(1, len(data))
        for start in range(0, len(data), size):
            yield data[start : start + size]


class Cable:
    """A wire of a kind with its two ends: `port` for the simulator's link, `transport` for the driver."""

    def __init__(self, kind: Kind, seed: str, operation: Callable[[], int], arriving: Callable[[int], None]) -> None:
        self.port, self.transport = MemoryPort(self), PortTransport(self)
        self.operation = operation
        self.arriving = arriving
        self.plugged = False
        whole = replace(kind, piece=None)  # how requests are cut is the simulators' own test
        self.to_instrument = Way(whole, f"{seed}/asked", self._asked)
        self.to_host = Way(kind, f"{seed}/said", lambda data, _: self.transport.received.put_nowait(data))

    def lose(self, loses: bool) -> None:
        """Whether a wire that loses does so now."""
        self.to_instrument.loses = self.to_host.loses = loses and self.to_host.kind.loss > 0

    def unplug(self) -> None:
        """The client has gone, or the port."""
        if self.plugged:
            self.plugged = False
            self.to_instrument.cut()
            self.to_host.cut()
            if self.port.user is not None:
                asyncio.get_running_loop().call_soon(self.port.user.on_close)

    def _asked(self, data: bytes, operation: int) -> None:
        if self.port.user is not None:
            self.arriving(operation)
            self.port.user.on_bytes(data)


class MemoryPort:
    """The instrument's end (simulators.ports.Port)."""

    resource = "memory"

    def __init__(self, cable: Cable) -> None:
        self._cable = cable
        self.user: PortUser | None = None
        self.away = self.busy = False

    async def open(self, user: PortUser) -> None:
        self.user = user

    async def send(self, data: bytes) -> bool:
        if self._cable.plugged and data:
            self._cable.to_host.carry(data)
        return self._cable.plugged

    async def vanish(self) -> None:
        self.away = True
        if self._cable.plugged:
            self._cable.transport.received.put_nowait(None)
        self._cable.unplug()

    async def come_back(self) -> None:
        self.away = False

    def set_busy(self, busy: bool) -> None:
        self.busy = busy

    async def close(self) -> None:
        await self.vanish()


class PortTransport:
    """The host's end (drivers.Transport)."""

    def __init__(self, cable: Cable) -> None:
        self._cable = cable
        self.received: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def open(self) -> None:
        if self._cable.port.away or self._cable.port.busy:
            raise LinkDown("The port cannot be opened: it is away, or another program holds it.")
        self.received = asyncio.Queue()
        self._cable.plugged = True
        if self._cable.port.user is not None:
            self._cable.port.user.on_open()

    async def write(self, data: bytes) -> None:
        if not self._cable.plugged:
            raise LinkDown("The port is gone.")
        self._cable.to_instrument.carry(data, self._cable.operation())

    async def read_some(self) -> bytes:
        data = await self.received.get()
        if data is None:
            self.received.put_nowait(None)
            raise LinkDown("The port is gone.")
        return data

    async def close(self) -> None:
        self.received.put_nowait(None)
        self._cable.unplug()
