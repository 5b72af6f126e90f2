"""Faults of ports and of what is on them. /dev/pts stands for serial lines; the list of USB adapters is made up."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from brokers import free_port
from installations import Installation, holding, planted

from acquire.spool.journal import Journal
from simulators import serve

Plants = AsyncIterator[None]


@contextmanager
def line() -> Iterator[str]:
    """A terminal's path, with nobody at its other end who answers."""
    here, there = os.openpty()
    try:
        yield os.ttyname(there)
    finally:
        os.close(here)
        os.close(there)


@planted("port-missing", "'electrometer-1': there is no /dev/ttyUSB99 now; plug it in, or name another resource")
async def not_plugged_in(it: Installation) -> Plants:
    with line() as port:
        it.instrument(port)
        yield
        it.instrument("/dev/ttyUSB99")
        yield


@planted(
    "usb-identity",
    "'electrometer-1': The USB serial adapter 0403:6001 with serial number A50285BI is not plugged in; there is"
    " 0403:6001 A9999999 on /dev/ttyUSB0.",
    "Plug the right one in, or correct resource.",
)
async def another_adapter(it: Installation) -> Plants:
    def ports(serial: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(device="/dev/ttyUSB0", vid=0x0403, pid=0x6001, serial_number=serial)]

    it.instrument("usb:0403:6001:A50285BI")
    with patch("serial.tools.list_ports.comports", lambda: ports("A50285BI")):
        yield
    with patch("serial.tools.list_ports.comports", lambda: ports("A9999999")):
        yield


@planted(
    "port-held", "'electrometer-1': /dev/pts/", " is held by process ", " (sleep 60), and one port serves one program:"
)
async def held_by_another_program(it: Installation) -> Plants:
    with line() as port:
        it.instrument(port)
        yield
        with Path(port).open("r+b", buffering=0) as file, holding(file):
            yield


@planted("port-held", "is held by process ", " (sleep 60)", "end that program or give it another port")
async def connected_by_another_program(it: Installation) -> Plants:
    with socket.create_server(("127.0.0.1", 0)) as server:
        it.instrument(f"tcp:127.0.0.1:{server.getsockname()[1]}")
        yield
        with socket.create_connection(server.getsockname()) as connected, holding(connected.fileno()):
            yield


@planted(
    "port-unlikely",
    "'electrometer-1' is a ptw-unidos-tango, which is reached by",
    "is a serial line: correct model or resource.",
)
async def a_model_on_another_kind_of_port(it: Installation) -> Plants:
    with line() as port:
        it.instrument(port)
        yield
        it.instrument(port, "ptw-unidos-tango")
        yield


@planted(
    "wrong-instrument",
    "A Keithley 6517B electrometer is configured on /dev/pts/",
    "a 6517A answers: connect the right instrument, or correct model or resource.",
    ask=("electrometer-1",),
)
async def another_model_answers(it: Installation) -> Plants:
    async with _line_of("keithley-6517b") as port:
        it.instrument(port)
        yield
    async with _line_of("keithley-6517a") as port:
        it.instrument(port)
        yield


@planted(
    "wrong-instrument",
    "Serial number 4711 is configured on /dev/pts/",
    "answers: connect the right unit, or correct expected_serial.",
    ask=("electrometer-1",),
)
async def another_unit_answers(it: Installation) -> Plants:
    async with _line_of("keithley-6517b") as port:
        it.instrument(port, expected_serial='"4096271"')
        yield
        it.instrument(port, expected_serial='"4711"')
        yield


@asynccontextmanager
async def _line_of(model: str) -> AsyncIterator[str]:
    served = await serve(model, "pty", seed=1, speed=100)
    try:
        yield served.resource
    finally:
        await served.close()


@planted(
    "no-answer",
    "'electrometer-1' did not say what it is: ",
    "look whether it is switched on, and at cable and serial settings.",
    ask=("electrometer-1",),
)
async def nobody_answers(it: Installation) -> Plants:
    async with _line_of("keithley-6517b") as port:
        it.instrument(port)
        yield
    with line() as port:
        it.instrument(port, timeout_s="0.02")
        yield


@planted(
    "not-asked",
    "'electrometer-1' was not asked what it is: the service runs and owns its port",
    "its state on the bus says how it is, or stop the service first.",
    ask=("electrometer-1",),
)
async def asked_beside_the_service(it: Installation) -> Plants:
    async with _line_of("keithley-6517b") as port:
        it.instrument(port)
        yield
        with it.running():
            yield


@planted("not-asked", "process ", "(sleep 60) has its port; end that first.", ask=("electrometer-1",))
async def asked_while_somebody_has_it(it: Installation) -> Plants:
    async with _line_of("keithley-6517b") as port:
        it.instrument(port)
        yield
        with Path(port).open("r+b", buffering=0) as file, holding(file):
            yield


@planted("instrument-silent", "'electrometer-1' is connected and has given nothing since 2026-01-01 09:00 UTC: look at")
async def an_instrument_that_says_nothing(it: Installation) -> Plants:
    it.instrument(f"tcp:127.0.0.1:{free_port()}")
    with closing(Journal(it.spool_file, reserve=4096)) as journal:  # which holds the spool as its service does
        row = journal.open_stream("electrometer-1")
        yield
        journal.append([(row.number, [(b'{"kind":"scalar","time":"2026-01-01T09:00:00.000000Z"}', None)])])
        yield
