"""Panasonic `.DAT` files: the lines that the listener hears, in a file; half a pair gives no number."""

from __future__ import annotations

import pytest

from drivers.files import FileReadings, options_of, parse_file
from drivers.files.panasonic_dat import PANASONIC_DAT, detect
from drivers.reading import Flag

RUN = "1690120 2406010910  24000000099095050500038000  DE00Y02330430        "
FIRST = "2690121 240601091001265900000107341254147213520030070990 Y101        "
SECOND = "C24060109100020073400000433 0027125400000794 0054147200000177 0022135200000870            "
NEXT = "2690123 240601091102265900000215361496134312040020110990 Y102        "
NEXT_SECOND = "C24060109110056153600000532 0008149600001074 0057134300000653 0037120400000174            "
ALONE = "the line C that belongs to this line 2 is not there or not believed."


def parsed(*lines: str, end: str = "\r\n", **options: str) -> FileReadings:
    data = "".join(line + end for line in lines).encode()
    return parse_file("JAN11D00.DAT", data, options_of(PANASONIC_DAT, options))


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_pair_of_lines_is_four_elements_and_a_run_is_noted(end: str) -> None:
    found = parsed(RUN, FIRST, SECOND, NEXT, NEXT_SECOND, end=end)
    assert (found.format, found.rejected) == ("panasonic-dat", [])
    assert found.notes == ["byte 0: a run begins, reader factor 0.99"]
    said = [(s.element, s.element_index, s.value, s.unit, s.clock) for s in found.samples[:4]]
    assert said == [
        ("9000001", 1, 0.734, "1", "2024-06-01T09:10:00"), ("9000001", 2, 2.54, "1", "2024-06-01T09:10:00"),
        ("9000001", 3, 4.72, "1", "2024-06-01T09:10:00"), ("9000001", 4, 3.52, "1", "2024-06-01T09:10:00"),
    ]  # fmt: skip
    assert [s.element for s in found.samples[4:]] == ["9000002"] * 4
    first = found.samples[0]
    assert first.raw == f"{FIRST}\n{SECOND}".encode()
    assert (first.origin["offset"], first.also["reader-factor"].value) == (len(RUN) + len(end), 0.99)
    assert len({s.origin["sha256"] for s in found.samples}) == 2
    assert first.origin["sha256"] == parsed(FIRST, SECOND).samples[0].origin["sha256"]


def test_the_site_says_in_what_its_reader_prints() -> None:
    sample = parsed(FIRST, SECOND, base_unit="mSv").samples[1]
    assert (sample.quantity, sample.value, sample.unit) == ("dose-equivalent", 0.00254, "Sv")


def test_a_line_that_stands_alone_gives_no_number() -> None:
    found = parsed(FIRST, NEXT, NEXT_SECOND)
    assert [s.element for s in found.samples] == ["9000002"] * 4
    (rejected,) = found.rejected
    assert rejected.reason == f"JAN11D00.DAT, byte 0: {ALONE}"
    assert (rejected.may_complete, rejected.flags) == (False, (Flag.INCOMPLETE,))


def test_the_last_line_may_still_get_its_pair() -> None:
    (rejected,) = parsed(FIRST, SECOND, NEXT).rejected
    assert (ALONE in rejected.reason, rejected.may_complete) == (True, True)
    data = f"{FIRST}\n{SECOND[:-20]}".encode()
    whole_line, cut = parse_file("x", data, options_of(PANASONIC_DAT, {})).rejected
    assert ALONE in whole_line.reason
    assert ("has 90 characters, this one 70" in cut.reason, cut.may_complete) == (True, True)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            (FIRST, SECOND.replace("C2406010910", "C2406010911")),
            "A line C of 2024-06-01T09:11:00; the line 2",
        ),
        ((SECOND,), "A line C without the line 2 it belongs to."),
        ((FIRST, SECOND, FIRST, SECOND), "The same line came before"),
        ((FIRST, "Printed by somebody", SECOND), "Not a line of this reader: those begin with 1, 2 or C."),
    ],
)
def test_what_does_not_belong_together_is_rejected(lines: tuple[str, ...], said: str) -> None:
    found = parsed(*lines)
    assert any(said in each.reason for each in found.rejected)
    assert len(found.samples) == (4 if lines.count(FIRST) == 2 else 0)


def test_lines_of_another_reader_are_rejected_where_its_number_is_told() -> None:
    found = parsed(FIRST, SECOND, unit_number="111")
    assert found.samples == []
    assert "The line is of reader unit 690; 111 is configured here." in found.rejected[0].reason


def test_elements_on_which_the_lines_disagree_have_no_number() -> None:
    sample = parsed(FIRST, SECOND.replace("0734", "0735")).samples[0]
    assert (sample.value, sample.flags) == (None, (Flag.NOT_A_NUMBER,))


def test_only_its_own_lines_are_recognised() -> None:
    assert detect(f"\r\n{NEXT}\r\n".encode())
    assert not detect(b"2690121 and so on\n")
    assert not detect(FIRST[:-1].encode())


def test_a_file_full_of_something_else_is_not_read_to_its_end() -> None:
    found = parsed(FIRST, SECOND, *["2 something else"] * 2000)
    assert (len(found.samples), len(found.rejected)) == (4, 1000)
    assert "from here on nothing is read" in found.rejected[-1].reason
