"""Absolute limits of an order: on which side a dose lies, and whether its whole interval does. Numbers by hand."""

from __future__ import annotations

import pytest

from acquire import dosimetry as d


@pytest.mark.parametrize(
    ("dose_gy", "u_gy", "low_gy", "high_gy", "where", "certain"),
    [
        (2.0, 0.1, 1.8, 2.2, "inside", True),
        (2.0, 0.3, 1.8, 2.2, "inside", False),
        (1.5, 0.1, 1.8, 2.2, "below", True),
        (1.75, 0.1, 1.8, 2.2, "below", False),
        (2.5, 0.1, 1.8, 2.2, "above", True),
        (2.25, 0.1, 1.8, 2.2, "above", False),
        (1.0, 0.1, None, 2.0, "inside", True),
        (1.95, 0.1, None, 2.0, "inside", False),
        (2.5, 0.1, None, 2.0, "above", True),
        (1.0, 0.1, 0.5, None, "inside", True),
        (0.45, 0.1, 0.5, None, "below", False),
    ],
)
def test_a_dose_lies_where_its_limits_say(
    dose_gy: float, u_gy: float, low_gy: float | None, high_gy: float | None, where: str, certain: bool
) -> None:
    found = d.against_limits(dose_gy, u_gy, low_gy, high_gy)
    assert (found.where, found.certain) == (where, certain)
    assert (found.low_end_gy, found.high_end_gy) == (dose_gy - u_gy, dose_gy + u_gy)


def test_a_dose_that_stands_on_a_limit_is_inside() -> None:
    assert d.against_limits(1.75, 0.0, 1.75, 2.25).where == "inside"
    assert d.against_limits(2.25, 0.0, 1.75, 2.25).where == "inside"


def test_the_sentence_says_the_interval_in_cgy() -> None:
    assert d.against_limits(2.0, 0.1, 1.8, 2.2).sentence == "inside, even with U (190 to 210 cGy)"
    crossing = d.against_limits(2.25, 0.1, 1.8, 2.2).sentence
    assert crossing == "above, but the interval 215 to 235 cGy crosses a limit"


@pytest.mark.parametrize(("low_gy", "high_gy"), [(None, None), (2.0, 2.0), (2.2, 1.8)])
def test_limits_that_are_none_are_refused(low_gy: float | None, high_gy: float | None) -> None:
    with pytest.raises(d.OutsideValidity):
        d.against_limits(2.0, 0.1, low_gy, high_gy)
