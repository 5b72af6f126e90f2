"""A PTW driver in front of the simulator of its name, over memory, both in the simulator's own time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from drivers import connect
from drivers.registry import model
from drivers.transport.memory import MemoryTransport
from simulators import MODELS, Clear, Instrument, SteppedClock, WireModel


async def _serve(simulator: Instrument, wire: MemoryTransport) -> None:
    session = simulator.open_session()
    while True:
        for event in session.feed(await wire.read_some()):
            assert not isinstance(event, Clear)
            if (reply := await session.answer(event.data)) is not None:
                await wire.write(reply.data)


@asynccontextmanager
async def simulated(
    name: str, options: dict[str, Any] | None = None, *, opened: bool = True, **settings: Any
) -> AsyncIterator[tuple[Any, Any, SteppedClock]]:
    """(the driver's instrument, its simulator, the clock of both)."""
    made = MODELS[name]
    assert isinstance(made, WireModel)
    clock = SteppedClock()
    simulator = made.make(clock, 1, options or {})
    ours, theirs = MemoryTransport.pair()
    instrument = connect(model(name), "memory", {"timeout_s": 5} | settings, transport=ours)

    async def slept(seconds: float) -> None:
        clock.advance(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("drivers.ptw.multidos.asyncio", SimpleNamespace(sleep=slept))
        patch.setattr("drivers.ptw.unidos.time", SimpleNamespace(monotonic=clock.now))
        serving = asyncio.create_task(_serve(simulator, theirs))
        try:
            if opened:
                await instrument.open()
            yield instrument, simulator, clock
        finally:
            await instrument.close()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
