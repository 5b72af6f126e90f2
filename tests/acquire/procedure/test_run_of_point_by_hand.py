"""With which standards chips were read, as a session asks it: records by letters, and what two people state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from test_reader_run_rules import records
from test_readouts_by_hand import placement

from acquire.errors import Refused
from acquire.procedure.documents.inventory import Element
from acquire.procedure.documents.plan import Batch
from acquire.procedure.readouts.elements import Readout
from acquire.procedure.session import run_of_point as room
from acquire.procedure.session.reader_run_statements import RunStated
from acquire.procedure.session.run_of_point import RunsOfReader, run_doubts, state_run
from acquire.store.attribution import StoredReading
from acquire.store.made import Received

BATCH = Batch(
    reader="reader-1", standards=("S1", "S2"), controls=("C",), rcf_u_percent=1.0,
    standard_dose={"value": 100.0, "unit": "cGy", "u_percent": 0.0, "source": "s"},  # type: ignore[arg-type]
)  # fmt: skip


def reading(seq: int, instrument: str = "reader-1") -> StoredReading:
    return StoredReading("s", seq, instrument, {}, "", Received(seq, ""))


class Session:
    """A session with chips T1, T2 ... on reader-1; what its reader wrote is told by letters."""

    def __init__(self) -> None:
        self.id, self.text = "S", ""
        self.batch: Batch | None = BATCH
        self.stated: dict[tuple[str, int], RunStated] = {}
        self.several: set[str] = set()
        self.readings: dict[str, list[StoredReading]] = {}
        self.readers: dict[str, str] = {}
        self.kept: list[Any] = []
        self.plan = SimpleNamespace(batch_of=lambda reader: self.batch if reader == "reader-1" else None)
        self.inventory = SimpleNamespace(element=(), element_named=self._element)

    def _element(self, name: str) -> Element:
        return Element(id=name, kind="tld", material="m", reader=self.readers.get(name, "reader-1"), read_as=name)

    def read(self, text: str, **of: Sequence[int]) -> Session:
        """The reader's records, and of each chip of the session its readings."""
        self.text, self.readings = text, {name: [reading(seq) for seq in seqs] for name, seqs in of.items()}
        return self

    def readout(self, element: Element) -> Readout:
        of = self.readings[element.id]
        said = "several records" if element.id in self.several else None
        return Readout(element, of[0] if of else None, tuple(of[1:]), (), said)

    def runs(self) -> RunsOfReader:
        return RunsOfReader(None, self, self.readings)  # type: ignore[arg-type]

    def doubts(self) -> list[str]:
        return run_doubts(None, self)  # type: ignore[arg-type]

    def state(self, *names: str, side: Any = "before", confirmed_by: str = "MP-1", reason: str = "seen") -> None:
        state_run(None, self, names, side, "MD-1", confirmed_by, reason)  # type: ignore[arg-type]


