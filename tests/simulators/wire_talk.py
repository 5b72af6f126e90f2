"""A bare client for the simulators' tests: lines out, lines in, nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from simulators.clock import SteppedClock
from simulators.instrument import Clear, Instrument
from simulators.scpi.instrument import ScpiInstrument


def address(resource: str) -> tuple[str, int]:
    _, host, port, _ = resource.split("::")
    return host, int(port)


class Talk:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, line: str, end: str = "\r\n") -> None:
        self.writer.write((line + end).encode())

    async def line(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.readline()

    async def ask(self, line: str) -> bytes:
        self.say(line)
        return await self.line()


@contextlib.asynccontextmanager
async def talk_to(resource: str) -> AsyncIterator[Talk]:
    reader, writer = await asyncio.open_connection(*address(resource))
    try:
        yield Talk(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def converse(instrument: Instrument, chunks: list[bytes]) -> bytes:
    """All bytes the instrument answers to `chunks`, without any port, in the time of its own clock."""
    session = instrument.open_session()
    out = b""
    for chunk in chunks:
        for event in session.feed(chunk):
            if isinstance(event, Clear):
                out += event.answer
            elif (reply := await session.answer(event.data)) is not None:
                out += reply.data
    return out


async def says(instrument: ScpiInstrument, message: str) -> str:
    """The reply line to one message, without its end; empty when there is none."""
    outputs, _ = await instrument.execute(message)
    return ";".join(outputs)


async def obeys(instrument: ScpiInstrument, *messages: str) -> None:
    """Say all messages, none of which may answer or leave an error."""
    for message in messages:
        assert await says(instrument, message) == "", message
    assert not instrument.status.queue, f"{messages} left {list(instrument.status.queue)}"


def advance(instrument: Instrument, seconds: float) -> None:
    """Let simulated seconds pass on the instrument's own clock."""
    assert isinstance(instrument.clock, SteppedClock)
    instrument.clock.advance(seconds)
