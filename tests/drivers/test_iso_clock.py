"""A reader's clock in ISO 8601: taken as it is written where it can be a time, and not at all otherwise."""

from __future__ import annotations

import pytest

from drivers.strict_numbers import iso_clock


@pytest.mark.parametrize("text", ["2026-11-29T10:31:00", "1970-01-01T00:00:00", "2199-12-31T23:59:59.123456"])
def test_a_time_is_taken_as_it_is_written(text: str) -> None:
    assert iso_clock(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-29",
        "2026-11-29 10:31:00",
        "2026-02-30T10:31:00",
        "2026-11-29T24:31:00",
        "2026-11-29T10:31:00+01:00",
        "٢٠٢٦-11-29T10:31:00",
        "0001-01-01T00:00:00",  # a clock that was never set
        "1969-12-31T23:59:59",
        "2200-01-01T00:00:00",
    ],
)
def test_what_can_be_no_time_is_none(text: str) -> None:
    assert iso_clock(text) is None
