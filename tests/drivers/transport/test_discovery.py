"""Discovery: what is plugged in here, nothing on the network, and no word to anybody unless it is told to ask."""

from __future__ import annotations

import socket

import pytest
from wires import Instrument, on_a_socket

from drivers.discovery import Found, discover


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
    monkeypatch.setattr("drivers.discovery.ANSWER_S", 0.2)
    async with on_a_socket(Instrument()) as (port, _):
        answering, absent = f"tcp:127.0.0.1:{port}", "/dev/tty-that-is-not-there"
        found = await discover(identify=True, extra=(answering, absent))
    assert found == [Found(answering, "given", "ACME,ONE,7,1.0"), Found(absent, "given", None)]
