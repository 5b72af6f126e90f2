"""A Prologix adapter with a 6517 behind it, stricter than either: written from the adapter's manual (GPIB-USB
Controller User Manual 6.107; numbers are its sections) and IEEE 488.2, chapter 6.

It begins in the state an earlier program may have left it in: a device, reading after each write, at another address.
Time is divided by `scale`.
"""

from __future__ import annotations

import asyncio
import os
import re
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

ESC, CR, LF, PLUS = 0x1B, 0x0D, 0x0A, 0x2B
VERSION = b"Prologix GPIB-ETHERNET Controller version 01.06.06.00\r\n"
IDENTITY = b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X"
LONG = b"7" * 20_000
AVAILABLE = 0x10

Write = Callable[[bytes], Awaitable[None]]


class Electrometer:
    """Answers in its own time; a reply that nobody took is dropped by the next message (-410), and to be addressed to
    talk without having been asked is an error (-420)."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.reading_s = 5.0
        self.heard: list[bytes] = []
        self.errors: list[int] = []
        self.read_in_vain = 0
        self.readings = 0
        self.on = True
        self._parts: list[tuple[float, bytes]] = []  # (when it is there, bytes) of the one reply

    def hear(self, message: bytes) -> None:
        self.heard.append(message)
        if self._parts:
            self.errors.append(-410)
            self._parts = []
        now = asyncio.get_running_loop().time()
        for after_s, part in self._reply(message.rstrip(b"\r\n")):
            self._parts.append((now + after_s / self.scale, part))

    def _reply(self, message: bytes) -> list[tuple[float, bytes]]:
        if message == b":SENS:DATA:FRES?":
            self.readings += 1
            return [(self.reading_s, b"-000.0045E-09NCOUL,+%05dRDNG#\n" % self.readings)]
        if message == b":SYST:ERR?":
            return [(0, b'%d,"an error"\n' % (self.errors.pop(0) if self.errors else 0))]
        if message == b"SLOW?":  # a pause in the middle, longer than any read goes on
            return [(0, b"the first half, "), (8, b"the second\n")]
        return {
            b"*IDN?": [(0, IDENTITY + b"\n")],
            b"LONG?": [(0, LONG + b"\n")],
            b"BARE?": [(0, b"ended by EOI alone")],
            b"CRLF?": [(0, b"ended by CR LF\r\n")],
            b"NUMBER?": [(0, b"16\n")],
        }.get(message, [])

    def status(self) -> int:
        return AVAILABLE if self._ready() else 0

    def _ready(self) -> bool:
        return bool(self._parts) and self._parts[0][0] <= asyncio.get_running_loop().time()

    def addressed_to_talk(self) -> None:
        if not self._parts:
            self.errors.append(-420)

    def talk(self) -> tuple[bytes, bool] | None:
        """(bytes, whether EOI goes with the last of them), if it has something to say."""
        if not self._ready():
            return None
        said = self._parts.pop(0)[1]
        return said, not self._parts


class FakePrologix:
    """One adapter. `polls` False is one that does not know ++spoll; `marks` False one that does not tell of EOI."""

    def __init__(self, *, scale: float = 200.0, polls: bool = True, marks: bool = True, piece: int = 4096) -> None:
        self.instrument = Electrometer(scale)
        self.scale = scale
        self.polls, self.marks, self.piece = polls, marks, piece
        self.set = {"savecfg": "1", "mode": "0", "auto": "1", "addr": "5", "eoi": "0", "eos": "0",
                    "eot_enable": "1", "eot_char": "0", "read_tmo_ms": "3000"}  # fmt: skip
        self.commands: list[bytes] = []
        self.before = b""  # said to whoever comes
        self.mute = asyncio.Event()
        self._line = bytearray()
        self._escaped = self._is_data = False

    async def serve(self, reader: asyncio.StreamReader, write: Write) -> None:
        """Carries out one command after the other."""
        self._write = write
        if self.before:
            await write(self.before)
        while data := await reader.read(4096):
            for byte in data:
                await self._take(byte)

    async def _take(self, byte: int) -> None:
        if self._escaped:
            self._escaped = False
        elif byte == ESC:
            self._escaped = True
            self._is_data |= not self._line  # an escaped + at the beginning begins no command (7)
            return
        elif byte in {CR, LF}:
            line, self._line = bytes(self._line), bytearray()
            is_data, self._is_data = self._is_data, False
            if line.startswith(b"++") and not is_data:
                await self._command(line[2:])
            elif line:
                await self._to_instrument(line)
            return
        elif byte == PLUS and bytes(self._line) not in {b"", b"+"}:
            raise AssertionError("a + in the middle of data is to be escaped (7.1)")
        self._line.append(byte)

    async def _to_instrument(self, message: bytes) -> None:
        if self.set["mode"] == "1" and self.set["addr"] == "27" and self.set["eoi"] == "1" and self.instrument.on:
            self.instrument.hear(message + {"0": b"\r\n", "1": b"\r", "2": b"\n", "3": b""}[self.set["eos"]])
        if self.set["auto"] == "1":
            await self._read()

    async def _command(self, command: bytes) -> None:
        self.commands.append(command)
        name, _, value = command.decode("ascii").partition(" ")
        if self.mute.is_set():
            return
        if name in self.set and value:
            self.set[name] = value
        elif name == "ver":
            await self._say(VERSION)
        elif name == "read" and value == "eoi":
            await self._read()
        elif name == "spoll" and self.polls:
            if self.instrument.on:
                await self._say(b"%d\r\n" % self.instrument.status())
            else:
                await asyncio.sleep(self._patience())
        else:
            await self._say(b"Unrecognized command\r\n")

    def _patience(self) -> float:
        assert re.fullmatch(r"\d+", self.set["read_tmo_ms"])
        assert 1 <= int(self.set["read_tmo_ms"]) <= 3000
        return int(self.set["read_tmo_ms"]) / 1000 / self.scale

    async def _read(self) -> None:
        """Until EOI, or until nothing has come for read_tmo_ms (8.13)."""
        self.instrument.addressed_to_talk()
        loop, came = asyncio.get_running_loop(), False
        until = loop.time() + self._patience()
        while (said := self.instrument.talk()) is not None or loop.time() < until:  # what is there is never too late
            if said is None:
                await asyncio.sleep(0.001)
                continue
            came, until = True, loop.time() + self._patience()
            await self._say(said[0])
            if said[1]:
                if self.marks and self.set["eot_enable"] == "1":
                    await self._say(bytes([int(self.set["eot_char"])]))
                return
        self.instrument.read_in_vain += not came

    async def _say(self, data: bytes) -> None:
        for at in range(0, len(data), self.piece):
            await self._write(data[at : at + self.piece])


@asynccontextmanager
async def on_tcp(fake: FakePrologix) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """(resource of the instrument, unplug)."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

        async def write(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            await fake.serve(reader, write)
        except ConnectionError:
            pass
        finally:
            writer.close()

    def unplug() -> None:
        for writer in writers:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"prologix:tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}:27", unplug
    finally:
        unplug()
        server.close()
        for writer in writers:
            await writer.wait_closed()
        await asyncio.sleep(0)


@asynccontextmanager
async def on_a_pty(fake: FakePrologix) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """(resource of the instrument, unplug)."""
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    loop, reader, plugged = asyncio.get_running_loop(), asyncio.StreamReader(), True

    async def write(data: bytes) -> None:
        os.write(ours, data)

    def unplug() -> None:
        nonlocal plugged
        if plugged:
            plugged = False
            loop.remove_reader(ours)
            reader.feed_eof()
            os.close(ours)

    loop.add_reader(ours, lambda: reader.feed_data(os.read(ours, 4096)))
    serving = asyncio.create_task(fake.serve(reader, write))
    try:
        yield f"prologix:{os.ttyname(theirs)}:27", unplug
    finally:
        unplug()
        await asyncio.wait([serving])
        os.close(theirs)