def in_place(monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session whose store is asked for nothing."""
    made = Session()

    def placed(_: Any, session_id: str) -> list[Any]:
        assert session_id == "S"
        return [replace(placement(), id=n, dosimeter=name) for n, name in enumerate(made.readings)]

    monkeypatch.setattr(room, "reader_records", lambda _, known, batch, readings: records(made.text))
    monkeypatch.setattr(room, "runs_stated", lambda _, session_id: made.stated)
    monkeypatch.setattr(room, "placements", placed)
    monkeypatch.setattr(room, "readout", lambda _, element, at, batch: made.readout(element))
    monkeypatch.setattr(room, "keep_statements", lambda *said: made.kept.append(said[2:]))
    return made


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    return in_place(monkeypatch)


def seqs(found: Any) -> dict[str, list[int]]:
    return {name: [record.seq for record in of] for name, of in found.found.items()}


def said(seq: int, side: Any) -> RunStated:
    return RunStated("T1", "s", seq, side, "Seen at the reader.", "MD-1", "MP-1", "2027")


# --- what was read with an element ---


def test_a_chip_has_the_standards_of_its_own_run(session: Session) -> None:
    runs = session.read("P R S1 S2 C T1 P R S1 S2 C T2", T1=[6]).runs()
    assert (runs.reader, runs.wanted, len(runs.runs)) == ("reader-1", {"S1": 1, "S2": 1, "C": 1}, 2)
    assert seqs(runs.of("T1", [reading(6)])) == {"S1": [3], "S2": [4], "C": [5]}
    assert seqs(runs.of("T2", [reading(12)])) == {"S1": [9], "S2": [10], "C": [11]}


def test_standards_are_wanted_as_often_as_the_plan_reads_them_and_of_a_reader_without_a_batch_none(
    session: Session,
) -> None:
    session.batch = BATCH.model_copy(update={"standard_readings": 2})
    runs = session.read("S1 S1 S2 S2 C C T1", T1=[7]).runs()
    assert runs.wanted == {"S1": 2, "S2": 2, "C": 2}
    assert seqs(runs.of("T1", [reading(7)])) == {"S1": [1, 2], "S2": [3, 4], "C": [5, 6]}
    session.batch = None
    runs = session.read("X T1", T1=[2]).runs()
    assert (runs.wanted, runs.batch) == ({}, Batch(reader="reader-1"))


def test_what_two_people_stated_of_a_readout_goes_before_what_the_records_leave_open(session: Session) -> None:
    session.read("S1 S2 C T1 S1 S2 C", T1=[4])
    assert session.runs().of("T1", [reading(4)]).doubt is not None
    assert session.runs().said_of([reading(4)]) is None
    for side, own in (("before", [1, 2, 3]), ("after", [5, 6, 7])):
        session.stated = {("s", 4): said(4, side)}
        found = session.runs().of("T1", [reading(4)])
        assert (list(seqs(found).values()), found.doubt) == ([[seq] for seq in own], None)
        assert session.runs().said_of([reading(4)]) == session.stated["s", 4].says
    session.stated = {("s", 3): said(3, "before")}
    assert session.runs().of("T1", [reading(4)]).doubt is not None, "it was said of another readout"


# --- what is missing, and stands in another run ---


@pytest.mark.parametrize(
    ("text", "at", "stand", "why"),
    [
        ("P R S1 S2 C T2 P R T1", 9, "S1, S2, C", "a run begins in between with its quality control records"),
        ("P R T1 P R S1 S2 C T2", 3, "S1, S2, C", "a run begins in between with its quality control records"),
        ("S1@a S2@a T2@a T1@b", 4, "S1, S2", "the reader states another run"),
        ("T1@a S1@b C@b", 1, "S1, C", "the reader states another run"),
        ("T1@a S1@b C@b X", 1, "S1, C", "the reader states another run"),
        ("S1 C T1 T2 T1 X", 6, "S1, C", "an element was read once more in between"),
        ("/ S1 C X / T1", 4, "S1, C", "another run begins in between"),
    ],
)
def test_what_is_missing_and_stands_in_the_run_beside_it_is_named_with_why_that_is_another(
    session: Session, text: str, at: int, stand: str, why: str
) -> None:
    session.read(text, T1=[at])
    name = "X" if at == 6 else "T1"
    says = session.runs().elsewhere(name, [reading(at)], ["S1", "S2", "C"])
    assert says == (
        f"{stand} stand in another run of reader-1 than {name}, since {why}; if that is wrong, two people state with"
        " which standards it was read (acquire session reader-run)."
    )


@pytest.mark.parametrize(
    ("text", "at", "missing"),
    [("P R S1 S2 C T1", 6, ["S1"]), ("P R X P R T1 P R Y", 6, ["S1"]),
     ("P R S1 P R X P R T1 P R Y P R S1", 9, ["S1"])],
)  # fmt: skip
def test_what_is_missing_and_stands_in_no_run_beside_it_is_not_looked_for_further(
    session: Session, text: str, at: int, missing: list[str]
) -> None:
    session.read(text, T1=[at])
    assert session.runs().elsewhere("T1", [reading(at)], missing) is None


# --- the doubts of a session ---


def test_a_session_names_each_element_that_was_read_and_whose_run_is_not_certain(session: Session) -> None:
    session.read("S1 S2 C T1 T2 S1 S2 C", T1=[4], T2=[5])
    doubts = session.doubts()
    assert [each.split(" is not certain")[0] for each in doubts] == ["The run of T1", "The run of T2"]
    session.several = {"T1"}
    assert [each.split(" is not certain")[0] for each in session.doubts()] == ["The run of T2"]
    session.read("S1 S2 C T1 T2 S1 S2 C", T1=[4], T2=[])
    session.several = set()
    assert len(session.doubts()) == 1
    assert session.read("P R S1 S2 C T1 T2", T1=[6], T2=[7]).doubts() == []
    assert session.read("", T1=[], T2=[]).doubts() == []


def test_only_the_readings_that_count_of_an_element_place_it(session: Session) -> None:
    twice = session.read("P R S1 S2 C T1 P R S1 S2 C T1", T1=[6, 12])
    assert twice.doubts() == [], "the second readout is of an emptied element"
    twice.batch = BATCH.model_copy(update={"readings": 2, "depletion_per_reading": 0.0, "depletion": "growing"})
    assert "its 2 readings are of different runs" in twice.doubts()[0]
    twice.batch = None
    assert twice.doubts() == []


# --- what two people state ---


def test_a_run_is_stated_of_what_was_read_by_two_people_where_standards_stand_on_that_side(session: Session) -> None:
    session.read("S1 S2 C T1 T2 S1 S2 C", T1=[4], T2=[5])
    session.state("T1", "T2", side="after")
    ((kept),) = session.kept
    assert ({name: r.seq for name, r in kept[0].items()}, *kept[1:]) == (
        {"T1": 4, "T2": 5}, "after", "MD-1", "MP-1", "seen",
    )  # fmt: skip


def test_a_run_is_not_stated_by_one_person_of_what_was_not_read_or_where_no_standard_stands(session: Session) -> None:
    session.read("S1 S2 C T1", T1=[4], T2=[])
    with pytest.raises(Refused, match="by one person and confirmed by another"):
        session.state("T1", confirmed_by="MD-1")
    with pytest.raises(Refused, match="T2, T9 has no readout in session S; a reader run is stated once it was read"):
        session.state("T1", "T2", "T9")
    with pytest.raises(Refused, match="None of the standards and controls of reader-1 stand after T1"):
        session.state("T1", side="after")
    session.batch = None
    with pytest.raises(Refused, match="None of the standards and controls of reader-1 stand before T1"):
        session.state("T1")
    assert session.kept == []
    session.batch = BATCH
    session.read("S1 C T1", T1=[3]).state("T1")
    assert len(session.kept) == 1, "a part of them is enough: what is missing is told with the result"
