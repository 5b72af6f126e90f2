"""The UNIDOS's words against the published byte examples."""

from __future__ import annotations

import pytest

from drivers import Declined, Flag, Garbled
from drivers.ptw import unidos_words as words
from drivers.ptw.unidos_words import Measured, parse_measured

ELECTRICAL = b"MV;RES;0.0;E-12;p;C;0.0;E-12;p;A;;0.0;ms;200;V;0x0"
DOSE = b"MV;RES;2.6;E-3;m;Gy;5.6;E-09;n;Gy;min;3000.0;ms;300.0;V;0x0"


def test_published_examples() -> None:
    assert parse_measured(ELECTRICAL) == Measured("RES", 0.0, "C", 0.0, "A", 0.0, 200.0, (), 0)
    assert parse_measured(DOSE) == Measured("RES", 2.6e-3, "Gy", 5.6e-9, "Gy/min", 3.0, 300.0, (), 0)


@pytest.mark.parametrize(
    ("bit", "flag", "valued"),
    [
        (0, Flag.OVERLOAD, False), (1, Flag.OVERLOAD, False), (2, Flag.HV_FAULT, False), (3, Flag.HV_FAULT, False),
        (4, Flag.LOW_SIGNAL, True), (5, Flag.LOW_SIGNAL, True), (6, Flag.LOW_SIGNAL, True),
        (7, Flag.UNKNOWN_STATUS, True), (8, Flag.SAFETY_WARNING, True), (9, Flag.SAFETY_WARNING, True),
        (10, Flag.UNKNOWN_STATUS, True), (11, Flag.UNCALIBRATED, True), (12, Flag.UNKNOWN_STATUS, True),
        (13, Flag.UNKNOWN_STATUS, True), (14, Flag.UNKNOWN_STATUS, True), (15, Flag.UNKNOWN_STATUS, True),
    ],
)  # fmt: skip
def test_each_flag_bit_speaks_of_integral_and_rate(bit: int, flag: Flag, valued: bool) -> None:
    got = parse_measured(DOSE[:-3] + hex(1 << bit).encode())
    assert (got.flags, got.bits) == ((flag,), 1 << bit)
    assert (got.integral is not None, got.rate is not None) == (valued, valued)


def test_several_bits_give_each_flag_once_in_their_order() -> None:
    got = parse_measured(DOSE[:-3] + b"0xFcFf")
    assert got.flags == (
        Flag.OVERLOAD, Flag.HV_FAULT, Flag.LOW_SIGNAL, Flag.UNKNOWN_STATUS, Flag.UNCALIBRATED,
    )  # fmt: skip
    assert got.bits == 0xFCFF
    assert parse_measured(DOSE[:-3] + b"0xB").flags == (Flag.OVERLOAD, Flag.HV_FAULT)


@pytest.mark.parametrize(
    "state", ["RES", "MEAS", "HOLD", "INT", "INTHLD", "AUTO", "AUTO_MEAS", "AUTO_HOLD", "EOM", "WAIT"]
)
def test_each_state_that_measures(state: str) -> None:
    got = parse_measured(ELECTRICAL.replace(b"RES", state.encode()))
    assert (got.state, got.flags) == (state, ())


@pytest.mark.parametrize("state", ["ZERO", "INIT", "SELF_TEST", "TST", "ERROR"])
def test_each_busy_state_is_flagged_behind_its_bits(state: str) -> None:
    got = parse_measured(ELECTRICAL.replace(b"RES", state.encode()).replace(b"0x0", b"0x10"))
    assert (got.state, got.flags) == (state, (Flag.LOW_SIGNAL, Flag.BUSY))


@pytest.mark.parametrize(
    ("prefix", "exponent"),
    [
        ("a", "E-18"), ("f", "E-15"), ("p", "E-12"), ("n", "E-9"), ("n", "E-09"), ("\u00b5", "E-06"), ("m", "E-3"),
        ("", "E+0"), ("", "E-00"), ("k", "E+3"), ("M", "E+06"), ("G", "E+9"),
    ],
)  # fmt: skip
def test_each_prefix_with_the_exponent_that_it_says(prefix: str, exponent: str) -> None:
    line = DOSE.replace(b"2.6;E-3;m", f"-2.6;{exponent};{prefix}".encode())
    assert parse_measured(line).integral == float("-2.6" + exponent)


