"""XSYG: how a number is written and kept, the units of every column, and where a column begins and ends."""

from __future__ import annotations

import pytest
from reader_files import GLOW, GOOD, HEAT, curve, heater, record, xsyg

from drivers.files import parse_file
from drivers.reading import Flag, Sample


def one(text: str) -> Sample:
    """The only sample of a file of this record."""
    found = parse_file("x.xsyg", xsyg(text).encode())
    assert found.rejected == []
    (sample,) = found.samples
    return sample


def signal(text: str) -> tuple[float, ...]:
    """The counts of a detector curve."""
    return one(record(curve(text), kind="RF")).axes["signal"].values


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+5", 5), ("-5", -5), ("12.25", 12.25), ("1e3", 1000), ("1E3", 1000), ("1e+3", 1000), ("25e-2", 0.25),
        ("25E-02", 0.25), ("1e100", 1e100), ("-1.5e-100", -1.5e-100), (" 7\n", 7), ("00", 0),
    ],
)  # fmt: skip
def test_the_forms_of_a_number(text: str, number: float) -> None:
    assert signal(f"0.1,{text}") == (number,)


@pytest.mark.parametrize("text", ["1x5", "1e3x", "x1", "1+3", "1[3", "1:5"])
def test_what_is_no_form_of_a_number(text: str) -> None:
    (rejected,) = parse_file("x.xsyg", xsyg(record(curve(f"0.1,{text}"), HEAT)).encode()).rejected
    assert f"its detector curve has '{text}' where a number belongs" in rejected.reason
    assert rejected.flags == ()


@pytest.mark.parametrize("text", ["nan", "+nan", "-NaN", "inf", "+inf", "-INF", "infinity", "+Infinity"])
def test_every_way_to_write_no_finite_number_is_flagged(text: str) -> None:
    (rejected,) = parse_file("x.xsyg", xsyg(record(curve(f"0.1,{text}"), HEAT)).encode()).rejected
    assert f"its detector curve has '{text}', which is no finite number" in rejected.reason
    assert rejected.flags == (Flag.NOT_A_NUMBER,)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("17", "17"), ("17.0", "17"), ("17.5", "17.5"), ("1e3", "1000"), ("-17", "-17"),
        ("9007199254740991", "9007199254740991"), ("9007199254740992", "9007199254740992.0"),
        ("-9007199254740991", "-9007199254740991"), ("-9007199254740992", "-9007199254740992.0"),
    ],
)  # fmt: skip
def test_a_whole_number_stays_whole_up_to_where_a_float_is_exact(text: str, kept: str) -> None:
    assert [str(number) for number in signal(f"0.1,{text}")] == [kept]


def test_counts_whose_sum_is_not_finite_are_flagged() -> None:
    (rejected,) = parse_file("x.xsyg", xsyg(record(curve("0.1,1e308;0.2,1e308"), HEAT)).encode()).rejected
    assert rejected.flags == (Flag.NOT_A_NUMBER,)


def test_an_empty_pair_between_two_others_is_passed_over() -> None:
    assert signal("0.1,6;;0.2,7; ;0.3,5;") == (6, 7, 5)


def test_two_points_of_one_time_do_not_go_back() -> None:
    assert one(record(curve("0.1,6;0.1,7;0.2,8"), kind="RF")).axes["time"].values == (0.1, 0.1, 0.2)


def test_a_long_curve_of_many_lines_is_put_together_as_it_was() -> None:
    """XML gives such a text in pieces, which may end within a number."""
    counts = tuple(range(1000, 4000))
    text = "".join(f"{0.1 * n:.1f},{each};" + "\n" * (n % 7 == 0) for n, each in enumerate(counts))
    assert signal(text) == counts
    assert signal(text.replace("1", "&#49;")) == counts


def units(sample: Sample) -> dict[str, str]:
    """The unit of each axis."""
    return {name: each.unit for name, each in sample.axes.items()}


def test_every_column_has_its_unit() -> None:
    own = {"time": "s", "signal": "{counts}"}
    assert units(one(GOOD)) == own | {"temperature": "Cel"}
    apart = {"heater-time": "s", "heater-temperature": "Cel", "temperature": "Cel"}
    assert units(one(record(GLOW, heater("0.1,20;0.4,50")))) == own | apart


def test_a_temperature_that_was_interpolated_has_three_decimals() -> None:
    assert one(record(GLOW, heater("0.1,20;0.4,21"))).axes["temperature"].values == (20, 20.333, 20.667, 21)


@pytest.mark.parametrize(
    ("trace", "temperature"),
    [("0.1,10;0.2,20;0.3,30;0.9,99", (10, 20, 30, 30)), ("0,5;0.2,20;0.3,30;0.4,45", (20, 20, 30, 45))],
)
def test_outside_of_the_heater_trace_its_end_stands(trace: str, temperature: tuple[float, ...]) -> None:
    assert one(record(GLOW, heater(trace))).axes["temperature"].values == temperature


@pytest.mark.parametrize(("size", "is_there"), [(256 * 1024, True), (256 * 1024 + 1, False)])
def test_from_which_size_on_a_record_has_no_computed_column(size: int, is_there: bool) -> None:
    def padded(length: int) -> str:
        return record(GLOW, heater("0.1,20;0.4,50"), more=f'comment="{"x" * length}"')

    sample = one(padded(size - len(padded(0))))
    assert len(sample.raw) == size
    assert ("temperature" in sample.axes) is is_there
