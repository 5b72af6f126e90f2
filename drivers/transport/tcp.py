"""A TCP connection to an instrument, with Nagle's algorithm off: requests are small and wait for replies."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from drivers.errors import LinkDown

CONNECT_S = 5.0
CLOSED_S = 1.0


class TcpTransport:
    """tcp:HOST:PORT."""

    def __init__(self, host: str, port: int) -> None:
        self._where = f"{host}:{port}"
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect within five seconds."""
        try:
            async with asyncio.timeout(CONNECT_S):
                self._reader, writer = await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError) as error:
            why = str(error) or f"no connection within {CONNECT_S:g} s"
            raise LinkDown(f"Nothing can be reached at {self._where}: {why}.") from error
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._writer = writer

    async def write(self, data: bytes) -> None:
        """Send all of it."""
        if self._writer is None:
            raise LinkDown(f"The connection to {self._where} is not open.")
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise LinkDown(f"The connection to {self._where} was lost: {error}.") from error

    async def read_some(self) -> bytes:
        """What is there; at least one byte."""
        if self._reader is None:
            raise LinkDown(f"The connection to {self._where} is not open.")
        try:
            data = await self._reader.read(65536)
        except OSError as error:
            raise LinkDown(f"The connection to {self._where} was lost: {error}.") from error
        if not data:
            raise LinkDown(f"{self._where} closed the connection.")
        return data

    async def close(self) -> None:
        """Close; a pending read ends."""
        if self._writer is not None:
            writer, self._reader, self._writer = self._writer, None, None
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CLOSED_S):
                    await writer.wait_closed()
            writer.transport.abort()  # an other end that takes no bytes must not keep us
