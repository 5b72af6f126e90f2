"""What a diode on another instrument collected during a port's beam: rows and readings by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from measured_by_hand import attempt, given_up, ref, step

from acquire.dosimetry import DosimetryError
from acquire.errors import Refused
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.records.selection import BoundDetector
from acquire.procedure.results import across as room
from acquire.procedure.results.across import Meanwhile, lay_across, meanwhile, readings_of
from acquire.procedure.session import beams_given
from acquire.procedure.session.session import SessionState
from acquire.store import entries, streams

PORT = SimpleNamespace(id="B1", detector="D-11", instrument="el-1")
OTHER = SimpleNamespace(id="B2", detector="D-14", instrument="el-2")


class Rows:
    """A closed session: B1 was measured on el-1 as m1, between marks 3 and 4; el-2 measured before and after it."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:")
        self.connection.row_factory = sqlite3.Row
        self.connection.executescript(
            "CREATE TABLE attempt_mark (n, measurement, mark, stream, seq, made_after);"
            "CREATE TABLE entries (stream, seq, received); CREATE TABLE streams (number, stream);"
            "INSERT INTO streams VALUES (7, 's2'), (8, 's1')"
        )
        self.marks = [
            (1, "m2", "begun", "s2", 10, 1), (2, "m2", "ended", "s2", 20, 1), (3, "m1", "begun", "s1", 50, 4),
            (4, "m1", "ended", "s1", 60, 6), (5, "m3", "begun", "s2", 80, 8), (6, "m3", "ended", "s2", 90, 8),
        ]  # fmt: skip
        self.received = {15: 2, 28: 4, 29: 5, 40: 6}  # seq: in which transaction
        self.through: int | None = 95
        self.attempts = [attempt("m2", "b2", "el-2"), attempt("m1"), attempt("m3", "b3", "el-2")]
        self.steps = [step("bg", "background"), step("b1"), step("b2", "irradiate", None, "B2")]
        self.state = SessionState.MEASURED
        self.channels: dict[str, str | None] = {"B1": None, "B2": None}
        self.nc: dict[str, float | Exception] = {"s1": 5.0, "s2": 15.0}
        self.marker: int | None = None
        self.entries: list[tuple[int, str, str, str | None]] = []
        self.conflicts: set[int] = set()

    @property
    def session(self) -> Any:
        points = {"B1": PORT, "B2": OTHER}
        plan = SimpleNamespace(step=self.steps, point_named=points.__getitem__)
        return SimpleNamespace(id="S", plan=plan, inventory=None, state=self.state)

    def written(self) -> sqlite3.Connection:
        for table in ("attempt_mark", "entries"):
            self.connection.execute(f"DELETE FROM {table}")
        self.connection.executemany("INSERT INTO attempt_mark VALUES (?, ?, ?, ?, ?, ?)", self.marks)
        self.connection.executemany("INSERT INTO entries VALUES (7, ?, ?)", self.received.items())
        self.connection.execute("INSERT INTO entries VALUES (8, 99, 1)")
        return self.connection

    def lay(self) -> BoundDetector:
        return lay_across(self.written(), self.session, "B1", OTHER)  # type: ignore[arg-type]

    def meanwhile(self) -> Meanwhile:
        return meanwhile(self.written(), self.session, attempt("m1"), "el-2")

    def beam(self, bodies: Sequence[Any], how: Any) -> Any:
        """Of the stream whose readings these are; in two parts, which count together."""
        nc = self.nc[bodies[0] if bodies else "s2"]
        if isinstance(nc, Exception):
            raise nc
        return SimpleNamespace(parts=[SimpleNamespace(nc=0.75 * nc), SimpleNamespace(nc=0.25 * nc)])


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rows]:
    made = Rows()

    def named(_: Any, stream: str) -> Any:
        return None if made.through is None else SimpleNamespace(through=made.through if stream == "s2" else 1)

    def next_marker(_: Any, stream: str, first: int, last: int) -> int | None:
        return made.marker if stream == "s2" and made.marker is not None and first <= made.marker <= last else None

    def walked(_: Any, stream: str, first: int, last: int) -> Any:
        inside = [e for e in made.entries if stream == "s2" and first <= e[0] <= last]
        return [
            SimpleNamespace(seq=s, status=status, kind=k, digest=f"digest {s}", channel=c) for s, status, k, c in inside
        ]

    own = {
        "attempts": lambda _, session: made.attempts if session == "S" else [],
        "measurement": lambda _, name: SimpleNamespace(readings=[SimpleNamespace(body="s1")] if name == "m1" else []),
        "channel_of": lambda _, point: made.channels[point.id],
        "beam_seen": made.beam,
        "load_all": lambda _, refs: ["s2"],
    }  # fmt: skip
    for name, value in own.items():
        monkeypatch.setattr(room, name, value)
    monkeypatch.setattr(beams_given, "shown_by_signal", lambda _, session, each: None)
    monkeypatch.setattr(streams, "named", named)
    monkeypatch.setattr(entries, "next_marker", next_marker)
    monkeypatch.setattr(entries, "walked", walked)
    monkeypatch.setattr(entries, "conflicting", lambda _, *within: made.conflicts)
    monkeypatch.setattr(entries, "decoded", lambda stream, entry: {"channel": entry.channel} if entry.channel else {})
    yield made
    made.connection.close()


