"""Where a resource is on this machine, without opening it. The list of USB devices is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.places import LocalPlace, local_place


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        ("/dev/ttyUSB0", LocalPlace(Path("/dev/ttyUSB0"))),
        ("serial:/dev/ttyS1", LocalPlace(Path("/dev/ttyS1"))),
        ("pyserial:/dev/ttyS1", LocalPlace(Path("/dev/ttyS1"))),
        ("ASRL/dev/ttyS2::INSTR", LocalPlace(Path("/dev/ttyS2"))),
        ("prologix:/dev/ttyUSB3:27", LocalPlace(Path("/dev/ttyUSB3"))),
        ("prologix:tcp:192.0.2.9:1234:27", LocalPlace(remote=("192.0.2.9", 1234))),
        ("tcp:192.0.2.7:8123", LocalPlace(remote=("192.0.2.7", 8123))),
        ("TCPIP::192.0.2.17::5025::SOCKET", LocalPlace(remote=("192.0.2.17", 5025))),
        ("GPIB0::27::INSTR", LocalPlace()),
        ("ASRL3::INSTR", LocalPlace()),
    ],
)
def test_where_a_resource_is(resource: str, place: LocalPlace) -> None:
    assert local_place(resource) == place


def test_a_usb_instrument_is_found_by_its_serial_number_or_who_is_there_instead_is_named(tmp_path: Path) -> None:
    device = tmp_path / "1-2"
    device.mkdir()
    for name, said in {
        "idVendor": "1313",
        "idProduct": "8072",
        "serial": "P2001",
        "busnum": "1",
        "devnum": "7",
    }.items():
        (device / name).write_text(f"{said}\n")
    found = local_place("USB0::0x1313::0x8072::P2001::INSTR", tmp_path, Path("/dev/bus/usb"))
    assert found == LocalPlace(Path("/dev/bus/usb/001/007"))
    other = local_place("USB0::0x1313::0x8072::P2002::INSTR", tmp_path)
    assert other.trouble == "The USB instrument 1313:8072 with serial number P2002 is not plugged in; there is P2001."
    none = local_place("USB0::0x0957::0x0618::X::INSTR", tmp_path)
    assert none.trouble is not None
    assert none.trouble.endswith("there is none of its kind.")
