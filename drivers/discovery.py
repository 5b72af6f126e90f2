"""What is plugged in: serial ports and VISA resources, and, only when asked, what answers on them.

Nothing on the network is probed. Asking writes two harmless queries (`*IDN?`, `PTW`). A serial port may belong to
anything (a reader in the middle of a run, a linac's console), so a serial port is asked only when a person names it.
"""

from __future__ import annotations

import asyncio
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drivers.errors import InstrumentError, Misuse
from drivers.link import Link
from drivers.registry import model as model_named
from drivers.registry import models
from drivers.replies import Line
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings
from drivers.transport.usb_serial import name_of

QUERIES = (b"*IDN?\n", b"PTW\r\n")
ANSWER_S = 1.0
LOCAL = ("gpib", "usb")
INSTRUMENTS = "INSTR"  # resource class of VISA; INTFC is a board
BY_ID = Path("/dev/serial/by-id")  # udev's names, which stay with the adapter whatever port it is put into


@dataclass(frozen=True, slots=True)
class Found:
    """A port or resource. `stays` is a name of it that stays with the adapter, `usb` "vendor:product serial".

    Of one that was asked and answered: the answer, and the model and serial number in it where a driver knows them.
    """

    resource: str
    description: str
    stays: str | None = None
    usb: str | None = None
    asked: bool = False
    answer: str | None = None
    model: str | None = None
    serial: str | None = None


async def discover(*, identify: bool = False, extra: tuple[str, ...] = ()) -> list[Found]:
    """Serial ports by pyserial, VISA resources by pyvisa-py (local ones), and `extra` resources.

    identify: ask the VISA resources and `extra` what they are; serial ports only where they are among `extra`.
    """
    ports = await asyncio.to_thread(_serial_ports)
    visa = await asyncio.to_thread(_visa_resources)
    listed = {name for port in ports for name in (port.resource, port.stays)}
    given = [Found(each, "given") for each in extra if each not in listed]
    named = [port for port in ports if {port.resource, port.stays} & set(extra)]
    ask = {each.resource for each in [*given, *visa, *named]} if identify else set()
    return [await _asked(each) if each.resource in ask else each for each in [*given, *ports, *visa]]


def _serial_ports() -> list[Found]:
    from serial.tools import list_ports  # noqa: PLC0415 - only here

    names = {str(link.resolve()): str(link) for link in BY_ID.glob("*")}
    return [
        Found(port.device, port.description or "serial port", names.get(port.device) or name_of(port), _usb(port))
        for port in sorted(list_ports.comports())
    ]


def _usb(port: Any) -> str | None:
    """Of pyserial's description of a port; None where it is not on USB."""
    if port.vid is None:
        return None
    return f"{port.vid:04x}:{port.pid:04x} {port.serial_number or 'without a serial number'}"


def _visa_resources() -> list[Found]:
    """Instruments on GPIB and USB only: the backend's own list broadcasts, and has the boards themselves among them."""
    import pyvisa  # noqa: PLC0415 - a heavy import
    from pyvisa_py.sessions import Session  # noqa: PLC0415 - a heavy import

    from drivers.transport import visa_manager  # noqa: PLC0415 - brings pyvisa

    names: list[str] = []
    with suppress(pyvisa.errors.Error, ValueError, OSError), visa_manager.taken(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for (interface, of), session in Session.iter_valid_session_classes():
            if interface.name in LOCAL and of == INSTRUMENTS:
                names += session.list_resources()
    return [Found(name, "VISA") for name in names]


async def _asked(found: Found) -> Found:
    answer = await _ask(found.stays or found.resource)
    name, serial = known(answer) if answer is not None else (None, None)
    return replace(found, asked=True, answer=answer, model=name, serial=serial)


def known(answer: str) -> tuple[str | None, str | None]:
    """The registered model that an answer names, and its serial number; None where there is none.

    The answer to *IDN? is maker, model, serial number, firmware (IEEE 488.2, 10.14); any other may name a model only.
    """
    words = [word.strip() for word in re.split("[,;]", answer)]
    for name in models():
        with suppress(Misuse):  # somebody's package that cannot be loaded
            pattern = model_named(name).answers
            matching = [word for word in words if re.fullmatch(rf"(MODEL )?({pattern})", word, re.IGNORECASE)]
            if matching and pattern != ".*":
                of_idn = answer.count(",") == 3 and words[1] in matching
                return name, (words[2] or None) if of_idn else None
    return None, None


async def _ask(resource: str) -> str | None:
    """The first thing that answers on a resource, as text."""
    for query in QUERIES:
        link = None
        try:
            link = Link(open_transport(resource, SerialSettings()), name=resource)
            await link.open()
            return (await link.exchange(query, Line(), timeout_s=ANSWER_S)).decode("latin-1")
        except InstrumentError:
            continue
        finally:
            if link is not None:
                await link.close()
    return None