# --- which entries of the other instrument may be of the beam ---


def test_from_what_had_come_when_the_beam_began_to_the_next_marker_after_it_ended(rows: Rows) -> None:
    assert rows.meanwhile() == Meanwhile("s2", 29, 79), "28 had come with the fourth receipt, before the begin"
    rows.received = {15: 2, 29: 5}
    assert rows.meanwhile() == Meanwhile("s2", 21, 79), "the last marker before it"
    rows.received = {}
    rows.marks = rows.marks[2:]
    rows.attempts = rows.attempts[1:]
    assert rows.meanwhile() == Meanwhile("s2", 1, 79)
    rows.marks = [*rows.marks[:2], (7, "m3", "abandoned", "s2", None, 9)]
    rows.marks[2] = (2, "m3", "begun", "s2", 30, 1)
    assert rows.meanwhile() == Meanwhile("s2", 31, 95), "to what is confirmed, where no marker follows"
    rows.through = None
    assert rows.meanwhile() == Meanwhile("s2", 31, 0)


def test_a_begin_of_an_earlier_release_that_kept_no_receipt_takes_nothing_for_certain(rows: Rows) -> None:
    rows.marks[2] = (3, "m1", "begun", "s1", 50, None)
    rows.received = {28: 0, 29: 1}
    assert rows.meanwhile() == Meanwhile("s2", 29, 79), "0 stands for what came before receipts had numbers"


@pytest.mark.parametrize(("at", "refused"), [(29, True), (79, True), (28, False), (80, False)])
def test_an_instrument_that_measured_something_else_meanwhile_is_refused(rows: Rows, at: int, refused: bool) -> None:
    rows.marker = at
    if not refused:
        assert rows.meanwhile() == Meanwhile("s2", 29, 79)
        return
    with pytest.raises(Refused, match="el-2 measured something else while b1 was measured"):
        rows.meanwhile()


@pytest.mark.parametrize("mark", ["begun", "ended"])
def test_a_beam_without_both_its_marks_is_refused(rows: Rows, mark: str) -> None:
    rows.marks = [m for m in rows.marks if m[1:3] != ("m1", mark)]
    with pytest.raises(Refused, match=f"b1 has not {mark}; diodes are bound once their ports were measured"):
        rows.meanwhile()


def test_an_instrument_that_was_not_read_in_one_stream_throughout_is_refused(rows: Rows) -> None:
    rows.marks[4] = (5, "m3", "begun", "s2 anew", 80, 8)
    with pytest.raises(Refused, match="el-2 was connected anew during this session: what its diode collected"):
        rows.meanwhile()
    rows.marks[4:] = [(5, "m3", "begun", None, None, 8)]
    assert rows.meanwhile().stream == "s2", "a mark without a place says nothing of the stream"
    rows.attempts = [attempt("m1"), attempt("m2", "b2", "el-2", begun=False), attempt("m3", "b3", "el-3")]
    with pytest.raises(Refused, match="el-2 was not read in this session: what its diode collected"):
        rows.meanwhile()


@pytest.mark.parametrize("force", [None, SimpleNamespace(integrates="reset")])
def test_an_instrument_that_adds_up_between_its_own_markers_alone_collected_nothing_here(
    rows: Rows, force: Any
) -> None:
    rows.attempts = [attempt("m1", in_force=force), attempt("m2", "b2", "el-2")]
    assert rows.meanwhile().stream == "s2"
    rows.attempts.append(attempt("m3", "b3", "el-2", in_force=force))
    with pytest.raises(Refused, match="el-2 adds up between its own begin and end alone"):
        rows.meanwhile()


# --- the measurement of the port ---


def test_while_a_session_is_measuring_readings_may_be_on_their_way(rows: Rows) -> None:
    rows.state = SessionState.MEASURING
    with pytest.raises(Refused, match="may be on its way still: close session S, then bind"):
        rows.lay()


