"""Discovery: what is plugged in here, nothing on the network, and no word to anybody unless it is told to ask."""

from __future__ import annotations

import socket
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from wires import Instrument, on_a_line, on_a_socket

from acquire.cli.found import tables
from drivers.discovery import Found, discover, known


async def test_nothing_is_sent_into_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(socket.socket, "sendto", lambda *arguments: sent.append(arguments))
    await discover()
    assert sent == []


async def test_discovery_asks_only_when_told_to() -> None:
    instrument = Instrument()
    async with on_a_socket(instrument) as (port, _):
        resource = f"tcp:127.0.0.1:{port}"
        assert Found(resource, "given") in await discover(extra=(resource,))
        assert instrument.asked == []


async def test_discovery_identifies_what_answers_and_only_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.discovery._serial_ports", list)
    monkeypatch.setattr("drivers.discovery._visa_resources", list)
    async with on_a_socket(Instrument()) as (port, _):
        answering, absent = f"tcp:127.0.0.1:{port}", "/dev/tty-that-is-not-there"
        found = await discover(identify=True, extra=(answering, absent))
    assert found == [Found(answering, "given", asked=True, answer="ACME,ONE,7,1.0"), Found(absent, "given", asked=True)]


async def test_a_serial_port_is_asked_only_when_a_person_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It may be a reader in the middle of a run."""
    monkeypatch.setattr("drivers.discovery._visa_resources", list)
    monkeypatch.setattr("drivers.discovery.BY_ID", tmp_path)
    instrument = Instrument()
    with on_a_line(instrument) as (device, _):
        (tmp_path / "usb-ACME_cable_A1-if00").symlink_to(device)
        port = SimpleNamespace(device=device, description="cable", vid=0x0403, pid=0x6001, serial_number="A1")
        monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [port])
        (found,) = await discover(identify=True)
        assert (instrument.asked, found.asked) == ([], False)
        assert (found.usb, found.stays) == ("0403:6001 A1", str(tmp_path / "usb-ACME_cable_A1-if00"))
        (found,) = await discover(identify=True, extra=(str(found.stays),))
        assert (found.resource, found.asked, found.answer) == (device, True, "ACME,ONE,7,1.0")


@pytest.mark.parametrize(
    ("answer", "name", "serial"),
    [
        ("KEITHLEY INSTRUMENTS INC.,MODEL 6517B,1187456,A13/700x", "keithley-6517b", "1187456"),
        ("KEITHLEY INSTRUMENTS INC.,MODEL 6514,0796033,A10", "keithley-6514", "0796033"),
        ("PTW;UNIDOS Tango;L991052;1.3", "ptw-unidos-tango", None),  # it tells its serial number elsewhere
        ("ACME,ONE,7,1.0", None, None),
        ("65140", None, None),
    ],
)
def test_the_model_in_an_answer_is_one_that_a_driver_knows(answer: str, name: str | None, serial: str | None) -> None:
    assert known(answer) == (name, serial)


def test_what_was_found_is_a_table_of_the_configuration_or_a_comment_that_says_why_not() -> None:
    text = tables(
        [
            Found("/dev/ttyUSB0", "cable", "/dev/serial/by-id/usb-1", "0403:6001 A1", asked=True,
                  answer="KEITHLEY,MODEL 6517B,11,A", model="keithley-6517b", serial="11"),
            Found("/dev/ttyUSB1", "cable"),
            Found("USB0::1::2::3::INSTR", "VISA", asked=True, answer='ODD "ONE"\n'),
        ]
    )  # fmt: skip
    assert tomllib.loads(text) == {
        "instrument": [
            {"id": "instrument-1", "model": "keithley-6517b", "resource": "/dev/serial/by-id/usb-1",
             "settings": {"expected_serial": "11"}}
        ]
    }  # fmt: skip
    assert "# /dev/ttyUSB1: not asked; cable" in text
    assert "no driver knows what answered" in text
