"""A serial line named by its USB adapter instead of by a path: found again whatever name the port has now.

/dev/ttyUSB0 is given to whichever adapter comes first. Vendor, product and serial number are the adapter's own, so they
are looked up at every opening, among the ports that are there then.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

from drivers.errors import LinkDown, Misuse
from drivers.transport.serial import SerialTransport
from drivers.transport.serial_settings import SerialSettings

PREFIX = "usb:"
MOST_NAMED = 8  # adapters in one sentence
_NUMBERS = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})(?::(.+))?")
_SERIAL = re.compile(r"[^:\s]+")

Ports = Callable[[], Iterable[Any]]  # as serial.tools.list_ports.comports


@dataclass(frozen=True, slots=True)
class UsbIdentity:
    """What an adapter says of itself. vid, pid: of USB, 0 to 0xFFFF; None: whichever it is."""

    vid: int | None
    pid: int | None
    serial: str | None

    @classmethod
    def of(cls, resource: str) -> Self:
        """Of usb:VID:PID:SERIAL, usb:VID:PID or usb:SERIAL. Raises Misuse."""
        text = resource.removeprefix(PREFIX)
        if found := _NUMBERS.fullmatch(text):
            return cls(int(found[1], 16), int(found[2], 16), found[3])
        if _SERIAL.fullmatch(text):
            return cls(None, None, text)
        raise Misuse(
            f"'{resource}' is no USB serial adapter; allowed are usb:VID:PID:SERIAL, usb:VID:PID with four hexadecimal"
            " digits each, or usb:SERIAL, for example usb:0403:6001:A50285BI; `acquire discover` shows what is there."
        )

    def fits(self, port: Any) -> bool:
        """Whether a port as pyserial describes it is this adapter. Systems differ in how they spell a serial number."""
        if port.vid is None:
            return False
        same = (self.vid, self.pid) in ((None, None), (port.vid, port.pid))
        return same and (self.serial is None or (port.serial_number or "").casefold() == self.serial.casefold())

    def __str__(self) -> str:
        numbers = f"{self.vid:04x}:{self.pid:04x}" if self.vid is not None and self.pid is not None else ""
        return " ".join(filter(None, (numbers, self.serial and f"with serial number {self.serial}")))


def name_of(port: Any) -> str | None:
    """The resource that names a port by its USB adapter; None where its adapter tells no serial number."""
    if port.vid is None or not port.serial_number:
        return None
    return f"{PREFIX}{port.vid:04x}:{port.pid:04x}:{port.serial_number}"


def _ports_now() -> Iterable[Any]:
    from serial.tools import list_ports  # noqa: PLC0415 - only here

    return list_ports.comports()


class UsbSerialTransport:
    """usb:VID:PID:SERIAL. `ports` lists what is plugged in at the moment, as pyserial describes it."""

    def __init__(self, identity: UsbIdentity, settings: SerialSettings, ports: Ports = _ports_now) -> None:
        self._identity = identity
        self._settings = settings
        self._ports = ports
        self._line: SerialTransport | None = None

    async def open(self) -> None:
        """Look the adapter up and open its port. Raises LinkDown, naming what is plugged in instead."""
        await self.close()
        device = await asyncio.to_thread(device_of, self._identity, self._ports)
        line = SerialTransport(device, self._settings)
        await line.open()
        self._line = line

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises LinkDown."""
        await self._open_line().write(data)

    async def read_some(self) -> bytes:
        """What is there; at least one byte. Raises LinkDown."""
        return await self._open_line().read_some()

    def pass_to(self, hear: Callable[[bytes], None]) -> Callable[[], bool]:
        """hear() gets what arrives. Raises LinkDown."""
        return self._open_line().pass_to(hear)

    async def close(self) -> None:
        """Close; a pending read ends. Never raises."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    def _open_line(self) -> SerialTransport:
        if self._line is None:
            raise LinkDown(f"The USB serial adapter {self._identity} is not open.")
        return self._line


def device_of(identity: UsbIdentity, ports: Ports = _ports_now) -> str:
    """The device that an adapter has now; nothing is opened. Raises LinkDown, naming what is plugged in instead."""
    there = sorted((port for port in ports() if port.vid is not None), key=lambda port: str(port.device))
    fitting = [port for port in there if identity.fits(port)]
    if len(fitting) == 1:
        return str(fitting[0].device)
    if fitting:
        raise LinkDown(
            f"{len(fitting)} USB serial adapters are {identity} ({_named(fitting)}); name one of them by its"
            " serial number, as usb:VID:PID:SERIAL, or by its path."
        )
    instead = f"there is {_named(there)}" if there else "there is none at all"
    raise LinkDown(f"The USB serial adapter {identity} is not plugged in; {instead}.")


def _named(ports: list[Any]) -> str:
    said = [
        f"{port.vid:04x}:{port.pid:04x} {port.serial_number or 'without a serial number'} on {port.device}"
        for port in ports[:MOST_NAMED]
    ]
    return ", ".join(said) + (f" and {len(ports) - MOST_NAMED} more" if len(ports) > MOST_NAMED else "")
