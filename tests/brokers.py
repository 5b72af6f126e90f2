"""A real Mosquitto for tests, on a free port of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from acquire.bus.client import Endpoint


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def mosquitto_binary() -> str:
    """The binary; a machine without it fails the test rather than skipping it."""
    found = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, "mosquitto is not installed; `make test` installs it"
    return found


class Mosquitto:
    """Start, kill, start again on the same port."""

    def __init__(self, folder: Path, port: int | None = None, *, extra: str = "persistence false\n") -> None:
        self.port = port or free_port()
        self._conf = folder / f"mosquitto-{self.port}.conf"
        self._conf.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            f"log_type error\nuser root\n{extra}"
        )
        self._process: asyncio.subprocess.Process | None = None

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.port)

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            mosquitto_binary(), "-c", str(self._conf), stderr=asyncio.subprocess.DEVNULL
        )
        for _ in range(200):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.02)
        raise AssertionError("mosquitto did not start")

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None


@asynccontextmanager
async def running_mosquitto(folder: Path) -> AsyncIterator[Mosquitto]:
    """A broker for the length of a test."""
    broker = Mosquitto(folder)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.kill()
