"""The selection of a point as a whole: by the way its method is measured, with what stands beside it; no store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from measured_by_hand import ref
from msgspec import UNSET

from acquire.procedure.records.selection import (
    AttemptTaken,
    BoundDetector,
    ConsoleTime,
    DocumentsUsed,
    OfCharges,
    OfElements,
    OfSpectrumFile,
    OfThresholds,
    Selection,
)
from acquire.procedure.results import selection as room
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session.beam_statements import BeamStatement
from acquire.procedure.session.bound import Binding

CHARGES = OfCharges(attempts=(AttemptTaken(step="b1", role="measurement", name="measurement"),))
ELEMENTS = OfElements(placements=(), elements=(), standards=(), controls=(), imaging="not stated")
EXPECTED = SimpleNamespace(dose_gy=1.0)


@dataclass(frozen=True)
class Session:
    """What is asked of a session."""

    plan: Any
    id: str = "S"
    order_id: str = "ORD"
    day: date = date(2027, 2, 5)
    inventory: str = "inventory"
    calibrations: str = "calibrations"
    calibrations_sha256: str = "c"
    inventory_sha256: str = "i"


@dataclass
class Case:
    """Points of a plan, and what the session has of each."""

    points: dict[str, Any] = field(default_factory=dict)
    of: dict[str, Any] = field(default_factory=dict)  # point: what its way gives
    transcribed: dict[str, Any] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)
    marks: dict[str, Any] = field(default_factory=dict)
    bound: dict[str, Binding] = field(default_factory=dict)
    as_planned: dict[frozenset[str], BeamStatement] = field(default_factory=dict)
    order: dict[str, str] = field(default_factory=dict)
    console: ConsoleTime | None = None
    source: Any = None
    asked: list[Any] = field(default_factory=list)
    connection: sqlite3.Connection = field(default_factory=lambda: sqlite3.connect(":memory:"))

    def __post_init__(self) -> None:
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("CREATE TABLE plan (order_id, version, sha256)")
        self.version(2)
        self.connection.execute("INSERT INTO plan VALUES ('ORD', 1, 'first'), ('another', 3, 'of another')")

    def version(self, n: int) -> None:
        self.connection.execute("INSERT INTO plan VALUES ('ORD', ?, ?)", (n, f"plan {n}"))

    def point(self, name: str, way: str = "charge", *, port: str | None = "one", **more: Any) -> None:
        made = {"method": "diode", "detector": f"D-{name}", "expected": EXPECTED, "of": ()} | more
        self.points[name] = SimpleNamespace(id=name, asks=SimpleNamespace(way=way), port=port, **made)
        self.of.setdefault(name, CHARGES)

    def session(self) -> Session:
        steps = {f"b{n}": SimpleNamespace(measured=(name,)) for n, name in enumerate(self.points, start=1)}
        plan = SimpleNamespace(
            point_named=self.points.__getitem__, point=list(self.points.values()), version=2, source=self.source,
            step_named=steps.__getitem__,
        )  # fmt: skip
        return Session(plan)

    def select(self, name: str, **more: Any) -> Selection:
        return room.select(self.connection, self.session(), name, **more)  # type: ignore[arg-type]

    def way(self, choosing: Choosing, which: str) -> Any:
        point = choosing.point.id
        self.asked.append((which, point))
        choosing.problems += self.problems.get(point, [])
        choosing.marks |= self.marks.get(point, {})
        return self.of[point]


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    made = Case()

    def of_way(which: str) -> Any:
        return lambda choosing: made.way(choosing, which)

    def lapsed(_: Any, inventory: str, calibrations: str, point: Any, on: date, at: str) -> list[str]:
        return [f"{point.detector} by {calibrations} and {inventory} on {on}: {at}"]

    own = {
        "select_transcribed": lambda choosing: made.transcribed.get(choosing.point.id),
        "bindings": lambda _, session: made.bound if session == "S" else {},
        "is_port": lambda point: point.port is not None,
        "said_as_planned": lambda _, session: made.as_planned,
        "order_said": lambda _, session: made.order,
        "console_time": lambda _, session: made.console,
        "lapsed_detector": lapsed,
        "load": lambda _, of: {"time": f"time {of.seq:02d}"},
        "began_in": lambda choosing: None,
        "goes_on_elsewhere": lambda choosing: [],
        "as_bound": lambda plan, bound: SimpleNamespace(**vars(plan) | {"lay": bound}),
    } | {f"select_{way}": of_way(way) for way in ("charges", "thresholds", "elements", "spectrum")}  # fmt: skip
    for name, value in own.items():
        monkeypatch.setattr(room, name, value)
    yield made
    made.connection.close()


# --- by the way in which a method is measured ---


@pytest.mark.parametrize(
    ("way", "which", "of"),
    [("charge", "charges", CHARGES), ("threshold", "thresholds", OfThresholds()), ("elements", "elements", ELEMENTS),
     ("file", "spectrum", OfSpectrumFile(spectrum="ab"))],
)  # fmt: skip
def test_each_way_of_measuring_chooses_its_own_readings(case: Case, way: str, which: str, of: Any) -> None:
    case.point("P", way)
    case.of["P"] = of
    found = case.select("P")
    assert (found.of, found.parts, case.asked) == (of, None, [(which, "P")])
    assert (found.session, found.point, found.day) == ("S", "P", "2027-02-05")
    assert found.documents == DocumentsUsed(plan="plan 2", calibrations="c", inventory="i")
    assert (found.problems, found.remarks, found.bound, found.channel, found.marks) == ((), (), None, None, None)


def test_a_charge_from_a_form_goes_before_what_the_instrument_sent_and_is_held_beside_nothing(case: Case) -> None:
    case.point("P")
    case.point("Q", port="two")
    case.transcribed["P"] = OfThresholds()
    found = case.select("P")
    assert (found.of, found.beside, case.asked) == (OfThresholds(), None, [])


def test_the_mean_of_points_has_their_selections_as_its_parts(case: Case) -> None:
    case.point("R", "elements", port=None)
    case.point("L", "elements", port=None)
    case.point("M", "mean", port=None, of=("R", "L"), detector=None)
    found = case.select("M")
    assert found.parts is not None
    assert ([p.point for p in found.parts], found.of) == (["R", "L"], None)
    assert case.asked == [("elements", "R"), ("elements", "L")]


# --- a calibration that counted no more ---


def test_a_calibration_is_held_against_the_end_of_the_last_measurement(case: Case) -> None:
    case.point("P")
    case.problems["P"] = ["It broke."]
    case.marks["P"] = {"background": (ref(1), ref(9)), "measurement": (ref(11), ref(20)), "late": (ref(12), ref(13))}
    found = case.select("P")
    assert found.problems == ("It broke.", "D-P by calibrations and inventory on 2027-02-05: time 20")
    assert found.marks == case.marks["P"]
    case.point("E", detector=None)
    case.marks["E"] = case.marks["P"]
    assert case.select("E").problems == ()


# --- the plan, the console, a diode that two people have bound ---


def test_a_newer_plan_is_remarked(case: Case) -> None:
    case.point("P")
    case.version(4)
    assert case.select("P").remarks == (
        "Plan v4 came in while or after this was measured; it is held against v2, which the session began with.",
    )


def test_the_console_of_an_afterloader_is_kept_with_every_point_that_has_a_dose(case: Case) -> None:
    case.point("P", "elements")
    case.point("F", "file")
    case.console = ConsoleTime(total_s=440.6, treated_at="2026")
    assert case.select("P").console is UNSET
    case.source = "Ir-192"
    assert (case.select("P").console, case.select("F").console) == (case.console, UNSET)
    case.console = None
    assert case.select("P").console is None


def binding(point: str, channel: str = "3", instrument: str | None = None) -> Binding:
    return Binding(
        point, "D-11", "1", "D-14", channel, "Seen.", "MD-1", "MP-1", "", instrument, None, None, None
    )  # fmt: skip


def test_a_bound_diode_is_kept_with_its_channel_and_told(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def charges(choosing: Choosing) -> Any:
        seen.append((getattr(choosing.session.plan, "lay", None), getattr(choosing.as_planned, "lay", None)))
        return CHARGES

    monkeypatch.setattr(room, "select_charges", charges)
    case.point("P")
    case.point("Q", port="two")
    case.bound = {"P": binding("P")}
    lay = {"P": BoundDetector(detector="D-14", channel="3")}
    found = case.select("P")
    assert (found.bound, found.channel) == (lay, "3")
    assert found.remarks == (case.bound["P"].says,)
    other = case.select("Q", compared=False)
    assert (other.bound, other.channel, other.remarks) == (lay, None, ())
    assert seen[0] == (lay, None)
    case.point("chip", "elements", port=None)
    assert case.select("chip").bound is None, "of what is no port nothing is bound"


# --- the points that it may be exchanged with ---


def beside(case: Case, of: str = "P") -> list[str]:
    return [each.point for each in case.select(of).beside or ()]


@pytest.fixture
def ports(case: Case) -> Case:
    """Two measured ports with an expected dose."""
    case.point("P")
    case.point("Q", port="two")
    return case


def test_the_points_of_other_ports_by_the_same_method_stand_beside_it(ports: Case) -> None:
    assert beside(ports) == ["Q"]
    assert ports.select("P", compared=False).beside is None
    (other,) = ports.select("P").beside or ()
    assert other.beside is None, "of those beside it nothing stands beside"


@pytest.mark.parametrize(
    "change", [{"method": "chamber"}, {"port": None}, {"port": "one"}, {"expected": None}]
)  # fmt: skip
def test_a_point_of_another_method_or_the_same_port_or_without_expected_dose_does_not(
    ports: Case, change: dict[str, Any]
) -> None:
    ports.point("Q", **({"port": "two"} | change))
    assert beside(ports) == []
    ports.point("R", port="three")
    assert beside(ports) == ["R"], "the next one is looked at all the same"


@pytest.mark.parametrize("change", [{"expected": None}, {"port": None}])
def test_nothing_stands_beside_a_point_without_port_or_expected_dose(ports: Case, change: dict[str, Any]) -> None:
    ports.point("P", **({"port": "one"} | change))
    assert beside(ports) == []


def test_one_that_has_no_charge_itself_tells_nothing(ports: Case) -> None:
    ports.problems["Q"] = ["It broke."]
    assert beside(ports) == []
    ports.problems.clear()
    ports.transcribed["Q"] = OfThresholds()
    assert beside(ports) == []
    ports.transcribed.clear()
    failed = AttemptTaken(step="b2", role="measurement", name="measurement 2", problem="It broke.")
    ports.of["Q"] = OfCharges(attempts=(*CHARGES.attempts, failed))
    assert beside(ports) == []
    ports.point("R", port="three")
    assert beside(ports) == ["R"], "the next one is looked at all the same"


def test_two_of_which_two_people_have_said_how_they_lay_are_not_compared(ports: Case) -> None:
    ports.bound = {"P": binding("P")}
    assert beside(ports) == ["Q"], "of one alone it is not enough"
    ports.bound["Q"] = binding("Q")
    assert beside(ports) == []
    ports.bound = {"P": binding("P")}
    ports.order = {"b2": "b1"}
    assert beside(ports) == [], "the other's beam came in another order"
    ports.bound, ports.order = {}, {"b1": "b2", "b2": "b1"}
    assert beside(ports) == []
    ports.point("R", port="three")
    assert beside(ports) == ["R"]


def test_two_that_lay_as_planned_by_the_word_of_two_people_are_not_compared_and_it_is_told(ports: Case) -> None:
    said = BeamStatement("as-planned", None, "P Q", "Read again. ", "MD-1", "MP-1", "")
    ports.as_planned = {frozenset(("P", "Q")): said}
    ports.point("R", port="three")
    found = ports.select("P")
    assert [each.point for each in found.beside or ()] == ["R"]
    assert found.remarks == ("P and Q were as planned: Read again (MD-1, confirmed by MP-1).",)


# --- a beam that began in another session ---


def test_a_beam_whose_rest_alone_was_measured_here_has_its_begin_from_the_session_of_it(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.point("P")
    case.point("Q", port="two")
    case.point("chip", "elements", port=None)
    case.point("sensor", "threshold", port=None)
    case.of |= {"chip": ELEMENTS, "sensor": OfThresholds()}
    earlier = Session(case.session().plan, id="earlier")

    def began(choosing: Choosing) -> Any:
        return SimpleNamespace(session=earlier, point="P") if choosing.session.id == "S" else None

    monkeypatch.setattr(room, "began_in", began)
    found = case.select("P").began
    assert found is not None
    assert (found.session, found.point, found.began, found.beside) == ("earlier", "P", None, None)
    assert case.select("sensor").began is not None
    assert case.select("chip").began is None, "chips are not measured in a beam"


def test_a_beam_that_goes_on_in_another_session_is_a_problem_here_but_not_where_that_one_asks(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "goes_on_elsewhere", lambda choosing: [f"{choosing.point.id} goes on."])
    case.point("P")
    assert case.select("P").problems == ("P goes on.",)
    assert case.select("P", compared=False).problems == ()
