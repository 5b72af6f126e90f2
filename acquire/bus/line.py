"""A TCP connection to the broker, made on the event loop: it can be given up at any moment, whatever it waits for.

The MQTT client would look the name up and connect in a thread, for which the end of the program waits.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

LOOKED_UP_WITHIN_S = 10.0  # the system itself may take minutes, and the publisher's attempts must come round
REACHED_WITHIN_S = 5.0  # for one address
AT_ONCE = 16 * 1024  # bytes: whatever came so is handled before anybody else has a turn


class Line(socket.socket):
    """Reads what has come at once, and gives it out in the small pieces in which the MQTT client asks for it: it would
    ask the system for a byte, for another, for the rest, and once more to hear that this was all.

    aiomqtt goes on taking while something is `pending`, as it does with TLS, whose own socket takes the place of this.
    """

    _held = b""
    _at = 0  # how much of it is given out
    _is_all = False  # nothing more had come when it was read

    def recv(self, most: int, flags: int = 0, /) -> bytes:
        """At most so many bytes, b"" at the end. Raises BlockingIOError where none are there, OSError as a socket."""
        if self._at == len(self._held):
            if self._is_all:
                self._is_all = False
                raise BlockingIOError
            self._held, self._at = super().recv(AT_ONCE, flags), 0
            self._is_all = 0 < len(self._held) < AT_ONCE
        piece = self._held[self._at : self._at + most]
        self._at += len(piece)
        return piece

    def pending(self) -> int:
        """How many bytes were read and not given out."""
        return len(self._held) - self._at


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
    line = Line(family, kind, protocol)
    try:
        line.setblocking(False)
        async with asyncio.timeout(REACHED_WITHIN_S):
            await asyncio.get_running_loop().sock_connect(line, address)
    except BaseException:
        line.close()
        raise
    return line
