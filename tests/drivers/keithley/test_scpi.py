"""Identification, error queue, event status, and a setting held against its read-back."""

from __future__ import annotations

from typing import get_args

import pytest

from drivers import Garbled
from drivers.ieee488 import POWER_ON, Idn, parse_error, parse_event_status
from drivers.keithley import scpi
from drivers.keithley.scpi import Setting, in_force, leftover


@pytest.mark.parametrize(
    ("line", "idn"),
    [
        (b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X", Idn("6517B", "4096271", "A13/700X")),
        (b"KEITHLEY INSTRUMENTS INC.,MODEL 6517A,0972959,C05  /A02", Idn("6517A", "0972959", "C05 /A02")),
        (
            b"KEITHLEY INSTRUMENTS INC.,MODEL 6514,4691930,A13   Aug 30 2011 15:09:19/B01  /H ",
            Idn("6514", "4691930", "A13 Aug 30 2011 15:09:19/B01 /H"),
        ),
    ],
)
def test_identification_of_real_units(line: bytes, idn: Idn) -> None:
    assert scpi.parse_idn(line) == idn


@pytest.mark.parametrize(
    "line",
    [
        b"", b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,", b"AGILENT,MODEL 6517B,4096271,A13",
        b"KEITHLEY INSTRUMENTS INCX,MODEL 6517B,1,A", b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B", b'0,"No Error"',
        b"xKEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13", b"KEITHLEY INSTRUMENTS INC.,MODEL ,4096271,A13",
    ],
)  # fmt: skip
def test_another_makers_reply_is_refused_with_its_bytes(line: bytes) -> None:
    with pytest.raises(Garbled, match=r"not that of a Keithley") as caught:
        scpi.parse_idn(line)
    assert caught.value.raw == line


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'0,"No Error"', (0, "No Error")), (b'0,"No error"', (0, "No error")),
        (b'-113,"Undefined header"', (-113, "Undefined header")), (b"350,'Queue Overflow'", (350, "Queue Overflow")),
        (b'+802,"RS-232 overrun detected" ', (802, "RS-232 overrun detected")), (b' -222 , "x,y" ', (-222, "x,y")),
        (b'12345,""', (12345, "")),
    ],
)  # fmt: skip
def test_an_error_entry_by_number(line: bytes, error: tuple[int, str]) -> None:
    assert parse_error(line) == error


@pytest.mark.parametrize(
    "line",
    [
        b"", b"0", b"READY", b"+198.4891E-12NADC", b'0,"No Error', b"0,\"No Error'", b'123456,"x"', b'1.0,"x"', b',"x"',
        b'1_0,"x"', b'--1,"x"', b'0,"x"y',
    ],
)  # fmt: skip
def test_what_is_no_error_entry_is_refused_with_its_bytes(line: bytes) -> None:
    with pytest.raises(Garbled, match="no error entry") as caught:
        parse_error(line)
    assert caught.value.raw == line


@pytest.mark.parametrize(("line", "status"), [(b"0", 0), (b"+128", 128), (b"255", 255), (b" 007 ", 7)])
def test_event_status(line: bytes, status: int) -> None:
    assert parse_event_status(line) == status


@pytest.mark.parametrize("line", [b"", b"256", b"999", b"0128", b"-1", b"++1", b"1.0", b"1_0", b"\xb2", b"READY"])
def test_what_is_no_event_status_is_refused_with_its_bytes(line: bytes) -> None:
    with pytest.raises(Garbled, match="no number from 0 to 255") as caught:
        parse_event_status(line)
    assert caught.value.raw == line


def test_answers_to_several_queries_in_one_line() -> None:
    assert scpi.parse_answers(b'0; 1 ;"CHAR"', 3) == ["0", "1", '"CHAR"']
    for line in (b"0;1", b"0;1;2;3", b"0;;1", b"", b"0;1; "):
        with pytest.raises(Garbled, match="answers came where 3 settings were asked for") as caught:
            scpi.parse_answers(line, 3)
        assert caught.value.raw == line


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        (Setting(":SYST:ZCH", True), ":SYST:ZCH 1"), (Setting(":SYST:ZCH", False), ":SYST:ZCH 0"),
        (Setting(":SENS:FUNC", "'CHAR'"), ":SENS:FUNC 'CHAR'"), (Setting(":SYST:TIME:RES", ""), ":SYST:TIME:RES"),
        (Setting(":SENS:CHAR:RANG", 2e-8), ":SENS:CHAR:RANG 2e-08"), (Setting(":TRIG:COUN", 1), ":TRIG:COUN 1"),
    ],
)  # fmt: skip
def test_what_is_sent_for_a_setting(setting: Setting, command: str) -> None:
    assert setting.command == command


