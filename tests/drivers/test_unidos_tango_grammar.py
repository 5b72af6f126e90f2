"""The UNIDOS's words against the published byte examples."""

from __future__ import annotations

import pytest
from drivers.ptw_unidos_tango.protocol import ERRORS, fields, parse_measured, parse_progress, request

from drivers import Flag, Garbled, Refused

ELECTRICAL = b"MV;RES;0.0;E-12;p;C;0.0;E-12;p;A;;0.0;ms;200;V;0x0"
DOSE = b"MV;RES;2.6;E-3;m;Gy;5.6;E-09;n;Gy;min;3000.0;ms;300.0;V;0x0"


def test_published_examples() -> None:
    electrical, dose = parse_measured(ELECTRICAL), parse_measured(DOSE)
    assert (electrical.integral, electrical.unit, electrical.rate_unit, electrical.voltage_v) == (0.0, "C", "A", 200.0)
    assert (dose.integral, dose.unit, dose.rate, dose.rate_unit) == (2.6e-3, "Gy", 5.6e-9, "Gy/min")
    assert (dose.time_s, dose.voltage_v, dose.flags, dose.state) == (3.0, 300.0, (), "RES")


@pytest.mark.parametrize(
    ("bit", "flag", "integral", "rate"),
    [
        (0, None, True, False), (1, Flag.OVERLOAD, False, True), (2, None, True, False),
        (3, Flag.HV_FAULT, False, True),
        (4, None, True, True), (5, Flag.LOW_SIGNAL, True, True), (9, Flag.SAFETY_WARNING, True, True),
        (11, Flag.UNCALIBRATED, True, True), (7, None, True, True), (10, None, True, True),
    ],
)  # fmt: skip
def test_each_flag_bit(bit: int, flag: Flag | None, integral: bool, rate: bool) -> None:
    got = parse_measured(DOSE[:-3] + hex(1 << bit).encode())
    assert got.flags == ((flag,) if flag else ())
    assert (got.integral is not None, got.rate is not None) == (integral, rate)
    assert got.bits == 1 << bit


@pytest.mark.parametrize("number", sorted(ERRORS))
def test_each_error_is_refused_with_its_meaning(number: int) -> None:
    with pytest.raises(Refused, match=rf"refused STA with error {number:02d}: "):
        fields("STA", b"E;%02d" % number)


@pytest.mark.parametrize(
    "line",
    [
        b"", b"MV", ELECTRICAL[:-4], ELECTRICAL.replace(b";C;", b";X;"),
        ELECTRICAL.replace(b"0.0;E-12;p;C", b"0,0;E-12;p;C"),
        ELECTRICAL.replace(b"0x0", b"0"), ELECTRICAL.replace(b"RES", b"REZ"),
        ELECTRICAL.replace(b"E-12;p;C", b"E-1Z;p;C"),
        DOSE.replace(b"min", b"day"), b"S;RES", b"\xff", DOSE + b";0x0", DOSE.replace(b";Gy;5.6", b";C;5.6"),
        DOSE.replace(b"2.6", b"nan"), DOSE.replace(b"2.6", b"1_0"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_form_is_refused_with_its_bytes(line: bytes) -> None:
    with pytest.raises(Garbled) as caught:
        parse_measured(line)
    assert caught.value.raw == line


def test_busy_states_are_flagged() -> None:
    assert parse_measured(ELECTRICAL.replace(b"RES", b"ZERO")).flags == (Flag.BUSY,)


def test_progress_of_zero_and_self_test() -> None:
    assert parse_progress("NUS", b"NUS;Passed;0;82000") == ("Passed", 0.0, 82.0)
    line = b"ASS;Passed;0;89000;Low; 136.6;E-12;p;C;Med; 1.500;E-09;n;C;High; 13.50;E-09;n;C"
    assert parse_progress("ASS", line) == ("Passed", 0.0, 89.0)
    with pytest.raises(Garbled):
        parse_progress("NUS", b"NUS;Passed")


def test_requests() -> None:
    assert request("TOK", 1) == b"TOK;1\r\n"
    assert request("UEL", True) == b"UEL;true\r\n"
    assert request("MV") == b"MV\r\n"
