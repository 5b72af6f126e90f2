"""The instrument's other end: it lives in the campaign, outlives everything, and is the truth about what was given."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

DRIVER = Path(__file__).with_name("counter_driver.py")
PACKAGE = {
    "counter_driver.py": DRIVER.read_text(),
    "pyproject.toml": """
[project]
name = "campaign-counter"
version = "1.0"
[project.entry-points."acquire.drivers"]
campaign-counter = "counter_driver:MODEL"
""",
}


class Counter:
    """A TCP server that answers NEXT with the next number."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.given = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, on any free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """The instrument is switched off."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError):
                while asked := await reader.readline():
                    writer.write(self._answer(asked.strip()))
                    await writer.drain()
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    def _answer(self, asked: bytes) -> bytes:
        if asked == b"ID":
            return b"COUNTER,%b\n" % self.name.encode()
        self.given += 1
        return b"N,%d\n" % self.given
