"""VISA resources through pyvisa and pyvisa-py, one thread a resource.

Raw bytes are read, so that the missing default terminator of SOCKET resources does not matter. A read that times out
has simply found nothing yet. GPIB and USB need the operating system's own libraries under pyvisa-py.
"""

from __future__ import annotations

import warnings
from typing import Any

import pyvisa
from pyvisa.constants import InterfaceType, ResourceAttribute, StatusCode
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
        self._serial = False

    def blocking_open(self) -> None:
        """Open with the pure Python backend."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the backend warns of optional libraries that this resource does not need
            self._manager = pyvisa.ResourceManager("@py")
            self._session = self._manager.open_resource(self._resource, open_timeout=5000)
        self._session.timeout = READ_MS
        self._serial = self._session.interface_type == InterfaceType.asrl
        if self._session.resource_class == "SOCKET":
            self._session.set_visa_attribute(ResourceAttribute.suppress_end_enabled, False)

    def blocking_write(self, data: bytes) -> None:
        """Write all of data."""
        self._session.write_raw(data)

    def blocking_read(self) -> bytes:
        """What arrives within a short time.

        The backend drops what it has when a read times out, so a read never asks for more than will surely come: a
        serial line is asked for the bytes it holds, a socket may return what it has (END not suppressed), and message
        based interfaces end at END by themselves.
        """
        count = max(1, self._session.bytes_in_buffer) if self._serial else 4096
        try:
            data, _ = self._session.visalib.read(self._session.session, count)
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
