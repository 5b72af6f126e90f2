"""Two ends in memory: what one writes the other reads. For tests, and for whoever plays an instrument in-process."""

from __future__ import annotations

import asyncio

from drivers.errors import LinkDown


class MemoryTransport:
    """One end. `pair()` makes both; `cut()` breaks the wire."""

    def __init__(self) -> None:
        self.peer: MemoryTransport | None = None
        self.opened = 0
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._cut = False

    @classmethod
    def pair(cls) -> tuple[MemoryTransport, MemoryTransport]:
        """Both ends of a new wire: (ours, theirs)."""
        ours, theirs = cls(), cls()
        ours.peer, theirs.peer = theirs, ours
        return ours, theirs

    async def open(self) -> None:
        """Plugs this end in, again after a cut."""
        self.opened += 1
        self._cut = False
        self._queue = asyncio.Queue()

    async def write(self, data: bytes) -> None:
        """Hand the bytes to the other end. Raises LinkDown."""
        if self._cut or self.peer is None or self.peer._cut:
            raise LinkDown("The wire is cut.")
        self.peer._queue.put_nowait(bytes(data))

    async def read_some(self) -> bytes:
        """Bytes from the other end. Raises LinkDown."""
        if self._cut:
            raise LinkDown("The wire is cut.")
        data = await self._queue.get()
        if data is None:
            self._cut = True
            raise LinkDown("The wire is cut.")
        return data

    def cut(self) -> None:
        """Break the wire at this end: a pending read ends."""
        self._queue.put_nowait(None)

    async def close(self) -> None:
        """Unplugs this end; a pending read ends."""
        self.cut()
