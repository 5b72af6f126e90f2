"""Readings and status words of the 617 and 6512."""

from __future__ import annotations

import pytest

from drivers import Flag, Garbled
from drivers.keithley.ddc_words import FUNCTIONS, parse_errors, parse_reading, parse_status, range_number
from drivers.transport.question import asks


def word(*digits: str, model: str = "617", end: str = "=:") -> bytes:
    return (model + "".join(digits) + end).encode()


OF_CHARGE = ("3", "02", "0", "1", "0", "0", "1", "0", "0", "0", "7", "16", "2")


def test_a_status_word_says_what_is_programmed() -> None:
    status = parse_status(word(*OF_CHARGE))
    assert (status.model, status.quantity, status.range) == ("617", "charge", 2)
    assert (status.zero_check, status.zero_correct, status.suppress, status.operate, status.store) == (0, 1, 0, 1, 7)


@pytest.mark.parametrize("end", [":=", "=:", ":0", "=0", "00"])
@pytest.mark.parametrize("model", ["617", "6512"])
def test_every_terminator_is_shown_as_the_manual_has_it(model: str, end: str) -> None:
    assert parse_status(word(*OF_CHARGE, model=model, end=end)).model == model


@pytest.mark.parametrize(
    "line",
    [
        b"", b"617", b"NDCA+1.23456E-09", word(*OF_CHARGE[:-1]), word(*OF_CHARGE, "0"), word("x", *OF_CHARGE[1:]),
        word(*OF_CHARGE, model="196"), word("3", "02", "2", *OF_CHARGE[3:]), word(*OF_CHARGE, end="AB"),
    ],
)  # fmt: skip
def test_what_is_no_status_word(line: bytes) -> None:
    with pytest.raises(Garbled, match="no status word"):
        parse_status(line)


def test_external_feedback_has_no_quantity() -> None:
    assert parse_status(word("4", *OF_CHARGE[1:])).quantity is None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"NDCA+0.12345E-09", ("current", 1.2345e-10, ())),
        (b"NDCC-1.99990E-08", ("charge", -1.9999e-8, ())),
        (b"NDCV-0.00000E+00", ("voltage", 0.0, ())),
        (b"OOHM+4.00000E+11", ("resistance", None, (Flag.OVERLOAD,))),
    ],
)
def test_a_reading(line: bytes, found: tuple[str, float | None, tuple[Flag, ...]]) -> None:
    assert parse_reading(line) == found


@pytest.mark.parametrize(
    "line",
    [
        b"NDCA+0.1234E-09", b"DCA+0.12345E-09", b"NDCX+0.12345E-09", b"XDCA+0.12345E-09", b"NDCA+0.12345E-9",
        b"NDCA+0,12345E-09", b"NDCC+2.10000E-08", b"NDCA+0.12345E-09,012", b"+0.12345E-09", b"",
    ],
)  # fmt: skip
def test_what_is_no_reading(line: bytes) -> None:
    with pytest.raises(Garbled):
        parse_reading(line)


def test_errors_by_name() -> None:
    assert parse_errors(b"61700000") == []
    assert parse_errors(b"651211000") == ["illegal command", "illegal option"]
    assert parse_errors(b"61700010") == ["trigger overrun"]
    for line in (b"617", b"6170000", b"61702000", b"19600000"):
        with pytest.raises(Garbled):
            parse_errors(line)


def test_ranges_by_number() -> None:
    assert [range_number("charge", each) for each in (None, 1e-10, 2e-10, 2.1e-10, 2e-8)] == [0, 1, 1, 2, 3]
    assert (range_number("current", 2e-2), len(FUNCTIONS["current"].ranges)) == (11, 11)
    assert (range_number("resistance", 2e11), range_number("voltage", 150.0)) == (9, 4)
    with pytest.raises(ValueError, match="the largest range of charge is 2e-08 C, not 1e-07"):
        range_number("charge", 1e-7)


@pytest.mark.parametrize(("message", "whether"), [(b"X", True), (b"U0X\n", True), (b"U1X", True), (b"F3R0C0X", False)])
def test_what_has_them_addressed_to_talk(message: bytes, whether: bool) -> None:
    assert asks(message) is whether
