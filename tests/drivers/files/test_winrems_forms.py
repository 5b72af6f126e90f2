"""WinREMS: the bounds of every field's form, the sentence and flag where it is not kept, and what the format says."""

from __future__ import annotations

import pytest
from reader_files import line

from drivers.files import FileReadings, Rejected, parse_file
from drivers.files.winrems import WINREMS, detect
from drivers.model import Quantity
from drivers.reading import Flag

NOT_A_NUMBER = (Flag.NOT_A_NUMBER,)


def parsed(text: str) -> FileReadings:
    """The file of this text."""
    return parse_file("x.ASC", text.encode())


def refused(text: str) -> Rejected:
    """The only thing a file gives: a rejected line."""
    found = parsed(text)
    assert found.samples == []
    (rejected,) = found.rejected
    return rejected


def test_what_the_format_says_of_itself() -> None:
    assert WINREMS.name == "winrems"
    assert WINREMS.quantities == (Quantity("charge", "C", "elements"),)
    assert parsed(line()).format == "winrems"


@pytest.mark.parametrize(
    ("field", "form", "flags"),
    [
        (4, "0 or 1", ()),
        (12, "a date YYYYMMDD", ()),
        (13, "a time HHMMSS", ()),
        (14, "the number of a dosimeter", ()),
        (16, "blank (dosimeter), P (PMT noise) or R (reference light)", ()),
        (20, "a factor such as 1.000E+0", NOT_A_NUMBER),
        (21, "a factor such as 1.000", NOT_A_NUMBER),
        (22, "a number of at most 12 digits without decimals", NOT_A_NUMBER),
        (29, "a unit; known are pC, nC and uC or \u00b5C", ()),
    ],
)
def test_a_form_that_is_not_kept_is_told_in_words(field: int, form: str, flags: tuple[Flag, ...]) -> None:
    rejected = refused(line(**{f"f{field}": '"a b"'}))
    assert rejected.reason == f"x.ASC, line 1 (byte 0): field {field} is 'a b', not {form}."
    assert rejected.flags == flags


def test_a_model_that_is_none_is_told_in_words() -> None:
    (rejected,) = parsed(line(1) + "\n" + line(2, f1='"6600"')).rejected
    assert rejected.reason.endswith(": field 1 is '6600', not a reader model such as M6600.")


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (24, f"field 22 is '{'x' * 24}', not a number"),
        (25, f"field 22 is '{'x' * 24}...' of 25 characters, not a number"),
    ],
)
def test_a_long_field_is_shown_by_its_beginning(length: int, shown: str) -> None:
    assert shown in refused(line(response="x" * length)).reason


def test_a_line_of_more_fields_says_that_a_comma_stands_in_a_number() -> None:
    assert refused(line(f2="x") + ", 1").reason == (
        "x.ASC, line 1 (byte 0): field 2 is 'x', not a number of at most 12 digits without decimals;"
        " there are 30 fields where WinREMS writes 29: a comma stands in a number."
    )


def test_a_line_of_more_fields_needs_a_dosimeter_of_digits() -> None:
    assert "field 14 is 'D17', not a number" in refused(line("D17") + ", 1").reason
    assert [s.element for s in parsed(line("D17")).samples] == ["D17"]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (20, "1234567.0E+0"), (20, "1.1234567E+0"), (20, ".5E+0"), (20, "5.E+0"), (20, "1x0E+0"), (20, "1.0E0"),
        (20, "1.0E+"), (20, "1.0E+100"), (20, "1.0"),
        (21, "1234567.0"), (21, "1.1234567"), (21, ".5"), (21, "5."), (21, "1x0"), (21, "1.0E+0"),
        (22, "1" * 13), (12, "202606011"), (13, ""), (13, "0090215"), (14, "x" * 33), (14, "a b"),
    ],
)  # fmt: skip
def test_just_outside_of_a_form(field: int, text: str) -> None:
    assert f"field {field} is " in refused(line(**{f"f{field}": text})).reason


@pytest.mark.parametrize(
    ("text", "value"), [("123456.123456E+10", 123456.123456e10), ("2.5E-1", 0.25), ("1.0E-12", 1e-12)]
)
def test_the_widest_rcf_that_is_believed(text: str, value: float) -> None:
    (sample,) = parsed(line(f20=text)).samples
    assert (sample.also["file-rcf"].value, sample.also["file-rcf"].unit) == (value, "1")


@pytest.mark.parametrize(("text", "value"), [("123456.123456", 123456.123456), ("0.5", 0.5)])
def test_the_widest_ecc_that_is_believed(text: str, value: float) -> None:
    (sample,) = parsed(line(f21=text)).samples
    assert (sample.also["file-ecc"].value, sample.also["file-ecc"].unit) == (value, "1")


@pytest.mark.parametrize(("text", "value"), [("9" * 12, 999999999999), ("0", 0), ("7", 7)])
def test_the_largest_and_the_smallest_response(text: str, value: int) -> None:
    assert [s.value for s in parsed(line(response=text)).samples] == [value * 1e-12]


@pytest.mark.parametrize("number", ["!", "~", "z", "A-1/b", "x" * 32])
def test_a_dosimeter_may_have_any_printed_sign(number: str) -> None:
    assert [s.element for s in parsed(line(number)).samples] == [number]


def test_there_are_four_elements() -> None:
    """Field 8, which follows their marks, is none of them."""
    assert [s.element_index for s in parsed(line(f4="1", f6="1", f7="1", f8="1")).samples] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ('"M1",', True),
        ('"M123456789",', True),
        ('"M1234567890",', False),
        ('"M",', False),
        ('"M6600" \t ,', True),
        ('"M6600"\t\t,', True),
        ('cut\n \t "M6600",', True),
        ('cut\n\t\t"M6600",', True),
        ('"M6600"t,', False),
        ("M6600,", False),
        ('"6600",', False),
    ],
)
def test_recognised_by_a_quoted_model_and_a_comma(text: str, is_one: bool) -> None:
    assert detect(text.encode()) is is_one
