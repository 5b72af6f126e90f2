"""The 6517's words against lines captured from real instruments, verbatim."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Flag, Garbled
from drivers.keithley.parsed import Parsed
from drivers.keithley.words_6517 import ELEMENTS, parse_reading, require_elements

CAPTURED = [
    (b"+198.4891E-12NADC,+0007633.858813secs,+58454RDNG#", 198.4891e-12, "current", "A", 7633.858813, 58454),
    (b"-00.00374E-12NADC,+0001547.173645secs,+03951RDNG#", -0.00374e-12, "current", "A", 1547.173645, 3951),
    (b"+000.1887E-12NADC,+0000001.192989secs,+00001RDNG#", 0.1887e-12, "current", "A", 1.192989, 1),
    (b"+0000.101E+00NVDC,+0001101.615483secs,+00871RDNG#", 0.101, "voltage", "V", 1101.615483, 871),
    (b"-000.0045E-09NCOUL,+0000640.971549secs,+06330RDNG#", -0.0045e-9, "charge", "C", 640.971549, 6330),
    (b"+000.0089E-09NCOUL,+0000587.884696secs,+05799RDNG#", 0.0089e-9, "charge", "C", 587.884696, 5799),
]
STAMPS = b",+0000001.000000secs,+00001RDNG#"


@pytest.mark.parametrize(("line", "value", "quantity", "unit", "elapsed", "number"), CAPTURED)
def test_captured_readings(line: bytes, value: float, quantity: str, unit: str, elapsed: float, number: int) -> None:
    got = parse_reading(line)
    assert got == Parsed(value, quantity, unit, (), elapsed_s=elapsed, reading_number=number)
    require_elements(got, line)


def test_captured_reading_with_calendar_clock_and_source() -> None:
    line = b"+01.01103E+00NVDC,09:00:20.00,26-Mar-2015,+01945RDNG#,+0001.000Vsrc"
    got = parse_reading(line)
    assert got == Parsed(
        1.01103, "voltage", "V", (), clock="2015-03-26T09:00:20", reading_number=1945, source_v=1.0
    )  # fmt: skip
    require_elements(got, line)


def test_ohm_and_a_negative_reading_number_and_source() -> None:
    got = parse_reading(b"+01.01103E+09NOHM,-0000001.000000secs,-00003RDNG#,-0100.500Vsrc")
    assert got == Parsed(1.01103e9, "resistance", "Ohm", (), elapsed_s=-1.0, reading_number=-3, source_v=-100.5)


def test_two_readings_in_one_reply_are_not_one() -> None:
    line = b"+002.3615E-03NADC,+0000000.000000secs,+00000RDNG#,+002.3061E-03NADC,+0000000.000000secs,+00001RDNG#"
    with pytest.raises(Garbled, match="Two readings") as caught:
        parse_reading(line)
    assert caught.value.raw == line


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
        (b"-9.91E37NCOUL", (Flag.ZERO_CHECK,)),
        (b"+9.92E37NCOUL", (Flag.OVERLOAD,)),
        (b"+9.9115E37NCOUL", (Flag.OVERLOAD,)),
        (b"+9.900000E+37NCOUL", (Flag.OVERLOAD,)),
        (b"0.00E00UADC", (Flag.UNDERLOAD,)),
        (b"+012.3456E-09OCOUL", (Flag.OVERLOAD,)),
        (b"+012.3456E-09ZCOUL", (Flag.ZERO_CHECK,)),
        (b"+012.3456E-09LCOUL", (Flag.OUT_OF_LIMIT,)),
        (b"+012.3456E-09UCOUL", (Flag.UNDERLOAD,)),
    ],
)
def test_a_sentinel_or_a_status_that_forbids_it_never_becomes_a_number(line: bytes, flags: tuple[Flag, ...]) -> None:
    got = parse_reading(line)
    assert (got.value, got.flags) == (None, flags)


def test_a_relative_reading_keeps_value_and_flag_and_minus_zero_is_zero() -> None:
    got = parse_reading(b"+012.3456E-09RCOUL")
    assert (got.value, got.flags) == (12.3456e-9, (Flag.RELATIVE,))
    assert str(parse_reading(b"-000.0000E-09NCOUL").value) == "0.0"


def test_a_number_alone_has_no_quantity() -> None:
    assert parse_reading(b"+012.3456E-09") == Parsed(12.3456e-9, None, None, ())


@pytest.mark.parametrize(
    "number",
    [
        b"198.4891E-12", b"+198.491E-12", b"+8.4891E-12", b"+198.48910E-12", b"+198,4891E-12", b"+1984891.E-12",
        b"+.1984891E-12", b"+198.4891e-12", b"+198.4891E12", b"+198.4891E-1", b"+198.4891E", b"+198.4891",
        b"++98.4891E-12", b"1_0", b"+198.4891E-123", b"+Inf", b"nan", b"inf", b"+1e400", b"+198.48.1E-12",
        b"\xb2.0E+00", b"",
    ],
)  # fmt: skip
def test_a_number_is_believed_in_the_captured_form_only(number: bytes) -> None:
    line = number + b"NADC" + STAMPS
    with pytest.raises(Garbled) as caught:
        parse_reading(line)
    assert caught.value.raw == line


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"", "begin with a number"),
        (b"+198.4891E-12NACD", "begin with a number"),
        (b"DCL", "begin with a number"),
        (b"+198.4891E-12XADC", r"letter 'X' is not known; known are N, O, U, Z, R, L\."),
        (b"\xff\xfe", "not ASCII"),
        (b"+198.4891E-12NADC+198.4891E-12NADC", "begin with a number"),
        (b":SENS:DATA:FRES?", "begin with a number"),
        (b"x+198.4891E-12NADC", "begin with a number"),
        (b"+198.491E-12NADC", r"'\+198.491E-12' is not a sign and seven"),
        (b"+198.4891E-12NADC,+198.4891E-12", "Two readings"),
        (b"+198.4891E-12NADC,09:00:20.00,31-Feb-2015", "'31-Feb-2015 09:00:20.00' is no date and time"),
        (b"+198.4891E-12NADC,29:00:20.00,26-Mar-2015", "no date and time"),
    ],
)
def test_what_is_not_of_the_grammar_is_refused_with_its_bytes(line: bytes, says: str) -> None:
    with pytest.raises(Garbled, match=says) as caught:
        parse_reading(line)
    assert caught.value.raw == line


@pytest.mark.parametrize(
    "rest",
    [
        b"+0007633.858813sec", b"+007633.858813secs", b"0007633.858813secs", b"+0007633.85881secs",
        b"+0007633.858813secsx", b"x+0007633.858813secs", b"+58454RDNG", b"+5845RDNG#", b"58454RDNG#", b"x+58454RDNG#",
        b"+58454RDNG#x", b"+0001.00Vsrc", b"+001.000Vsrc", b"+0001.000Vsrcx", b"+0001x000Vsrc",
        b"+0007633x858813secs", b"09x00:20.00", b"09:00x20.00", b"9:00:20.00", b"09:00:20.00",
        b"09:00:20.0", b"26-Mar-2015", b"00EXTCHAN",
    ],
)  # fmt: skip
def test_an_element_that_is_not_of_its_form_is_kept_as_text(rest: bytes) -> None:
    got = parse_reading(b"+198.4891E-12NADC," + rest + b", " + rest)
    assert got == Parsed(198.4891e-12, "current", "A", (), others=(rest.decode(), rest.decode()))


@pytest.mark.parametrize("date", [b"26-MAR-2015", b"6-Mar-2015", b"26-Mar-15", b"26-Mar-2015x", b"x26-Mar-2015"])
def test_a_time_without_its_date_is_kept_as_text(date: bytes) -> None:
    got = parse_reading(b"+198.4891E-12NADC,09:00:20.50," + date)
    assert (got.clock, got.others) == (None, ("09:00:20.50", date.decode()))


def test_hundredths_of_the_calendar_clock() -> None:
    assert parse_reading(b"+198.4891E-12NADC,09:00:20.50,26-Mar-2015").clock == "2015-03-26T09:00:20.500000"


@pytest.mark.parametrize(
    "line",
    [
        b"+198.4891E-12NADC", b"+198.4891E-12NADC,+0007633.858813secs", b"+198.4891E-12NADC,+58454RDNG#",
        b"+198.4891E-12" + STAMPS, b"+9.9E37OADC,+58454RDNG#",
    ],
)  # fmt: skip
def test_a_reading_whose_end_was_cut_off_is_refused_with_its_bytes(line: bytes) -> None:
    with pytest.raises(Garbled, match="An element of the reading is missing") as caught:
        require_elements(parse_reading(line), line)
    assert caught.value.raw == line


def test_the_elements_asked_for_are_those_that_are_required() -> None:
    assert ELEMENTS == "READ,TST,STAT,UNIT,RNUM"


@given(st.sampled_from([c[0] for c in CAPTURED]), st.data())
def test_a_flipped_bit_is_refused_unless_digits_became_digits(line: bytes, data: st.DataObject) -> None:
    """The format has no check sum: a flipped bit that turns one digit into another, or a sign into the other sign,
    cannot be told from a reading. Anything else is refused, or stays beside the reading as text."""
    at = data.draw(st.integers(0, len(line) - 1))
    damaged = line[:at] + bytes([line[at] ^ 1 << data.draw(st.integers(0, 7))]) + line[at + 1 :]
    try:
        got = parse_reading(damaged)
        require_elements(got, damaged)
    except Garbled:
        return
    was, now = chr(line[at]), chr(damaged[at])
    known = (was.isdigit() and now.isdigit()) or (was in "+-" and now in "+-") or (was in "Ee" and now in "Ee")
    status = was == "N" and now in "LOZRU"
    assert known or status or got.others or got.value is None


@pytest.mark.parametrize(
    ("number", "full_scale"),
    [
        (b"+0.123456E-09NCOUL", 2e-9), (b"+01.23456E-09NCOUL", 2e-8), (b"-198.4891E-12NADC", 2e-10),
        (b"-00.00374E-12NADC", 2e-11), (b"+1.234567E-06NCOUL", None), (b"+01.01103E+00NVDC", 20.0),
        (b"+01.01103E+09NOHM", 2e10), (b"+210.0000E-09NCOUL", 2e-7), (b"+9.9E37OCOUL", None),
    ],
)  # fmt: skip
def test_exponent_and_point_tell_the_range(number: bytes, full_scale: float | None) -> None:
    if number.startswith(b"+1.234567"):
        assert parse_reading(number + STAMPS).full_scale == pytest.approx(2e-6)
    else:
        assert parse_reading(number + STAMPS).full_scale == (full_scale and pytest.approx(full_scale))


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (b"+198.4891E-13NADC", "an exponent that no range"), (b"+198.4891E-02NADC", "an exponent that no range"),
        (b"+198.4891E-15NADC", "an exponent that no range"), (b"+198.4891E-03NCOUL", "an exponent that no range"),
        (b"+198.4891E-12NCOUL", "an exponent that no range"), (b"+01.01103E-03NVDC", "an exponent that no range"),
        (b"+210.0001E-09NCOUL", "over 105 % of its range"), (b"-298.4891E-12NADC", "over 105 % of its range"),
        (b"+2.100001E-09NCOUL", "over 105 % of its range"), (b"+9.999999E-09NCOUL", "over 105 % of its range"),
        (b"+420.0001E-09RCOUL", "over 105 % of its range"), (b"+010.0045E-06NCOUL", "beyond every range"),
        (b"+0004.201E-06RCOUL", "beyond every range"), (b"+021.0001E-03NADC", "beyond every range"),
    ],
)  # fmt: skip
def test_a_number_that_no_range_can_give_is_refused_with_its_bytes(number: bytes, says: str) -> None:
    with pytest.raises(Garbled, match=says) as caught:
        parse_reading(number + STAMPS)
    assert caught.value.raw == number + STAMPS


def test_a_number_with_a_reference_taken_off_may_be_twice_as_large() -> None:
    assert parse_reading(b"+420.0000E-09RCOUL" + STAMPS).value == pytest.approx(420e-9)


@pytest.mark.parametrize("twice", [b"+00001RDNG#", b"+0000001.000000secs", b"+0001.000Vsrc"])
def test_an_element_that_stands_twice_is_refused(twice: bytes) -> None:
    with pytest.raises(Garbled, match="stands twice"):
        parse_reading(b"+198.4891E-12NADC,+0001.000Vsrc" + STAMPS + b"," + twice)


@pytest.mark.parametrize("number", [b"+06330" + b"9" * 5000 + b"RDNG#", b"+1234567890RDNG#"])
def test_a_reading_number_of_many_digits_is_text(number: bytes) -> None:
    got = parse_reading(b"+198.4891E-12NADC,+0000001.000000secs," + number)
    assert (got.reading_number, got.others) == (None, (number.decode(),))


LINE = b"-000.0045E-09NCOUL,+0000640.971549secs,+06330RDNG#"


@pytest.mark.parametrize(
    ("tail", "names", "found"),
    [
        (b",+0023.50C,+0045.20%", ("temperature", "humidity"), (("temperature", 23.5), ("humidity", 45.2))),
        (b",0023.5ETEMP", ("temperature",), (("temperature", 23.5),)),
        (b",+0999.99%", ("humidity",), (("humidity", None),)),
        (b",+9999.99C,0.5HUM", ("temperature", "humidity"), (("temperature", None), ("humidity", 0.5))),
    ],
)
def test_temperature_and_humidity_are_known_by_their_place(
    tail: bytes, names: tuple[str, ...], found: tuple[tuple[str, float | None], ...]
) -> None:
    parsed = parse_reading(LINE + tail, names)
    assert (parsed.ambient, parsed.value) == (found, -4.5e-12)


@pytest.mark.parametrize(
    ("tail", "says"),
    [
        (b"", "The temperature is missing"),
        (b",+0150.01C", "A temperature of 150.01 is none"),
        (b",-0025.01C", "A temperature of -25.01 is none"),
        (b",warm", "The temperature is missing"),
    ],
)
def test_a_temperature_that_cannot_be_spoils_the_reading(tail: bytes, says: str) -> None:
    with pytest.raises(Garbled, match=says):
        parse_reading(LINE + tail, ("temperature",))
