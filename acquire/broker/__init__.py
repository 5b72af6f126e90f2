"""The broker, in one of three ways: somebody else's, a Mosquitto of our own, or amqtt inside this process."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from acquire.broker.embedded import embedded
from acquire.broker.mosquitto import spawned
from acquire.broker.orphans import owner_of, stop_orphans
from acquire.broker.processes import listening_on
from acquire.bus.endpoint import Endpoint
from acquire.config import BrokerConfig
from acquire.errors import Refused
from acquire.log import Log

log = Log("broker")


def mosquitto_binary() -> str | None:
    """Mosquitto on the path; Debian puts it where only administrators look."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@asynccontextmanager
async def broker(config: BrokerConfig, folder: Path = Path()) -> AsyncIterator[Endpoint]:
    """A broker for as long as the context lasts, and where it is; files are relative to `folder`. Raises Refused."""
    mode = config.mode
    if mode == "auto":
        mode = "mosquitto" if mosquitto_binary() else "embedded"
    if mode == "external":
        yield config.endpoint(folder)
        return
    for pid in await asyncio.to_thread(stop_orphans):
        log.warning("stopped a mosquitto that a service of ours had left behind when it was killed", process=pid)
    port = config.port or _free_port()
    await _must_be_free(config.host, port)
    if mode == "mosquitto":
        binary = mosquitto_binary()
        if binary is None:
            raise Refused(
                "The broker mode is 'mosquitto' and there is no mosquitto on this machine; install the package"
                " mosquitto, or use the mode 'embedded' or 'external'."
            )
        async with spawned(binary, config.host, port):
            yield Endpoint(config.host, port, "5")
    else:
        async with embedded(config.host, port):
            yield Endpoint(config.host, port, "3.1.1")


async def _must_be_free(host: str, port: int) -> None:
    """Otherwise whoever listens there would be taken for our broker."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(found[0][4])
    except OSError as error:
        raise Refused(_not_free(host, port, error)) from error


def _not_free(host: str, port: int, error: OSError) -> str:
    said = f"A broker cannot listen on {host}:{port}: {error.strerror}"
    owner, who = owner_of(port), listening_on(port)
    if owner is not None:
        return (
            f"{said}; it is the broker of another `acquire` service, process {owner}. Stop that, or take another port."
        )
    return f"{said}{f'; {who} does' if who else ''}. Choose another port, or mode 'external'."


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
