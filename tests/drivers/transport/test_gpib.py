"""GPIB through pyvisa-py, on a bus of the tests' own in the place of linux-gpib (bus_of_gpib)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import message_bus
import pytest
from bus_of_gpib import ADDRESS, Bus
from gateway import Instrument
from pyvisa_py.sessions import Session

from drivers.discovery import discover

RESOURCE = f"GPIB0::{ADDRESS}::INSTR"


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    made = Bus(Instrument())
    for name, module in made.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(Session, "_session_classes", dict(Session._session_classes))
    monkeypatch.delitem(sys.modules, "pyvisa_py.gpib", raising=False)
    importlib.import_module("pyvisa_py.gpib")
    yield made
    assert made.opened == 0, "every descriptor is given back"
    sys.modules.pop("pyvisa_py.gpib", None)


async def test_an_instrument_is_never_addressed_to_talk_with_nothing_to_say_on_gpib(bus: Bus) -> None:
    await message_bus.is_asked_only_when_it_has_something_to_say(bus, RESOURCE)


async def test_a_message_longer_than_one_read_comes_whole_on_gpib(bus: Bus) -> None:
    await message_bus.gives_a_long_message_whole(RESOURCE)


async def test_a_question_that_is_not_answered_is_a_time_out_and_no_reply_of_the_next_on_gpib(bus: Bus) -> None:
    await message_bus.tells_of_a_question_without_an_answer(RESOURCE)


async def test_a_6517_on_gpib_is_set_up_and_read(bus: Bus) -> None:
    await message_bus.sets_up_and_reads_a_6517(RESOURCE, "4096271")
    assert bus.instrument.untimely == 0


async def test_an_instrument_that_is_gone_from_the_bus_is_a_lost_link_and_comes_back(bus: Bus) -> None:
    await message_bus.comes_back_after_it_was_gone(bus, RESOURCE)


async def test_what_listens_on_the_bus_is_discovered(bus: Bus) -> None:
    found = await discover()
    assert [each.resource for each in found if each.resource.startswith("GPIB")] == [RESOURCE]
