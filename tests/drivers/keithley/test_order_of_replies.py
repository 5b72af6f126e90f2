"""What two replies of a 6517 say together: lost, doubled and damaged ones; numbers of another range than was set."""

from __future__ import annotations

from typing import Any

import pytest
from test_electrometer import FRESH, believed, electrometer

from drivers import Flag, Garbled
from drivers.keithley.parsed import Parsed
from drivers.keithley.readings import Readings
from drivers.keithley.reply_order import out_of_order

pytestmark = pytest.mark.virtual_time


def parsed(number: int | None, elapsed_s: float | None) -> Parsed:
    return Parsed(1e-9, "charge", "C", (), elapsed_s=elapsed_s, reading_number=number)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ((10, 1.0), (11, 1.1)), ((10, 1.0), (11, 1.0166)), ((10, 1.0), (40, 4.0)), ((10, 1.0), (11, 10.0)),
        ((10, 1.0), (2, 0.2)), ((10, 100.0), (11, 0.0)), ((None, 1.0), (11, 1.1)), ((10, None), (11, None)),
        ((10, 1.0), (None, 0.5)),
    ],
)  # fmt: skip
def test_replies_that_follow_each_other(before: Any, now: Any) -> None:
    assert out_of_order(parsed(*before), parsed(*now), 1.0) is None


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        ((10, 1.0), (10, 1.1), "The reading number 10 has come before"),
        ((10, 1.0), (9, 1.1), r"went -1 while the instrument's clock went \+0.1 s"),
        ((10, 1.0), (60, 1.1), r"went \+50 while the instrument's clock went \+0.1 s"),
        ((10, 1.0), (11, 4001.0), r"went \+1 while the instrument's clock went \+4000 s"),
        ((10, 640.9), (11, 240.9), r"went \+1 while the instrument's clock went -400 s"),
    ],
)  # fmt: skip
def test_replies_that_cannot_follow_each_other(before: Any, now: Any, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(out_of_order(parsed(*before), parsed(*now), 1.0))


def test_the_newest_reading_at_rest_is_believed_when_it_is_said_again() -> None:
    """61 was heard as 610, and 71 can follow no 610: said twice it is true, once it is not."""
    readings = Readings({"charge": ("CHAR", "C")}, nplc=0.1)
    readings.at_rest(parsed(610, 66.9), b"610")
    with pytest.raises(Garbled, match=r"went -539 while the instrument's clock went \+18.1 s"):
        readings.at_rest(parsed(71, 85.0), b"71")
    readings.at_rest(parsed(71, 85.0), b"71")
    readings.at_rest(parsed(76, 86.0), b"76")
    with pytest.raises(Garbled, match="has come before"):
        readings.sample(parsed(76, 86.0), b"76")


async def test_a_doubled_reply_with_one_other_digit_is_no_reading_and_the_next_one_is() -> None:
    async with electrometer() as (instrument, device, answers):
        await instrument.take()
        answers.number -= 1
        device.once[FRESH] = [answers.reading().replace(b".0000E", b".0010E") + b"\n"]
        (twice,) = await instrument.take()
        assert (twice.kind, twice.value) == ("unparsed", None)
        assert "has come before: a lost, doubled or damaged reply" in str(twice.note)
        await instrument.recover()
        assert [r.flags for r in await instrument.take()] == [()]


async def test_a_damaged_number_and_time_spoil_no_reading_but_their_own() -> None:
    async with electrometer() as (instrument, device, answers):
        await instrument.take()
        device.once[FRESH] = [answers.reading().replace(b",+000", b",+009") + b"\n"]
        seen = []
        for _ in range(4):
            seen += [r.kind for r in await instrument.take()]
            await instrument.recover()
        assert seen == ["unparsed", "scalar", "scalar", "scalar"]


@pytest.mark.parametrize(
    ("range_si", "note"),
    [
        (2e-8, "the number is of the range 2e-07; 2e-08 was set"),
        (2e-6, "the number is of the range 2e-07; 2e-06 was set"),
        (2e-7, None),
        (2.1e-7, None),
    ],
)
async def test_a_number_of_another_range_than_was_set_is_kept_and_believed_by_nobody(
    range_si: float, note: str | None
) -> None:
    async with electrometer(range_si=range_si) as (instrument, _, _):
        (got,) = believed(await instrument.take())
        assert got.value is not None
        assert (got.note, got.flags) == (note, (Flag.CHANGED_BY_HAND,) if note else ())


async def test_a_range_that_looks_after_itself_is_held_against_nothing() -> None:
    async with electrometer() as (instrument, _, _):
        (got,) = believed(await instrument.take())
        assert (got.range, got.flags) == ("auto", ())
