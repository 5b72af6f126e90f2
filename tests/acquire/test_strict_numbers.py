"""Numbers and moments from outside are taken in one form, on both sides of the seam alike."""

from __future__ import annotations

import pytest

from acquire import strict_numbers as ours
from acquire.errors import Refused
from acquire.procedure.documents.moment import needs_offset
from drivers import strict_numbers as theirs

NO_NUMBERS = (
    "", " 1", "1 ", "1_000", "6_412_00", "\u0661", "\uff12", "\u00b2", "nan", "inf", "-Infinity", "0x10", "1,5", "--1",
    "1e", "e5", ".", "+", "9" * 5000, "1e5_0", "1\n",
)  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_int_and_float_may_take_is_refused(text: str) -> None:
    for read in (ours.whole, ours.decimal, theirs.whole, theirs.decimal):
        with pytest.raises(ValueError, match="is no"):
            read(text)


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("-7", -7), ("+12", 12), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_whole_numbers(text: str, number: int) -> None:
    assert ours.whole(text) == theirs.whole(text) == number
    assert type(theirs.whole(text)) is int


@pytest.mark.parametrize(("text", "number"), [("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1e-9", 1e-9), ("2E+3", 2e3)])
def test_numbers_with_a_point(text: str, number: float) -> None:
    assert ours.decimal(text) == theirs.decimal(text) == number
    for read in (ours.whole, theirs.whole):
        with pytest.raises(ValueError, match="is no whole number"):
            read(text)


def test_a_number_that_cannot_be_held_is_none() -> None:
    for read in (ours.decimal, theirs.decimal):
        with pytest.raises(ValueError, match="is no finite number"):
            read("1e999")


@pytest.mark.parametrize("text", ["0x", "0xg", "0X1", "x1", "0x123456789", "0x1_0", "\u0661"])
def test_hexadecimal_numbers(text: str) -> None:
    assert theirs.hexadecimal("0xFf") == 255
    with pytest.raises(ValueError, match="is no hexadecimal number"):
        theirs.hexadecimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "2027-02-05", "20270205T103100Z", "2027-02-05 10:31:00+01:00", "2027-W05-5T10:31:00Z",
        "2027-02-31T10:31:00Z",
        "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2027-02-05T10:31:00", "2027-02-05T10:31:00,5Z",
        "\u0662027-02-05T10:31:00Z", "2027-02-05T10:31:00.0000000Z", "2027-02-05T10:31:00Z\n", "1e9",
    ],
)  # fmt: skip
def test_a_moment_is_one_with_its_offset(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the sentence is another one for each
        ours.moment(text)
    with pytest.raises(Refused, match="is no moment with an offset"):
        needs_offset(text)


def test_moments_and_clocks() -> None:
    assert ours.moment("2027-02-05T10:31:00+01:00").isoformat() == "2027-02-05T10:31:00+01:00"
    assert ours.moment("2026-11-24T14:36:55.100000Z").tzinfo is not None
    assert ours.clock("2026-06-01T09:02:15").tzinfo is None
    assert theirs.clock("20260601 090215", "%Y%m%d %H%M%S") == "2026-06-01T09:02:15"


@pytest.mark.parametrize("text", ["00010101 000000", "99991231 235959", "20260231 000000", "2026105 000000x", "\u0662"])
def test_a_clock_of_a_reader_is_a_day_that_can_be(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        theirs.clock(text, "%Y%m%d %H%M%S")
