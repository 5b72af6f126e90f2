"""Which chips of a point count, and what stands with their dose: placements, readouts and words of people by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from elements_by_hand import sources
from test_guards_in_sessions import one_chip
from test_readouts_by_hand import NOON, as_17, off, placement, read

from acquire.procedure.documents.plan import Batch
from acquire.procedure.documents.point import Fading
from acquire.procedure.methods.method import Sources
from acquire.procedure.readouts.elements import Readout
from acquire.procedure.readouts.placed import Placement
from acquire.procedure.readouts.read_anew import ReadAnew
from acquire.procedure.records.selection import OfElements, Ref
from acquire.procedure.results import select_elements as room
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.results.select_run import RunSelected
from acquire.procedure.session.statements import Statement
from acquire.store.attribution import StoredReading

RUN = RunSelected(None, ("S-1",), ("C-1",), ("K-1",))


def lay(n: int, dosimeter: str, point: str = "P", *, back: bool = True) -> Placement:
    return replace(placement(back=back), id=n, dosimeter=dosimeter, point=point)


@dataclass
class Case:
    """A point with two chips; what the store would say of them."""

    placed: list[Placement] = field(default_factory=lambda: [lay(1, "T-1"), lay(2, "T-2")])
    readouts: dict[str, Readout] = field(default_factory=dict)
    said: list[Statement] = field(default_factory=list)
    shown: tuple[list[str], list[str]] = ([], [])
    too_early: set[int] = field(default_factory=set)
    read: dict[str, Sequence[StoredReading]] | None = None  # what was given to the choice of a run
    asked: list[Sequence[Placement]] = field(default_factory=list)
    fading: bool = False
    anew: dict[tuple[str, int], ReadAnew] = field(default_factory=dict)

    def readout(self, element: str, *readings: StoredReading, **more: Any) -> None:
        used = readings[0] if readings else None
        self.readouts[element] = Readout(self.elements[element], used, readings[1:], more.pop("held", ()), **more)

    elements: dict[str, Any] = field(default_factory=dict)

    def choosing(self, batch: Batch | None = None) -> Choosing:
        of = two_chips()
        plan = of.plan.model_copy(update={"batch": () if batch is None else (batch,)})
        point = of.plan.point_named("P")
        if self.fading:
            curve = Fading(per_day=0.004, low_days=0.0, high_days=9.0, u_percent=1.0, source="s", days_of_standards=1.0)
            point = point.model_copy(update={"fading": curve})
        session = SimpleNamespace(id="S", plan=plan, inventory=of.inventory, calibrations=of.calibrations)
        return Choosing(None, session, point, plan, {})  # type: ignore[arg-type]


@cache
def two_chips() -> Sources:
    case = one_chip()
    case.points[0] |= {"elements": ["T-1", case.element("T-2", 1.0, "tld")], "pair_limit_percent": 5.0}
    return sources(case)


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Case:
    made = Case()
    made.elements = {e.id: e for e in two_chips().inventory.element}
    for n, name in enumerate(made.elements, start=1):
        made.readout(name, read(n, 25))

    class Shown:
        def __init__(self, connection: Any, session: Any) -> None:
            assert session.id == "S"

        def read_too_early(self, placed: Placement, reading: StoredReading) -> str | None:
            return f"{placed.dosimeter} was read too early." if reading.seq in made.too_early else None

    def exposed(connection: Any, session: Any, point: Any, placed: Sequence[Placement]) -> tuple[list[str], list[str]]:
        made.asked.append(placed)
        return made.shown

    def run(choosing: Choosing, readings: Any) -> RunSelected:
        made.read = dict(readings)
        return RUN

    monkeypatch.setattr(room, "placements", lambda _, session: made.placed if session == "S" else [])
    monkeypatch.setattr(room, "readout", lambda _, element, at, batch: made.readouts[element.id])
    monkeypatch.setattr(room, "statements", lambda _, session: made.said if session == "S" else [])
    monkeypatch.setattr(room, "exposure_of_point", exposed)
    monkeypatch.setattr(room, "Exposure", Shown)
    monkeypatch.setattr(room, "select_run", run)
    monkeypatch.setattr(room, "read_anew_by", lambda _, at: made.anew.get(at))
    monkeypatch.setattr(room, "load", lambda _, ref: {"time": f"time of {ref.seq}"})
    monkeypatch.setattr(
        room,
        "lapsed",
        lambda _, plan, calibrations, reader, last: [f"{reader}: {name}, {at}." for name, at in last.items()],
    )
    return made


def chosen(case: Case, batch: Batch | None = None) -> tuple[OfElements, Choosing]:
    choosing = case.choosing(batch)
    return room.select_elements(choosing), choosing


def said(case: Case, batch: Batch | None = None) -> tuple[list[str], list[str]]:
    """Problems, but for those of the calibrations, and remarks."""
    _, choosing = chosen(case, batch)
    return [p for p in choosing.problems if not p.startswith("reader-1: ")], choosing.remarks


def test_two_chips_that_were_read_are_chosen_with_what_was_read_beside_them(case: Case) -> None:
    found, choosing = chosen(case)
    assert found == OfElements(
        placements=(1, 2), elements=("T-1", "T-2"), standards=("S-1",), controls=("C-1",), imaging="not stated",
        checks=("K-1",), read_at=None, removed={"T-1": NOON, "T-2": NOON}, run=None,
    )  # fmt: skip
    assert choosing.readings == {
        "T-1": (Ref(stream="s", seq=1, digest="digest 1"),), "T-2": (Ref(stream="s", seq=2, digest="digest 2"),),
    }  # fmt: skip
    assert case.read == {"T-1": (case.readouts["T-1"].used,), "T-2": (case.readouts["T-2"].used,)}
    assert (choosing.problems, choosing.remarks) == (
        ["reader-1: T-1, time of 1.", "reader-1: T-2, time of 2."], [],
    )  # fmt: skip
    assert choosing.channel is None
    assert case.asked == [case.placed]


def test_the_channel_is_the_one_that_the_plan_names_of_a_reader_with_several_detectors(case: Case) -> None:
    assert chosen(case, Batch(reader="reader-1", channel="UVVIS"))[1].channel == "UVVIS"
    choosing = case.choosing(Batch(reader="reader-1"))
    choosing.channel = "as it was"
    room.select_elements(choosing)
    assert choosing.channel == "as it was"


def test_a_point_may_have_one_chip(case: Case) -> None:
    choosing = case.choosing()
    choosing.point = choosing.point.model_copy(update={"elements": ("T-1",)})
    case.placed = [lay(1, "T-1")]
    assert room.select_elements(choosing).elements == ("T-1",)


def test_a_chip_of_another_point_is_none_of_this_one_and_without_any_there_is_no_dose(case: Case) -> None:
    case.placed = [lay(1, "T-1"), lay(2, "T-2", "P9")]
    assert chosen(case)[0].elements == ("T-1",)
    case.placed = [lay(2, "T-2", "P9")]
    case.asked.clear()
    found, choosing = chosen(case)
    assert choosing.problems == ["No element that counts was placed at P."]
    assert (found.elements, found.standards, found.checks, found.removed) == ((), (), None, None)
    assert case.asked == []


def test_a_chip_without_a_reading_is_named_and_the_other_is_kept(case: Case) -> None:
    case.readout("T-1")
    found, choosing = chosen(case)
    assert choosing.problems == ["T-1 of P has not been read.", "reader-1: T-2, time of 2."]
    assert (found.elements, found.removed, list(choosing.readings)) == (("T-1", "T-2"), {"T-2": NOON}, ["T-2"])
    assert case.read is not None
    assert list(case.read) == ["T-2"]
    case.readout("T-2")
    case.read = None
    found, choosing = chosen(case)
    assert (case.read, found.standards, found.controls, found.removed) == (None, (), (), None)


def test_where_different_records_could_count_none_does_and_the_other_chip_is_looked_at_all_the_same(case: Case) -> None:
    case.readout("T-1", read(1, 25), several="T-1 has 2 different records.", held=(read(9, 3),))
    problems, remarks = said(case)
    assert (problems, remarks) == (["T-1 has 2 different records."], [])
    assert case.read is not None
    assert list(case.read) == ["T-2"]


THRICE = Batch(reader="reader-1", readings=3, depletion_per_reading=0.001, depletion="growing")


def test_a_chip_read_again_was_empty_and_of_dots_as_many_count_as_the_plan_asks_for(case: Case) -> None:
    case.readout("T-1", *(read(n, 25) for n in (1, 5, 6, 7)))
    case.readout("T-2", *(read(n, 25) for n in (2, 3, 4)))
    for batch in (None, Batch(reader="reader-1")):
        problems, remarks = said(case, batch)
        assert remarks == [
            "T-1 was read 4 times; the first readout counts, the others are of an emptied element.",
            "T-2 was read 3 times; the first readout counts, the others are of an emptied element.",
        ]
        assert problems == []
    _, choosing = chosen(case, THRICE)
    assert [r.seq for r in choosing.readings["T-1"]] == [1, 5, 6]
    assert choosing.remarks == [
        "T-1 was read 4 times; the first 3 readouts count, the others are of an element that was read before."
    ]
    assert choosing.problems == ["reader-1: T-1, time of 6.", "reader-1: T-2, time of 4."], "the last that counts"
    case.readout("T-1", read(1, 25), read(5, 26))
    problems, remarks = said(case, THRICE)
    assert (problems, remarks) == (["T-1 was read 2 times; the plan asks for 3 readings."], [])


def test_what_is_not_shown_of_the_beam_is_told_and_so_is_what_two_people_say_of_it(case: Case) -> None:
    case.shown = (["T-1 was placed after b1."], ["T-2 lay there, as two people say."])
    case.too_early = {2}
    problems, remarks = said(case)
    assert problems == ["T-1 was placed after b1.", "T-2 was read too early."]
    assert remarks == ["T-2 lay there, as two people say."]


# --- what people say ---


def word(what: str, point: str | None, dosimeter: str | None = None, **more: Any) -> Statement:
    return Statement(what, point, dosimeter, "as it was.", "MD-1", "MP-1", **more)


def test_a_chip_that_two_people_left_out_is_none_and_its_reason_stands_with_the_dose(case: Case) -> None:
    case.said = [word("excluded", "P", "T-1"), word("excluded", "P9", "T-2"), word("no-imaging", "P")]
    found, choosing = chosen(case)
    assert (found.elements, found.placements, found.imaging) == (("T-2",), (2,), "none given")
    assert choosing.remarks == ["T-1 was left out: as it was (MD-1, confirmed by MP-1)."]
    assert case.asked == [[case.placed[1]]]
    case.said = [Statement("excluded", "P", "T-1", "It lay under X.", "MD-1", "MP-1")]
    assert said(case)[1] == ["T-1 was left out: It lay under X (MD-1, confirmed by MP-1)."]
    case.said = [word("lost", "P", "T-1")]
    assert chosen(case)[0].elements == ("T-1", "T-2")
    assert said(case) == ([], [])


def test_imaging_while_chips_lay_there_forbids_a_dose_of_the_therapy(case: Case) -> None:
    case.said = [word("imaging", "P"), word("imaging", "P9")]
    problems, remarks = said(case)
    assert problems == [
        "Imaging was given while the elements of P lay there (as it was): they hold no dose of the therapy alone; it is"
        " measured again at the next planned fraction."
    ]
    assert remarks == []
    assert chosen(case)[0].imaging == "given"


def test_when_the_reader_really_read_is_what_two_people_say_where_fading_is_counted(case: Case) -> None:
    case.said = [word("read-at", None, "reader-1", moment="2027-02-04T09:00:00+01:00")]
    assert (chosen(case)[0].read_at, said(case)[1]) == (None, [])
    case.fading = True
    found, choosing = chosen(case)
    assert found.read_at == "2027-02-04T09:00:00+01:00"
    assert choosing.remarks == [
        "MD-1, confirmed by MP-1, state that reader-1 read the elements at 2027-02-04T09:00:00+01:00: as it was."
    ]
    case.said = [word("read-at", None, "reader-2", moment="2027-02-04T09:00:00+01:00")]
    assert (chosen(case)[0].read_at, said(case)[1]) == (None, [])


# --- what is told of a readout ---


def test_what_stands_with_a_readout_whose_order_or_name_rests_on_a_word_or_on_a_clock(case: Case) -> None:
    case.readout("T-1", read(1, 25), by_clock=True)
    assert said(case) == (
        [],
        ["Whether T-1 was read after its removal is by the store's clock alone: an earlier version kept nothing else."],
    )
    case.readout("T-1", by_clock=True)
    assert said(case)[1] == []
    case.readout("T-1", read(1, 15), as_stated=off(1))
    assert said(case)[1] == [
        "The removal of T-1 was written after its readout; two people say that it was off the patient by then: It lay"
        " in the tray (MD-1, confirmed by MP-1)."
    ]
    case.readout("T-1", read(1, 25), read_as=as_17(1))
    assert said(case)[1] == [
        "The reader has T-1 as 71 (2); two people say that it was T-1: Exchanged in the tray (MD-1, confirmed by MP-1)."
    ]
    case.readout("T-1", read(1, 25), held=(read(8, 24), read(9, 24)))
    assert said(case)[1] == ["2 reading(s) of T-1 are held: their host says they are older than its placement."]


def test_a_readout_of_a_file_that_was_taken_again_says_so(case: Case) -> None:
    case.anew = {("s", 1): ReadAnew("S", "reader-1", "tray.csv", 4, "Wrong column.", "MD-1", "MP-1", "")}
    assert said(case)[1] == [
        "T-1 counts as tray.csv was taken again on reader-1; what was made of it before counts no more: Wrong column"
        " (MD-1, confirmed by MP-1)."
    ]
    case.readout("T-1")
    assert said(case)[1] == []
