"""Reading strings of the 6514, 6485, 6487 and 6430: captured lines, status bits, and what is not believed."""

from __future__ import annotations

import pytest

from drivers import Flag, Garbled
from drivers.keithley.electrometer import Words
from drivers.keithley.k6430 import WORDS as K6430
from drivers.keithley.k6485 import WORDS_6485, WORDS_6487
from drivers.keithley.k6514 import WORDS as K6514
from drivers.keithley.parsed import Parsed
from drivers.keithley.words_numeric import PICOAMMETER, SOURCE_METER, parse_numbers

E6514, E6485, E6487 = (
    ["READ", "TIME", "STAT"],
    ["READ", "UNIT", "TIME", "STAT"],
    ["READ", "UNIT", "TIME", "STAT", "VSO"],
)
E6430 = ["VOLT", "CURR", "RES", "TIME", "STAT"]
L6514 = b"-7.334216E-06,+1.252302E+04,+0.000000E+00"
L6487 = b"+1.040564E-06A,+2.236299E+02,+2.000000E+00,+123.4500"
L6430 = b"+1.000206E+00,+1.000000E-04,+1.000236E+04,+7.282600E+01,+4.813200E+04"


def of_6514(line: bytes) -> Parsed:
    return parse_numbers(line, E6514, "charge", PICOAMMETER, K6514.largest)


def of_6487(line: bytes) -> Parsed:
    return parse_numbers(line, E6487, "current", PICOAMMETER, WORDS_6487.largest)


def test_captured_and_printed_lines() -> None:
    assert of_6514(L6514) == Parsed(-7.334216e-06, None, None, (), elapsed_s=12523.02)
    assert of_6487(L6487) == Parsed(1.040564e-06, "current", "A", (), elapsed_s=223.6299, source_v=123.45)
    got = parse_numbers(b"-1.121149E-10A,+2.305817E+03,+5.120000E+02", E6485, "current", PICOAMMETER)
    assert got == Parsed(None, "current", "A", (Flag.ZERO_CHECK,), elapsed_s=2305.817)


@pytest.mark.parametrize(("quantity", "value"), [("current", 1e-4), ("voltage", 1.000206), ("resistance", 10002.36)])
def test_the_6430_gives_the_element_that_it_is_set_to_measure(quantity: str, value: float) -> None:
    line = L6430.replace(b"+4.813200E+04", b"+0.000000E+00")
    assert parse_numbers(line, E6430, quantity, SOURCE_METER) == Parsed(value, None, None, (), elapsed_s=72.826)


def test_the_line_printed_in_the_6430_manual_shows_relative() -> None:
    """48132 is 0b1011110000000100: bits 2 and 10 to 15, of which none is a doubt."""
    assert parse_numbers(L6430, E6430, "current", SOURCE_METER).flags == ()


@pytest.mark.parametrize(
    ("unit", "quantity", "stated"),
    [(b"A", "current", "A"), (b"V", "voltage", "V"), (b"C", "charge", "C"), (b"OHM", "resistance", "Ohm")],
)
def test_the_unit_behind_the_number_says_the_quantity(unit: bytes, quantity: str, stated: str) -> None:
    got = of_6487(L6487.replace(b"A,", unit + b","))
    assert (got.quantity, got.unit) == (quantity, stated)


BITS = {
    0: (Flag.OVERLOAD,), 1: (), 2: (Flag.CHANGED_BY_HAND,), 3: (Flag.RELATIVE,), 4: (), 5: (), 6: (),
    7: (Flag.OVERLOAD,), 8: (Flag.UNKNOWN_STATUS,), 9: (Flag.ZERO_CHECK,), 10: (), 11: (Flag.UNKNOWN_STATUS,),
    15: (Flag.UNKNOWN_STATUS,), 19: (Flag.UNKNOWN_STATUS,),
}  # fmt: skip


@pytest.mark.parametrize("bit", BITS)
def test_each_status_bit_of_the_6514_and_the_picoammeters(bit: int) -> None:
    got = of_6514(L6514.replace(b"+0.000000E+00", b"%+.6E" % 2**bit))
    assert got.flags == BITS[bit]
    assert (got.value is None) == (bit in (0, 7, 9))


@pytest.mark.parametrize("bit", [20, 21, 22, 23])
def test_a_status_bit_up_to_the_last_is_read(bit: int) -> None:
    """A number of seven digits holds the bit itself only roughly: what stands there is some undocumented bit."""
    word = float(b"%+.6E" % 2**bit)
    assert Flag.UNKNOWN_STATUS in PICOAMMETER.read(int(word))
    assert PICOAMMETER.read(1 << bit) == (Flag.UNKNOWN_STATUS,)


