"""What the other end said before it hung up is read, and then how it ended; a port that cannot be had is a sentence."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from wires import SERIAL, Instrument, on_a_line

from drivers import LinkDown
from drivers.transport import tcp
from drivers.transport.base import Transport
from drivers.transport.plain import HELD, REFUSED, UNKNOWN_NAME, plain
from drivers.transport.resource import open_transport

IN_USE = b"Port already in use\r\n"  # ser2net, then the connection is closed
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing drops what is not sent and resets
OVER_TCP = ["tcp:127.0.0.1:{}", "TCPIP::127.0.0.1::{}::SOCKET"]


@contextmanager
def a_server_that_hangs_up(*, reset: bool) -> Iterator[tuple[int, threading.Event]]:
    """(port, somebody came) of one that says IN_USE to who came and is gone, by a FIN or by a reset."""
    came = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            came.wait()
            with connection:
                connection.sendall(IN_USE)
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

        serving = threading.Thread(target=serve)
        serving.start()
        yield server.getsockname()[1], came
        came.set()
        serving.join()


async def everything(transport: Transport) -> tuple[bytes, LinkDown]:
    got = b""
    async with asyncio.timeout(5):
        while True:
            try:
                got += await transport.read_some()
            except LinkDown as end:
                return got, end


@pytest.mark.parametrize("writes", [0, 1, 3])
@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("form", OVER_TCP)
async def test_what_was_said_before_the_connection_ended_is_read(form: str, reset: bool, writes: int) -> None:
    with a_server_that_hangs_up(reset=reset) as (port, _):
        transport = open_transport(form.format(port), SERIAL)
        await transport.open()
    for _ in range(writes):  # they meet an end that is gone
        await asyncio.sleep(0.005)  # the link, too, lets what has arrived be seen before it sends
        try:
            await transport.write(b"*IDN?\n")
        except LinkDown:
            break
    got, end = await everything(transport)
    assert got == IN_USE
    assert "closed" in str(end) or "lost" in str(end) or "gone" in str(end)
    with pytest.raises(LinkDown):
        await transport.read_some()
    await transport.close()


@pytest.mark.parametrize("form", ["{}", "pyserial:{}"])
async def test_what_a_line_said_before_it_was_unplugged_is_read(form: str) -> None:
    with on_a_line(Instrument()) as (device, unplug):
        transport = open_transport(form.format(device), SERIAL)
        await transport.open()
        await transport.write(b"last\n")
        await asyncio.sleep(0.05)
        unplug()
        got, end = await everything(transport)
        assert got == b"4:last\r\n"
        assert "gone" in str(end)
        await transport.close()


async def test_a_half_closed_connection_has_ended_when_its_last_bytes_are_read() -> None:
    heard = asyncio.Event()

    async def half_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye\n")
        writer.write_eof()
        while await reader.read(100):
            heard.set()
        writer.close()

    async with await asyncio.start_server(half_close, "127.0.0.1", 0) as server:
        transport = open_transport(f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}", SERIAL)
        await transport.open()
        got, end = await everything(transport)
        assert (got, str(end).endswith("closed the connection.")) == (b"bye\n", True)
        await transport.write(b"still heard there\n")
        async with asyncio.timeout(5):
            await heard.wait()
        await transport.close()


@pytest.fixture
def a_port_nobody_has() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    "form", [*OVER_TCP, "socket://127.0.0.1:{}", "tcp:localhost:{}", "prologix:tcp:127.0.0.1:{}:5"]
)
async def test_a_refused_connection_is_said_so(form: str, a_port_nobody_has: int) -> None:
    transport = open_transport(form.format(a_port_nobody_has), SERIAL)
    with pytest.raises(LinkDown) as down:
        await transport.open()
    assert str(down.value).endswith(f": {REFUSED}.")
    await transport.close()


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 70])
@pytest.mark.parametrize("form", ["tcp:{}:1", "TCPIP::{}::1::SOCKET", "TCPIP::{},1::inst0::INSTR"])
async def test_a_name_nobody_knows_is_said_so(form: str, name: str) -> None:
    transport = open_transport(form.format(name), SERIAL)
    with pytest.raises(LinkDown) as down:
        await transport.open()
    assert str(down.value).endswith(f": {UNKNOWN_NAME}.")
    await transport.close()


async def test_a_host_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(tcp, "CONNECT_S", 0.01)
    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", never)
    with pytest.raises(LinkDown, match=r"Nothing can be reached at 192\.0\.2\.7:80: no connection in 0\.01 s\.$"):
        await open_transport("tcp:192.0.2.7:80", SERIAL).open()


@pytest.mark.parametrize("second", ["{}", "pyserial:{}", "ASRL{}::INSTR"])
@pytest.mark.parametrize("first", ["{}", "pyserial:{}", "ASRL{}::INSTR"])
async def test_a_port_that_is_taken_is_said_so(first: str, second: str) -> None:
    with on_a_line(Instrument()) as (device, _):
        holder = open_transport(first.format(device), SERIAL)
        await holder.open()
        late = open_transport(second.format(device), SERIAL)
        with pytest.raises(LinkDown, match=f"cannot be opened: .*{HELD}\\.$"):
            await late.open()
        await late.close()
        await holder.close()
        await late.open()
        await late.close()


async def test_no_number_of_the_system_is_in_a_sentence() -> None:
    for resource in ("/dev/tty-that-is-not-there", "pyserial:/dev/tty-that-is-not-there", os.devnull):
        with pytest.raises(LinkDown) as down:
            await open_transport(resource, SERIAL).open()
        assert "Errno" not in str(down.value)
        assert str(down.value).count(".") == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('192.0.2.7', 80)"), REFUSED),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect ..."), REFUSED),
        (OSError(113, "Connect call failed ('192.0.2.7', 80)"), os.strerror(113)),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed A, [Errno 113] Connect call failed B"),
            "Multiple exceptions: Connect call failed A, Connect call failed B",
        ),
        (socket.gaierror(-2, "Name or service not known"), UNKNOWN_NAME),
        (UnicodeError("label empty or too long"), UNKNOWN_NAME),
        (OSError(16, "Serial port '/dev/ttyS0' is already locked by another process."), HELD),
        (OSError(11, "Could not exclusively lock port /dev/ttyS0"), HELD),
        (OSError(16, "Device or resource busy"), "Device or resource busy"),
        (OSError(13, "Permission denied", "/dev/ttyS0"), "Permission denied: '/dev/ttyS0'"),
        (EOFError(), "EOFError"),
    ],
)
def test_an_error_of_a_library_in_words(error: Exception, words: str) -> None:
    assert plain(error) == words
