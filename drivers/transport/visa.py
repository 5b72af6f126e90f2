"""VISA resources through pyvisa and pyvisa-py, one thread a resource.

Raw bytes are read, so that the missing default terminator of SOCKET resources does not matter. A read that times out
has simply found nothing yet. GPIB and USB need the operating system's own libraries under pyvisa-py.
"""

from __future__ import annotations

import warnings
from typing import Any

import pyvisa
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from drivers.transport.threaded import ThreadedTransport

READ_MS = 20


class VisaTransport(ThreadedTransport):
    """A VISA resource string, such as TCPIP::192.0.2.7::5025::SOCKET or GPIB0::27::INSTR."""

    errors = (OSError, VisaIOError, pyvisa.errors.Error, ValueError)

    def __init__(self, resource: str) -> None:
        super().__init__(resource)
        self._resource = resource
        self._manager: pyvisa.ResourceManager | None = None
        self._session: Any = None

    def blocking_open(self) -> None:
        """Open with the pure Python backend."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the backend warns of optional libraries that this resource does not need
            self._manager = pyvisa.ResourceManager("@py")
            self._session = self._manager.open_resource(self._resource, open_timeout=5000)
        self._session.timeout = READ_MS

    def blocking_write(self, data: bytes) -> None:
        """Write all of data."""
        self._session.write_raw(data)

    def blocking_read(self) -> bytes:
        """What arrives within 20 ms."""
        try:
            data, _ = self._session.visalib.read(self._session.session, 4096)
        except VisaIOError as error:
            if error.error_code == StatusCode.error_timeout:
                return b""
            raise
        return bytes(data)

    def blocking_close(self) -> None:
        """Close session and manager."""
        if self._session is not None:
            self._session.close()
        if self._manager is not None:
            self._manager.close()
