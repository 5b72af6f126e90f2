"""A TCP connection to an instrument, with Nagle's algorithm off: requests are small and wait for replies."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from drivers.errors import LinkDown
from drivers.transport.plain import plain
from drivers.transport.received import Received

CONNECT_S = 5.0
CLOSED_S = 1.0


class TcpTransport:
    """tcp:HOST:PORT."""

    def __init__(self, host: str, port: int) -> None:
        self._where = f"{host}:{port}"
        self._host, self._port = host.removeprefix("[").removesuffix("]"), port
        self._reader: Received | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect within five seconds. Raises LinkDown, which says whether the name, the host or the port failed."""
        loop = asyncio.get_running_loop()
        reader = Received()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            async with asyncio.timeout(CONNECT_S):
                transport, _ = await loop.create_connection(lambda: protocol, self._host, self._port)
        except TimeoutError as error:
            raise LinkDown(f"Nothing can be reached at {self._where}: no connection in {CONNECT_S:g} s.") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: what can be no name of a host
            raise LinkDown(f"Nothing can be reached at {self._where}: {plain(error)}.") from error
        line = transport.get_extra_info("socket")
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader.watch(line)
        self._reader = reader
        self._writer = asyncio.StreamWriter(transport, protocol, reader, loop)

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises LinkDown."""
        if self._writer is None:
            raise LinkDown(f"The connection to {self._where} is not open.")
        try:
            self._writer.write(data)
            if self._writer.transport.get_write_buffer_size() or self._writer.is_closing():  # else it has all gone
                await self._writer.drain()
        except OSError as error:
            raise LinkDown(f"The connection to {self._where} was lost: {plain(error)}.") from error

    async def read_some(self) -> bytes:
        """What is there; at least one byte. Raises LinkDown when all that arrived before the end has been given.

        A half-closed connection has ended: no reply can come over it any more.
        """
        reader = self._reader
        if reader is None:
            raise LinkDown(f"The connection to {self._where} is not open.")
        data = await reader.read(65536)
        if data:
            return data
        if reader.ended_by is not None:
            raise LinkDown(f"The connection to {self._where} was lost: {plain(reader.ended_by)}.") from reader.ended_by
        raise LinkDown(f"{self._where} closed the connection.")

    def pass_to(self, hear: Callable[[bytes], None]) -> Callable[[], bool]:
        """hear() gets what arrives, in the loop's turn in which it does. Raises LinkDown."""
        if self._reader is None:
            raise LinkDown(f"The connection to {self._where} is not open.")
        self._reader.hear = hear
        return self._reader.quiet

    async def close(self) -> None:
        """Close; a pending read ends. Never raises."""
        if self._writer is not None:
            writer, self._reader, self._writer = self._writer, None, None
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSED_S):
                    await writer.wait_closed()
            writer.transport.abort()  # an other end that takes no bytes must not keep us
