"""The places where a simulated instrument can be reached: a TCP port or a pseudo terminal.

A port holds one client at a time, as a serial line or a device server does: on TCP the newest connection takes
the line.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import termios
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class PortUser(Protocol):
    """Whoever lives behind a port."""

    def on_open(self) -> None:
        """A client has come."""

    def on_bytes(self, data: bytes) -> None:
        """The client has sent `data`."""

    async def answered(self) -> None:
        """The client will send no more; return when everything it asked for has been answered."""

    def on_close(self) -> None:
        """The client has gone."""


class Port(Protocol):
    """One place to connect to."""

    @property
    def resource(self) -> str:
        """What a client opens."""

    async def open(self, user: PortUser) -> None:
        """Begin to listen for `user`."""

    async def send(self, data: bytes) -> bool:
        """Hand `data` to the client; False when there is none or it went away meanwhile."""

    async def vanish(self) -> None:
        """Be gone: clients are cut off and nobody can connect."""

    async def come_back(self) -> None:
        """Be there again under the same resource."""

    def set_busy(self, busy: bool) -> None:
        """Behave as if another process held the port."""

    async def close(self) -> None:
        """Stop for good and leave nothing behind."""


class TcpPort:
    """A listening socket with TCP_NODELAY; `resource` is a VISA socket resource."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._busy = False
        self._user: PortUser | None = None
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._half_closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.resource = ""

    async def open(self, user: PortUser) -> None:
        self._user = user
        await self.come_back()

    async def come_back(self) -> None:
        self._server = await asyncio.start_server(self._accept, self._host, self._port, reuse_address=True)
        self._port = self._server.sockets[0].getsockname()[1]
        self.resource = f"TCPIP::{self._host}::{self._port}::SOCKET"

    async def send(self, data: bytes) -> bool:
        writer = self._writer
        if writer is None or writer.is_closing():
            return False
        writer.write(data)
        try:
            await writer.drain()
        except ConnectionError:
            return False
        return not (self._half_closed and gone(writer))

    async def vanish(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._drop()
        await asyncio.sleep(0)

    def set_busy(self, busy: bool) -> None:
        self._busy = busy

    async def close(self) -> None:
        await self.vanish()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _drop(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._busy or self._server is None or self._user is None:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None  # start_server runs every connection as a task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await self._serve_client(self._user, reader, writer)

    async def _serve_client(self, user: PortUser, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:
            self._drop()
            user.on_close()
        self._writer, self._half_closed = writer, False
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        user.on_open()
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(65536):
                if self._writer is writer:
                    user.on_bytes(data)
            if self._writer is writer:
                self._half_closed = True
                await user.answered()
        if self._writer is writer or self._writer is None:
            self._writer = None
            user.on_close()
        writer.close()


def gone(writer: asyncio.StreamWriter) -> bool:
    """Whether a client that closed its side refuses what was just sent to it, as one does that closed both sides."""
    return bool(writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


class PtyPort:
    """A pseudo terminal in raw mode that outlives its clients; with `link` a stable name points to it.

    The simulator keeps the client side open itself, so the terminal stays when a client closes it. It cannot see
    a client come
    or go; only TCP reports that.
    """

    def __init__(self, link: str | None) -> None:
        self._link = Path(link) if link else None
        self._user: PortUser | None = None
        self._master = -1
        self._slave = -1
        self.resource = ""

    async def open(self, user: PortUser) -> None:
        self._user = user
        await self.come_back()

    async def come_back(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        path = os.ttyname(self._slave)
        self.resource = str(self._link) if self._link else path
        if self._link is not None:
            self._point_link_to(self._link, path)
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    async def send(self, data: bytes) -> bool:
        view = memoryview(data)
        while view:
            if self._master < 0:
                return False
            try:
                view = view[os.write(self._master, view) :]
            except BlockingIOError:
                await self._writable()
        return True

    async def vanish(self) -> None:
        if self._master < 0:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = self._slave = -1
        if self._link is not None and self._link.is_symlink():
            self._link.unlink()
        if self._user is not None:
            self._user.on_close()

    def set_busy(self, busy: bool) -> None:
        fcntl.ioctl(self._slave, termios.TIOCEXCL if busy else termios.TIOCNXCL)

    async def close(self) -> None:
        await self.vanish()

    def _point_link_to(self, link: Path, path: str) -> None:
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.exists() and not link.is_symlink():
            raise ValueError(f"{link} is a file of its own; name a path for the terminal that is free or an old link.")
        link.unlink(missing_ok=True)
        link.symlink_to(path)

    def _readable(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except BlockingIOError:
            return
        if data and self._user is not None:
            self._user.on_bytes(data)

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        free: asyncio.Future[None] = loop.create_future()
        loop.add_writer(self._master, _resolve(free))
        try:
            await free
        finally:
            if self._master >= 0:
                loop.remove_writer(self._master)


def _resolve(future: asyncio.Future[None]) -> Callable[[], None]:
    def resolve() -> None:
        if not future.done():
            future.set_result(None)

    return resolve
