"""A 6514's reading has no unit: the function it was taken in is asked for, and one chosen by hand is told."""

from __future__ import annotations

import asyncio

import pytest

from drivers import Flag, Reading, connect
from drivers.keithley import KEITHLEY_6514
from drivers.transport.memory import MemoryTransport

pytestmark = pytest.mark.virtual_time

READING = b"+1.234567E-11,+3.141593E+01,+0.000000E+00"


async def taken(*functions: bytes) -> Reading:
    """The last reading of a 6514 that measured charge and then answers :SENS:FUNC? as given."""
    ours, theirs = MemoryTransport.pair()
    it = connect(KEITHLEY_6514, "memory", {"timeout_s": 1}, transport=ours)
    await it._link.open()  # type: ignore[attr-defined]

    async def other_end() -> None:
        for number, function in enumerate(functions):
            for reply in (READING.replace(b"E+01", b"E+%02d" % (number + 1)), function):
                await theirs.read_some()
                await theirs.write(reply + b"\n")

    device = asyncio.create_task(other_end())
    for _ in functions:
        (reading,) = await it.take()
    device.cancel()
    await asyncio.gather(device, return_exceptions=True)
    await it._link.close()  # type: ignore[attr-defined]
    return reading


@pytest.mark.parametrize("function", [b'"CHAR"', b"'CHAR'", b'"CHARge"', b"CHAR"])
async def test_the_function_that_was_set_makes_a_charge(function: bytes) -> None:
    reading = await taken(function)
    assert (reading.quantity, reading.unit, reading.value, reading.flags) == ("charge", "C", 1.234567e-11, ())


@pytest.mark.parametrize(
    ("function", "quantity", "unit"),
    [(b'"CURR:DC"', "current", "A"), (b'"VOLTage:DC"', "voltage", "V"), (b'"RES"', "resistance", "Ohm")],
)
async def test_one_that_was_chosen_by_hand_is_told(function: bytes, quantity: str, unit: str) -> None:
    reading = await taken(function, function)
    assert (reading.quantity, reading.unit, reading.flags) == (quantity, unit, (Flag.CHANGED_BY_HAND,))
    assert reading.value == 1.234567e-11
    assert reading.note == f"{quantity} came where charge was set, after {quantity}"


@pytest.mark.parametrize("functions", [(b'"CURR"',), (b'"CURR"', b'"CHAR"')], ids=["to another", "and back"])
async def test_the_reading_during_which_it_may_have_changed_gives_no_number(functions: tuple[bytes, ...]) -> None:
    reading = await taken(*functions)
    assert (reading.value, reading.flags) == (None, (Flag.CHANGED_BY_HAND,))


@pytest.mark.parametrize("function", [b'"C"', b'"CAP"', b"1", b'"CHAR";0'])
async def test_what_is_no_function_makes_no_number(function: bytes) -> None:
    reading = await taken(function)
    assert (reading.kind, reading.value, function in reading.raw) == ("unparsed", None, True)
