"""Every transport against an instrument of the tests' own: on a socket of this computer, or at the far end of a pty."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from drivers import LinkDown, Misuse, ReplyTimeout
from drivers.discovery import Found, discover
from drivers.link import Link
from drivers.transport.pyserial_backend import PyserialTransport
from drivers.transport.resource import open_transport
from drivers.transport.serial import SerialSettings, SerialTransport
from drivers.transport.tcp import TcpTransport
from drivers.transport.threaded import ThreadedTransport
from drivers.transport.visa import VisaTransport

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
                form.replace("H", "127.0.0.1").replace("P", str(port)) if form[0] == "t" else _named(form, port),
                unplug,
            )


def _named(form: str, port: int) -> str:
    return {SOCKETS[1]: f"pyserial:socket://127.0.0.1:{port}", SOCKETS[2]: f"TCPIP::127.0.0.1::{port}::SOCKET"}[form]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("port-")] == []


@pytest.mark.parametrize("form", [*LINES, *SOCKETS])
async def test_requests_and_replies_over(form: str) -> None:
    instrument = Instrument()
    async with reachable(form, instrument) as (resource, _):
        link = Link(open_transport(resource, SERIAL), name=resource)
        for _ in range(2):  # a second opening is as good as the first
            await link.open()
            for text in (b"*CLS", b"x" * 3000, b"\x00\xff"):
                assert await link.exchange(text + b"\n", timeout_s=5) == b"%d:%s" % (len(text), text)
            await link.close()
        assert instrument.asked == [b"*CLS", b"x" * 3000, b"\x00\xff"] * 2
        assert link.stray == 0


@pytest.mark.parametrize("form", [*LINES, *SOCKETS])
async def test_cancelled_reads_lose_no_byte_over(form: str) -> None:
    async with reachable(form, Instrument()) as (resource, _):
        transport = open_transport(resource, SERIAL)
        await transport.open()
        for _ in range(3):
            reading = asyncio.create_task(transport.read_some())
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        await transport.write(b"first\nsecond\n")
        got = b""
        async with asyncio.timeout(5):
            while got != b"5:first\r\n6:second\r\n":
                reading = asyncio.create_task(transport.read_some())
                done, _pending = await asyncio.wait({reading}, timeout=0.002)
                if done:
                    got += reading.result()
                else:
                    reading.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await reading
        await transport.close()


@pytest.mark.parametrize("form", [*LINES, *SOCKETS])
async def test_closing_ends_a_pending_read_over(form: str) -> None:
    async with reachable(form, Instrument()) as (resource, _):
        transport = open_transport(resource, SERIAL)
        await transport.open()
        reading = asyncio.create_task(transport.read_some())
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await transport.close()
            with pytest.raises(LinkDown):
                await reading
        await transport.close()
        with pytest.raises(LinkDown):
            await transport.write(b"after\n")
        with pytest.raises(LinkDown):
            await transport.read_some()


@pytest.mark.parametrize("form", [*LINES, *SOCKETS])
async def test_vanish_read_is_noticed_over(form: str) -> None:
    async with reachable(form, Instrument()) as (resource, unplug):
        link = Link(open_transport(resource, SERIAL), name=resource)
        await link.open()
        assert await link.exchange(b"a\n", timeout_s=5) == b"1:a"
        asking = asyncio.create_task(link.exchange(b"mute\n", timeout_s=5))
        await asyncio.sleep(0)
        unplug()
        with pytest.raises(LinkDown):
            await asking
        with pytest.raises(LinkDown):
            await link.exchange(b"a\n", timeout_s=5)
        await link.close()


@pytest.mark.parametrize("form", [*LINES, *SOCKETS])
async def test_vanish_open_is_one_plain_sentence_over(form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    resource = f"tcp:127.0.0.1:{port}" if form == SOCKETS[0] else form.replace("ttyX", "tty-that-is-not-there")
    if form in SOCKETS[1:]:
        resource = _named(form, port)
    transport = open_transport(resource, SERIAL)
    with pytest.raises(LinkDown, match=r"cannot be opened|can be reached"):
        await transport.open()
    await transport.close()


@pytest.mark.parametrize("second", LINES)
@pytest.mark.parametrize("first", LINES)
async def test_busy_port(first: str, second: str) -> None:
    with on_a_line(Instrument()) as (device, _):
        holder = open_transport(first.replace("/dev/ttyX", device), SERIAL)
        await holder.open()
        late = open_transport(second.replace("/dev/ttyX", device), SERIAL)
        with pytest.raises(LinkDown, match="cannot be opened"):
            await late.open()
        await late.close()
        await holder.close()
        await late.open()
        await late.close()


async def test_closing_one_visa_resource_or_looking_round_leaves_the_other_open() -> None:
    async with on_a_socket(Instrument()) as (port, _):
        links = [Link(open_transport(f"TCPIP::127.0.0.1::{port}::SOCKET", SERIAL), name=n) for n in ("one", "two")]
        for link in links:
            await link.open()
        await links[0].close()
        await discover()
        assert await links[1].exchange(b"b\n", timeout_s=5) == b"1:b"
        await links[1].close()


async def test_loop_and_spy_urls_reach_pyserial() -> None:
    for url in ("loop://", "pyserial:loop://"):
        link = Link(open_transport(url, SERIAL), name=url)
        await link.open()
        assert await link.exchange(b"back\n", timeout_s=5) == b"back"
        await link.close()


class Stubborn(ThreadedTransport):
    """A library whose read returns only when the port is closed under it, or fails as nobody foresaw."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__("The stubborn port")
        self.error = error
        self.reading, self.closed = threading.Event(), threading.Event()

    def blocking_open(self) -> None:
        """Opens."""

    def blocking_write(self, data: bytes) -> None:
        """Never reached."""

    def blocking_read(self) -> bytes:
        self.reading.set()
        if self.error is not None:
            raise self.error
        self.closed.wait()
        raise OSError("closed")

    def blocking_close(self) -> None:
        self.closed.set()


