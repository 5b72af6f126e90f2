"""From a resource string to a transport."""

from __future__ import annotations

import re

from drivers.errors import Misuse
from drivers.strict_numbers import whole
from drivers.transport.base import Transport
from drivers.transport.hislip import HislipTransport
from drivers.transport.prologix import PrologixTransport
from drivers.transport.serial_settings import SerialSettings
from drivers.transport.tcp import TcpTransport
from drivers.transport.vxi11 import Vxi11Transport

ALLOWED = (
    "/dev/ttyUSB0, COM3 or serial:DEVICE; usb:VID:PID:SERIAL for a USB serial adapter; pyserial:URL,"
    " rfc2217://HOST:PORT, socket://, spy://, loop:// or hwgrep://;"
    " tcp:HOST:PORT; prologix:tcp:HOST:PORT:ADDRESS or prologix:DEVICE:ADDRESS for GPIB behind a Prologix adapter;"
    " a VISA resource such as TCPIP::HOST::INSTR, TCPIP::HOST::hislip0::INSTR, TCPIP::HOST::PORT::SOCKET,"
    " ASRL/dev/ttyS0::INSTR or GPIB0::27::INSTR; pyvisa:RESOURCE for one that is to go through pyvisa all the same"
)
GPIB_ADDRESSES = range(31)  # IEEE 488.1: 31 means nobody
_PROLOGIX = "prologix:"
_USB, _PYVISA = "usb:", "pyvisa:"
_PYSERIAL = re.compile(r"^(rfc2217|socket|spy|loop|hwgrep|alt|cp2110)://", re.IGNORECASE)
_VISA = re.compile(r"^(TCPIP|ASRL|GPIB|USB|PXI|VXI)[^:]*::", re.IGNORECASE)
VISA_LINE = re.compile(r"^ASRL([^:]+)(?:::INSTR)?$", re.IGNORECASE)
VISA_SOCKET = re.compile(r"^TCPIP\d*::(.+)::([^:]*)::SOCKET$", re.IGNORECASE)
VISA_USB = re.compile(r"^USB\d*::(0x[0-9A-F]+|\d+)::(0x[0-9A-F]+|\d+)::([^:]+)(?:::\d+)?(?:::INSTR)?$", re.IGNORECASE)
TCP = re.compile(r"^(?:tcp:|socket://)(.+):(\d{1,5})$")
_VISA_LAN = re.compile(r"^TCPIP\d*::(\[[^\]]+\][^:]*|[^:]+)(?:::(?!INSTR$)([^:]+))?(?:::INSTR)?$", re.IGNORECASE)
_PRLGX = re.compile(r"^PRLGX-(TCPIP|ASRL)\d*::(.+?)(?:::INTFC)?$", re.IGNORECASE)
_DEVICE = re.compile(r"^(/|COM\d+$)")


def open_transport(resource: str, serial: SerialSettings) -> Transport:
    """The transport for a resource; nothing is opened yet.

    Raises Misuse with the forms that are allowed, and for dtr or rts where the resource has no such lines.
    """
    if (serial.dtr is not None or serial.rts is not None) and not _has_control_lines(resource):
        raise Misuse(
            f"serial.dtr and serial.rts cannot be set on {resource}: only a serial line that is opened here has them"
            " (/dev/ttyUSB0, COM3, usb:VID:PID:SERIAL, pyserial:DEVICE, rfc2217://HOST:PORT); leave them out."
        )
    if resource.startswith(_PROLOGIX):
        return _prologix(resource, serial)
    if resource.startswith("tcp:"):
        return _tcp(resource)
    if _VISA.match(resource.removeprefix(_PYVISA)) and resource.startswith(_PYVISA):
        return _by_pyvisa(resource.removeprefix(_PYVISA))
    if (resource.startswith("pyserial:") and len(resource) > len("pyserial:")) or _PYSERIAL.match(resource):
        from drivers.transport.pyserial_backend import PyserialTransport  # noqa: PLC0415 - only where it is used

        return PyserialTransport(resource.removeprefix("pyserial:"), serial)
    if resource.upper().startswith("PRLGX"):
        raise Misuse(_instead_of(resource))
    if _VISA.match(resource) or VISA_LINE.match(resource):
        return _visa(resource, serial)
    return _serial_line(resource, serial)


def _visa(resource: str, serial: SerialSettings) -> Transport:
    """What has a shorter way than through VISA goes that way: the bytes are the same."""
    if found := VISA_SOCKET.match(resource):
        return _visa_socket(found[1], found[2])
    if found := VISA_LINE.match(resource):
        return _serial_line(f"serial:{_device_of(found[1])}", serial)
    if found := _VISA_LAN.match(resource):
        return _lan(found[1], found[2] or "inst0", resource)
    return _by_pyvisa(resource)


def _by_pyvisa(resource: str) -> Transport:
    from drivers.transport.visa import VisaTransport  # noqa: PLC0415 - a heavy import

    return VisaTransport(_visa_name(resource))


def _lan(host: str, device: str, resource: str) -> Transport:
    """VXI-11, whose port may stand behind the host, or HiSLIP, whose port may stand behind the sub-address."""
    if device.lower().startswith("hislip"):
        sub_address, _, port = device.partition(",")
        return HislipTransport(host, _lan_port(port or "4880", resource), sub_address, resource)
    host, comma, port = host.partition(",")
    return Vxi11Transport(host, _lan_port(port, resource) if comma else None, device, resource)


