"""USBTMC through pyvisa-py and pyusb, on a bus of the tests' own in the place of libusb (bus_of_usb)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import message_bus
import pytest
import usb.backend.libusb1
from bus_of_usb import PRODUCT, SERIAL, VENDOR, Bus
from gateway import Instrument
from pyvisa_py.sessions import Session

from drivers.discovery import discover

RESOURCE = f"USB0::0x{VENDOR:04X}::0x{PRODUCT:04X}::{SERIAL}::INSTR"


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    made = Bus(Instrument())
    monkeypatch.setattr(usb.backend.libusb1, "get_backend", lambda *_, **__: made)
    monkeypatch.setattr(Session, "_session_classes", dict(Session._session_classes))
    monkeypatch.delitem(sys.modules, "pyvisa_py.usb", raising=False)
    importlib.import_module("pyvisa_py.usb")
    yield made
    sys.modules.pop("pyvisa_py.usb", None)


async def test_an_instrument_is_never_addressed_to_talk_with_nothing_to_say_on_usb(bus: Bus) -> None:
    await message_bus.is_asked_only_when_it_has_something_to_say(bus, RESOURCE)


async def test_a_message_longer_than_one_read_comes_whole_on_usb(bus: Bus) -> None:
    await message_bus.gives_a_long_message_whole(RESOURCE)


async def test_a_question_that_is_not_answered_is_a_time_out_and_no_reply_of_the_next_on_usb(bus: Bus) -> None:
    await message_bus.tells_of_a_question_without_an_answer(RESOURCE)


async def test_a_6517_on_usb_is_set_up_and_read(bus: Bus) -> None:
    await message_bus.sets_up_and_reads_a_6517(RESOURCE, SERIAL)


async def test_an_instrument_that_is_pulled_out_is_a_lost_link_and_comes_back(bus: Bus) -> None:
    await message_bus.comes_back_after_it_was_gone(bus, RESOURCE)


async def test_what_is_plugged_in_is_discovered(bus: Bus) -> None:
    found = await discover()
    assert [each.resource for each in found if each.resource.startswith("USB")] == [
        f"USB0::{VENDOR}::{PRODUCT}::{SERIAL}::0::INSTR"
    ]
