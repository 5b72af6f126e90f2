"""Standards, controls and check element of a point's run, and what names the run for ever: records by letters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from test_reader_run_rules import cut
from test_run_of_point_by_hand import BATCH, Session, in_place, reading, said

from acquire.procedure.documents.plan import CheckElement
from acquire.procedure.records.selection import Ref, RunTaken
from acquire.procedure.results import select_run as room
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.results.select_run import RunSelected, select_run
from acquire.store import entries
from acquire.store.entries import Damaged

CHECK = CheckElement(
    element="K", limit_percent=3.0, signal={"value": 9.0, "unit": "nC", "u_percent": 0.0, "source": "s"}  # type: ignore[arg-type]
)  # fmt: skip
WITH_CHECK = BATCH.model_copy(update={"check": CHECK})


class Run:
    """A point whose chips were read in a reader's records; bodies of entries by seq, None: the entry is gone."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.bodies: dict[int, dict[str, Any] | None] = {}

    def choose(self) -> tuple[RunSelected, Choosing]:
        point = SimpleNamespace(id="P4")
        made = Choosing(None, self.session, point, self.session.plan, {})  # type: ignore[arg-type]
        return select_run(made, self.session.readings), made

    def problems(self) -> list[str]:
        found, made = self.choose()
        assert (found == RunSelected()) is (found.run is None)
        return made.problems


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    made = Run(in_place(monkeypatch))

    def at(_: Any, stream: str, seq: int) -> Any:
        if made.bodies.get(seq, {}) is None:
            return None
        return SimpleNamespace(seq=seq, digest=f"digest {seq}", body=made.bodies.get(seq, {}), received_at="")

    monkeypatch.setattr(entries, "entry_at", at)
    monkeypatch.setattr(entries, "decoded", lambda stream, entry: entry.body)
    monkeypatch.setattr(entries, "body_at", lambda _, stream, seq: made.bodies.get(seq, {}))
    return made


def ref(seq: int) -> Ref:
    return Ref(stream="s", seq=seq, digest=f"digest {seq}")


def test_chips_read_in_one_run_have_its_standards_and_controls(run: Run) -> None:
    run.session.read("P R S1 S2 C T1 T2 P R T9", T1=[6], T2=[7])
    run.bodies[1] = {"origin": {"file": "tray.asc", "offset": 0}}
    found, choosing = run.choose()
    assert found == RunSelected(
        RunTaken(
            reader="reader-1", begins="the first record that is known", first=ref(1), file="tray.asc", offset=0,
            pmt_noise=(ref(1),), light=(ref(2),),
        ),
        ("S1", "S2"), ("C",), None,
    )  # fmt: skip
    assert choosing.readings == {"S1": (ref(3),), "S2": (ref(4),), "C": (ref(5),)}
    assert (choosing.problems, choosing.remarks) == ([], [])


def test_a_run_is_named_by_its_own_beginning_and_by_what_its_reader_states_of_it(run: Run) -> None:
    run.session.read("P R S1 S2 C T9 P R S1 S2 C T1 X P", T1=[12])
    found = run.choose()[0].run
    assert found is not None
    assert (found.first, found.begins) == (ref(7), "quality control records after dosimeters")
    assert (found.file, found.offset, found.states, found.reader_is) == (None, None, None, None)
    assert (found.pmt_noise, found.light) == ((ref(7),), (ref(8),)), "what came behind the point's readout is not its"
    run.session.read("S1@run-7 S2@run-7 C@run-7 T1@run-7", T1=[4])
    found = run.choose()[0].run
    assert found is not None
    assert (found.states, found.pmt_noise, found.light) == ("run-7", None, None)


def test_quality_control_of_a_run_under_way_is_a_chip_s_where_it_came_before_it(run: Run) -> None:
    six = " ".join(f"X{n}" for n in range(6))
    run.session.read(f"P R S1 S2 C {six} T1 P R T2", T1=[12], T2=[15])
    run.session.readings = {"T1": run.session.readings["T1"]}
    found = run.choose()[0].run
    assert found is not None
    assert (found.pmt_noise, found.light) == ((ref(1),), (ref(2),))
    run.session.readings = {"T2": [reading(15)]}
    found = run.choose()[0].run
    assert found is not None
    assert (found.pmt_noise, found.light) == ((ref(1), ref(13)), (ref(2), ref(14)))


@pytest.mark.parametrize(
    ("text", "seqs", "apart"),
    [
        ("P R X1", (3,), False), ("P R X1 P R X2", (3, 6), True), ("P R X1 X3 P R X2", (3, 4), False),
        ("P R X1 P R X2 X3 P R X4", (6, 7), False), ("/ S1 S2 C T1 / T2", (4, 5), False),
        ("/ S1 S2 C T1 / T2 P R T3", (4, 5), False), ("/ S1 S2 C T1 / T2 P R T3", (4, 5, 8), True),
        ("P R X1 P R X2 P R X3", (3, 9), True),
    ],
)  # fmt: skip
def test_a_run_that_may_begin_between_two_chips_is_not_taken_for_one_that_does(
    text: str, seqs: tuple[int, ...], apart: bool
) -> None:
    assert room._certainly_apart(cut(text), {f"e{n}": [reading(n)] for n in seqs}) is apart


