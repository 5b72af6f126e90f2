"""An instrument of the tests' own, on a socket of this computer or at the far end of a pty, and how to reach it."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import serial
from serial import rfc2217

from drivers.transport.serial_settings import SerialSettings
from simulators.hislip import HislipPort
from simulators.message_port import MessagePort
from simulators.vxi11 import Vxi11Port

SERIAL = SerialSettings()
LINES = ["/dev/ttyX", "pyserial:/dev/ttyX", "ASRL/dev/ttyX::INSTR"]
SOCKETS = ["tcp:H:P", "pyserial:socket://H:P", "TCPIP::H::P::SOCKET"]
SERVERS = ["rfc2217://H:P"]  # a serial server that is told how to set its line
# each write is one message, with one response
MESSAGES = [f"{way}TCPIP::H{end}" for way in ("", "pyvisa:") for end in (",P::inst0::INSTR", "::hislip0,P::INSTR")]
BLOCK = bytes(range(256)) * 1200  # 307,200 bytes, every byte value in it: more than one message of either protocol


class Instrument:
    """Answers each line with its length, a colon and itself, in two pieces; "*IDN?" with a name; "mute?" not at all,
    "block?" with `block`.
    """

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._part = b""
        self.block = BLOCK

    def hear(self, data: bytes) -> Iterator[bytes]:
        *lines, self._part = (self._part + data).split(b"\n")
        for line in lines:
            self.asked.append(line)
            if line == b"*IDN?":
                yield b"ACME,ONE,7,1.0\r\n"
            elif line == b"block?":
                yield b"#6%06d" % len(self.block)
                yield self.block + b"\n"
            elif line != b"mute?":
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

    os.set_blocking(ours, False)
    waiting = bytearray()

    def write() -> None:
        with suppress(BlockingIOError):
            while waiting:
                del waiting[: os.write(ours, waiting)]
        if waiting:
            loop.add_writer(ours, write)
        else:
            loop.remove_writer(ours)

    def hear() -> None:
        for piece in instrument.hear(os.read(ours, 4096)):
            waiting.extend(piece)
            write()

    def unplug() -> None:
        nonlocal ours
        if ours >= 0:
            loop.remove_reader(ours)
            loop.remove_writer(ours)
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
async def on_a_socket(instrument: Instrument, *, telnet: bool = False) -> AsyncIterator[tuple[int, Callable[[], None]]]:
    """(port, unplug). telnet: behind the server side of RFC 2217 that pyserial brings."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        line = rfc2217.PortManager(serial.serial_for_url("loop://"), writer) if telnet else None
        try:
            while data := await reader.read(4096):
                said = data if line is None else b"".join(line.filter(data))
                for piece in instrument.hear(said):
                    writer.write(piece if line is None else b"".join(line.escape(piece)))
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


class Carried:
    """The instrument behind a port of the simulators."""

    status_byte = 0

    def __init__(self, instrument: Instrument, port: MessagePort) -> None:
        self.instrument, self.port = instrument, port
        self.errors: list[int] = []
        self._sending: list[asyncio.Task[bool]] = []

    def on_open(self) -> None:
        """Nothing to do."""

    def on_bytes(self, data: bytes) -> None:
        self._sending += [
            asyncio.create_task(self.port.send(each)) for each in self.instrument.hear(data.rstrip(b"\n") + b"\n")
        ]

    async def answered(self) -> None:
        await asyncio.gather(*self._sending)
        self._sending.clear()

    def on_close(self) -> None:
        """Nothing to do."""

    def query_error(self, code: int) -> None:
        self.errors.append(code)


@asynccontextmanager
async def as_messages(form: str, instrument: Instrument) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """(resource, unplug) over VXI-11 or HiSLIP."""
    port = Vxi11Port("127.0.0.1", 0) if "inst0" in form else HislipPort("127.0.0.1", 0)
    carried = Carried(instrument, port)
    await port.open(carried)
    leaving: list[asyncio.Task[None]] = []
    try:
        yield port.resource, lambda: leaving.append(asyncio.create_task(port.vanish()))
    finally:
        await asyncio.gather(*leaving)
        await port.close()
    assert carried.errors == []


@asynccontextmanager
async def reachable(form: str, instrument: Instrument) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """(resource, unplug) for one of the forms above."""
    if form in MESSAGES:
        async with as_messages(form, instrument) as (resource, unplug):
            yield form.partition("TCPIP")[0] + resource, unplug
    elif form in LINES:
        with on_a_line(instrument) as (device, unplug):
            yield form.replace("/dev/ttyX", device), unplug
    else:
        async with on_a_socket(instrument, telnet=form in SERVERS) as (port, unplug):
            yield (
                form.replace("H", "127.0.0.1").replace("P", str(port)) if form[0] == "t" else named(form, port),
                unplug,
            )


def named(form: str, port: int) -> str:
    return {
        SERVERS[0]: f"rfc2217://127.0.0.1:{port}",
        SOCKETS[1]: f"pyserial:socket://127.0.0.1:{port}",
        SOCKETS[2]: f"TCPIP::127.0.0.1::{port}::SOCKET",
    }[form]
