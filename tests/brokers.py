"""A real Mosquitto for tests, on a free port of this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from acquire.bus.client import connect
from acquire.bus.endpoint import Endpoint


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


class Started:
    """A Mosquitto under a configuration file, which listens on a port of this machine. Start, kill, start again."""

    def __init__(self, conf: Path, port: int) -> None:
        self.conf, self.port = conf, port
        self.log = conf.with_name(f"{conf.stem}-{port}.log")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                mosquitto_binary(), "-c", str(self.conf), stdout=log, stderr=log
            )
        for _ in range(1000):
            assert self._process.returncode is None, self.log.read_text()
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.02)
        raise AssertionError("mosquitto did not start")

    def reload(self) -> None:
        """SIGHUP: it reads certificates, passwords and rules again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def send(self, number: int) -> None:
        """A signal: SIGSTOP freezes it."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None


class Mosquitto(Started):
    """One that everybody may use."""

    def __init__(self, folder: Path, port: int | None = None, *, extra: str = "persistence false\n") -> None:
        port = port or free_port()
        super().__init__(folder / f"mosquitto-{port}.conf", port)
        self.conf.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlog_type error\nuser root\n{extra}"
        )

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint("127.0.0.1", self.port)


async def kept(endpoint: Endpoint, topics: str) -> dict[str, bytes]:
    """What the broker keeps under a topic filter: all of it comes before what is published after subscribing."""
    found: dict[str, bytes] = {}
    end = f"that-is-all/{uuid4()}"
    async with asyncio.timeout(20), connect(endpoint, f"looks-{uuid4()}") as connection:
        await connection.subscribe(end)
        await connection.subscribe(topics)
        await connection.publish(end, b"")
        async for message in connection.messages():
            if message.topic == end:
                break
            if message.retained:
                found[message.topic] = message.payload
    return found


@asynccontextmanager
async def running_mosquitto(folder: Path) -> AsyncIterator[Mosquitto]:
    """A broker for the length of a test."""
    broker = Mosquitto(folder)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.kill()