METER_BITS = {0: Flag.OVERLOAD, 3: Flag.OUT_OF_LIMIT, 5: Flag.CHANGED_BY_HAND, 6: Flag.RELATIVE, 16: Flag.OUT_OF_LIMIT}


@pytest.mark.parametrize("bit", range(24))
def test_each_status_bit_of_the_source_meter(bit: int) -> None:
    assert SOURCE_METER.read(1 << bit) == ((METER_BITS[bit],) if bit in METER_BITS else ())


def test_compliance_gives_no_number() -> None:
    got = parse_numbers(L6430.replace(b"+4.813200E+04", b"+8.000000E+00"), E6430, "current", SOURCE_METER)
    assert (got.value, got.flags) == (None, (Flag.OUT_OF_LIMIT,))


def test_several_bits_give_each_flag_once_in_their_order() -> None:
    assert PICOAMMETER.read(0b1010001101) == (Flag.OVERLOAD, Flag.CHANGED_BY_HAND, Flag.RELATIVE, Flag.ZERO_CHECK)
    assert PICOAMMETER.read(0b100100001001) == (Flag.OVERLOAD, Flag.RELATIVE, Flag.UNKNOWN_STATUS)


@pytest.mark.parametrize(
    ("number", "flags"),
    [
        (b"+9.900000E+37", (Flag.OVERLOAD,)), (b"-9.900000E+37", (Flag.OVERLOAD,)), (b"+9.9E37", (Flag.OVERLOAD,)),
        (b"+9.91E37", (Flag.NOT_A_NUMBER,)), (b"+9.910000E+37", (Flag.NOT_A_NUMBER,)),
        (b"-9.91E+37", (Flag.NOT_A_NUMBER,)),
    ],
)  # fmt: skip
def test_a_sentinel_is_a_flag_and_no_number(number: bytes, flags: tuple[Flag, ...]) -> None:
    got = of_6514(number + L6514[13:])
    assert (got.value, got.flags, got.elapsed_s) == (None, flags, 12523.02)


def test_a_sentinel_beside_its_status_bit_is_flagged_once_and_keeps_other_flags() -> None:
    got = of_6514(b"+9.900000E+37,+1.252302E+04,+9.000000E+00")
    assert got.flags == (Flag.OVERLOAD, Flag.RELATIVE)


def test_relative_and_math_keep_their_value_and_minus_zero_is_zero() -> None:
    got = of_6514(L6514.replace(b"+0.000000E+00", b"+1.200000E+01"))
    assert (got.value, got.flags) == (-7.334216e-06, (Flag.CHANGED_BY_HAND, Flag.RELATIVE))
    assert str(of_6514(b"-0.000000E+00" + L6514[13:]).value) == "0.0"


WRONG = [
    b"", b"nan", b"+Inf", b"7.334216E-06", b"+7.33421E-06", b"+7.3342166E-06", b"+73.34216E-06", b"+7.334216E-6",
    b"+7.334216E06", b"+7.334216e-06", b"+7,334216E-06", b"+7.334216E-006", b"+7.334_16E-06", b"+7x334216E-06",
    b"+.334216E-06", b"+7.334216", b"+7.334216E-06x", b"x+7.334216E-06",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_a_number_is_believed_in_its_documented_form_only(text: bytes) -> None:
    for field in range(3):
        fields = L6514.split(b",")
        fields[field] = text
        with pytest.raises(Garbled) as caught:
            of_6514(b",".join(fields))
        assert caught.value.raw == b",".join(fields)


@pytest.mark.parametrize("field", [0, 2])
@pytest.mark.parametrize("text", [b"nan", b"+1.000206E+0", b"+1.000206E+38"])
def test_an_element_beside_the_one_that_is_measured_spoils_the_line_too(text: bytes, field: int) -> None:
    fields = L6430.split(b",")
    fields[field] = text
    with pytest.raises(Garbled):
        parse_numbers(b",".join(fields), E6430, "current", SOURCE_METER)
    fields[field] = b"+9.910000E+37"
    assert parse_numbers(b",".join(fields), E6430, "current", SOURCE_METER).value == 1e-4


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (L6514[:-14], r"2 elements came where 3 were asked for \(READ, TIME, STAT\)"),
        (L6514 + b",+0.000000E+00", "4 elements came where 3"),
        (L6514 + b"\xb2", "not ASCII"),
        (b"+9.900000E+36" + L6514[13:], "'[+]9.900000E[+]36' is beyond every range of charge"),
        (L6514.replace(b"+0.000000E+00", b"-1.000000E+00"), "'-1.000000E[+]00' is no word of 24 bits"),
        (L6514.replace(b"+0.000000E+00", b"+1.500000E+00"), "no word of 24 bits"),
        (L6514.replace(b"+0.000000E+00", b"+1.677722E+07"), "no word of 24 bits"),
        (b"+9.900001E+37" + L6514[13:], "'[+]9.900001E[+]37' is beyond every range"),
        (b"-9.920000E+37" + L6514[13:], "beyond every range"),
        (b"+1.000000E+38" + L6514[13:], "beyond every range"),
        (b"+9x9E+37" + L6514[13:], "is not a sign, one digit, six decimals and an exponent"),
    ],
)
def test_what_is_not_of_the_grammar_is_refused_with_its_bytes(line: bytes, says: str) -> None:
    with pytest.raises(Garbled, match=says) as caught:
        of_6514(line)
    assert caught.value.raw == line


