"""An instrument of the tests' own, on a socket of this computer or at the far end of a pty, and how to reach it."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from drivers.transport.serial_settings import SerialSettings

SERIAL = SerialSettings()
LINES = ["/dev/ttyX", "pyserial:/dev/ttyX", "ASRL/dev/ttyX::INSTR"]
SOCKETS = ["tcp:H:P", "pyserial:socket://H:P", "TCPIP::H::P::SOCKET"]


class Instrument:
    """Answers each line with its length, a colon and itself, in two pieces; "*IDN?" with a name; "mute" not at all."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._part = b""

    def hear(self, data: bytes) -> Iterator[bytes]:
        *lines, self._part = (self._part + data).split(b"\n")
        for line in lines:
            self.asked.append(line)
            if line == b"*IDN?":
                yield b"ACME,ONE,7,1.0\r\n"
            elif line != b"mute":
                yield b"%d:" % len(line)
                yield line + b"\r\n"


@contextmanager
def on_a_line(instrument: Instrument) -> Iterator[tuple[str, Callable[[], None]]]:
    """(device, unplug)."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    device = os.ttyname(theirs)
    loop = asyncio.get_running_loop()

    def hear() -> None:
        for piece in instrument.hear(os.read(ours, 4096)):
            os.write(ours, piece)

    def unplug() -> None:
        nonlocal ours
        if ours >= 0:
            loop.remove_reader(ours)
            os.close(ours)
            ours = -1

    loop.add_reader(ours, hear)
    os.close(theirs)
    os.close(os.open(device, os.O_RDWR | os.O_NOCTTY))
    keep = os.open(device, os.O_RDWR | os.O_NOCTTY)  # without it the far end reads EIO while nobody has opened
    try:
        yield device, unplug
    finally:
        unplug()
        os.close(keep)


@asynccontextmanager
async def on_a_socket(instrument: Instrument) -> AsyncIterator[tuple[int, Callable[[], None]]]:
    """(port, unplug)."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            while data := await reader.read(4096):
                for piece in instrument.hear(data):
                    writer.write(piece)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def unplug() -> None:
        for writer in writers:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], unplug
    finally:
        unplug()
        server.close()
        for writer in writers:
            await writer.wait_closed()


@asynccontextmanager
async def reachable(form: str, instrument: Instrument) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """(resource, unplug) for one of the forms above."""
    if form in LINES:
        with on_a_line(instrument) as (device, unplug):
            yield form.replace("/dev/ttyX", device), unplug
    else:
        async with on_a_socket(instrument) as (port, unplug):
            yield (
                form.replace("H", "127.0.0.1").replace("P", str(port)) if form[0] == "t" else named(form, port),
                unplug,
            )


def named(form: str, port: int) -> str:
    return {SOCKETS[1]: f"pyserial:socket://127.0.0.1:{port}", SOCKETS[2]: f"TCPIP::127.0.0.1::{port}::SOCKET"}[form]
