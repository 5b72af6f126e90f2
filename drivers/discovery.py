"""What is plugged in: serial ports and VISA resources, and, only when asked, what answers on them.

Nothing on the network is probed. Asking writes two harmless queries (`*IDN?`, `PTW`) to a port; do not do that where
you do not know that the device takes it well.
"""

from __future__ import annotations

import asyncio
import warnings
from contextlib import suppress
from dataclasses import dataclass

from drivers.errors import InstrumentError
from drivers.link import Link
from drivers.replies import Line
from drivers.transport.resource import open_transport
from drivers.transport.serial_settings import SerialSettings

QUERIES = (b"*IDN?\n", b"PTW\r\n")
ANSWER_S = 1.0
LOCAL = ("gpib", "usb")


@dataclass(frozen=True, slots=True)
class Found:
    """A port or resource; `answer` is what came back, if it was asked and anything did."""

    resource: str
    description: str
    answer: str | None = None


async def discover(*, identify: bool = False, extra: tuple[str, ...] = ()) -> list[Found]:
    """Serial ports by pyserial, VISA resources by pyvisa-py (local ones), and `extra` resources to be asked too."""
    found = [Found(each, "given") for each in extra]
    for look in (_serial_ports, _visa_resources):
        found += await asyncio.to_thread(look)
    if not identify:
        return found
    return [Found(f.resource, f.description, await _ask(f.resource)) for f in found]


def _serial_ports() -> list[Found]:
    from serial.tools import list_ports  # noqa: PLC0415 - only here

    return [Found(p.device, p.description or "serial port") for p in sorted(list_ports.comports())]


def _visa_resources() -> list[Found]:
    """GPIB and USB only, each asked by itself: the backend's own list broadcasts, whatever it is asked for."""
    import pyvisa  # noqa: PLC0415 - a heavy import
    from pyvisa_py.sessions import Session  # noqa: PLC0415 - a heavy import

    from drivers.transport import visa_manager  # noqa: PLC0415 - brings pyvisa

    names: list[str] = []
    with suppress(pyvisa.errors.Error, ValueError, OSError), visa_manager.taken(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for (interface, _), session in Session.iter_valid_session_classes():
            if interface.name in LOCAL:
                names += session.list_resources()
    return [Found(name, "VISA") for name in names]


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
