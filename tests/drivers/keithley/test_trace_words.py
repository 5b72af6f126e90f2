"""The buffer's reply taken apart, and joined to the running clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers import Flag, Garbled
from drivers.keithley.parsed import Parsed
from drivers.keithley.scpi import Setting, parse_register
from drivers.keithley.trace_words import Trace, check_stamps, offset, split

AT = Parsed(1e-9, None, None, ())
TRACE = Trace(settings=(), width=3, size=42, timer=":ARM")


def at(*stamps: float | None) -> list[Parsed | Garbled]:
    return [replace(AT, elapsed_s=each) for each in stamps]


def test_a_reply_is_cut_into_readings_and_nothing_is_over() -> None:
    assert split(b"1,2,3,4,5,6", 3, 2) == [b"1,2,3", b"4,5,6"]


@pytest.mark.parametrize(("line", "count"), [(b"1,2,3,4,5", 2), (b"1,2,3", 2), (b"1,2,3,4,5,6", 1), (b"", 1)])
def test_too_few_or_too_many_elements_are_no_buffer(line: bytes, count: int) -> None:
    with pytest.raises(Garbled, match=f"elements came where {count} buffered readings of 3 were asked for"):
        split(line, 3, count)


@pytest.mark.parametrize("stamps", [(0.0, 0.1, 0.2), (0.0,), (0.0, 0.1, 0.1), (None, None), (5e-4, 0.2)])
def test_stamps_that_rise_from_zero(stamps: tuple[float | None, ...]) -> None:
    check_stamps(at(*stamps), b"x")


@pytest.mark.parametrize("stamps", [(0.1, 0.2), (0.0, 0.3, 0.2), (-0.1, 0.2), (0.0, None, -0.1)])
def test_stamps_that_do_not(stamps: tuple[float | None, ...]) -> None:
    with pytest.raises(Garbled, match="do not rise from zero") as caught:
        check_stamps(at(*stamps), b"x")
    assert caught.value.raw == b"x"


def test_one_that_was_not_understood_has_no_stamp_to_judge() -> None:
    check_stamps([Garbled("?"), *at(0.2, 0.3)], b"x")
    with pytest.raises(Garbled):
        check_stamps([*at(0.0), Garbled("?"), *at(-0.3)], b"x")


def test_the_newest_reading_dates_the_buffer_where_it_is_its_last() -> None:
    (last,) = at(0.4)
    newest = replace(AT, elapsed_s=12.4)
    assert offset(last, newest) == pytest.approx(12.0)
    assert offset(last, replace(newest, value=2e-9)) is None
    assert offset(last, replace(newest, flags=(Flag.OVERLOAD,), value=None)) is None
    assert offset(last, replace(newest, elapsed_s=None)) is None
    assert offset(Garbled("?"), newest) is None


def test_a_timer_paces_the_layer_that_the_model_has() -> None:
    assert TRACE.paced(None, 9) == [Setting(":TRIG:COUN", 9)]
    assert [each.command for each in TRACE.paced(0.5, 9)] == [
        ":ARM:SOUR TIM",
        ":ARM:TIM 0.5",
        ":ARM:COUN 9",
        ":TRIG:COUN 1",
    ]
    own = replace(TRACE, timer=":TRIG")
    assert [each.command for each in own.paced(0.5, 9)] == [":TRIG:SOUR TIM", ":TRIG:TIM 0.5", ":TRIG:COUN 9"]


@pytest.mark.parametrize(("line", "value"), [(b"512", 512), (b"+0", 0), (b" 65535 ", 65535)])
def test_a_register(line: bytes, value: int) -> None:
    assert parse_register(line) == value


@pytest.mark.parametrize("line", [b"-1", b"65536", b"512.0", b"", b"512;0", b"0x1"])
def test_what_is_no_register(line: bytes) -> None:
    with pytest.raises(Garbled):
        parse_register(line)
