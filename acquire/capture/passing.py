"""A pass-through: a program opens a port of ours, and talks through it to the instrument on its own.

Bytes go through as they come, in both directions. What a byte stream does not show is not passed on and not recorded:
the settings of a serial line that the program makes on the terminal (they are given to us instead), its control lines,
breaks.
"""

from __future__ import annotations

import asyncio

from acquire.capture.recording import Recording
from drivers import LinkDown, Transport
from simulators import Port


class PassThrough:
    """Between a port of ours (simulators.Port) and the transport of an instrument. `ended` holds why it ended."""

    def __init__(self, transport: Transport, port: Port, recording: Recording) -> None:
        self._transport = transport
        self._port = port
        self._recording = recording
        self._to_instrument: asyncio.Queue[bytes] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self.ended: asyncio.Future[LinkDown] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        """Open the instrument first, so that nobody talks to nothing; then the port. Raises LinkDown, OSError."""
        await self._transport.open()
        try:
            await self._port.open(self)
        except BaseException:
            await self._transport.close()
            raise
        work = (self._hear(), self._speak())
        self._tasks = [asyncio.create_task(each, name="pass-through") for each in work]

    async def close(self) -> None:
        """Stop passing and leave both ends."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._port.close()
        await self._transport.close()

    # --- the port's side --------------------------------------------------------------------------------------------

    def on_open(self) -> None:
        """A program has come."""
        self._recording.happened("a program came")

    def on_bytes(self, data: bytes) -> None:
        """The program has sent something; it is recorded when it is handed on."""
        self._to_instrument.put_nowait(data)

    async def answered(self) -> None:
        """The program will send no more: what it sent is handed on first."""
        await self._to_instrument.join()

    def on_close(self) -> None:
        """The program has gone; what the instrument says is recorded all the same."""
        self._recording.happened("the program went")

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _speak(self) -> None:
        try:
            while True:
                data = await self._to_instrument.get()
                self._recording.passed("host", data)
                await self._transport.write(data)
                self._to_instrument.task_done()
        except LinkDown as error:
            self._lost(error)

    async def _hear(self) -> None:
        try:
            while True:
                data = await self._transport.read_some()
                self._recording.passed("instrument", data)
                await self._port.send(data)
        except LinkDown as error:
            self._lost(error)

    def _lost(self, error: LinkDown) -> None:
        if not self.ended.done():
            self._recording.happened("the wire was lost")
            self.ended.set_result(error)
