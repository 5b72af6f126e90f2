"""Tables whose columns the configuration names: nothing without a unit, nothing guessed, no cell shifted or cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from reader_files import folder_at
from typer.testing import CliRunner

from acquire.cli.main import app
from drivers import Misuse
from drivers.files import FileReadings, folder_model, options_of, parse_file, sniff
from drivers.files.column_map import COLUMN_MAP, detect
from drivers.model import Quantity
from drivers.reading import Also, Flag

MAP = {"element": "Serial", "value": "PMT", "unit": "{counts}"}
TABLE = (
    "Report of today\r\nSerial,Time,PMT,DRK,Beam\r\n"
    "D01,01.06.2026 09:02,8095,3,low\r\nD02,01.06.2026 09:03,17,4,high\r\n"
)


def parsed(text: str | bytes = TABLE, **options: str) -> FileReadings:
    """The table, read by the map and what is told beside it."""
    data = text.encode() if isinstance(text, str) else text
    return parse_file("x.csv", data, MAP | options, COLUMN_MAP)


def refused(text: str, **options: str) -> tuple[str, tuple[Flag, ...]]:
    """Why the only line of a table that is not believed is not, and its flags."""
    (rejected,) = parsed(text, **options).rejected
    return rejected.reason, rejected.flags


def test_a_reading_for_each_line_below_the_heading() -> None:
    found = parsed(
        clock="Time", clock_format="%d.%m.%Y %H:%M", also="dark=DRK {counts}; factor=PMT 1", attributes="beam=Beam"
    )
    assert found.rejected == []
    assert [(s.element, s.value, s.unit, s.clock) for s in found.samples] == [
        ("D01", 8095.0, "{counts}", "2026-06-01T09:02:00"), ("D02", 17.0, "{counts}", "2026-06-01T09:03:00"),
    ]  # fmt: skip
    first = found.samples[0]
    assert first.also == {"dark": Also(value=3.0, unit="{counts}"), "factor": Also(value=8095.0, unit="1")}
    assert (first.kind, first.attributes) == ("scalar", {"beam": "low"})
    assert first.raw == b"D01,01.06.2026 09:02,8095,3,low\r\n"


def test_a_line_has_the_same_name_whatever_its_end() -> None:
    ends = parsed(TABLE.replace("\r\n", "\n")).samples
    assert [s.origin["sha256"] for s in ends] == [s.origin["sha256"] for s in parsed().samples]


@pytest.mark.parametrize(
    ("unit", "quantity", "given", "value"),
    [
        ("C", "charge", "C", 8095.0), ("uC", "charge", "C", 8095e-6), ("nC", "charge", "C", 8095e-9),
        ("pC", "charge", "C", 8095e-12), ("Gy", "dose", "Gy", 8095.0), ("cGy", "dose", "Gy", 80.95),
        ("mGy", "dose", "Gy", 8.095), ("uGy", "dose", "Gy", 8095e-6),
    ],
)  # fmt: skip
def test_counts_charge_and_dose_are_kept_apart(unit: str, quantity: str, given: str, value: float) -> None:
    sample = parsed(unit=unit).samples[0]
    assert (sample.quantity, sample.unit) == (quantity, given)
    assert sample.value == pytest.approx(value, rel=1e-15)
    assert Quantity(quantity, given, "elements") in COLUMN_MAP.quantities


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"element": "Serial", "value": "PMT"},
            "Option unit of column-map: it is missing, and has",
        ),
        (MAP | {"unit": "counts"}, "Option unit of column-map: 'counts' is not known; allowed is"),
        (MAP | {"value": ""}, "Options of column-map: name either value or curve."),
        (MAP | {"also": "dark=DRK"}, "'dark=DRK' has no unit; write name=column unit, with 1 for a number without one"),
        (MAP | {"also": "DRK {counts}"}, "'DRK {counts}' is not name=column"),
        (MAP | {"attributes": "Beam=x"}, "'Beam=x' is not name=column with a name of a-z, 0-9 and -"),
        (MAP | {"clock": "Time"}, "Options of column-map: clock and clock_format belong together."),
        (MAP | {"decimal_sign": "comma"}, "a comma cannot be both between cells and in numbers"),
    ],
)
def test_a_map_that_leaves_something_open_is_refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(Misuse) as error:
        options_of(COLUMN_MAP, options)
    assert said in str(error.value)


def test_other_delimiters_and_decimal_commas() -> None:
    text = TABLE.replace(",", ";").replace("8095", "80,95")
    assert [s.value for s in parsed(text, delimiter="semicolon", decimal_sign="comma").samples] == [80.95, 17.0]
    assert parsed(TABLE.replace(",", "\t"), delimiter="tab").samples[0].value == 8095.0
    assert refused(text.replace("80,95", "8.095"), delimiter="semicolon", decimal_sign="comma") == (
        "x.csv, byte 43: its 'PMT' is '8.095', not a number with a decimal comma.", (Flag.NOT_A_NUMBER,),
    )  # fmt: skip


@pytest.mark.parametrize("number", ["", "nan", "8 095", "1_000", "0x1F", "8095 counts", "1e999"])
def test_what_is_no_number_rejects_its_line_and_no_other(number: str) -> None:
    found = parsed(TABLE.replace("8095", number))
    assert [s.element for s in found.samples] == ["D02"]
    assert found.rejected[0].flags == (Flag.NOT_A_NUMBER,)
    assert found.rejected[0].piece.raw.startswith(b"D01")


def test_a_comma_in_a_number_shifts_nothing() -> None:
    assert refused(TABLE.replace("8095", "8,095")) == (
        "x.csv, byte 43: 6 cells where the heading has 5.", (Flag.INCOMPLETE,),
    )  # fmt: skip
    assert parsed(TABLE.replace("low", '"low, 1"'), attributes="beam=Beam").samples[0].attributes["beam"] == "low, 1"


def test_a_line_without_its_dosimeter_or_with_another_clock_is_rejected() -> None:
    assert refused(TABLE.replace("D01", " "))[0] == "x.csv, byte 43: its 'Serial' is empty."
    reason, _ = refused(TABLE.replace("01.06.2026 09:02", "yesterday"), clock="Time", clock_format="%d.%m.%Y %H:%M")
    assert reason == "x.csv, byte 43: its 'Time' is 'yesterday', not %d.%m.%Y %H:%M."


def test_a_quote_that_is_not_closed_is_no_line() -> None:
    assert "it is no line of comma-separated text" in refused(TABLE.replace("low", '"low'))[0]


def test_a_number_at_the_end_of_a_line_without_an_end_may_be_cut() -> None:
    found = parsed("Serial,PMT\nD01,80\nD02,809")
    assert [s.element for s in found.samples] == ["D01"]
    (rejected,) = found.rejected
    assert "the line has no end, so that its 'PMT' '809' may be cut" in rejected.reason
    assert rejected.may_complete
    assert len(parsed(TABLE.rstrip()).samples) == 2, "the last cell is not one that is read"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing\n" * 60 + TABLE, "x.csv has in its first 50 lines no heading with the columns Serial, PMT."),
        (TABLE.replace("PMT", "pmt"), "x.csv has in its first 50 lines no heading with the columns Serial, PMT."),
        (TABLE.replace("DRK", "PMT"), "x.csv has two columns 'PMT'."),
    ],
)
def test_a_table_without_the_heading_that_was_told(text: str, said: str) -> None:
    assert refused(text)[0] == said


def test_a_file_full_of_something_else_is_given_up() -> None:
    found = parsed(TABLE + "x\n" * 2000)
    assert len(found.rejected) == 1000
    assert found.notes == ["after 1000 lines that are not of the table nothing more is read"]


def test_it_is_read_only_where_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(TABLE)
    assert sniff(TABLE.encode()) is None
    with pytest.raises(Misuse, match=r"x\.csv is no reader file that is known here; known are column-map"):
        parse_file("x.csv", TABLE.encode())
    options = [word for key, text in MAP.items() for word in ("--option", f"{key}={text}")]
    said = CliRunner().invoke(app, ["import", str(file), "--json", "--format", "column-map", *options])
    assert [(r["element"], r["sum"]) for r in json.loads(said.stdout)["readouts"]] == [("D01", 8095.0), ("D02", 17.0)]


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02", b"\x08\x00\x00"])
def test_what_is_no_text_is_no_table(data: bytes) -> None:
    assert not detect(data)


async def test_a_drop_folder_with_a_map(tmp_path: Path) -> None:
    folder = folder_at(tmp_path, COLUMN_MAP, **MAP)
    await folder.open()
    (tmp_path / "in" / "x.csv").write_text(TABLE)
    assert [r.element for r in await folder.take()] == ["D01", "D02"]
    await folder.confirm()
    (tmp_path / "in" / "x.csv").write_text(TABLE + "D03,01.06.2026 09:04,5,4,low\n")
    assert [r.element for r in await folder.take()] == ["D03"]
    with pytest.raises(ValueError, match="unit"):
        folder_model(COLUMN_MAP).settings.model_validate({"element": "Serial", "value": "PMT"})


async def test_a_file_is_taken_again_under_a_corrected_map_when_it_is_asked_for(tmp_path: Path) -> None:
    wrong = folder_at(tmp_path, COLUMN_MAP, **{**MAP, "unit": "cGy"})
    await wrong.open()
    (tmp_path / "in" / "x.csv").write_text(TABLE)
    assert [(r.value, r.unit) for r in await wrong.take()] == [(80.95, "Gy"), (0.17, "Gy")]
    await wrong.confirm()
    right = folder_at(tmp_path, COLUMN_MAP, **MAP)
    await right.open()
    assert await right.take() == [], "what was taken once is not read again by itself"
    assert [*right.commands()] == ["read-again"]
    done = await right.run_command("read-again", {"file": "x.csv"})
    assert done.result == {"file": "x.csv", "readings": 2}
    assert [(r.element, r.value, r.unit, r.origin["file"]) for r in done.readings] == [
        ("D01", 8095.0, "{counts}", "x.csv"), ("D02", 17.0, "{counts}", "x.csv"),
    ]  # fmt: skip
    for file in ("y.csv", "../x.csv", ""):
        with pytest.raises(Misuse, match="There is no file"):
            await right.run_command("read-again", {"file": file})
    (tmp_path / "in" / "z.csv").write_text("nothing\n")
    with pytest.raises(Misuse, match="holds no reading by the settings as they are now"):
        await right.run_command("read-again", {"file": "z.csv"})
    with pytest.raises(Misuse, match="has no command 'other'; it has read-again"):
        await right.run_command("other", {})
