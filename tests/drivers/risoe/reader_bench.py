"""A reader before its simulator, on a clock of its own: what was sent, what came, and a plug to pull."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from loop_clock import LoopClock
from virtual_time import run

from drivers import Instrument, Reading, ReplyTimeout, connect
from drivers.risoe import RISOE_DA_20
from drivers.transport.memory import MemoryTransport
from simulators import MODELS, WireModel
from simulators.faults import parse_fault
from simulators.link import Link
from simulators.ports import PortUser

T = TypeVar("T")
HEAT = {"end_c": 240, "rate": 5.0, "points": 199}
TL = "TL 240 5.00 199 0"
START = ["MD 1", "CA", "LV ON", "TR"]
STAYS_READ_S = 3600


class Socket:
    """The simulator's port (simulators.ports.Port) on the other end of a driver's memory transport."""

    resource = "memory"

    def __init__(self, near: MemoryTransport, far: MemoryTransport) -> None:
        self._near, self._far = near, far
        self._user: PortUser | None = None
        self._task: asyncio.Task[None] | None = None
        self.plugged = True

    async def open(self, user: PortUser) -> None:
        self._user = user
        await self._far.open()
        user.on_open()
        self._task = asyncio.create_task(self._carry(), name="socket")

    async def _carry(self) -> None:
        assert self._user is not None
        while True:
            data = await self._far.read_some()
            if self.plugged:
                self._user.on_bytes(data)

    async def send(self, data: bytes) -> bool:
        if self.plugged:
            await self._far.write(data)
        return self.plugged

    def pull(self) -> None:
        """The plug is out: the driver's end is gone."""
        self.plugged = False
        self._near.cut()

    def put_back(self) -> None:
        self.plugged = True

    async def vanish(self) -> None:
        self.pull()

    async def come_back(self) -> None:
        self.put_back()

    def set_busy(self, busy: bool) -> None:
        """Nobody else is there."""

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


@dataclass
class Bench:
    """it: the driver's instrument; reader: the simulator, whose `received` is every command in order."""

    it: Instrument
    reader: Any
    link: Link
    socket: Socket

    async def started(self, **more: Any) -> None:
        """Opened, initialised, and a sequence begun; commands from before it are forgotten."""
        await self.it.open()
        await self.it.run_command("initialise", {})
        self.reader.received.clear()
        await self.it.run_command("glow-curve", {"positions": [3], "elements": ["A3"], **HEAT, **more})

    async def takes(self, until: Callable[[Reading], bool] = lambda each: each.value is not None) -> list[Reading]:
        """Readings up to the first that is meant, a second between two takes."""
        found: list[Reading] = []
        for _ in range(STAYS_READ_S):
            for reading in await self.it.take():
                found.append(reading)
                if until(reading):
                    return found
            await asyncio.sleep(1)
        raise AssertionError(f"it never came; there was {[each.note for each in found[-3:]]}")

    async def until_sent(self, text: str) -> None:
        """Takes until a command has been sent."""
        for _ in range(STAYS_READ_S):
            if any(each.startswith(text) for each in self.reader.received):
                return
            await self.it.take()
        raise AssertionError(f"{text} was never sent")

    async def take_many(self) -> None:
        """A minute and more of takes: something must end them."""
        for _ in range(60):
            await self.it.take()

    async def settled(self) -> list[Reading]:
        """One take; what comes late from before is answered as a daemon does."""
        try:
            return list(await self.it.take())
        except ReplyTimeout:
            await self.it.recover()
            return []

    async def reopened(self) -> None:
        """As a daemon does: again and again, a reader may be in the middle of something."""
        for _ in range(20):
            try:
                await self.it.open()
            except ReplyTimeout:
                continue
            return
        raise AssertionError("it never answered")

    def arm(self, fault: str) -> None:
        self.link.arm(parse_fault(fault, seed=7))


def on_a_reader(case: Callable[[Bench], Awaitable[T]], *, options: dict[str, Any] | None = None, **settings: Any) -> T:
    """Run a case; at its end everything is closed."""

    async def through() -> T:
        near, far = MemoryTransport.pair()
        simulated = MODELS.get("risoe-da-20")
        assert isinstance(simulated, WireModel)
        reader = simulated.make(LoopClock(), 3, options or {})
        socket = Socket(near, far)
        link = Link(reader, socket)
        await link.start()
        it = connect(RISOE_DA_20, "memory", {"cool_s": 0, **settings}, transport=near)
        try:
            return await case(Bench(it, reader, link, socket))
        finally:
            await it.close()
            await link.stop()

    return run(through())
