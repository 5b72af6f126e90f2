"""The grammar of a PM100: what real meters and the manual say is understood, and nothing else is a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers import Flag, Garbled
from drivers.ieee488 import parse_error, parse_event_status
from drivers.thorlabs import words

REAL = [  # replies of real meters that people pasted into public code
    (b"Thorlabs,PM100USB,P2004081,1.4.0", ("PM100USB", "P2004081", "1.4.0")),
    (b"Thorlabs,PM100A,P1003352,2.4.0", ("PM100A", "P1003352", "2.4.0")),
    (b"Thorlabs,PM100A,P1002563,2.3.0", ("PM100A", "P1002563", "2.3.0")),
    (b"Thorlabs,PM100D,P0027168,2.7.0", ("PM100D", "P0027168", "2.7.0")),
]


@pytest.mark.parametrize(("line", "expected"), REAL)
def test_what_real_meters_say_they_are(line: bytes, expected: tuple[str, str, str]) -> None:
    found = words.parse_idn(line)
    assert (found.model, found.serial, found.firmware) == expected


def test_the_form_of_the_manual_is_in_capitals() -> None:
    assert words.parse_idn(b"THORLABS,PM100D,P0000001,2.0.0").model == "PM100D"


@pytest.mark.parametrize("line", [b"KEITHLEY INSTRUMENTS INC.,MODEL 6514,1,A", b"Thorlabs,PM100D,P1", b""])
def test_another_maker_or_half_a_reply_is_no_identity(line: bytes) -> None:
    with pytest.raises(Garbled):
        words.parse_idn(line)


@pytest.mark.parametrize("line", [b"S150C,130204105,04-Feb-2027,1,1,33", b'"S150C","130204105","04-Feb-2027",1,1,33'])
def test_a_sensor_is_taken_apart(line: bytes) -> None:
    found = words.parse_sensor(line)
    assert found == words.Sensor("S150C", "130204105", "04-Feb-2027", 1, 1, 33)
    assert found.measures_power
    assert found.wavelength_settable


def test_a_comma_in_the_calibration_message_stays_in_it() -> None:
    found = words.parse_sensor(b"S150C,1,Feb 4, 2027,1,1,2")
    assert found is not None
    assert (found.calibrated, found.flags, found.measures_power) == ("Feb 4,2027", 2, False)


@pytest.mark.parametrize("line", [b"no sensor", b"no sensor,,,0,0,0", b'"No sensor","","",0,0,0'])
def test_without_a_sensor_there_is_none(line: bytes) -> None:
    assert words.parse_sensor(line) is None


@pytest.mark.parametrize("line", [b"S150C,1,x,1,1", b"S150C,1,x,1,1,a", b",1,x,1,1,33", b"1.2E-06"])
def test_half_a_sensor_is_none(line: bytes) -> None:
    with pytest.raises(Garbled):
        words.parse_sensor(line)


@pytest.mark.parametrize(
    ("line", "value", "flags"),
    [
        (b"1.23456789E-06", 1.23456789e-06, ()),
        (b"-2.5000E-12\r", -2.5e-12, ()),
        (b"9.90000000E+37", None, (Flag.OVERLOAD,)),
        (b"-9.9000E+37", None, (Flag.OVERLOAD,)),
        (b"9.91000000E+37", None, (Flag.NOT_A_NUMBER,)),
        (b"NAN", None, (Flag.NOT_A_NUMBER,)),
        (b"INF", None, (Flag.OVERLOAD,)),
        (b"-INF", None, (Flag.OVERLOAD,)),
    ],
)
def test_a_reading_is_a_number_or_says_why_not(line: bytes, value: float | None, flags: tuple[Flag, ...]) -> None:
    assert words.parse_reading(0.02, line) == (value, flags)


@pytest.mark.parametrize(
    "line", [b"1,234E-06", b"1.2", b"12.34E-06", b"1.23E-6", b"1.23E-", b"POW", b"", b"1.23E-061.2", b"1.23e-06"]
)
def test_what_has_not_the_form_is_no_reading(line: bytes) -> None:
    with pytest.raises(Garbled):
        words.parse_reading(1e30, line)


def test_a_number_beyond_the_largest_range_is_a_damaged_one() -> None:
    assert words.parse_reading(0.02, b"2.10000000E-02")[0] == 0.021
    with pytest.raises(Garbled, match=r"largest range is 0\.02"):
        words.parse_reading(0.02, b"2.30000000E-02")


@pytest.mark.parametrize(
    ("line", "expected"),
    [(b"POW", "power"), (b'"CURR:DC"', "current"), (b"CURR", "current"), (b"VOLT", "VOLT"), (b"PDEN", "PDEN")],
)
def test_what_it_is_set_to_measure(line: bytes, expected: str) -> None:
    assert words.parse_function(line) == expected


@pytest.mark.parametrize(
    ("parse", "line"),
    [
        (words.parse_function, b"1.2E-06"), (words.parse_function, b"POT"), (words.parse_unit, b"dB"),
        (words.parse_switch, b"2"), (words.parse_switch, b"1.0"), (words.parse_number, b"nan"),
        (parse_error, b"0"), (parse_event_status, b"256"), (parse_event_status, b"-1"),
    ],
)  # fmt: skip
def test_a_reply_of_another_question_is_none_to_this(parse: Callable[[bytes], Any], line: bytes) -> None:
    with pytest.raises(Garbled):
        parse(line)


@pytest.mark.parametrize("line", [b'0,"No error"', b'+0,"No error"', b'0, "no error"'])
def test_the_number_of_an_error_decides(line: bytes) -> None:
    assert parse_error(line)[0] == 0