@pytest.mark.parametrize(
    ("attempts", "how"),
    [
        ([], "was not measured"),
        ([attempt("m1", "bg"), attempt("m1", "b2"), attempt("m1", on="el-2")], "was not measured"),
        ([attempt("m1", begun=False, ended=False), given_up("m9", beam=False)], "was not measured"),
        ([attempt("m1"), attempt("m9")], "was measured in several attempts"),
        ([given_up("m1", beam=True), attempt("m9")], "was measured in several attempts"),
    ],
)
def test_a_diode_is_bound_across_to_a_port_with_one_measurement_of_its_beam(
    rows: Rows, attempts: list[Any], how: str
) -> None:
    rows.attempts = [*attempts, attempt("m2", "b2", "el-2")]
    with pytest.raises(Refused, match=f"B1 {how}: a diode of another instrument is bound to a port with one"):
        rows.lay()


def test_what_was_given_up_without_a_beam_is_no_second_measurement(rows: Rows) -> None:
    rows.attempts += [given_up("m9", beam=False), attempt("m8", begun=False, ended=False)]
    assert rows.lay().stream == "s2"
    rows.attempts = [given_up("m1", beam=True), attempt("m2", "b2", "el-2")]
    assert rows.lay().stream == "s2"


# --- where it was read ---


ACROSS = BoundDetector(detector="D-14", channel=None, instrument="el-2", stream="s2", first_seq=29, last_seq=79)


def test_a_diode_that_collected_far_more_on_its_own_instrument_was_read_there(rows: Rows) -> None:
    assert rows.lay() == ACROSS
    rows.channels = {"B1": None, "B2": "4"}
    assert rows.lay().channel == "4"
    rows.nc = {"s1": -5.0, "s2": 10.1}
    assert rows.lay().stream == "s2", "the sign of a charge is that of its voltage"
    rows.nc = {"s1": 0.0, "s2": -0.1}
    assert rows.lay().stream == "s2"


@pytest.mark.parametrize("there", [10.0, 0.0, Invalid("no charge"), DosimetryError("no beam")])
def test_else_it_was_read_with_the_port_where_both_have_one_input(rows: Rows, there: float | Exception) -> None:
    rows.nc = {"s1": 5.0, "s2": there}
    assert rows.lay() == BoundDetector(detector="D-14")


@pytest.mark.parametrize(
    ("here", "there", "channels"),
    [(5.0, 10.0, {"B1": "1", "B2": None}), (5.0, 10.0, {"B1": None, "B2": "4"}), (0.0, 0.0, {"B1": None, "B2": None}),
     (Invalid("no charge"), 0.0, {"B1": None, "B2": None})],
)  # fmt: skip
def test_where_the_signals_do_not_agree_with_what_is_said_it_is_refused(
    rows: Rows, here: Any, there: float, channels: dict[str, str | None]
) -> None:
    rows.nc, rows.channels = {"s1": here, "s2": there}, channels
    nc = 0.0 if isinstance(here, Exception) else here
    with pytest.raises(Refused) as refused:
        rows.lay()
    assert str(refused.value) == (
        f"The signals do not agree that D-14 lay at B1: while B1 was measured el-2 collected {there:.4g} nC, and el-1"
        f" {nc:.4g} nC."
    )


# --- its readings ---


def test_the_readings_of_the_diode_are_those_of_its_channel_in_those_entries(rows: Rows) -> None:
    rows.entries = [
        (28, "stored", "scalar", None), (29, "stored", "scalar", "4"), (30, "stored", "marker", "4"),
        (31, "refused", "scalar", "4"), (32, "stored", "scalar", "5"), (79, "stored", "scalar", None),
        (80, "lost", "", None),
    ]  # fmt: skip
    assert [r.seq for r in readings_of(None, ACROSS)] == [29, 32, 79]  # type: ignore[arg-type]
    of_channel = BoundDetector(detector="D-14", channel="4", stream="s2", first_seq=29, last_seq=79)
    assert readings_of(None, of_channel) == (ref(29, "s2"),)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["lost", "damaged"])
def test_one_entry_that_is_lost_or_in_doubt_leaves_the_charge_unknown(rows: Rows, status: str) -> None:
    rows.entries = [(29, "stored", "scalar", None), (30, status, "scalar", None)]
    said = "Entry 30 of el-2 is lost or in doubt: what D-14 collected during the beam is not known"
    with pytest.raises(Refused, match=said):
        readings_of(None, ACROSS)  # type: ignore[arg-type]
    rows.entries[1], rows.conflicts = (30, "stored", "scalar", None), {30}
    with pytest.raises(Refused, match=said):
        readings_of(None, ACROSS)  # type: ignore[arg-type]


@pytest.mark.parametrize("unknown", ["stream", "first_seq", "last_seq"])
def test_a_diode_that_is_not_across_has_no_readings_there(rows: Rows, unknown: str) -> None:
    rows.entries = [(29, "stored", "scalar", None)]
    known = {"stream": "s2", "first_seq": 29, "last_seq": 79, unknown: None}
    assert readings_of(None, BoundDetector(detector="D-14", **known)) == ()  # type: ignore[arg-type]
