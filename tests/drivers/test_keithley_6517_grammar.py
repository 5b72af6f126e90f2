"""The 6517's words against lines captured from real instruments, verbatim."""

from __future__ import annotations

import pytest
from drivers.keithley_6517.protocol import Parsed, parse_error, parse_idn, parse_reading, require_elements, set_up, zero
from hypothesis import given
from hypothesis import strategies as st

from drivers import Flag, Garbled

CAPTURED = [
    (b"+198.4891E-12NADC,+0007633.858813secs,+58454RDNG#", 198.4891e-12, "A", 7633.858813, 58454),
    (b"-00.00374E-12NADC,+0001547.173645secs,+03951RDNG#", -0.00374e-12, "A", 1547.173645, 3951),
    (b"+000.1887E-12NADC,+0000001.192989secs,+00001RDNG#", 0.1887e-12, "A", 1.192989, 1),
    (b"+0000.101E+00NVDC,+0001101.615483secs,+00871RDNG#", 0.101, "V", 1101.615483, 871),
    (b"-000.0045E-09NCOUL,+0000640.971549secs,+06330RDNG#", -0.0045e-9, "C", 640.971549, 6330),
    (b"+000.0089E-09NCOUL,+0000587.884696secs,+05799RDNG#", 0.0089e-9, "C", 587.884696, 5799),
]


@pytest.mark.parametrize(("line", "value", "unit", "elapsed", "number"), CAPTURED)
def test_captured_readings(line: bytes, value: float, unit: str, elapsed: float, number: int) -> None:
    got = parse_reading(line)
    assert (got.value, got.unit, got.elapsed_s, got.reading_number, got.flags) == (value, unit, elapsed, number, ())


def test_captured_reading_with_calendar_clock_and_source() -> None:
    got = parse_reading(b"+01.01103E+00NVDC,09:00:20.00,26-Mar-2015,+01945RDNG#,+0001.000Vsrc")
    assert got == Parsed(
        1.01103, "voltage", "V", (), clock="2015-03-26T09:00:20", reading_number=1945, source_v=1.0
    )  # fmt: skip


def test_two_readings_in_one_reply_are_not_one() -> None:
    line = b"+002.3615E-03NADC,+0000000.000000secs,+00000RDNG#,+002.3061E-03NADC,+0000000.000000secs,+00001RDNG#"
    with pytest.raises(Garbled, match="Two readings"):
        parse_reading(line)


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        (b"+9.9E37OADC,+0000001.000000secs,+00001RDNG#", (Flag.OVERLOAD,)),
        (b"+9.9E37LADC", (Flag.OUT_OF_LIMIT,)),
        (b"+9.91E37ZCOUL", (Flag.ZERO_CHECK,)),
        (b"+9.9E+37", (Flag.OVERLOAD,)),
        (b"-9.9E37NCOUL", (Flag.OVERLOAD,)),
        (b"+9.910000E+37NADC", (Flag.ZERO_CHECK,)),
        (b"+9.91e37RCOUL", (Flag.RELATIVE, Flag.ZERO_CHECK)),
        (b"+9.900000E+37NCOUL", (Flag.OVERLOAD,)),
        (b"0.00E00UADC", (Flag.UNDERLOAD,)),
        (b"+012.3456E-09OCOUL", (Flag.OVERLOAD,)),
        (b"+012.3456E-09ZCOUL", (Flag.ZERO_CHECK,)),
    ],
)
def test_a_sentinel_or_a_status_that_forbids_it_never_becomes_a_number(line: bytes, flags: tuple[Flag, ...]) -> None:
    got = parse_reading(line)
    assert (got.value, got.flags) == (None, flags)


def test_relative_readings_keep_value_and_flag_and_minus_zero_is_zero() -> None:
    assert parse_reading(b"+012.3456E-09RCOUL").flags == (Flag.RELATIVE,)
    assert str(parse_reading(b"-000.0000E-09NCOUL").value) == "0.0"