@pytest.mark.parametrize(
    ("value", "agreeing", "other"),
    [
        (True, ["1", "+1.000000E+00"], ["0", "ON", ""]),
        (False, ["0", "+0.000000E+00"], ["1", "0.001", "OFF"]),
        (7, ["7", "7.0"], ["6", "8", "7.1", "7_0"]),
        (1.0, ["1", "1.0009", "0.9991"], ["1.002", "0.998", "1e", "nan"]),
        ("INF", ["9.9e37", "+9.9E37", "+9.910000E+37"], ["1", "INF", "9.8e37", "-9.9e37"]),
        ("IMM", ["IMM", "IMMediate", "imm", '"IMM"'], ["BUS", "", '""', "MIM", "5"]),
        ("'VOLT'", ['"VOLTage:DC"', "'VOLT'", '"volt:dc"', "VOL"], ['"CURR"', '"AVOLT"', '"RES"', "0"]),
    ],
)
def test_a_read_back_is_held_against_what_was_set(
    value: bool | float | str, agreeing: list[str], other: list[str]
) -> None:
    setting = Setting(":HEADER", value)
    assert [answer for answer in agreeing if setting.agrees(answer) is not True] == []
    assert [answer for answer in other if setting.agrees(answer) is not False] == []


@pytest.mark.parametrize("answer", ["2e-08", "2.1E-08", "+2.100000E-08", "2.1e-7", "1.9999999e-8"])
def test_a_range_agrees_where_what_was_asked_for_can_be_measured(answer: str) -> None:
    assert Setting(":RANG", 2e-8, as_range=True).agrees(answer)


def test_a_range_up_to_the_next_decade_and_its_excess_is_the_one_asked_for() -> None:
    setting = Setting(":RANG", 1.0, as_range=True)
    assert setting.agrees("10.6")
    assert not setting.agrees("10.7")


@pytest.mark.parametrize("answer", ["2e-09", "1.999e-8", "1.999997e-08", "2.2e-07", "0", "AUTO", "-2e-08"])
def test_another_range_is_not_what_was_set(answer: str) -> None:
    assert not Setting(":RANG", 2e-8, as_range=True).agrees(answer)


def test_a_leftover_is_marked_and_others_are_not() -> None:
    assert leftover(":CALC:STAT", False) == Setting(":CALC:STAT", False, asked=True, leftover=True)
    assert leftover(":CALC:STAT", False, asked=False) == Setting(":CALC:STAT", False, asked=False, leftover=True)
    plain = Setting(":CALC:STAT", False)
    assert (plain.as_range, plain.asked, plain.leftover) == (False, True, False)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("1", 1.0), ("-2.5E-3", -2.5e-3), (".5", 0.5), ("5.", 5.0), ("+1E9", 1e9), ("12.34", 12.34), (".25", 0.25),
        ("12", 12.0),
        ("1E+09", 1e9), ("1e-12", 1e-12), ("1x5", "1x5"), ("x5", "x5"), ("'MAX'", "MAX"), ("1E123", "1E123"),
        ('"VOLT:DC"', "VOLT:DC"),
        ("'A'", "A"),
        ("nan", "nan"), ("1_0", "1_0"), ("1e999", "1e999"), ("1e", "1e"), (".", "."), ("", ""),
    ],
)  # fmt: skip
def test_an_answer_as_a_number_where_it_is_one(answer: str, found: float | str) -> None:
    assert in_force(answer) == found
    assert type(in_force(answer)) is type(found)


def test_facts_of_the_maker() -> None:
    assert (list(scpi.LINE_FAULTS), scpi.UNDEFINED_HEADER) == ([800, 801, 802, 803, 804, 805, 806, 807, 808], -113)
    assert POWER_ON == 0b1000_0000, "IEEE 488.2, event status bit 7"
    assert get_args(scpi.Terminator) == tuple(scpi.TERMINATORS)
    assert scpi.TERMINATORS == {"LF": b"\n", "CR": b"\r", "CRLF": b"\r\n"}
