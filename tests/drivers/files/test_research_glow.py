"""The export "Research (Cts/Temp.) Glow Curve" in each of its layouts, written here as they were observed."""

from __future__ import annotations

import pytest

from drivers.files import FileReadings, parse_file, sniff
from drivers.files.research_glow import RESEARCH_GLOW, detect
from drivers.reading import Flag, Sample

TITLE = "                       Research (Cts/Temp.) Glow Curve"
NAMED = "File Name:        R&D-000101-somebody-TTP 7\r\nDate & Time:     7/23/2019 2:42:20 PM"
TABBED = (
    f"{TITLE}\r\n\r\n{NAMED}\r\nSampling Rate is  2 Data Points per Second\r\n\r\n"
    "Sample No.\tBarcode\tTime ( .5s)\tTemperature\tCounts\r\n"
    " 1 \tN1118   \t 0 \t23.00\t2\n 1 \tN1118   \t 0.5 \t22.67\t3\n 1 \tN1118   \t 1 \t24.1\t7\n"
)
WRAPPED = (
    f"{TITLE},,,,\r\nSampling Rate is  10 Data Points per Second,,,,\r\n,,,,\r\n"
    + NAMED.replace("\r\n", ",,,,\r\n")
    + ",,,,\r\n,,,,\r\nSample No.,Barcode,Time ( .1s),Temperature,\r\nCounts,,,,\r\n"
    "4,N1118   ,0,28,0\r\n4,N1118   ,0.1,29.67,12"
)
SHORT = f"{TITLE},,\r\n,,\r\nFile Name:        R&D 25,,\r\n,,\r\n,Temperature,Counts\r\n91,84,2\r\n92,84,3\r\n"
INTEGRATED = f"{TITLE},,,\r\n,,,\r\n,Temperature,Counts,Int. Counts\r\n,102,1,\r\n,103,2,\r\n"
FLAT = "barcode,time,temp,Count\r\nN1118   ,4,34.1,1.0\r\nN1118   ,4.5,35.07,2.0"


def parsed(text: str, encoding: str = "utf-8") -> FileReadings:
    """A file of this text."""
    return parse_file("x.xls", text.encode(encoding))


def only(text: str, encoding: str = "utf-8") -> Sample:
    """The one readout of a file that holds nothing else."""
    found = parsed(text, encoding)
    assert (found.format, found.rejected, len(found.samples)) == ("research-glow", [], 1)
    return found.samples[0]


def refused(text: str) -> tuple[str, bool, tuple[Flag, ...]]:
    """Why a file gives nothing, whether it may only be unfinished, and its flags."""
    found = parsed(text)
    assert found.samples == []
    (rejected,) = found.rejected
    assert rejected.piece.raw == text.encode()
    return rejected.reason, rejected.may_complete, rejected.flags


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_the_export_as_it_is_saved(encoding: str) -> None:
    sample = only(TABBED, encoding)
    assert (sample.kind, sample.mode, sample.value, sample.unit) == ("glow-curve", "TL", 12.0, "{counts}")
    assert (sample.element, sample.clock) == ("N1118", "2019-07-23T14:42:20")
    assert {name: (a.unit, a.values) for name, a in sample.axes.items()} == {
        "time": ("s", (0.0, 0.5, 1.0)), "temperature": ("Cel", (23.0, 22.67, 24.1)), "signal": ("{counts}", (2, 3, 7)),
    }  # fmt: skip
    assert sample.attributes == {"fileNumber": "7", "samplingRate": "2 Hz", "sampleNumber": "1"}
    assert sample.raw == TABBED.encode(encoding)


@pytest.mark.parametrize(
    ("text", "element", "signal", "temperature", "time"),
    [
        (WRAPPED, "N1118", (0, 12), (28.0, 29.67), (0.0, 0.1)),
        (SHORT, None, (2, 3), (84.0, 84.0), None),
        (INTEGRATED, None, (1, 2), (102.0, 103.0), None),
        (FLAT, "N1118", (1, 2), (34.1, 35.07), (4.0, 4.5)),
    ],
)
def test_what_others_have_made_of_it(
    text: str, element: str | None, signal: tuple[int, ...], temperature: tuple[float, ...], time: object
) -> None:
    sample = only(text)
    assert (sample.element, sample.axes["signal"].values) == (element, signal)
    assert sample.axes["temperature"].values == temperature
    assert (sample.axes["time"].values if "time" in sample.axes else None) == time


def test_nothing_that_can_name_a_person_is_given() -> None:
    assert "somebody" not in str(only(WRAPPED).attributes)


def test_each_barcode_is_a_readout_of_its_own() -> None:
    found = parsed(FLAT + "\r\nN1119,4,34.0,5\r\nN1119,4.5,35.0,6\r\n")
    assert [(s.element, s.value) for s in found.samples] == [("N1118", 3.0), ("N1119", 11.0)]
    assert found.samples[1].raw == b"N1119,4,34.0,5\r\nN1119,4.5,35.0,6\r\n"
    assert found.samples[1].origin["offset"] == len(FLAT) + 2


def test_a_time_that_goes_back_is_not_joined_to_what_stands_before() -> None:
    assert refused(FLAT + "\r\nN1118,4,34.0,5\r\n") == (
        "x.xls, row 3 of its table (byte 70): the time goes back from 4.5 to 4 s: this is another readout.", False, (),
    )  # fmt: skip


@pytest.mark.parametrize("counts", ["", "-1", "1.5", "1e3", "nan", "\u0663"])
def test_what_is_no_number_of_counts_rejects_the_readout(counts: str) -> None:
    reason, may_complete, flags = refused(FLAT.replace("35.07,2.0", f"35.07,{counts}\r\n"))
    assert "is no number of counts" in reason
    assert (may_complete, flags) == (False, (Flag.NOT_A_NUMBER,))


def test_a_line_being_written_is_waited_for() -> None:
    reason, may_complete, flags = refused(FLAT.replace("35.07,2.0", "35"))
    assert reason == "x.xls, row 2 of its table (byte 46): 3 cells where 4 belong."
    assert (may_complete, flags) == (True, (Flag.INCOMPLETE,))
    assert refused(FLAT.replace("35.07,2.0", "x,2.0"))[2] == (Flag.NOT_A_NUMBER,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TITLE, "x.xls has no heading with Temperature in its first 20 lines."),
        (
            TITLE + "\r\n" * 21 + ",Temperature,Counts\r\n",
            "x.xls has no heading with Temperature in its first 20 lines.",
        ),
        (INTEGRATED.partition(",102")[0], "x.xls has a heading and no rows."),
        (f"{TITLE}\r\nTemperature,\r\nCount\r\n", "x.xls has no column Counts beside Temperature."),
        (f"{TITLE}\r\nTemperature,x\r\nCounts\r\n", "x.xls has no column Counts beside Temperature."),
    ],
)
def test_a_file_without_a_table(text: str, said: str) -> None:
    assert refused(text)[0] == said


def test_a_date_that_is_none_is_no_clock() -> None:
    assert only(TABBED.replace("7/23/2019", "23/7/2019")).clock is None
    assert only(TABBED.replace("2:42:20 PM", "later")).clock is None


@pytest.mark.parametrize("text", ["", "barcode,time\n", "Research\n", "x" + TITLE])
def test_what_is_no_such_file_is_not_taken_for_one(text: str) -> None:
    assert not detect(text.encode())
    assert sniff(TABBED.encode()) is RESEARCH_GLOW