@pytest.mark.parametrize(
    "line",
    [
        b"", b"+198,4891E-12NADC", b"+198.4891E-12NACD", b"+198.4891E-12XADC", b"nan", b"inf", b"+1e400", b"1_0",
        b"+198.4891E-12NADC,+0007633.858813sec", b"DCL", b"\xff\xfe", b"+198.4891E-12NADC+198.4891E-12NADC",
        b"8.4891E-12NADC,+0007633.858813secs,+58454RDNG#", b"198.4891E-12NADC,+0007633.858813secs,+58454RDNG#",
        b"+198.491E-12NADC,+0007633.858813secs,+58454RDNG#", b"+198.4891E-12NADC,+007633.858813secs,+58454RDNG#",
        b":SENS:DATA:FRES?", b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X", b"\xb2.0E+00NVDC",
    ],
)  # fmt: skip
def test_what_is_not_of_the_grammar_is_refused_with_its_bytes(line: bytes) -> None:
    with pytest.raises(Garbled) as caught:
        require_elements(parse_reading(line), line)
    assert caught.value.raw == line


@given(st.sampled_from([c[0] for c in CAPTURED]), st.data())
def test_a_cut_or_flipped_line_is_refused_unless_digits_became_digits(line: bytes, data: st.DataObject) -> None:
    """The format has no check sum: a flipped bit that turns one digit into another, or a sign into the other sign,
    cannot be told from a reading. Anything else is refused, or stays beside the reading as text."""
    at = data.draw(st.integers(0, len(line) - 1))
    bit = data.draw(st.integers(0, 7))
    damaged = line[:at] + bytes([line[at] ^ 1 << bit]) + line[at + 1 :]
    try:
        got = parse_reading(damaged)
        require_elements(got, damaged)
    except Garbled:
        return
    was, now = chr(line[at]), chr(damaged[at])
    known = (was.isdigit() and now.isdigit()) or (was in "+-" and now in "+-") or (was in "Ee" and now in "Ee")
    status = was == "N" and now in "LOZRU"
    assert known or status or got.others or got.value is None


def test_identification_of_real_units() -> None:
    b = parse_idn(b"KEITHLEY INSTRUMENTS INC.,MODEL 6517B,4096271,A13/700X")
    a = parse_idn(b"KEITHLEY INSTRUMENTS INC.,MODEL 6517A,0972959,C05  /A02")
    assert (b.model, b.serial, b.firmware) == ("6517B", "4096271", "A13/700X")
    assert (a.model, a.serial, a.firmware) == ("6517A", "0972959", "C05 /A02")
    with pytest.raises(Garbled):
        parse_idn(b"KEITHLEY INSTRUMENTS INC.,MODEL 6514,4691930,A13   Aug 30 2011 15:09:19/B01  /H")


def test_errors_compare_by_number() -> None:
    assert parse_error(b'0,"No Error"')[0] == parse_error(b'0,"No error"')[0] == 0
    assert parse_error(b'-113,"Undefined header"') == (-113, "Undefined header")
    with pytest.raises(Garbled):
        parse_error(b"+198.4891E-12NADC")


def test_commands_as_the_manual_spells_them() -> None:
    assert set_up("charge", 2e-8, 1.0)[1:5] == [
        ":SYST:ZCH 1", ":SENS:FUNC 'CHAR'", ":SENS:CHAR:RANG 2e-08", ":SENS:CHAR:NPLC 1",
    ]  # fmt: skip
    assert ":SENS:CURR:RANG:AUTO 1" in set_up("current", None, 0.1)
    assert zero("charge") == [":SYST:ZCH 1", ":SYST:ZCH 0"]
    assert zero("current") == [":SYST:ZCH 1", ":SYST:ZCOR 0", ":SYST:ZCOR 1", ":SYST:ZCH 0"]
