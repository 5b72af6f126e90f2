"""A TCP connection to the broker, made on the event loop: it can be given up at any moment, whatever it waits for.

The MQTT client would look the name up and connect in a thread, for which the end of the program waits.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

LOOKED_UP_WITHIN_S = 10.0  # the system itself may take minutes, and the publisher's attempts must come round
REACHED_WITHIN_S = 5.0  # for one address


async def line_to(host: str, port: int) -> socket.socket:
    """To the first address of a name that takes a connection, in their order. Raises OSError, of the last address."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKED_UP_WITHIN_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise OSError(f"no name server answers for {host}") from None
    except UnicodeError:  # what can be no name of a host
        raise socket.gaierror(socket.EAI_NONAME, "no name") from None
    failed = OSError(f"no address is known for {host}")
    for family, kind, protocol, _, address in found:
        try:
            return await _reached(family, kind, protocol, address)
        except OSError as error:
            failed = error
    raise failed


async def _reached(family: int, kind: int, protocol: int, address: tuple[Any, ...]) -> socket.socket:
    line = socket.socket(family, kind, protocol)
    try:
        line.setblocking(False)
        async with asyncio.timeout(REACHED_WITHIN_S):
            await asyncio.get_running_loop().sock_connect(line, address)
    except BaseException:
        line.close()
        raise
    return line
