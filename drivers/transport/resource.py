"""From a resource string to a transport."""

from __future__ import annotations

import re

from drivers.errors import Misuse
from drivers.transport.base import Transport
from drivers.transport.serial import SerialSettings, SerialTransport
from drivers.transport.tcp import TcpTransport

ALLOWED = (
    "/dev/ttyUSB0, COM3 or serial:DEVICE; pyserial:URL, rfc2217://HOST:PORT, socket://, spy://, loop:// or hwgrep://;"
    " tcp:HOST:PORT; a VISA resource such as TCPIP::HOST::PORT::SOCKET, ASRL/dev/ttyS0::INSTR or GPIB0::27::INSTR"
)
_PYSERIAL = re.compile(r"^(rfc2217|socket|spy|loop|hwgrep|alt|cp2110)://", re.IGNORECASE)
_VISA = re.compile(r"^(TCPIP|ASRL|GPIB|USB|PXI|VXI|PRLGX)[^:]*::", re.IGNORECASE)
_DEVICE = re.compile(r"^(/|COM\d+$)")


def open_transport(resource: str, serial: SerialSettings) -> Transport:
    """The transport for a resource; nothing is opened yet. Raises Misuse with the forms that are allowed."""
    if resource.startswith("tcp:"):
        return _tcp(resource)
    if (resource.startswith("pyserial:") and len(resource) > len("pyserial:")) or _PYSERIAL.match(resource):
        from drivers.transport.pyserial_backend import PyserialTransport  # noqa: PLC0415 - only where it is used

        return PyserialTransport(resource.removeprefix("pyserial:"), serial)
    if _VISA.match(resource):
        from drivers.transport.visa import VisaTransport  # noqa: PLC0415 - a heavy import

        return VisaTransport(_visa_name(resource), serial)
    device = resource.removeprefix("serial:")
    if (device and device != resource) or _DEVICE.match(resource):
        return SerialTransport(device, serial)
    raise Misuse(f"'{resource}' is no resource that is known here; allowed are {ALLOWED}.")


def _visa_name(resource: str) -> str:
    from pyvisa.rname import InvalidResourceName, ResourceName  # noqa: PLC0415 - a heavy import

    try:
        ResourceName.from_string(resource)
    except InvalidResourceName as error:
        raise Misuse(f"'{resource}' is no VISA resource; allowed are {ALLOWED}.") from error
    return resource


def _tcp(resource: str) -> Transport:
    host, _, port = resource.removeprefix("tcp:").rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise Misuse(f"'{resource}' is no TCP address; allowed is tcp:HOST:PORT, for example tcp:192.0.2.7:8123.")
    return TcpTransport(host, int(port))
