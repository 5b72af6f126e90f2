"""The broker, in one of three ways: somebody else's, a Mosquitto of our own, or amqtt inside this process."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from acquire.broker.embedded import embedded
from acquire.broker.mosquitto import spawned
from acquire.bus.client import Endpoint
from acquire.config import BrokerConfig
from acquire.errors import Refused


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
    port = config.port or _free_port()
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


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
