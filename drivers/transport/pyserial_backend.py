"""The second serial backend: pyserial, for its URL handlers (rfc2217://, socket://, spy://, loop://, hwgrep://)."""

from __future__ import annotations

from contextlib import suppress

import serial

from drivers.transport.serial_settings import PARITY, SerialSettings
from drivers.transport.threaded import PORT_ERRORS, ThreadedTransport

READ_S = 0.005


class PyserialTransport(ThreadedTransport):
    """A pyserial URL or device."""

    errors = (*PORT_ERRORS, serial.SerialException, TypeError)  # TypeError: closed in the middle of a read

    def __init__(self, url: str, settings: SerialSettings) -> None:
        super().__init__(f"The serial port {url}")
        self._url = url
        self._settings = settings
        self._port: serial.Serial | None = None  # or a handler's own class with the same face

    def blocking_open(self) -> None:
        """Open, exclusively where the handler knows how. DTR and RTS are set before: pyserial then opens with them."""
        s = self._settings
        port = serial.serial_for_url(
            self._url,
            baudrate=s.baud_rate,
            bytesize=s.data_bits,
            parity=PARITY[s.parity],
            stopbits=s.stop_bits,
            xonxoff=s.flow == "xon-xoff",
            rtscts=s.flow == "rts-cts",
            timeout=READ_S,
            exclusive=True,
            do_not_open=True,
        )
        if s.dtr is not None:
            port.dtr = s.dtr
        if s.rts is not None:
            port.rts = s.rts
        port.open()
        self._port = port

    def blocking_write(self, data: bytes) -> None:
        """Write all of data."""
        if self._port is not None:
            self._port.write(data)

    def blocking_read(self) -> bytes:
        """One byte or what has arrived: pyserial's read_until would go byte by byte."""
        if self._port is None:
            return b""
        return bytes(self._port.read(max(1, self._port.in_waiting)))

    def end_read(self) -> None:
        """Not every handler and system can: there a write waits until the read is over."""
        with suppress(AttributeError, *self.errors):
            self._port.cancel_read()  # type: ignore[union-attr]  # None, too, has no such thing

    def blocking_close(self) -> None:
        """Close. pyserial leaves the socket of socket:// and rfc2217:// open when the other end went first."""
        if self._port is not None:
            left_open = getattr(self._port, "_socket", None)
            self._port.close()
            if left_open is not None:
                left_open.close()