@pytest.mark.parametrize(
    ("prefix", "exponent"),
    [
        ("n", "E+9"),
        ("n", "E-12"),
        ("p", "E-9"),
        ("", "E-3"),
        ("m", "E+0"),
        ("x", "E-3"),
        ("u", "E-6"),
        ("\u03bc", "E-6"),
    ],
)
def test_a_prefix_that_contradicts_the_exponent_is_refused(prefix: str, exponent: str) -> None:
    line = DOSE.replace(b"2.6;E-3;m", f"2.6;{exponent};{prefix}".encode())
    with pytest.raises(Garbled, match=f"The prefix '{prefix}' does not say what the exponent") as caught:
        parse_measured(line)
    assert caught.value.raw == line


@pytest.mark.parametrize("exponent", ["", "E", "E-", "E3", "E-003", "e-3", "E-1Z", "xE-3", "E-3x", "E- 3", "-3"])
def test_an_exponent_of_another_form_is_refused(exponent: str) -> None:
    line = DOSE.replace(b"2.6;E-3", f"2.6;{exponent}".encode())
    with pytest.raises(Garbled, match=f"'2.6{exponent}' is no number of this protocol") as caught:
        parse_measured(line)
    assert caught.value.raw == line


NO_NUMBERS = [
    "", "nan", "+Inf", "inf", "1_0", "+2.6", "2,6", "2.", ".6", "--2", "1e5", "x2.6", "2.6x", "2.6.1", "2x6", "\u0661",
    "\uff12", " 2.6", "9" * 10, "9" * 400, "0." + "1" * 10,
]  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_a_number_is_believed_in_its_documented_form_only(text: str) -> None:
    for field in (2, 6, 11, 13):
        fields = DOSE.split(b";")
        fields[field] = text.encode()
        with pytest.raises(Garbled, match="is no number of this protocol") as caught:
            parse_measured(b";".join(fields))
        assert caught.value.raw == b";".join(fields)


def test_longest_numbers_and_minus_zero() -> None:
    got = parse_measured(
        DOSE.replace(b"2.6;", b"-1000.000000000;").replace(b"300.0", b"-123456789.123456789").replace(b"5.6", b"-0.0")
    )
    assert got.integral == -1.0
    assert got.voltage_v == -123456789.123456789
    got = parse_measured(DOSE.replace(b"300.0", b"-0").replace(b"5.6", b"-0.0"))
    assert (str(got.voltage_v), str(got.rate)) == ("0.0", "0.0")


@pytest.mark.parametrize(
    ("base", "unit", "duration", "seconds"),
    [("s", "Gy/s", "ms", 1.5), ("min", "Gy/min", "s", 1500.0), ("h", "Gy/h", "s", 1500.0)],
)
def test_time_base_and_time_unit(base: str, unit: str, duration: str, seconds: float) -> None:
    got = parse_measured(DOSE.replace(b";min;3000.0;ms;", f";{base};1500.0;{duration};".encode()))
    assert (got.rate_unit, got.time_s) == (unit, seconds)


@pytest.mark.parametrize(
    "line",
    [
        ELECTRICAL.replace(b";C;", b";X;"), ELECTRICAL.replace(b";C;", b";Gy;"), ELECTRICAL.replace(b";A;", b";Gy;"),
        DOSE.replace(b";Gy;5.6", b";C;5.6"), DOSE.replace(b";Gy;min", b";A;min"), DOSE.replace(b"Gy", b"gy"),
        ELECTRICAL.replace(b";A;;", b";A;min;"), DOSE.replace(b";min;", b";;"), DOSE.replace(b"min", b"day"),
        ELECTRICAL.replace(b"RES", b"REZ"), ELECTRICAL.replace(b"RES", b""), ELECTRICAL.replace(b"ms", b"us"),
        ELECTRICAL.replace(b";V;", b";kV;"), ELECTRICAL.replace(b"0x0", b"0"), ELECTRICAL.replace(b"0x0", b"0x"),
        ELECTRICAL.replace(b"0x0", b"0x12345"), ELECTRICAL.replace(b"0x0", b"0xg"), ELECTRICAL.replace(b"0x0", b"0x:"),
        ELECTRICAL.replace(b"0x0", b"x0x0"),
        ELECTRICAL.replace(b"0x0", b"0X0"), ELECTRICAL.replace(b"0x0", b"0x0x"), ELECTRICAL.replace(b"0x0", b"-0x0"),
    ],
)  # fmt: skip
def test_a_field_that_is_not_of_its_form_is_refused_with_its_bytes(line: bytes) -> None:
    with pytest.raises(Garbled, match="MV has a field that is not of its form") as caught:
        parse_measured(line)
    assert caught.value.raw == line


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"", "The reply to MV begins with ''"), (b"MV", "MV has 0 fields where 15 belong"),
        (ELECTRICAL[:-4], "MV has 14 fields where 15"), (DOSE + b";0x0", "MV has 16 fields where 15"),
        (b"S;RES", "The reply to MV begins with 'S'"), (b"MVM;MEDIUM;1.65", "begins with 'MVM'"),
        (b"mv;RES", "begins with 'mv'"), (b"\xff", "not UTF-8"),
        (ELECTRICAL.replace(b";", b","), r"'MV,RES,0\.0,E-12,p,C,'"),
    ],
)  # fmt: skip
def test_a_reply_to_something_else_is_refused_with_its_bytes(line: bytes, says: str) -> None:
    with pytest.raises(Garbled, match=says) as caught:
        parse_measured(line)
    assert caught.value.raw == line