def _lan_port(port: str, resource: str) -> int:
    if _number(port) not in range(1, 65536):
        raise Misuse(
            f"'{resource}' has no TCP port; allowed are TCPIP::HOST,PORT::inst0::INSTR and"
            " TCPIP::HOST::hislip0,PORT::INSTR with a port of 1 to 65535, or both without one."
        )
    return whole(port)


def _has_control_lines(resource: str) -> bool:
    """Whether DTR and RTS can be chosen before the line is used: what pyserial's socket:// and cp2110:// ignore is no
    choice.
    """
    line = (
        resource.removeprefix(_PROLOGIX).removeprefix("pyserial:").removeprefix("spy://").lower().removeprefix(_PYVISA)
    )
    without = line.startswith(("tcp:", "socket://", "cp2110://")) or _VISA.match(line)
    return VISA_LINE.match(line) is not None or not without


def _device_of(board: str) -> str:
    """Of VISA's name of a serial line: ASRL3 is COM3, any other name the device's own (as pyvisa-py has it)."""
    return f"COM{board}" if board.isdecimal() else board


def _serial_line(resource: str, serial: SerialSettings) -> Transport:
    if resource.startswith(_USB):
        from drivers.transport.usb_serial import UsbIdentity, UsbSerialTransport  # noqa: PLC0415 - a heavy import

        return UsbSerialTransport(UsbIdentity.of(resource), serial)
    device = resource.removeprefix("serial:")
    if (device and device != resource) or _DEVICE.match(resource):
        from drivers.transport.serial import SerialTransport  # noqa: PLC0415 - a heavy import

        return SerialTransport(device, serial)
    raise Misuse(f"'{resource}' is no resource that is known here; allowed are {ALLOWED}.")


def _tcp(resource: str) -> Transport:
    host, _, port = resource.removeprefix("tcp:").rpartition(":")
    if not host or _number(port) not in range(1, 65536):
        raise Misuse(f"'{resource}' is no TCP address; allowed is tcp:HOST:PORT, for example tcp:192.0.2.7:8123.")
    return TcpTransport(host, whole(port))


def _visa_socket(host: str, port: str) -> Transport:
    """VISA's name of a plain TCP port: the same bytes as tcp:HOST:PORT, without a thread that asks fifty times a second
    whether something came (200 instruments cost 2.7 ms of processor time a reading that way, and 0.4 this way).
    """
    if _number(port) not in range(1, 65536):
        raise Misuse(
            f"'TCPIP::{host}::{port}::SOCKET' has no TCP port; allowed is TCPIP::HOST::PORT::SOCKET with a port of"
            " 1 to 65535."
        )
    return TcpTransport(host, whole(port))


def _prologix(resource: str, serial: SerialSettings) -> Transport:
    adapter, _, address = resource.removeprefix(_PROLOGIX).rpartition(":")
    if _number(address) not in GPIB_ADDRESSES or _VISA.match(adapter) or adapter.startswith(_PROLOGIX):
        raise Misuse(
            f"'{resource}' names no instrument behind a Prologix adapter; allowed are prologix:tcp:HOST:PORT:ADDRESS"
            " and prologix:DEVICE:ADDRESS with a GPIB address of 0 to 30, for example prologix:tcp:192.0.2.9:1234:27."
        )
    return PrologixTransport(open_transport(adapter, serial), whole(address), resource)


def _instead_of(resource: str) -> str:
    """What to write for pyvisa's name of a Prologix adapter, which names no instrument."""
    found = _PRLGX.match(resource)
    adapter = "tcp:HOST:PORT"
    if found:
        adapter = "tcp:" + found[2].replace("::", ":") if found[1].upper() == "TCPIP" else found[2]
    return (
        f"'{resource}' is pyvisa's name of a Prologix adapter, not of an instrument behind it;"
        f" allowed is prologix:{adapter}:ADDRESS with the instrument's GPIB address, for example"
        " prologix:tcp:192.0.2.9:1234:27 or prologix:/dev/ttyUSB0:27."
    )


def _visa_name(resource: str) -> str:
    from pyvisa.rname import ASRLInstr, GPIBInstr, InvalidResourceName, ResourceName  # noqa: PLC0415 - heavy

    try:
        name = ResourceName.from_string(resource)
    except InvalidResourceName as error:
        raise Misuse(f"'{resource}' is no VISA resource; allowed are {ALLOWED}.") from error
    if isinstance(name, ASRLInstr):
        raise Misuse(f"'{resource}' names no serial line; allowed is ASRL/dev/ttyS0::INSTR, or ASRL3::INSTR for COM3.")
    if isinstance(name, GPIBInstr) and _number(name.primary_address) not in GPIB_ADDRESSES:
        raise Misuse(f"'{resource}' has no GPIB address; allowed are 0 to 30, for example GPIB0::27::INSTR.")
    return resource


def _number(text: str) -> int:
    """-1 for what is no number."""
    return whole(text) if re.fullmatch("[0-9]{1,9}", text) else -1
