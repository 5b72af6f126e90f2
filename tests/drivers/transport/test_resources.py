"""Which resource is which transport, and what is said of those that are none."""

from __future__ import annotations

import pytest
from wires import SERIAL

from drivers import Misuse
from drivers.transport.hislip import HislipTransport
from drivers.transport.prologix import PrologixTransport
from drivers.transport.pyserial_backend import PyserialTransport
from drivers.transport.resource import ALLOWED, open_transport
from drivers.transport.serial import SerialTransport
from drivers.transport.tcp import TcpTransport
from drivers.transport.visa import VisaTransport
from drivers.transport.vxi11 import Vxi11Transport

EVERYTHING = f"is no resource that is known here; allowed are {ALLOWED}."
TCP = "is no TCP address; allowed is tcp:HOST:PORT, for example tcp:192.0.2.7:8123."
BEHIND = (
    "names no instrument behind a Prologix adapter; allowed are prologix:tcp:HOST:PORT:ADDRESS and"
    " prologix:DEVICE:ADDRESS with a GPIB address of 0 to 30, for example prologix:tcp:192.0.2.9:1234:27."
)
GPIB = "has no GPIB address; allowed are 0 to 30, for example GPIB0::27::INSTR."
LINE = "names no serial line; allowed is ASRL/dev/ttyS0::INSTR, or ASRL3::INSTR for COM3."
PORT = "has no TCP port; allowed is TCPIP::HOST::PORT::SOCKET with a port of 1 to 65535."
LAN = (
    "has no TCP port; allowed are TCPIP::HOST,PORT::inst0::INSTR and TCPIP::HOST::hislip0,PORT::INSTR with a port of 1"
    " to 65535, or both without one."
)
VISA = f"is no VISA resource; allowed are {ALLOWED}."


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("/dev/ttyUSB0", SerialTransport), ("COM3", SerialTransport), ("serial:/dev/ttyS1", SerialTransport),
        ("pyserial:/dev/ttyS1", PyserialTransport), ("rfc2217://192.0.2.7:4000", PyserialTransport),
        ("spy:///dev/ttyS1", PyserialTransport), ("socket://192.0.2.7:4000", PyserialTransport),
        ("tcp:192.0.2.7:8123", TcpTransport), ("tcp:[::1]:8123", TcpTransport), ("tcp:host:1", TcpTransport),
        ("tcp:host:65535", TcpTransport), ("TCPIP::host::1::SOCKET", TcpTransport),
        ("prologix:tcp:192.0.2.9:1234:27", PrologixTransport), ("prologix:tcp:[::1]:1234:0", PrologixTransport),
        ("prologix:/dev/ttyUSB0:30", PrologixTransport), ("prologix:COM3:5", PrologixTransport),
        ("prologix:rfc2217://192.0.2.7:4000:27", PrologixTransport),
        ("TCPIP0::192.0.2.7::5025::SOCKET", TcpTransport), ("ASRL/dev/ttyS0::INSTR", SerialTransport),
        ("ASRL3::INSTR", SerialTransport), ("asrl/dev/ttyUSB0", SerialTransport),
        ("GPIB0::27::INSTR", VisaTransport), ("GPIB::27", VisaTransport), ("GPIB::27::96", VisaTransport),
        ("USB0::0x05E6::0x6517::123::INSTR", VisaTransport), ("TCPIP::192.0.2.7::INSTR", Vxi11Transport),
        ("TCPIP::192.0.2.7", Vxi11Transport), ("tcpip0::gateway::gpib0,27::INSTR", Vxi11Transport),
        ("TCPIP::[::1],1024::inst0::INSTR", Vxi11Transport), ("TCPIP::192.0.2.7::hislip0::INSTR", HislipTransport),
        ("TCPIP::192.0.2.7::HiSLIP0,4881", HislipTransport), ("pyvisa:TCPIP::192.0.2.7::INSTR", VisaTransport),
        ("pyvisa:TCPIP::192.0.2.7::hislip0::INSTR", VisaTransport), ("pyvisa:GPIB0::27::INSTR", VisaTransport),
    ],
)  # fmt: skip
def test_a_resource_names_its_transport(resource: str, kind: type) -> None:
    assert type(open_transport(resource, SERIAL)) is kind


@pytest.mark.parametrize(
    ("resource", "sentence"),
    [
        ("", EVERYTHING), ("ttyUSB0", EVERYTHING), ("serial:", EVERYTHING), ("pyserial:", EVERYTHING),
        ("http://192.0.2.7", EVERYTHING), ("usb", EVERYTHING), ("192.0.2.7:8123", EVERYTHING), ("GPIB0", EVERYTHING),
        ("tcp:", TCP), ("tcp:host", TCP), ("tcp:host:", TCP), ("tcp:host:0", TCP), ("tcp:host:65536", TCP),
        ("tcp::1", TCP), ("tcp:host:²", TCP), ("tcp:host:-1", TCP),
        ("prologix:", BEHIND), ("prologix:27", EVERYTHING), ("prologix:tcp:host:27", TCP),
        ("prologix:tcp:host:1234:", BEHIND), ("prologix:tcp:host:1234:31", BEHIND), ("prologix:COM3:x", BEHIND),
        ("prologix:GPIB0::27::INSTR:27", BEHIND), ("prologix:prologix:COM3:5:27", BEHIND),
        ("ASRL::INSTR", LINE), ("GPIB::x", GPIB), ("GPIB0::31::INSTR", GPIB), ("TCPIP::host::x::SOCKET", PORT),
        ("TCPIP::host::65536::SOCKET", PORT),
        ("TCPIP::host,::inst0::INSTR", LAN), ("TCPIP::host,0::inst0::INSTR", LAN),
        ("TCPIP::host::hislip0,x::INSTR", LAN),
        ("pyvisa:", EVERYTHING), ("pyvisa:/dev/ttyUSB0", EVERYTHING), ("pyvisa:GPIB0::31::INSTR", GPIB),
        ("TCPIP::", VISA), ("GPIB0::", VISA),
        ("GPIB0::x::INSTR::9::9", VISA), ("USB::1", VISA), ("PXI0::1::INSTR", VISA),
    ],
)  # fmt: skip
def test_a_wrong_resource_is_refused_with_what_is_allowed(resource: str, sentence: str) -> None:
    with pytest.raises(Misuse) as refused:
        open_transport(resource, SERIAL)
    assert str(refused.value).endswith(sentence)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("PRLGX-TCPIP::192.0.2.9::1234::INTFC", "prologix:tcp:192.0.2.9:1234:ADDRESS"),
        ("PRLGX-TCPIP0::192.0.2.9::1234", "prologix:tcp:192.0.2.9:1234:ADDRESS"),
        ("PRLGX-ASRL::/dev/ttyUSB1::INTFC", "prologix:/dev/ttyUSB1:ADDRESS"),
        ("PRLGX-ASRL0::COM3::INTFC", "prologix:COM3:ADDRESS"),
        ("prlgx-asrl::COM3::intfc", "prologix:COM3:ADDRESS"),
        ("PRLGX-USB::1::INTFC", "prologix:tcp:HOST:PORT:ADDRESS"),
    ],
)
def test_the_name_of_an_adapter_is_refused_with_the_form_for_an_instrument(name: str, form: str) -> None:
    with pytest.raises(Misuse, match=f"of an instrument behind it; allowed is {form} with the instrument's GPIB"):
        open_transport(name, SERIAL)
