"""A curve that lies in one line, as WinREMS exports its 200 channels: a run of columns that the configuration names."""

from __future__ import annotations

from typing import Any

import pytest

from drivers import Misuse
from drivers.files import FileReadings, options_of, parse_file
from drivers.files.column_map import COLUMN_MAP
from drivers.reading import Flag

MAP = {"element": "Card", "curve": "Ch1 .. Ch200", "unit": "nC", "temperature_c": "50 .. 300"}
CHANNELS = [f"Ch{n}" for n in range(1, 201)]
HEADING = ",".join(["Date", "Card", "TTP", *CHANNELS, "QC"])


def row(card: str, *, channels: int = 200, **changed: str) -> str:
    cells = [changed.get(f"Ch{n}", f"{n % 50}.5") for n in range(1, channels + 1)]
    return ",".join(["20260601", card, "3", *cells, "ok"])


def parsed(*rows: str, end: str = "\r\n", **options: str) -> FileReadings:
    data = end.join([HEADING, *rows, ""]).encode()
    return parse_file("x.csv", data, options_of(COLUMN_MAP, {**MAP, **options}), COLUMN_MAP)


def test_two_hundred_columns_are_a_glow_curve() -> None:
    found = parsed(row("501"), row("502", Ch200="700"), attributes="ttp=TTP")
    assert found.rejected == []
    assert [(s.kind, s.element, s.quantity, s.unit) for s in found.samples] == [
        ("glow-curve", "501", "charge", "C"), ("glow-curve", "502", "charge", "C"),
    ]  # fmt: skip
    first, second = found.samples
    assert first.value == pytest.approx(200 * 25e-9)
    signal, temperature = second.axes["signal"], second.axes["temperature"]
    assert (len(signal.values), signal.unit, signal.values[0]) == (200, "C", pytest.approx(1.5e-9))
    assert signal.values[-1] == pytest.approx(700e-9)
    assert (temperature.unit, temperature.values[0], temperature.values[-1]) == ("Cel", 50.0, 300.0)
    assert temperature.values[1] == pytest.approx(50 + 250 / 199)
    assert (first.attributes, first.raw) == ({"ttp": "3"}, (row("501") + "\r\n").encode())


def test_without_temperatures_there_are_none() -> None:
    assert set(parsed(row("501"), temperature_c="").samples[0].axes) == {"signal"}


def test_a_channel_that_is_none_or_missing_rejects_its_line() -> None:
    found = parsed(row("501", Ch7="-"), row("502", channels=199), row("503"))
    assert [s.element for s in found.samples] == ["503"]
    assert "its 'Ch7' is '-', not a number with a decimal point" in found.rejected[0].reason
    assert "203 cells where the heading has 204" in found.rejected[1].reason
    assert [each.flags for each in found.rejected] == [(Flag.NOT_A_NUMBER,), (Flag.INCOMPLETE,)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"value": "QC"}, "name either value or curve"),
        ({"curve": ""}, "name either value or curve"),
        ({"curve": "Ch1"}, "'Ch1' is not first .. last"),
        ({"temperature_c": "300 .. 50"}, "'300 .. 50' does not rise"),
        ({"temperature_c": "warm .. hot"}, "'warm' is no number"),
        ({"unit": ""}, "unit"),
    ],
)
def test_a_map_that_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        options_of(COLUMN_MAP, {**MAP, **options})


def test_a_run_of_columns_that_is_none_rejects_its_lines() -> None:
    backwards = parsed(row("501"), curve="Ch200 .. Ch1")
    assert "from 'Ch200' to 'Ch1' there is no run of 3 columns or more" in backwards.rejected[0].reason
    (missing,) = parsed(row("501"), curve="Ch1 .. Ch201").rejected
    assert "no heading with the columns Card, Ch1, Ch201" in missing.reason