PUBLISHED = {
    1: "syntax error or unknown command", 2: "not allowed in this context", 3: "not allowed at this moment",
    8: "invalid", 12: "aborted by the user", 16: "too long", 17: "too many parameters", 18: "empty parameter",
    19: "wrong number of parameters", 20: "no write permission", 21: "required parameter", 24: "memory error",
    28: "unknown parameter", 29: "wrong type of parameter", 33: "defective", 51: "undefined command", 52: "wrong type",
    54: "denied", 58: "wrong value", 96: "time-out",
}  # fmt: skip


def test_every_published_error_is_in_the_table_and_no_other() -> None:
    assert list(words.ERRORS) == list(PUBLISHED)


@pytest.mark.parametrize("number", PUBLISHED)
def test_each_error_is_refused_with_its_meaning(number: int) -> None:
    with pytest.raises(Declined, match=rf"refused STA with error {number:02d}: .*{PUBLISHED[number]}.*\.$") as caught:
        words.fields("STA", b"E;%02d" % number)
    assert caught.value.raw == b"E;%02d" % number


def test_an_error_that_is_in_no_list_says_so() -> None:
    with pytest.raises(Declined, match="error 99: unknown: it is not in the published list"):
        words.fields("STA", b"E;99")
    assert words.NO_PERMISSION == b"E;20"


@pytest.mark.parametrize(
    "line", [b"E;1", b"E;001", b"E;1x", b"E", b"E;", b"E;20;1", b"xE;20", "E;\u0661\u0661".encode()]
)
def test_an_error_of_another_form_is_garbled(line: bytes) -> None:
    with pytest.raises(Garbled, match="The reply to STA begins with") as caught:
        words.fields("STA", line)
    assert caught.value.raw == line


def test_fields_of_text_in_utf_8() -> None:
    assert words.fields("MVM", "MVM;MEDIUM;1.65;E-06;\u00b5;Gy;min".encode())[3] == "\u00b5"
    assert words.fields("STA", b"STA") == []


def test_progress_of_zero_and_self_test() -> None:
    assert words.parse_progress("NUS", b"NUS;Passed;0;82000") == ("Passed", 0.0, 82.0)
    assert words.parse_progress("NUS", b"NUS;Running;-1;999999999") == ("Running", -0.001, 999999.999)
    line = b"ASS;Passed;0;89000;Low; 136.6;E-12;p;C;Med; 1.500;E-09;n;C;High; 13.50;E-09;n;C"
    assert words.parse_progress("ASS", line) == ("Passed", 0.0, 89.0)
    assert words.parse_progress("ASS", b"ASS;Passed;500;89000") == ("Passed", 0.5, 89.0)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"NUS;Passed;0", "NUS has 2 fields where 3 belong"),
        (b"NUS;Passed;0;82000;1", "NUS has 4 fields where 3 belong"),
        (b"ASS;Passed;0", "ASS has 2 fields where at least 3 belong"), (b"NUS;Passed;;82000", "'' is no whole number"),
        (b"NUS;Passed;0;8.2", "'8.2' is no whole number"), (b"NUS;Passed;1_0;82000", "no whole number"),
        (b"NUS;Passed;+1;82000", "no whole number"), (b"NUS;Passed;0;9999999999", "no whole number"),
        ("NUS;Passed;\u0661;82000".encode(), "no whole number"), (b"NUS;Passed;x1;82000", "no whole number"),
    ],
)  # fmt: skip
def test_progress_of_another_form_is_refused_with_its_bytes(line: bytes, says: str) -> None:
    with pytest.raises(Garbled, match=says) as caught:
        words.parse_progress(line[:3].decode(), line)
    assert caught.value.raw == line


