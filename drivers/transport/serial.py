"""A serial line through serialx: native asyncio, exclusive."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Literal

import serialx
from pydantic import BaseModel, ConfigDict

from drivers.errors import LinkDown


class SerialSettings(BaseModel):
    """How the line is set. Opening a USB adapter may toggle DTR and RTS and so reset some instruments."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    baud_rate: int = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    flow: Literal["none", "xon-xoff", "rts-cts"] = "none"


UNSENT_S = 1.0  # how long closing waits for bytes that the line does not take (flow control, a dead adapter)
PARITY = {"none": "N", "even": "E", "odd": "O"}


class SerialTransport:
    """A device such as /dev/ttyUSB0 or COM3."""

    def __init__(self, device: str, settings: SerialSettings) -> None:
        self._device = device
        self._settings = settings
        self._reader: Any = None
        self._writer: Any = None

    async def open(self) -> None:
        """Open exclusively."""
        s = self._settings
        try:
            self._reader, self._writer = await serialx.open_serial_connection(
                self._device,
                s.baud_rate,
                byte_size=s.data_bits,
                parity=PARITY[s.parity],
                stopbits=s.stop_bits,
                xonxoff=s.flow == "xon-xoff",
                rtscts=s.flow == "rts-cts",
                exclusive=True,
                close_timeout=UNSENT_S,
            )
        except (OSError, serialx.SerialException) as error:
            raise LinkDown(f"The serial port {self._device} cannot be opened: {error}.") from error

    async def write(self, data: bytes) -> None:
        """Send all of it."""
        if self._writer is None:
            raise LinkDown(f"The serial port {self._device} is not open.")
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (OSError, serialx.SerialException) as error:
            raise LinkDown(f"The serial port {self._device} is gone: {error}.") from error

    async def read_some(self) -> bytes:
        """What is there; at least one byte. A pty whose other end closed counts as unplugged."""
        if self._reader is None:
            raise LinkDown(f"The serial port {self._device} is not open.")
        try:
            data: bytes = await self._reader.read(4096)
        except (OSError, serialx.SerialException) as error:
            raise LinkDown(f"The serial port {self._device} is gone: {error}.") from error
        if not data:
            raise LinkDown(f"The serial port {self._device} is gone.")
        return data

    async def close(self) -> None:
        """Close; a pending read ends, bytes that the line does not take are given up."""
        if self._writer is not None:
            writer, self._reader, self._writer = self._writer, None, None
            writer.close()
            with suppress(OSError, serialx.SerialException):  # TimeoutError is an OSError
                async with asyncio.timeout(2 * UNSENT_S):
                    await writer.wait_closed()
