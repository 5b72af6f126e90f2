"""SUERC `.psl` reports, written here as one was observed: measurements, their sums, what is cut and what is refused."""

from __future__ import annotations

import pytest

from drivers.files import FileReadings, Rejected, parse_file
from drivers.reading import Flag, Sample

HEAD = (
    f" {'=' * 89}\n"
    "Run Name:              R1                    Sample no:        0016\n"
    "Dark Count:            15 c/s              Light Count:        0 c/s\n"
    "Dark Count Correction: OFF                256 Offset Subtract: ON\n\n"
    "Datafile Path:  D:\\Results\\SOMEBODY\\R1.psl\n"
    f"{'-' * 89}\n\\ L-11 @ 5/19/2016 4:45:12 PM /\n '--------------------------'\n\n"
)


def block(name: str, stim: int, counts: tuple[int, ...], off: int = 0) -> str:
    opens = f"Measurement : {name:20} | Stim {stim} | On/Off(us) 15,{off:2} | Cycle(ms),No  1000, {len(counts):3}"
    heading = "Time (s)        Total Count           Counts per Cycle  "
    lines = ["-" * 88, opens, "-" * 88, "", heading, "--------   ---------------------   ---------------------", ""]
    lines += [f"{n:4} {sum(counts[:n]):14} +/- {9:4} {each:14} +/- {4:4}" for n, each in enumerate(counts, start=1)]
    return "\n".join([*lines, "", "", f"       Terminal Count = {sum(counts)}  +/-  9", "       ", "", ""])


DARK = block("DARK 3s", 0, (4, -2, 1), off=15)
IRSL = block("S1 15 0 3s", 1, (166, 121, 90))
OSL = block("S2 15 0 2s", 2, (900, 700))


def parsed(*blocks: str, head: str = HEAD) -> FileReadings:
    return parse_file("x.psl", (head + "".join(blocks)).encode())


def only(*blocks: str, head: str = HEAD) -> Sample:
    found = parsed(*blocks, head=head)
    assert (found.format, found.rejected, len(found.samples)) == ("psl", [], 1)
    return found.samples[0]


def refused(text: str) -> Rejected:
    found = parsed(text)
    assert (found.samples, len(found.rejected)) == ([], 1)
    return found.rejected[0]


def test_each_measurement_is_a_curve_and_the_dark_ones_are_noise() -> None:
    found = parsed(DARK, IRSL, OSL)
    said = [(s.role, s.mode, s.element, s.value, s.unit) for s in found.samples]
    assert said == [
        ("pmt-noise", "dark", None, 3, "{counts}"), ("sample", "IRSL", "L-11", 377, "{counts}"),
        ("sample", "OSL", "L-11", 1600, "{counts}"),
    ]  # fmt: skip
    assert {s.clock for s in found.samples} == {"2016-05-19T16:45:12"}
    assert {name: (a.unit, a.values) for name, a in found.samples[1].axes.items()} == {
        "time": ("s", (1.0, 2.0, 3.0)), "signal": ("{counts}", (166, 121, 90)),
        "signal-uncertainty": ("{counts}", (4, 4, 4)),
    }  # fmt: skip
    assert found.samples[1].attributes == {
        "measurement": "S1 15 0 3s", "stimulation": "1", "on-us": "15", "off-us": "0", "cycle-ms": "1000",
        "run-name": "R1", "sample-no": "0016", "dark-count-correction": "OFF", "offset-subtract": "ON",
    }  # fmt: skip
    assert "SOMEBODY" not in repr([s.attributes for s in found.samples])


def test_a_cycle_that_is_no_second_sets_the_times_and_pulsed_light_is_called_so() -> None:
    fast = only(OSL.replace("Cycle(ms),No  1000", "Cycle(ms),No   100"))
    assert fast.axes["time"].values == (0.1, 0.2)
    assert only(block("S2", 2, (900, 700), off=85)).mode == "pulsed OSL"


def test_the_same_counts_of_another_run_are_another_measurement() -> None:
    again = only(DARK, head=HEAD.replace("4:45:12", "5:45:12"))
    assert again.origin["sha256"] != only(DARK).origin["sha256"]
    copied = only(DARK.replace("\n", "\r\n"), head=HEAD.replace("\n", "\r\n"))
    assert copied.origin["sha256"] == only(DARK).origin["sha256"]


@pytest.mark.parametrize("cut", [25, 50, 120, 180])
def test_a_last_measurement_that_is_cut_may_be_completed(cut: int) -> None:
    found = parsed(IRSL, OSL[:-cut])
    assert [s.mode for s in found.samples] == ["IRSL"]
    (rejected,) = found.rejected
    assert (rejected.may_complete, rejected.flags) == (True, (Flag.INCOMPLETE,))
    assert rejected.piece.identity == parsed(IRSL, OSL[:-60]).rejected[0].piece.identity


def test_one_that_is_cut_before_another_is_not_waited_for() -> None:
    found = parsed(IRSL.replace("       Terminal Count = 377  +/-  9\n", ""), OSL)
    assert [s.mode for s in found.samples] == ["OSL"]
    assert [(r.may_complete, "it has 3 of 3 points and no end" in r.reason) for r in found.rejected] == [(False, True)]


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("   2            287", "   2            278", "the total of its point 2 is not the sum of the counts"),
        ("   2            287", "   7            287", "its point 2 is numbered 7"),
        ("Terminal Count = 377", "Terminal Count = 378", "its terminal count 378 is not its last total, 377"),
        ("1000,   3", "1000,   4", "it has 3 of 4 points"),
        ("Stim 1", "Stim 7", "its first line is not of the form that was observed"),
        ("Stim 1", "Stimm 1", "its first line is not of the form that was observed"),
        ("   2            287", "   2           2.87", "it has 2 of 3 points"),
        ("       Terminal", "what is this\n       Terminal", "it has a line 'what is this', which is no point"),
    ],
)  # fmt: skip
def test_what_is_not_of_its_form_is_refused(was: str, now: str, said: str) -> None:
    assert was in IRSL
    found = parsed(OSL, IRSL.replace(was, now))
    assert [s.mode for s in found.samples] == ["OSL"]
    (rejected,) = found.rejected
    assert said in rejected.reason
    assert not rejected.may_complete


def test_a_file_without_a_label_names_no_dosimeter() -> None:
    sample = only(OSL, head="")
    assert (sample.element, sample.clock) == (None, None)