def test_without_a_readout_of_its_own_in_it_a_run_s_whole_quality_control_counts() -> None:
    (own,) = cut("P R X1 X2 X3 X4")
    assert room._last_of(own, {"X2": [reading(4)], "X1": [reading(3)]}) == 3
    assert room._last_of(own, {"X9": [reading(99)]}) == 5


def test_a_check_element_is_chosen_where_the_batch_has_one(run: Run) -> None:
    run.session.batch = WITH_CHECK
    run.session.read("S1 S2 C K T1", T1=[5])
    found, choosing = run.choose()
    assert (found.checks, choosing.readings["K"]) == (("K",), (ref(4),))
    run.session.read("S1 S2 C T1", T1=[4])
    found, choosing = run.choose()
    assert found.checks == ()
    assert choosing.problems == ["No result, check element missing in this reader session: K."]


def test_what_is_missing_is_named_by_what_it_is_for_and_the_rest_is_chosen(run: Run) -> None:
    run.session.read("P R S1 T1", T1=[4])
    found, choosing = run.choose()
    assert (found.standards, found.controls) == (("S1",), ())
    assert choosing.problems == [
        "No result, standards missing in this reader session: S2.",
        "No result, controls missing in this reader session: C.",
    ]
    run.session.read("P R S1 S2 C T2 P R S1 S2 T1", T1=[11])
    assert run.problems() == [
        "No result, controls missing in this reader session: C.",
        "C stand in another run of reader-1 than T1, since a run begins in between with its quality control records; if"
        " that is wrong, two people state with which standards it was read (acquire session reader-run).",
    ]


def test_a_standard_read_less_often_than_the_plan_asks_is_not_chosen(run: Run) -> None:
    run.session.batch = BATCH.model_copy(update={"standard_readings": 2})
    run.session.read("P R S1 S1 S2 C C T1", T1=[8])
    found, choosing = run.choose()
    assert (found.standards, found.controls) == (("S1",), ("C",))
    assert choosing.readings == {"S1": (ref(3), ref(4)), "C": (ref(6), ref(7))}


def test_a_run_that_is_not_certain_has_no_standards_until_two_people_state_them(run: Run) -> None:
    run.session.read("S1 S2 C T1 T2 S1 S2 C", T1=[4], T2=[5])
    problems = run.problems()
    assert [each.split(" is not certain")[0] for each in problems] == ["The run of T1", "The run of T2"]
    run.session.stated = {("s", seq): said(seq, "before") for seq in (4, 5)}
    found, choosing = run.choose()
    assert (found.standards, choosing.problems) == (("S1", "S2"), [])
    assert choosing.remarks == [each.says for each in run.session.stated.values()]
    run.session.stated = {("s", 5): said(5, "after")}
    found, choosing = run.choose()
    assert [each.split(" is not certain")[0] for each in choosing.problems] == ["The run of T1"]
    assert choosing.remarks == [run.session.stated["s", 5].says]


def test_what_is_missing_where_the_run_is_not_certain_is_said_first(run: Run) -> None:
    run.session.batch = WITH_CHECK
    run.session.read("P R S1 S2 T1 P R S1 S2 T1", T1=[5, 10])
    problems = run.problems()
    assert "different runs" in problems[-1]


def test_chips_of_one_point_read_in_two_runs_are_not_averaged(run: Run) -> None:
    apart = ["The elements of P4 were read in different reader sessions."]
    run.session.read("P R S1 S2 C T1 P R S1 S2 C T2", T1=[6], T2=[12])
    assert run.problems() == apart
    run.session.batch = None
    run.session.read("P R T1 P R T2", T1=[3], T2=[6])
    assert run.problems() == apart
    run.session.read("P R T1 X T2", T1=[3], T2=[5])
    assert run.problems() == []


def test_a_standard_with_several_records_that_could_count_is_a_problem(run: Run) -> None:
    run.session.batch = BATCH.model_copy(update={"standard_readings": 2})
    run.session.read("P R S1 S1 S2 S2 C C T1", T1=[9])
    run.bodies |= {3: {"attributes": {"step": "1"}}, 4: {"attributes": {"step": "2"}}}
    (problem,) = run.problems()
    assert problem.startswith("S1 has 2 different records that could count (step 1; step 2)")
    run.session.batch = run.session.batch.model_copy(update={"readout": {"type": "TL"}})
    assert run.problems() == [], "steps of one sequence, as often as standards are read"


def test_a_record_that_is_gone_stops_the_choice(run: Run) -> None:
    run.session.read("P R S1 S2 C T1", T1=[6])
    run.bodies[3] = None
    with pytest.raises(Damaged, match="Entry 3 of stream s is damaged"):
        run.choose()


def test_what_is_compared_of_standards_is_their_own_reader_s(run: Run) -> None:
    stored = room._stored(None, "reader-1", SimpleNamespace(stream="s", seq=3))  # type: ignore[arg-type]
    assert (stored.instrument, stored.seq, stored.digest) == ("reader-1", 3, "digest 3")
    assert reading(3).instrument == stored.instrument
