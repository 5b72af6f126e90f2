"""The rules by which a reader's records are cut into runs, and what each leaves open: pure, on letters.

P and R are quality control, S1, S2 and C travel with the chips, everything else is a chip. "/" begins a file, "!"
stands for something that was lost, "name@run" states its run.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acquire.procedure.readouts.read_together import Together, together, together_as_stated
from acquire.procedure.readouts.reader_order import Arrived, in_readers_order
from acquire.procedure.readouts.reader_run import Begins, Limits, ReaderRun, Record, reader_runs

WANTED = {"S1": 1, "S2": 1, "C": 1}
QUALITY = {"P": "pmt-noise", "R": "reference-light"}
LIMITS = Limits({**WANTED, "T1": 1, "T2": 1})


def records(text: str) -> list[Record]:
    found: list[Record] = []
    begins_file = after_loss = False
    for word in text.split():
        if word in "/!":
            begins_file, after_loss = begins_file or word == "/", after_loss or word == "!"
            continue
        name, _, run = word.partition("@")
        seq = len(found) + 1
        kind = QUALITY.get(name, "dosimeter")
        own = name if kind == "dosimeter" else None
        found.append(
            Record(
                "s", seq, kind, dosimeter=f"{name} {seq}" if own else "", name=own, counted=own, run=run or None,  # type: ignore[arg-type]
                begins_file=begins_file, after_loss=after_loss,
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
    from dataclasses import replace  # noqa: PLC0415

    both = [replace(each, reader="M6600 1" if each.seq < 3 else "M6600 2") for each in records("S1 S2 C T1")]
    assert [len(run.records) for run in reader_runs(both, WANTED, LIMITS)] == [2, 2]


def test_the_elements_of_one_card_are_one_dosimeter() -> None:
    from dataclasses import replace  # noqa: PLC0415

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


# --- the reader's order -----------------------------------------------------------------------------------------------


def arrived(name: str, file: str | None, offset: int | None, seq: int = 0) -> Arrived:
    record = Record("s", seq, "dosimeter", dosimeter=name, name=name, counted=name)
    return Arrived(record, file, offset, 10, f"sha of {name}")


def order(*found: Arrived) -> str:
    return " ".join(("/" if r.begins_file else "") + str(r.name) for r in in_readers_order(found))


def test_a_file_that_grows_goes_on_where_it_ended() -> None:
    a, b, c = arrived("a", "f", 0), arrived("b", "f", 10), arrived("c", "f", 20)
    x, y = arrived("x", "g", 0), arrived("y", "g", 10)
    assert order(a, x, b, y, c) == "/a b c /x y"


def test_a_file_that_was_exchanged_under_its_name_is_another() -> None:
    assert order(arrived("a", "f", 0), arrived("b", "f", 10), arrived("c", "f", 0)) == "/a b /c"


def test_a_file_that_was_renamed_and_grew_goes_on_where_one_file_ended() -> None:
    assert order(arrived("a", "f", 0), arrived("b", "g", 10)) == "/a b"
    assert order(arrived("a", "f", 0), arrived("x", "h", 0), arrived("b", "g", 10)) == "/a /x /b", "of which is open"


def test_a_copy_stands_once_and_what_came_over_a_wire_is_no_copy() -> None:
    assert order(arrived("a", "f", 0), arrived("a", "g", 0), arrived("b", "g", 10)) == "/a b"
    assert order(arrived("a", None, None), arrived("a", None, None)) == "a a"


# --- never another run's standards ------------------------------------------------------------------------------------


@st.composite
def reader_day(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    """Runs as a reader with quality control writes them, over files as people cut them; which run each seq is of."""
    words: list[str] = []
    truth: list[tuple[int, int]] = []
    seq = chips = 0
    for n in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 18).filter(lambda k: (k + 3) % 10))
        own = [f"X{chips + k}" for k in range(size)]
        chips += size
        dosimeters = ["S1", "S2", "C", *own] if draw(st.booleans()) else [*own, "S1", "S2", "C"]
        for k, name in enumerate(dosimeters):
            if k % 10 == 0:
                words += (["/"] if k == 0 and draw(st.booleans()) else []) + ["P", "R"]
                truth += [(n, seq + 1), (n, seq + 2)]
                seq += 2
            if draw(st.integers(0, 9)) == 0:
                words.append(draw(st.sampled_from(["/", "!"])))
            words.append(name)
            seq += 1
            truth.append((n, seq))
    return " ".join(words), truth


@given(reader_day())
def test_a_chip_never_gets_what_was_read_in_another_run(day: tuple[str, list[tuple[int, int]]]) -> None:
    text, truth = day
    run_of = {seq: n for n, seq in truth}
    runs = reader_runs(records(text), WANTED, Limits(WANTED))
    for record in (r for run in runs for r in run.records if r.name is not None and r.name not in WANTED):
        found = together(runs, str(record.name), [record.at], WANTED)
        if found.doubt is None and not found.missing:
            assert {run_of[r.seq] for each in found.found.values() for r in each} == {run_of[record.seq]}, text
        if "/" not in text.split() and "!" not in text.split():
            assert (found.doubt, found.missing) == (None, ()), text


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
