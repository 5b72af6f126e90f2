"""Text of Daybreak's FLConsole, written here as it was observed: blocks, points, what is noted and what is refused."""

from __future__ import annotations

import pytest

from drivers.files import FileReadings, Rejected, parse_file, sniff
from drivers.files.daybreak import DAYBREAK, detect
from drivers.reading import Flag, Sample

HEAD = "ScriptFile=C:\\somebody\\s.TXT\nSample=chips\nInfo=private\nReaderID=TLINFO.DTA\nReaderType=2200\n"
GLOW = (
    "[NewRecord]\nOperation=1\nDisk=3\nDataType=PREHEAT TL\nRemark=private\nRampRate=4\nStarted=2023-10-19 08:00:30\n"
    "Points=3\n"
    "  0;    5.000;   21.000;  valid ; Terr 9.922; HV -1269\n"
    "  1;   10.000;   19.500;  valid ; Terr -0.5; HV -1269\n"
    "  2;   15.000;   26.000;  valid ; Terr 0.000; HV -1268\n"
)
OSL = (
    "[NewRecord]\n\nDisk=4\n\nDataType=OSL\n\nStarted=6/4/2015 4:01:23 PM\n\nPoints=2\n\n"
    "  0;    0.100;  303.000;  valid \n\n  1;    0.200;  290.000;  valid \n\n"
)
IRRADIATION = "[NewRecord]\nDisk=3\nDataType=NORM Irrad\nIrradTime=257\n"


def parsed(*blocks: str, head: str = HEAD) -> FileReadings:
    """A file of these blocks."""
    return parse_file("x.txt", (head + "".join(blocks)).encode())


def only(*blocks: str) -> Sample:
    """The one readout of a file that holds nothing else."""
    found = parsed(*blocks)
    assert (found.format, found.rejected, len(found.samples)) == ("daybreak", [], 1)
    return found.samples[0]


def refused(block: str) -> Rejected:
    """The only rejected block of a file that gives nothing else."""
    found = parsed(block)
    assert found.samples == []
    (rejected,) = found.rejected
    return rejected


def test_a_glow_curve_with_what_watches_over_it() -> None:
    sample = only(GLOW)
    assert (sample.kind, sample.mode, sample.value, sample.unit) == ("glow-curve", "PREHEAT TL", 66.5, "{counts}")
    assert (sample.element, sample.clock, sample.flags) == ("chips/3", "2023-10-19T08:00:30", ())
    assert {name: (a.unit, a.values) for name, a in sample.axes.items()} == {
        "signal": ("{counts}", (21, 19.5, 26)), "temperature": ("Cel", (5.0, 10.0, 15.0)),
        "temperature-error": ("Cel", (9.922, -0.5, 0.0)), "high-voltage": ("V", (-1269.0, -1269.0, -1268.0)),
    }  # fmt: skip
    assert sample.attributes == {
        "Operation": "1", "Disk": "3", "DataType": "PREHEAT TL", "RampRate": "4", "ReaderID": "TLINFO.DTA",
        "ReaderType": "2200",
    }  # fmt: skip
    assert sample.raw == GLOW.encode()
    assert sample.origin["offset"] == len(HEAD)


def test_a_curve_over_time_of_the_older_kind_with_its_empty_lines() -> None:
    sample = only(OSL)
    assert (sample.kind, sample.mode, sample.value, sample.element) == ("curve", "OSL", 593.0, "chips/4")
    assert sample.clock == "2015-06-04T16:01:23"
    assert {name: a.unit for name, a in sample.axes.items()} == {"signal": "{counts}", "time": "s"}


def test_of_other_data_x_is_not_given() -> None:
    sample = only(OSL.replace("=OSL", "=Isothermal"))
    assert (sample.kind, sample.mode, set(sample.axes)) == ("curve", "Isothermal", {"signal"})


def test_a_block_without_points_is_noted() -> None:
    found = parsed(GLOW, IRRADIATION, "[NewRecord]\nCommands=J0\n", OSL)
    assert [s.element for s in found.samples] == ["chips/3", "chips/4"]
    assert found.notes == ["block 2: NORM Irrad, no readout", "block 3: no DataType, no readout"]


def test_a_word_that_is_not_valid_is_shown() -> None:
    sample = only(GLOW.replace("19.500;  valid", "19.500;  overflow"))
    assert sample.flags == (Flag.UNKNOWN_STATUS,)
    assert sample.note == "1 points are not 'valid' but 'overflow'"


def test_what_watches_over_some_points_only_is_no_axis() -> None:
    assert set(only(GLOW.replace("; HV -1268", "")).axes) == {"signal", "temperature", "temperature-error"}


@pytest.mark.parametrize("cut", [30, 55, 60, 2, 1])
def test_a_last_block_that_is_cut_may_be_completed(cut: int) -> None:
    rejected = refused(GLOW[:-cut])
    assert (rejected.may_complete, rejected.flags) == (True, (Flag.INCOMPLETE,))
    assert rejected.piece.identity == refused(GLOW[:-45]).piece.identity


def test_a_block_that_is_cut_before_another_is_not_waited_for() -> None:
    found = parsed(GLOW.replace("  2;   15.000;   26.000;  valid ; Terr 0.000; HV -1268\n", ""), OSL)
    assert [s.element for s in found.samples] == ["chips/4"]
    (rejected,) = found.rejected
    assert rejected.reason == f"x.txt, block 1 (byte {len(HEAD)}): it has 2 of 3 points."
    assert (rejected.may_complete, rejected.flags) == (False, (Flag.INCOMPLETE,))


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("  1;   10", "  2;   10", "is not the one numbered 1"),
        ("19.500", "nan", "'nan' is no number"),
        ("19.500", "-1.0", "it has -1 counts, which no counter gives"),
        ("10.000", "1e999", "is no finite number"),
        ("Terr -0.5", "Gas 1", "its point 1 says 'Gas 1', which is neither Terr nor HV"),
        ("Points=3", "Points=x", "'x' is no whole number"),
        ("Points=3", "Points=0", "it has Points=0; from 1 to 20000 are read"),
        ("Points=3\n", "", "'' is no whole number"),
        (
            "Points=3\n",
            "Points=3\nwhat is this\n",
            "it has a line 'what is this', which is neither key=value nor a point",
        ),
    ],
)
def test_what_is_not_of_its_form_rejects_its_block(was: str, now: str, said: str) -> None:
    found = parsed(GLOW.replace(was, now), OSL)
    assert [s.element for s in found.samples] == ["chips/4"]
    assert said in found.rejected[0].reason


def test_a_moment_in_another_style_is_no_clock() -> None:
    assert only(GLOW.replace("2023-10-19 08", "19.10.2023 08")).clock is None


@pytest.mark.parametrize("text", ["", "[NewRecor]\n", "hello\n[NewRecord]\n", "x [NewRecord]\n"])
def test_what_is_no_such_file_is_not_taken_for_one(text: str) -> None:
    assert not detect(text.encode())
    assert sniff((HEAD + OSL).encode()) is DAYBREAK