@pytest.mark.parametrize("unit", [b"", b"X", b"ADC", b"a", b"OHm"])
def test_a_unit_that_is_not_known_is_refused_with_its_bytes(unit: bytes) -> None:
    line = L6487.replace(b"A,", unit + b",")
    with pytest.raises(Garbled) as caught:
        of_6487(line)
    assert caught.value.raw == line


def test_the_sentence_of_an_unknown_unit_names_those_that_are_known() -> None:
    with pytest.raises(Garbled, match=r"reading '\+1\.0X' has no unit that is known; known are A, V, C, OHM, OHMS\."):
        of_6487(b"+1.0X,+2.236299E+02,+2.000000E+00,+123.4500")


def test_a_number_that_is_only_a_unit_is_refused() -> None:
    with pytest.raises(Garbled):
        of_6487(L6487.replace(b"+1.040564E-06A", b"A"))


@pytest.mark.parametrize(
    ("text", "volts"),
    [(b"+123.4500", 123.45), (b"-0.0000", 0.0), (b"+0001.000", 1.0), (b"-0001.000", -1.0), (b"-0500.0000", -500.0)],
)
def test_the_source_voltage(text: bytes, volts: float) -> None:
    assert of_6487(L6487.replace(b"+123.4500", text)).source_v == volts


@pytest.mark.parametrize(
    "text",
    [b"", b"123.4500", b"+123.450", b"+001.000", b"+123.45000", b"+.4500", b"nan", b"x+1.0000",
     b"+1.0000x", b"+00001.000", b"+123x4500", b"+0001x000"],
)  # fmt: skip
def test_a_source_voltage_of_another_form_is_refused_with_its_bytes(text: bytes) -> None:
    line = L6487.replace(b"+123.4500", text)
    with pytest.raises(Garbled, match=r"The source voltage '.*' is not of its form") as caught:
        of_6487(line)
    assert caught.value.raw == line


def test_blanks_round_an_element_are_no_part_of_it() -> None:
    assert of_6514(b" -7.334216E-06 , +1.252302E+04 , +0.000000E+00 ") == of_6514(L6514)


@pytest.mark.parametrize(
    ("words", "number", "quantity", "taken"),
    [
        (K6514, "+2.100000E-05", "charge", True), (K6514, "+2.100001E-05", "charge", False),
        (K6514, "-1.234567E+09", "charge", False), (K6514, "-2.200000E+02", "voltage", False),
        (K6514, "+2.100000E+02", "voltage", True), (K6514, "+2.100000E+11", "resistance", True),
        (WORDS_6485, "+2.100000E-02", "current", True), (WORDS_6485, "+3.003775E-02", "current", False),
        (WORDS_6487, "-2.100001E-02", "current", False), (K6430, "+1.055000E-01", "current", True),
        (K6430, "+1.056000E-01", "current", False), (K6430, "+2.200000E+02", "voltage", False),
    ],
)  # fmt: skip
def test_a_number_beyond_every_range_of_its_model_is_refused(
    words: Words, number: str, quantity: str, taken: bool
) -> None:
    def read(text: str, status: int) -> float | None:
        line = f"{text},+1.000000E+00,{status:+.6E}".encode()
        return parse_numbers(line, ["READ", "TIME", "STAT"], quantity, PICOAMMETER, words.largest).value

    if taken:
        assert read(number, 0) == float(number)
    else:
        with pytest.raises(Garbled, match=f"is beyond every range of {quantity}"):
            read(number, 0)
    if quantity in words.largest:
        most = 2 * words.largest[quantity]  # a reference of the other sign was taken off
        assert read(f"{most:+.6E}", 8) == pytest.approx(most)
        with pytest.raises(Garbled, match=f"is beyond every range of {quantity}"):
            read(f"{1.01 * most:+.6E}", 8)