async def test_hang_a_read_that_never_returns_is_unblocked_by_closing() -> None:
    transport = Stubborn()
    await transport.open()
    await asyncio.to_thread(transport.reading.wait, 5)
    writing = asyncio.create_task(transport.write(b"x"))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await transport.close()
        with pytest.raises(LinkDown):
            await writing


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_an_error_nobody_foresaw_in_the_port_thread_leaves_nobody_waiting() -> None:
    transport = Stubborn(KeyError("unforeseen"))
    await transport.open()
    async with asyncio.timeout(5):
        with pytest.raises(LinkDown, match="an error in this program"):
            await transport.read_some()
    await transport.close()


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("/dev/ttyUSB0", SerialTransport), ("COM3", SerialTransport), ("serial:/dev/ttyS1", SerialTransport),
        ("pyserial:/dev/ttyS1", PyserialTransport), ("rfc2217://192.0.2.7:4000", PyserialTransport),
        ("spy:///dev/ttyS1", PyserialTransport), ("socket://192.0.2.7:4000", PyserialTransport),
        ("tcp:192.0.2.7:8123", TcpTransport), ("tcp:[::1]:8123", TcpTransport),
        ("TCPIP::192.0.2.7::5025::SOCKET", VisaTransport), ("ASRL/dev/ttyS0::INSTR", VisaTransport),
        ("GPIB0::27::INSTR", VisaTransport), ("USB0::0x05E6::0x6517::123::INSTR", VisaTransport),
    ],
)  # fmt: skip
def test_a_resource_names_its_transport(resource: str, kind: type) -> None:
    assert type(open_transport(resource, SERIAL)) is kind


@pytest.mark.parametrize(
    "resource",
    ["", "ttyUSB0", "serial:", "pyserial:", "tcp:", "tcp:host", "tcp:host:0", "tcp:host:70000", "tcp::1",
     "tcp:host:²", "TCPIP::", "GPIB0::x::INSTR::9::9", "http://192.0.2.7", "usb"],
)  # fmt: skip
def test_a_wrong_resource_is_refused_with_what_is_allowed(resource: str) -> None:
    with pytest.raises(Misuse, match=r"allowed (is|are) .*(tcp:HOST:PORT)"):
        open_transport(resource, SERIAL)


async def test_serial_settings_reach_a_visa_line() -> None:
    settings = SerialSettings(baud_rate=19200, stop_bits=2, flow="xon-xoff")  # a pty has 8 bits, no parity
    with on_a_line(Instrument()) as (device, _):
        transport = VisaTransport(f"ASRL{device}::INSTR", settings)
        await transport.open()
        line = transport._interface()
        assert (line.baudrate, line.stopbits, line.xonxoff, line.rtscts) == (19200, 2, True, False)
        await transport.close()


async def test_discovery_asks_only_when_told_to() -> None:
    instrument = Instrument()
    async with on_a_socket(instrument) as (port, _):
        resource = f"tcp:127.0.0.1:{port}"
        assert Found(resource, "given") in await discover(extra=(resource,))
        assert instrument.asked == []


async def test_discovery_identifies_what_answers_and_only_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.discovery._serial_ports", list)
    monkeypatch.setattr("drivers.discovery._visa_resources", list)
    monkeypatch.setattr("drivers.discovery.ANSWER_S", 0.2)
    async with on_a_socket(Instrument()) as (port, _):
        answering, absent = f"tcp:127.0.0.1:{port}", "/dev/tty-that-is-not-there"
        found = await discover(identify=True, extra=(answering, absent))
    assert found == [Found(answering, "given", "ACME,ONE,7,1.0"), Found(absent, "given", None)]


async def test_a_silent_port_times_out_and_is_dirty() -> None:
    async with on_a_socket(Instrument()) as (port, _):
        link = Link(open_transport(f"tcp:127.0.0.1:{port}", SERIAL), name="quiet")
        await link.open()
        with pytest.raises(ReplyTimeout):
            await link.exchange(b"mute\n", timeout_s=0.05)
        assert link.dirty
        await link.close()