def test_the_bare_echo_of_an_action() -> None:
    words.parse_action("STA", b"STA")
    with pytest.raises(Garbled, match="STA was answered with more than itself") as caught:
        words.parse_action("STA", b"STA;true")
    assert caught.value.raw == b"STA;true"


def test_the_one_value_of_a_setting() -> None:
    assert words.parse_one("RGE", b"RGE;LOW") == "LOW"
    for line in (b"RGE", b"RGE;LOW;HIGH", b"RGE;"):
        with pytest.raises(Garbled, match=r"RGE has [0-2] fields where 1 belongs") as caught:
            words.parse_one("RGE", line)
        assert caught.value.raw == line


def test_whether_write_permission_is_ours() -> None:
    assert words.parse_token(b"TOK;1;true") is True
    assert words.parse_token(b"TOK;1;false") is False
    for line in (b"TOK", b"TOK;true", b"TOK;0;true", b"TOK;1;True", b"TOK;1;true;1", b"TOK;1;"):
        with pytest.raises(Garbled, match="The reply to TOK;1 is not TOK;1;true or TOK;1;false") as caught:
            words.parse_token(line)
        assert caught.value.raw == line


def test_who_is_there() -> None:
    assert words.parse_device(b"PTW;UNIDOS Tango;TM10052;1.2.4;A16") == ["UNIDOS Tango", "TM10052", "1.2.4", "A16"]
    for line in (b"PTW;UNIDOS Tango;TM10052;1.2.4", b"PTW;UNIDOS Tango;TM10052;1.2.4;A16;x", b"PTW;;TM10052;1.2.4;A16"):
        with pytest.raises(Garbled, match=r"PTW has [3-5] fields where 4 belong") as caught:
            words.parse_device(line)
        assert caught.value.raw == line


@pytest.mark.parametrize(
    ("wanted", "answer", "same"),
    [
        ("300", "300", True), ("300", "300.0", True), ("300", "200", False), ("-300", "300", False), ("0", "-0", True),
        ("LOW", "LOW", True), ("LOW", "low", False), ("LOW", "VERY_LOW", False), ("true", "true", True),
        ("300", "300x", False), ("300x", "300", False), ("1", "true", False), ("300", "3e2", False), ("", "0", False),
    ],
)  # fmt: skip
def test_an_answer_is_held_against_what_was_set(wanted: str, answer: str, same: bool) -> None:
    assert words.same_value(wanted, answer) is same


def test_requests() -> None:
    assert words.request("TOK", 1) == b"TOK;1\r\n"
    assert words.request("UEL", True) == b"UEL;true\r\n"
    assert words.request("ASE", False) == b"ASE;false\r\n"
    assert words.request("X", "LOW", -3, 1.5) == b"X;LOW;-3;1.5\r\n"
    assert words.request("MV") == b"MV\r\n"


@pytest.mark.parametrize("mantissa", ["26", "1000.1", "9999.9", "12345.6", "2.", "-26", "2..6"])
def test_a_mantissa_that_no_prefix_goes_with_is_refused(mantissa: str) -> None:
    for old in (b"2.6;", b"5.6;"):
        with pytest.raises(Garbled) as caught:
            parse_measured(DOSE.replace(old, f"{mantissa};".encode()))
        assert caught.value.raw != DOSE


def test_prefix_and_decimals_are_kept_but_of_a_zero() -> None:
    assert parse_measured(DOSE).written == (("m", 1), ("n", 1))
    assert parse_measured(ELECTRICAL).written == (None, None)
    assert parse_measured(DOSE.replace(b"2.6;", b"12.345;")).written == (("m", 3), ("n", 1))


def test_the_range_is_one_of_four() -> None:
    assert words.parse_range(b"RGE;VERY_LOW") == "VERY_LOW"
    for line in (b"RGE;LOV", b"RGE;low", b"RGE;LOW ", b"RGE;VERY_LOW;1"):
        with pytest.raises(Garbled) as caught:
            words.parse_range(line)
        assert caught.value.raw == line


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x1b", "\x85", "\u2028"])
def test_a_reply_with_a_character_that_nobody_sees_is_refused(hidden: str) -> None:
    with pytest.raises(Garbled, match=r"The reply to PTW holds U\+"):
        words.parse_device(f"PTW;UNIDOS{hidden} Tango;TM10052;1.2.4;A16".encode())
