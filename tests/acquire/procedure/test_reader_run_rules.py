"""The rules by which a reader's records are cut into runs, and what each leaves open: pure, on letters.

P and R are quality control, S1, S2 and C travel with the chips, everything else is a chip. "/" begins a file, "!"
stands for something that was lost, "~" for three minutes of the reader's clock in which nothing was read, "name@run"
states its run. A record comes 46 s after the one before.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from acquire.procedure.readouts.read_together import Together, together, together_as_stated
from acquire.procedure.readouts.reader_run import Begins, Limits, ReaderRun, Record, reader_runs

WANTED = {"S1": 1, "S2": 1, "C": 1}
QUALITY = {"P": "pmt-noise", "R": "reference-light"}
LIMITS = Limits({**WANTED, "T1": 1, "T2": 1})


def records(text: str) -> list[Record]:
    found: list[Record] = []
    begins_file = after_loss = False
    clock = datetime(2027, 2, 5, 9)
    for word in text.split():
        if word in "/!~":
            begins_file, after_loss = begins_file or word == "/", after_loss or word == "!"
            clock += timedelta(minutes=3 * (word == "~"))
            continue
        clock += timedelta(seconds=46)
        name, _, run = word.partition("@")
        seq = len(found) + 1
        kind = QUALITY.get(name, "dosimeter")
        own = name if kind == "dosimeter" else None
        found.append(
            Record(
                "s", seq, kind, dosimeter=f"{name} {seq}" if own else "", name=own, counted=own, run=run or None,  # type: ignore[arg-type]
                clock=clock.isoformat(), begins_file=begins_file, after_loss=after_loss,
            )
        )  # fmt: skip
        begins_file = after_loss = False
    return found


def cut(text: str, limits: Limits = LIMITS) -> list[ReaderRun]:
    return reader_runs(records(text), WANTED, limits)


def shown(text: str) -> str:
    """The runs with their borders: "|" where one surely begins, "?" where one may, "(...)" where it is not known."""
    words = []
    for run in cut(text):
        inside = " ".join(each.name or each.kind[0].upper() for each in run.records)
        words.append(("| " if run.certain else "? ") + (f"({inside})" if run.unknown else inside))
    return " ".join(words).removeprefix("| ")


TEN = " ".join(f"X{n}" for n in range(10))
SEVEN = " ".join(f"X{n}" for n in range(7))


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("P R S1 S2 C T1", "P R S1 S2 C T1"),
        # quality control after dosimeters begins a run, but for a run under way: after just ten
        ("P R S1 S2 C T1 P R T2", "P R S1 S2 C T1 | P R T2"),
        (f"P R S1 S2 C {SEVEN} P R T2", f"P R S1 S2 C {SEVEN} P R T2"),
        (f"P R S1 S2 C {SEVEN} P R S1 S2 C T2", f"P R S1 S2 C {SEVEN} | P R S1 S2 C T2"),
        # and at the pace of the dosimeters, by the reader's clock: else it may be another run of just ten
        (f"P R S1 S2 C {SEVEN} ~ P R T2", f"P R S1 S2 C {SEVEN} ? P R T2"),
        (f"P R S1 S2 ~ C ~ {SEVEN} ~ P R T2", f"P R S1 S2 C {SEVEN} ? P R T2"),
        (f"P R S1 S2 C ~ {SEVEN} P R T2", f"P R S1 S2 C {SEVEN} P R T2"),
        (f"P R S1 S2 C {SEVEN} ~ P R S1 S2 C T2", f"P R S1 S2 C {SEVEN} ? P R S1 S2 C T2"),
        (f"S1 S2 C {SEVEN} P R T2", f"S1 S2 C {SEVEN} | P R T2"),
        ("S1 S2 C T1 P R P R T2", "S1 S2 C T1 | P R P R T2"),
        # an element that stands twice: the runs have their standards first, or last, or it is open where one begins
        ("S1 S2 C T1 S1 S2 C T2", "S1 S2 C T1 | S1 S2 C T2"),
        ("T1 S1 S2 C T2 S1 S2 C", "T1 S1 S2 C | T2 S1 S2 C"),
        ("S1 S2 C T1 S1 S2 C", "S1 S2 C ? (T1) ? S1 S2 C"),
        ("S1 S2 C T1 S1 S2 C T2 S1 S2 C", "S1 S2 C ? (T1) ? S1 S2 C ? (T2) ? S1 S2 C"),
        ("T1 S1 S2 C X T2 S1 S2 C X2", "T1 S1 S2 C ? (X T2) ? S1 S2 C X2"),
        ("S1 S2 C T1 T2 T1 X", "S1 S2 C T1 T2 | T1 X"),
        ("S1 S2 C T1 T1 T2 S1 S2 C T1 X", "S1 S2 C T1 T1 T2 | S1 S2 C T1 X"),
        ("S1 S2 C T1 T1 T2 T1 X", "S1 S2 C T1 T1 T2 | T1 X"),
        # standards that were forgotten are not taken from the run beside it
        ("S1 C T1 S2 C T2", "S1 C T1 | S2 C T2"),
        ("S1 S2 C S1 T2", "S1 ? (S2 C) ? S1 T2"),
        ("X S1 S2 C S1 T2", "X S1 ? (S2 C) ? S1 T2"),
        ("T1 S1 C T2 S2 S1 C", "T1 S1 C | T2 S2 S1 C"),
        # a file is no run, but where no quality control tells, one may begin with it
        ("/ P R S1 S2 / C T1", "P R S1 S2 C T1"),
        ("/ S1 S2 C T1 / T2", "S1 S2 C T1 ? T2"),
        (f"/ P R S1 S2 C T1 / {TEN}", f"P R S1 S2 C T1 ? {TEN}"),
        (f"/ P R S1 S2 C {SEVEN} / P R T2", f"P R S1 S2 C {SEVEN} ? P R T2"),
        (f"/ P R S1 S2 C {SEVEN} P R / P R T2", f"P R S1 S2 C {SEVEN} P R ? P R T2"),
        # what was lost may have been the beginning of one
        ("P R S1 S2 C T1 ! T2", "P R S1 S2 C T1 ? T2"),
        ("P R S1 S2 C T1 ! P R T2", "P R S1 S2 C T1 ? P R T2"),
        # where the reader states its runs those are they, whatever else there is
        ("S1@a S2@a C@a / T1@a ! T2@a S1@b T3@b", "S1 S2 C T1 T2 | S1 T3"),
        ("P@a R@a S1@a P@a R@a T1@a", "P R S1 P R T1"),
        ("S1@a S2@a C@a T1", "S1 S2 C ? T1"),
    ],
)
def test_where_runs_begin(text: str, runs: str) -> None:
    assert shown(text) == runs


def test_a_chip_may_be_read_once_more_in_a_row_a_standard_or_control_may_not() -> None:
    assert shown("S1 S2 C X X X T1") == "S1 S2 C X X X T1"
    assert shown("S1 S2 C X T2 X T1") == "S1 S2 C X T2 | X T1"
    assert shown("T1 C C T2") == "T1 C | C T2"


def test_records_of_two_readers_in_one_folder_are_of_two_runs() -> None:
    both = [replace(each, reader="M6600 1" if each.seq < 3 else "M6600 2") for each in records("S1 S2 C T1")]
    assert [len(run.records) for run in reader_runs(both, WANTED, LIMITS)] == [2, 2]


def test_the_elements_of_one_card_are_one_dosimeter() -> None:
    two = [replace(r, dosimeter="card" + r.dosimeter.partition(" ")[0][:-1]) for r in records("P R A1 A2 B1 B2 P R T1")]
    assert [run.begins for run in reader_runs(two, WANTED, LIMITS)] == [Begins.FIRST, Begins.QUALITY_CONTROL]


def of(text: str, chip: str) -> Together:
    runs = cut(text)
    at = next(r.at for run in runs for r in run.records if r.name == chip)
    return together(runs, chip, [at], WANTED)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("/ S1 S2 C T1 / T2", "S1, S2, C stand beside it, a file begins between them"),
        ("/ S1 S2 C X / T2 S1 S2 C", "S1, S2, C stand beside it too, a file begins between them"),
        ("/ X S1 S2 C T2 / Y S1 S2 C", "S1, S2, C stand beside it too, a file begins between them"),
        ("S1 S2 C T2 S1 S2 C", "elements were read twice"),
        ("S1 S2 C X S1 S2 C T2 S1 S2 C", "elements were read twice"),
        ("X S1 S2 C S1 T2", "S2, C stand beside it, elements were read twice"),
        ("S1@a S2@a C@a T2", "what is between them does not state its run"),
        ("! T2 S1 S2 C", "what stands before it is too far away"),
        (
            f"P R S1 S2 C {SEVEN} ~ P R T2",
            "S1, S2, C stand beside it, quality control stands between them after just ten",
        ),
        ("S1 S2 ! C T2", "S1, S2 stand beside it, something between them was lost"),
    ],
)
def test_what_is_open_is_said(text: str, doubt: str) -> None:
    assert doubt in (of(text, "T2").doubt or "")


@pytest.mark.parametrize(
    "text",
    [
        "/ S1 S2 C T1 / S1 S2 C T2",
        "/ T1 S1 S2 C / T2 S1 S2 C",
        "/ S1 S2 C T2 / T1 S1 S2 C",
        "P R S1 S2 C T2 P R S1 S2 C T1",
        f"P R S1 S2 C T2 {TEN.removesuffix(' X6 X7 X8 X9')} ~ P R S1 S2 C T1",
        f"P R S1 S2 C {SEVEN} ~ P R S1 S2 C T2",
        "S1 S2 C S1 S2 C T2",
    ],
)
def test_a_file_or_run_that_has_its_own_standards_needs_no_word(text: str) -> None:
    together_ = of(text, "T2")
    assert (together_.doubt, together_.missing) == (None, ())


def stated(text: str, side: str) -> list[int]:
    runs = cut(text)
    at = next(r.at for run in runs for r in run.records if r.name == "T2")
    made = together_as_stated(runs, [at], WANTED, side, LIMITS)  # type: ignore[arg-type]
    return sorted(r.seq for each in made.found.values() for r in each)


def test_what_people_state_is_the_nearest_set_on_that_side_and_no_mixture_of_two() -> None:
    text = "S1 S2 C T1 P R X T2 S1 S2 C"
    assert stated(text, "before") == [1, 2, 3]
    assert stated(text, "after") == [9, 10, 11]
    assert stated("S1 S2 C T1 S1 C T2", "before") == [5, 6], "S2 is of the run before: C would stand in it twice"


# --- never another run's standards ------------------------------------------------------------------------------------


@st.composite
def reader_day(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    """Runs as a reader with quality control writes them, over files as people cut them; which run each seq is of."""
    words: list[str] = []
    truth: list[tuple[int, int]] = []
    seq = chips = 0
    for n in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 18))
        own = [f"X{chips + k}" for k in range(size)]
        chips += size
        dosimeters = ["S1", "S2", "C", *own] if draw(st.booleans()) else [*own, "S1", "S2", "C"]
        for k, name in enumerate(dosimeters):
            if k % 10 == 0:
                words += ["~"] if k == 0 else []  # the reader is loaded
                words += (["/"] if k == 0 and draw(st.booleans()) else []) + ["P", "R"]
                truth += [(n, seq + 1), (n, seq + 2)]
                seq += 2
            if draw(st.integers(0, 9)) == 0:
                words.append(draw(st.sampled_from(["/", "!"])))
            words.append(name)
            seq += 1
            truth.append((n, seq))
    return " ".join(words), truth


def is_open(text: str) -> bool:
    """Whether a run of just so many tens is followed by another: quality control and a pause stand there either way."""
    return any(sum(word[0] in "XSC" for word in run.split()) % 10 == 0 for run in text.split("~")[1:-1])


@given(reader_day())
@example(("~ P R S1 S2 C X0 X1 X2 X3 X4 X5 X6 ~ P R X7 S1 S2 C", [(n // 12, n + 1) for n in range(18)]))
def test_a_chip_never_gets_what_was_read_in_another_run(day: tuple[str, list[tuple[int, int]]]) -> None:
    text, truth = day
    run_of = {seq: n for n, seq in truth}
    runs = reader_runs(records(text), WANTED, Limits(WANTED))
    for record in (r for run in runs for r in run.records if r.name is not None and r.name not in WANTED):
        found = together(runs, str(record.name), [record.at], WANTED)
        if found.doubt is None and not found.missing:
            assert {run_of[r.seq] for each in found.found.values() for r in each} == {run_of[record.seq]}, text
        if "/" not in text.split() and "!" not in text.split():
            assert found.missing == (), text
            assert found.doubt is None or is_open(text), text


@st.composite
def day_without_quality_control(draw: st.DrawFn) -> tuple[str, dict[int, int]]:
    """Runs with all their standards, first in every run or last in every run, over files that hold whole runs."""
    words: list[str] = []
    run_of: dict[int, int] = {}
    first = draw(st.booleans())
    for n in range(draw(st.integers(1, 4))):
        own = [f"X{n}.{k}" for k in range(draw(st.integers(0, 4)))]
        names = ["S1", "S2", "C", *own] if first else [*own, "S1", "S2", "C"]
        words += (["/"] if draw(st.booleans()) else []) + names
        run_of |= dict.fromkeys(range(len(run_of) + 1, len(run_of) + len(names) + 1), n)
    return " ".join(words), run_of


@given(day_without_quality_control())
def test_without_quality_control_a_chip_has_its_own_standards_or_none(day: tuple[str, dict[int, int]]) -> None:
    text, run_of = day
    runs = reader_runs(records(text), WANTED, Limits(WANTED))
    for record in (r for run in runs for r in run.records if r.name is not None and r.name not in WANTED):
        found = together(runs, str(record.name), [record.at], WANTED)
        if found.doubt is None and not found.missing:
            assert {run_of[r.seq] for each in found.found.values() for r in each} == {run_of[record.seq]}, text


# --- together, one rule after the other -------------------------------------------------------------------------------


def seqs(found: Together) -> dict[str, list[int]]:
    return {name: [record.seq for record in of] for name, of in found.found.items()}


def test_what_was_read_together_has_its_run_its_standards_and_a_key() -> None:
    found = of("P R S1 S2 C T2 X P R S1 S2 C T1", "T2")
    assert (seqs(found), found.missing, found.doubt) == ({"S1": [3], "S2": [4], "C": [5]}, (), None)
    assert found.key == (("C", (("s", 5),)), ("S1", (("s", 3),)), ("S2", (("s", 4),)))
    assert found.key == of("P R S1 S2 C T2 X P R S1 S2 C T1", "X").key
    assert found.key != of("P R S1 S2 C T2 X P R S1 S2 C T1", "T1").key


def test_what_is_missing_is_named_where_the_run_is_known_as_far_as_it_goes() -> None:
    assert of("P R S1 S2 T2", "T2").missing == ("C",)
    assert of("P R S1 S2 T2", "T2").doubt is None
    open_ = of("S1 S2 C T2 S1 S2 C", "T2")
    assert (open_.missing, seqs(open_)) == ((), {"S1": [], "S2": [], "C": []})


def test_readings_of_two_runs_are_no_readings_of_one() -> None:
    runs = cut("P R S1 S2 C T2 P R S1 S2 C T2")
    said = together(runs, "T2", [("s", 6), ("s", 12)], WANTED).doubt
    assert said == (
        "The run of T2 is not certain: its 2 readings are of different runs; two people state with which standards"
        " it was read (acquire session reader-run)."
    )
    three = together(
        cut("P R S1 S2 C T2 P R S1 S2 C T2 P R S1 S2 C T2"), "T2", [("s", 6), ("s", 12), ("s", 18)], WANTED
    )
    assert "its 3 readings" in str(three.doubt)
    with pytest.raises(LookupError, match="entry 99 of stream s is no record"):
        together(runs, "T2", [("s", 99)], WANTED)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        # two files further on, and two before
        ("/ S1 S2 C X / Y / T2", "S1, S2, C stand beside it, a file begins between them"),
        ("/ T2 / Y / S1 S2 C X", "S1, S2, C stand beside it, a file begins between them"),
        ("P R S1 S2 C X P R Y / T2", None),
        ("/ T2 S1 S2 C", None),
        ("! S1 S2 C T2", None),
        ("T2 S1 S2 C", None),
        ("! X S1 S2 C T2", None),
        ("/ S1 S2 C X / S1 T2 S2 C", None),
        ("/ X S1 S2 C / S1 T2 S2 C X", None),
        ("/ X S1 S2 C / T2 S1 S2 C", None),
        ("/ X S1 S2 T2 C / Y S1 S2 C", None),
        ("/ X S1 S2 C T2 / Y S1 C", "S1, C stand beside it too, a file begins between them"),
        ("/ X S1 S2 C T2 P R Y S1 S2 C", None),
    ],
)
def test_where_a_neighbour_may_be_of_the_same_run(text: str, doubt: str | None) -> None:
    found = of(text, "T2").doubt
    assert found is None if doubt is None else doubt in str(found)


def stated_of(text: str, side: str, limits: Limits = LIMITS, wanted: dict[str, int] = WANTED) -> Together:
    runs = reader_runs(records(text), wanted, limits)
    at = next(r.at for run in runs for r in run.records if r.name == "T2")
    return together_as_stated(runs, [at], wanted, side, limits)  # type: ignore[arg-type]


def test_a_stretch_that_people_state_is_as_short_as_it_can_be_and_in_order() -> None:
    before = stated_of("X S1 S2 C Y T2 Z S1", "before")
    assert [record.seq for record in before.run.records] == [2, 3, 4, 5, 6]
    assert (before.run.begins, before.run.certain, before.missing, before.doubt) == (Begins.PEOPLE, True, (), None)
    after = stated_of("S1 X T2 Z C S2 S1 Y", "after")
    assert [record.seq for record in after.run.records] == [3, 4, 5, 6, 7]
    assert seqs(after) == {"S1": [7], "S2": [6], "C": [5]}


def test_a_stretch_ends_with_the_records_and_names_what_is_missing() -> None:
    assert stated_of("S2 C T2", "before").missing == ("S1",)
    assert stated_of("T2 S1 S2", "after").missing == ("C",)
    assert stated_of("S1 S2 C T2", "after").missing == ("S1", "S2", "C")
    assert seqs(stated_of("T2 S1 S2", "after")) == {"S1": [2], "S2": [3], "C": []}


def test_a_stretch_holds_no_element_too_often_but_a_chip_read_again_in_a_row() -> None:
    assert stated_of("S1 S2 C T1 T2", "before").missing == ()
    assert stated_of("S1 S2 C T1 T1 T2", "before").missing == ()
    assert stated_of("S1 S2 C T1 Y T1 T2", "before").missing == ("S1", "S2", "C"), "T1 would stand in it twice"
    assert stated_of("S1 S2 C T2 X T2", "after").missing == ("S1", "S2", "C")
    assert stated_of("S1 S2 C C T2", "before").missing == ("S1", "S2"), "a control does not stand twice, not in a row"
    assert stated_of("S1 S2 C T2 T2", "before").missing == ()


def test_each_other_element_is_taken_as_often_as_it_is_wanted_and_in_the_order_it_was_read() -> None:
    wanted = {"S1": 2, "C": 1}
    limits = Limits({**wanted, "T2": 1})
    assert seqs(stated_of("S1 S1 C T2", "before", limits, wanted)) == {"S1": [1, 2], "C": [3]}
    assert stated_of("C S1 T2", "before", limits, wanted).missing == ("S1",)
    assert seqs(stated_of("S1 S1 S1 C T2", "before", Limits({**wanted, "S1": 3}), wanted)) == {"S1": [2, 3], "C": [4]}


def test_what_is_beyond_what_is_wanted_is_not_taken_though_something_else_is_missing_still() -> None:
    wanted = {"S1": 2, "C": 1}
    limits = Limits({**wanted, "S1": 3, "T2": 2})
    assert seqs(stated_of("C S1 S1 S1 T2", "before", limits, wanted)) == {"S1": [3, 4], "C": [1]}
    assert stated_of("T2 X T2 S1 S1 C", "after", limits, wanted).missing == (), "it may be read twice in its run"


def test_records_of_no_element_that_is_known_stand_in_no_stretch_too_often() -> None:
    known = records("S1 S2 C X T1 X T2")
    unknown = [replace(r, name=None) if r.counted == "X" else r for r in known]
    runs = [ReaderRun(tuple(unknown), Begins.FIRST, certain=True)]
    found = together_as_stated(runs, [unknown[-1].at], WANTED, "before", LIMITS)
    assert found.missing == ()


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("! S1 T2 S2 C", None),
        ("/ X S1 S2 C T2 / Y S1 S2 C P R Z", "S1, S2, C stand beside it too, a file begins between them"),
    ],
)
def test_only_the_neighbour_and_the_edge_of_its_own_run_leave_an_element_open(text: str, doubt: str | None) -> None:
    found = of(text, "T2").doubt
    assert found is None if doubt is None else doubt in str(found)
