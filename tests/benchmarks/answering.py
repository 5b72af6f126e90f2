"""Who answers in `benchmarks.links`: every line with the same reply, each place in a process of its own.

python -m benchmarks.answering pty | socket | vxi11 | hislip prints where it is and answers until it is ended.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tty

from simulators.hislip import HislipPort
from simulators.message_port import MessagePort
from simulators.vxi11 import Vxi11Port

REQUEST = b":SENS:DATA:FRE?\n"
REPLY = b"+1.234567E-09NCOUL,+000010.611\r\n"


def on_a_pty() -> None:
    """Prints the device."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    print(os.ttyname(theirs), flush=True)
    while data := os.read(ours, 4096):
        os.write(ours, REPLY * data.count(b"\n"))


def on_a_socket() -> None:
    """Prints the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        connection, _ = listening.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := connection.recv(4096):
        connection.sendall(REPLY * data.count(b"\n"))


class Answering:
    """Behind a port with messages."""

    status_byte = 0

    def __init__(self, port: MessagePort) -> None:
        self._port = port
        self._sending: asyncio.Task[bool] | None = None

    def on_open(self) -> None:
        """Nothing to do."""

    def on_bytes(self, data: bytes) -> None:
        self._sending = asyncio.create_task(self._port.send(REPLY))

    async def answered(self) -> None:
        if self._sending is not None:
            await self._sending

    def on_close(self) -> None:
        """Nothing to do."""

    def query_error(self, code: int) -> None:
        raise AssertionError(f"the client broke the rules of the message exchange: {code}")


async def as_messages(kind: type[Vxi11Port] | type[HislipPort]) -> None:
    """Prints the VISA resource."""
    port = kind("127.0.0.1", 0)
    await port.open(Answering(port))
    print(port.resource, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    where = sys.argv[1]
    if where == "pty":
        on_a_pty()
    elif where == "socket":
        on_a_socket()
    else:
        asyncio.run(as_messages({"vxi11": Vxi11Port, "hislip": HislipPort}[where]))
