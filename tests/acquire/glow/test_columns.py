"""Two columns of text are read for what they say, and refused where they could be read in two ways."""

from __future__ import annotations

import numpy as np
import pytest

from acquire.glow import GlowError, looks_like_columns, read_columns

CELSIUS = [30.5 + 5 * k for k in range(60)]


def body(between: str, comma: str = ".", first: float = 0.0) -> str:
    return "\n".join(f"{t + first:.1f}{between}{k % 17}.25".replace(".", comma) for k, t in enumerate(CELSIUS))


@pytest.mark.parametrize("between", [",", ", ", ";", "\t", "  "])
@pytest.mark.parametrize("heading", ["", "T,I\n", "Temperature (°C);Counts\n", "Temp [C]\tsignal\n"])
def test_columns_of_any_separator_are_read(between: str, heading: str) -> None:
    curve = read_columns(heading + body(between), "f", 5.0)
    assert curve.temperature_k == pytest.approx(np.array(CELSIUS) + 273.15)
    assert curve.signal[:3] == pytest.approx([0.25, 1.25, 2.25])
    assert curve.unit == ("{counts}" if "Counts" in heading else "1")
    assert curve.ramp_k_s == 5.0


@pytest.mark.parametrize(
    ("heading", "first", "kelvin"),
    [("T_K,I", 0.0, 30.5), ("T_C,I", 300.0, 603.65), ("T (K),I", 270.0, 300.5), ("", 0.0, 303.65), ("", 270.0, 300.5)],
)
def test_the_heading_says_the_unit_or_else_where_readouts_begin(heading: str, first: float, kelvin: float) -> None:
    assert read_columns(f"{heading}\n{body(',', first=first)}", "f").temperature_k[0] == pytest.approx(kelvin)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("T;I\n" + body(";", ","), "line 2: '30,5;0,25' has commas inside of numbers; write decimal points"),
        (body(" ", ","), "has commas inside of numbers"),
        (body(",", ","), "has 4 numbers; give a temperature and a signal, or a heading"),
        ("\n".join("30.5,1,2" for _ in range(20)), "has 3 numbers"),
        ("Time (s),counts\n" + body(","), "the first column is 'Time \\(s\\)'; it must be the temperature"),
        ("channel,counts\n" + body(","), "the first column is 'channel'"),
        ("T (degF),I\n" + body(","), "the first column is 'T \\(degF\\)'"),
        ("T,I\n" + body(",", first=200.0), "temperatures of 230.5 to 525.5 may be in K or °C; head them T_K or T_C"),
        (body(",") + "\nend\n", "line 61: 'end' is not a temperature and a signal"),
        (body(",") + "\n330,nan\n", "line 61: '330,nan' is not a temperature and a signal"),
        ("nothing", "holds no two columns"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str, said: str) -> None:
    with pytest.raises(GlowError, match=said):
        read_columns(text, "f")


def test_a_further_column_that_is_named_is_left() -> None:
    text = "T_K,I,fit\n" + "\n".join(f"{300 + 5 * k},{k},7" for k in range(40))
    assert read_columns(text, "f").signal[:3] == pytest.approx([0, 1, 2])


def test_an_interval_gives_the_times_of_the_heating() -> None:
    curve = read_columns(body(","), "f", interval_s=0.2)
    assert curve.time_s is not None
    assert np.diff(curve.time_s) == pytest.approx(0.2)
    for interval in (0.0, -1.0, float("nan")):
        with pytest.raises(GlowError, match="The time from point to point is"):
            read_columns(body(","), "f", interval_s=interval)


def test_text_is_told_from_columns() -> None:
    assert looks_like_columns("a\nb\nc\n" + body(","))
    assert not looks_like_columns("one two\nthree four\nfive six\nseven eight\n")
