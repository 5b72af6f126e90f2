"""A serial line through serialx: native asyncio, exclusive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import serialx

from drivers.errors import LinkDown
from drivers.transport.plain import plain
from drivers.transport.received import Received
from drivers.transport.serial_settings import PARITY, SerialSettings

UNSENT_S = 1.0  # how long closing waits for bytes that the line does not take (flow control, a dead adapter)
SERIAL_ERRORS = (OSError, serialx.SerialException)


class SerialTransport:
    """A device such as /dev/ttyUSB0 or COM3."""

    def __init__(self, device: str, settings: SerialSettings) -> None:
        self._device = device
        self._settings = settings
        self._reader: Received | None = None
        self._writer: Any = None

    async def open(self) -> None:
        """Open exclusively. Raises LinkDown when the device is not there, is in use, or cannot be set so."""
        s = self._settings
        loop = asyncio.get_running_loop()
        reader = Received()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await serialx.create_serial_connection(
                loop,
                lambda: protocol,
                self._device,
                s.baud_rate,
                byte_size=s.data_bits,
                parity=serialx.Parity(PARITY[s.parity]),
                stopbits=serialx.StopBits(s.stop_bits),
                xonxoff=s.flow == "xon-xoff",
                rtscts=s.flow == "rts-cts",
                exclusive=True,
                close_timeout=UNSENT_S,
                **_on_open(s),
            )
        except (*SERIAL_ERRORS, ValueError) as error:  # ValueError: a setting that the system does not have
            raise LinkDown(f"The serial port {self._device} cannot be opened: {plain(error)}.") from error
        reader.watch(transport.get_extra_info("serial"))
        self._reader = reader
        self._writer = serialx.SerialStreamWriter(transport, protocol, reader, loop)

    async def write(self, data: bytes) -> None:
        """Send all of it. Raises LinkDown."""
        if self._writer is None:
            raise LinkDown(f"The serial port {self._device} is not open.")
        try:
            self._writer.write(data)
            if self._writer.transport.get_write_buffer_size() or self._writer.is_closing():  # else it has all gone
                await self._writer.drain()
        except SERIAL_ERRORS as error:
            raise LinkDown(f"The serial port {self._device} is gone: {plain(error)}.") from error

    async def read_some(self) -> bytes:
        """What is there; at least one byte. Raises LinkDown when all that arrived before the end has been given.

        A pty whose other end closed counts as unplugged.
        """
        reader = self._reader
        if reader is None:
            raise LinkDown(f"The serial port {self._device} is not open.")
        data = await reader.read(4096)
        if data:
            return data
        if reader.ended_by is not None:
            raise LinkDown(f"The serial port {self._device} is gone: {plain(reader.ended_by)}.") from reader.ended_by
        raise LinkDown(f"The serial port {self._device} is gone.")

    def pass_to(self, hear: Callable[[bytes], None]) -> Callable[[], bool]:
        """hear() gets what arrives, in the loop's turn in which it does. Raises LinkDown."""
        if self._reader is None:
            raise LinkDown(f"The serial port {self._device} is not open.")
        self._reader.hear = hear
        return self._reader.quiet

    async def close(self) -> None:
        """Close; a pending read ends, bytes that the line does not take are given up. Never raises."""
        if self._writer is not None:
            writer, self._reader, self._writer = self._writer, None, None
            writer.close()
            with suppress(*SERIAL_ERRORS):  # TimeoutError is an OSError
                async with asyncio.timeout(2 * UNSENT_S):
                    await writer.wait_closed()


def _on_open(settings: SerialSettings) -> dict[str, Any]:
    """How DTR and RTS stand from the opening on, where that was chosen: serialx asserts them otherwise."""
    chosen = {"dtr_on_open": settings.dtr, "rts_on_open": settings.rts}
    return {name: serialx.PinState.convert(each) for name, each in chosen.items() if each is not None}
