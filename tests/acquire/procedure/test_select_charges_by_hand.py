"""Which charges a point's dose is made from: its beams and their background, by hand and without a store."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from measured_by_hand import Store, attempt, given_up, in_place, ref, step, view
from msgspec import UNSET
from test_charges_by_hand import readings

from acquire.procedure.records.selection import AttemptTaken, BoundDetector, OfCharges, PreIrradiation, Ref
from acquire.procedure.results import leakage_taken
from acquire.procedure.results import select_charges as room
from acquire.procedure.results.choosing import Choosing
from acquire.procedure.session.background_seen import BackgroundSeen
from acquire.procedure.session.beam_statements import BeamStatement
from acquire.procedure.session.statements import Statement
from acquire.store import entries

BEFORE = step("bg", "background")
BEAM = step("b1", voltage_v=None)


OF_USE = BackgroundSeen(30.0, 1e-4, None)


class Charges:
    """A point with its steps, and what its session says of beams and backgrounds."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.steps = [BEFORE, BEAM]
        self.backgrounds = [attempt("m0", "bg")]
        self.seen: dict[str, BackgroundSeen | None] = {}
        self.order: dict[str, str] = {}
        self.statements: list[BeamStatement] = []
        self.said: list[Statement] = []
        self.neighbours: dict[str, str] = {}
        self.elsewhere: dict[str, Any] = {}
        self.rule: str | None = None
        self.ambient = False
        self.pre_irradiation_gy: float | None = None
        self.beside: dict[tuple[str, bool], list[dict[str, Any]]] = {}
        self.bodies: dict[int, dict[str, Any]] = {}
        self.looked: list[Any] = []
        self.ended: dict[str, str] = {}  # why a background, or the zero "z", does not hold
        self.after: list[Any] = []  # backgrounds that were measured after the beam
        self.lasted: dict[str, float] = {}
        self.at_other_voltage: float | None = None
        self.volts: str | None = None
        self.cut: str | None = None

    def there(self, marks: Any) -> dict[str, Any]:
        """Of each attempt, what another instrument's diode collected."""
        return dict.fromkeys(marks, self.elsewhere) if self.elsewhere else {}

    def choosing(self) -> Choosing:
        made = self.store.choosing(
            asks=SimpleNamespace(ambient=self.ambient), pre_irradiation_gy=self.pre_irradiation_gy
        )
        made.session.plan.background_rule = self.rule  # type: ignore[misc]
        return made

    def select(self) -> tuple[OfCharges, Choosing]:
        made = self.choosing()
        return room.select_charges(made), made


class Inputs:
    """What holds of the backgrounds and the zero of a point, by its word."""

    def __init__(self, charges: Charges) -> None:
        self.charges = charges

    def made(self, kind: str, beam: Any) -> list[Any]:
        zeros = [attempt("z", "zero")] if "z" in self.charges.ended else []
        return zeros if kind == "zero" else [a for a in self.charges.backgrounds if a not in self.charges.after]

    def ended(self, made: Any, beam: Any) -> str | None:
        return self.charges.ended.get(made.measurement)

    def holding_after(self, beam: Any) -> list[Any]:
        return self.charges.after

    def at_other_voltage(self, made: Any, beam: Any) -> float | None:
        return self.charges.at_other_voltage

    def voltage_stop(self, beam: Any) -> str | None:
        return self.charges.volts


@pytest.fixture
def charges(monkeypatch: pytest.MonkeyPatch) -> Iterator[Charges]:
    for store in in_place(monkeypatch):
        made = Charges(store)
        store.attempts = [attempt("m0", "bg"), attempt("m1")]

        def background(plan: Any, point: Any, beam: str, inventory: Any, made: Charges = made) -> Any:
            made.looked.append((plan, point.id, beam))
            return next((s for s in made.store.steps if s.kind == "background"), None)

        def beside(_: Any, stream: str, seq: int, *, before: bool, most: int, made: Charges = made) -> Any:
            return made.beside.get((f"{stream} {seq}", before), [])[:most]

        def by_marks(_: Any, others: Any, marks: Any) -> Any:
            return {name: dict.fromkeys(others.values(), refs) for name, refs in marks.items()}

        of_leakage = {
            "background_before": background,
            "measured_backgrounds": lambda _, session, of, on, made=made: [
                a for a in made.backgrounds if (a.step, a.instrument) == (of, on)
            ],
            "seen": lambda _, session, point, of, made=made: made.seen.get(of.measurement, OF_USE),
            "lasted_s": lambda _, of, point, made=made: made.lasted.get(of.measurement, 10.0),
            "long_enough": lambda _, of, point, beam_s, made=made: [
                a for a in of if made.lasted.get(a.measurement, 30.0) >= beam_s
            ],
        }  # fmt: skip
        for name, value in of_leakage.items():
            monkeypatch.setattr(leakage_taken, name, value)
        own = {
            "Inputs": lambda _, session, made=made: Inputs(made),
            "cut_off_in": lambda _, session, of, made=made: made.cut,
            "order_said": lambda _, session, made=made: made.order,
            "beam_statements": lambda _, session, what, made=made: [s for s in made.statements if s.what == what],
            "statements": lambda _, session, made=made: made.said,
            "neighbours": lambda session, point, made=made: made.neighbours,
            "readings_of": by_marks,
            "elsewhere": lambda _, session, point, marks, made=made: made.there(marks),
            "load": lambda _, of, made=made: made.bodies.get(of.seq) or readings((0, 0.0))[0],
        }  # fmt: skip
        for name, value in own.items():
            monkeypatch.setattr(room, name, value)
        monkeypatch.setattr(room.ambient_conditions, "entries", lambda _, session: ["air of " + session])
        monkeypatch.setattr(entries, "beside", beside)
        monkeypatch.setattr(entries, "decoded", lambda stream, body: body)
        yield made


def taken(name: str = "b1", role: str = "measurement", as_: str | None = None, **more: Any) -> AttemptTaken:
    return AttemptTaken(step=name, role=role, name=as_ or role, **more)


# --- one beam and its background ---


def test_a_diode_has_its_beam_and_the_background_before_it(charges: Charges) -> None:
    found, choosing = charges.select()
    assert found == OfCharges(attempts=(taken(),), integrates="running", air=(), pre_irradiation=UNSET)
    assert choosing.measurements == {"measurement": "m1", "background": "m0"}
    assert (choosing.problems, choosing.remarks) == ([], [])
    assert charges.looked == [(choosing.session.plan, "B1", "b1")]


def test_what_is_asked_of_a_point_is_in_its_choice(charges: Charges) -> None:
    charges.ambient, charges.pre_irradiation_gy = True, 2.0
    found, _ = charges.select()
    assert (found.air, found.pre_irradiation) == (("air of S",), None)
    charges.said = [
        Statement("pre-irradiated", None, "D-11", "warmed up", "MD-1", value=2.5),
        Statement("pre-irradiated", None, "D-12", "another", "MD-1", value=9.0),
    ]
    assert charges.select()[0].pre_irradiation == PreIrradiation(gy=2.5, reason="warmed up")


def test_a_point_without_an_irradiation_has_no_dose(charges: Charges) -> None:
    charges.ambient = True
    charges.store.steps = [BEFORE, step("other", "irradiate", None, "B9"), step("p", "polarity")]
    found, choosing = charges.select()
    assert choosing.problems == ["B1 has no irradiation planned; one is needed for its dose."]
    assert found == OfCharges(air=("air of S",), pre_irradiation=UNSET)  # type: ignore[arg-type]


def test_a_beam_that_was_not_measured_or_broke_is_a_problem_where_it_is_the_only_one(charges: Charges) -> None:
    charges.store.attempts = []
    found, choosing = charges.select()
    assert choosing.problems == ["Step b1 was not measured."]
    assert found.attempts == (taken(problem="Step b1 was not measured."),)
    charges.store.attempts = [attempt("m1")]
    charges.store.views = {"m1": view("m1", state="broken", reason="lost")}
    assert charges.select()[1].problems == ["The measurement of b1 is broken: lost."]


# --- several attempts, polarity and voltage ---


def chamber(charges: Charges) -> None:
    charges.store.steps = [
        BEFORE, step("b1", voltage_v=300.0), step("b2", voltage_v=300.0), step("p1", "polarity", voltage_v=-300.0),
        step("r1", "recombination", voltage_v=100.0), step("r2", "recombination", voltage_v=100.0),
        step("zero", "zero", voltage_v=1.0), step("b9", "irradiate", None, "B9", voltage_v=5.0),
    ]  # fmt: skip
    charges.store.attempts = [attempt(f"m-{s.id}", s.id) for s in charges.store.steps]


def test_every_attempt_has_its_name_and_what_was_measured_before_its_voltage_was_changed(charges: Charges) -> None:
    chamber(charges)
    found, choosing = charges.select()
    assert found.attempts == (
        taken("b1"), taken("b2", as_="measurement 2"), taken("p1", "polarity", changed_after="measurement 2"),
        taken("r1", "recombination", changed_after="polarity"), taken("r2", "recombination", "recombination 2"),
    )  # fmt: skip
    assert set(choosing.marks) == {a.name for a in found.attempts} | {"background"}


def test_one_of_several_beams_that_failed_is_the_attempt_s_own_problem_and_changes_no_voltage(charges: Charges) -> None:
    chamber(charges)
    charges.store.attempts = [a for a in charges.store.attempts if a.step not in ("b2", "p1")]
    found, choosing = charges.select()
    assert choosing.problems == []
    assert found.attempts[1:4] == (
        taken("b2", as_="measurement 2", problem="Step b2 was not measured."),
        taken("p1", "polarity", problem="Step p1 was not measured."),
        taken("r1", "recombination", changed_after="measurement"),
    )
    charges.elsewhere = {"D-14": (ref(3),)}
    found, _ = charges.select()
    assert found.elsewhere is not None
    assert set(found.elsewhere) == {"measurement", "recombination", "recombination 2"}


# --- a beam with its rest; a beam that came in another step ---


def interrupted(charges: Charges) -> None:
    charges.store.rests = {"m2": BeamStatement("rest", "b1", "m2", "Door opened.", "MD-1", "MP-1", "")}
    charges.store.attempts = [attempt("m0", "bg"), given_up("m1", beam=True), attempt("m2")]


def test_the_rest_of_an_interrupted_beam_is_taken_with_it(charges: Charges) -> None:
    interrupted(charges)
    found, choosing = charges.select()
    assert found.attempts == (taken(rests=("measurement, rest 1",)),)
    assert choosing.measurements == {"measurement": "m1", "measurement, rest 1": "m2", "background": "m0"}
    assert len(choosing.remarks) == 1
    charges.store.views = {"m1": view("m1", state="broken", reason="lost")}
    found, choosing = charges.select()
    assert choosing.problems == ["The measurement of b1 is broken: lost."]
    assert "measurement, rest 1" not in choosing.measurements


def order(name: str, came: str, reason: str = "Seen on the console.") -> BeamStatement:
    return BeamStatement("order", name, came, reason, "MD-1", "MP-1", "")


def test_a_beam_that_came_during_another_step_is_taken_from_there_and_the_last_word_is_told(charges: Charges) -> None:
    charges.order = {"b1": "b2"}
    charges.store.attempts = [attempt("m1"), attempt("m2", "b2")]
    charges.statements = [order("b1", "b3"), order("b1", "b2", "Looked again."), order("b9", "b8")]
    found, choosing = charges.select()
    assert choosing.measurements["measurement"] == "m2"
    assert found.attempts == (taken(),)
    assert choosing.remarks == ["The beam of b1 came during b2: Looked again (MD-1, confirmed by MP-1)."]
    charges.statements = [order("b1", "b2")]
    assert len(charges.select()[1].remarks) == 1
    charges.store.channel = "3"
    assert charges.select()[1].readings["measurement"] == (Ref(stream="s 3", seq=10, digest="20"),)


# --- the background ---


NONE = "B1 has no background measured with D-11 before its beam."


def test_without_a_background_before_its_beam_a_point_has_no_dose(charges: Charges) -> None:
    charges.backgrounds = []
    assert charges.select()[1].problems == [NONE]
    charges.backgrounds = [attempt("m0", "bg", "el-2"), attempt("m0", "bg-of-another")]
    assert charges.select()[1].problems == [NONE], "on another instrument, or in another step"
    charges.store.steps = [BEAM]
    found, choosing = charges.select()
    assert (choosing.problems, found.integrates) == ([NONE], "running")


def test_a_background_that_broke_is_a_problem_of_the_point(charges: Charges) -> None:
    charges.store.views = {"m0": view("m0", state="broken", reason="lost")}
    assert charges.select()[1].problems == ["The background of bg is broken: lost."]


@pytest.mark.parametrize(
    ("rule", "of_no_use", "counts"),
    [(None, set(), "m03"), ("last-valid", set(), "m03"), ("last-valid", {"m03"}, "m02"), ("first-valid", set(), "m01"),
     ("first-valid", {"m01"}, "m02"), ("first-valid", {"m01", "m02", "m03"}, "m03"),
     ("last-valid", {"m01", "m02", "m03"}, "m03")],
)  # fmt: skip
def test_of_several_backgrounds_the_rule_of_the_plan_says_which_and_all_are_told(
    charges: Charges, rule: str | None, of_no_use: set[str], counts: str
) -> None:
    names = ("m01", "m02", "m03")
    charges.rule = rule
    charges.backgrounds = [attempt(name, "bg") for name in names]
    charges.seen = {name: BackgroundSeen(9.0, 0.0, "it was too short.") for name in of_no_use}
    _, choosing = charges.select()
    assert (choosing.measurements["background"], choosing.problems) == (counts, [])
    told = [
        f"{n}: {'it was too short' if m in of_no_use else '30.0 s, 0.1 pC/s'}" for n, m in enumerate(names, start=1)
    ]
    assert choosing.remarks == [
        f"bg was measured 3 times ({'; '.join(told)}); by the rule {rule or 'last-valid'}, which the plan fixed"
        f" beforehand, number {names.index(counts) + 1} counts."
    ]


def test_a_background_that_is_not_confirmed_yet_is_not_counted_as_one_of_use(charges: Charges) -> None:
    charges.backgrounds = [attempt("m01", "bg"), attempt("m02", "bg")]
    charges.seen = {"m02": None}
    _, choosing = charges.select()
    assert choosing.measurements["background"] == "m01"
    assert "2: not confirmed yet" in choosing.remarks[0]
    charges.seen = {"m01": BackgroundSeen(0.0, 0.0, "it is of channel X.")}
    assert "(1: it is of channel X; 2: 30.0 s" in charges.select()[1].remarks[0]


def test_a_background_of_several_points_is_read_on_the_point_s_own_channel(charges: Charges) -> None:
    charges.store.channel, charges.store.beside = "3", {"el-1": ("B1", "B2")}
    _, choosing = charges.select()
    assert {refs[0].stream for refs in choosing.readings.values()} == {"s 3"}


def test_a_background_or_a_zero_that_had_ended_is_the_beam_s_own_problem(charges: Charges) -> None:
    charges.ended = {"m0": "it is 300 min old"}
    found, choosing = charges.select()
    said = "The leakage of B1 (bg) did not hold for b1: it is 300 min old."
    assert (found.attempts, choosing.problems) == ((taken(problem=said),), [said])
    assert choosing.measurements["background"] == "m0", "named all the same"
    charges.ended = {"z": "a cable was changed"}
    assert charges.select()[1].problems == ["The zero of B1 (zero) did not hold for b1: a cable was changed."]
    charges.ended, charges.volts = {}, "el-1 says 200 V."
    assert charges.select()[1].problems == ["el-1 says 200 V."]


def test_of_backgrounds_one_that_holds_counts_and_one_of_another_voltage_is_named_alone(charges: Charges) -> None:
    charges.rule, charges.at_other_voltage = "last-valid", 300.0
    charges.backgrounds = [attempt("m01", "bg"), attempt("m02", "bg")]
    charges.ended = {"m02": "a cable was changed"}
    found, choosing = charges.select()
    assert (choosing.measurements["background"], choosing.problems) == ("m01", [])
    assert found.attempts == (taken(named_only=True),)


def test_a_background_that_was_measured_after_a_longer_beam_counts_for_it(charges: Charges) -> None:
    charges.backgrounds = [attempt("m0", "bg"), attempt("m9", "bg")]
    charges.after, charges.lasted = [charges.backgrounds[1]], {"m0": 30.0, "m1": 42.0, "m9": 47.0}
    _, choosing = charges.select()
    assert choosing.measurements["background"] == "m9"
    assert choosing.remarks == [
        "b1 was measured for 42.0 s, for longer than bg before it; that which was measured after it, with nothing"
        " changed in between, counts."
    ]
    charges.lasted["m1"] = 20.0
    assert charges.select()[1].measurements["background"] == "m0", "that before it is long enough"
    charges.lasted = {"m0": 30.0, "m1": 42.0, "m9": 41.0}
    assert charges.select()[1].measurements["background"] == "m0", "neither is"


# --- how the instrument adds up ---


def force(integrates: str) -> Any:
    return SimpleNamespace(integrates=integrates)


def test_background_and_beam_that_added_up_differently_are_not_compared(charges: Charges) -> None:
    charges.store.attempts = [attempt("m1", in_force=force("reset"))]
    _, choosing = charges.select()
    assert choosing.problems == ["el-1 integrated running and then reset: its charges cannot be compared."]
    charges.backgrounds = [attempt("m0", "bg", in_force=force("reset"))]
    found, choosing = charges.select()
    assert (found.integrates, choosing.problems) == ("reset", [])


def test_where_it_was_not_written_down_at_the_begin_it_is_as_the_inventory_has_it_and_is_not_kept(
    charges: Charges,
) -> None:
    charges.store.attempts = [attempt("m1", in_force=None)]
    charges.backgrounds = [attempt("m0", "bg", in_force=None)]
    found, choosing = charges.select()
    assert (found.integrates, choosing.problems) == (UNSET, [])
    charges.store.attempts = [attempt("m1", in_force=force("reset"))]
    assert charges.select()[0].integrates == "reset"


# --- other ports' diodes, and one that lay across ---


def test_the_diodes_of_other_ports_on_the_instrument_are_kept_beside_each_attempt(charges: Charges) -> None:
    assert charges.select()[0].neighbours is None
    charges.neighbours = {"2": "D-14"}
    found = charges.select()[0].neighbours
    assert found == {"measurement": {"D-14": (ref(10), ref(20))}}


def test_a_diode_of_another_instrument_has_the_background_of_the_port_that_it_was_planned_for(
    charges: Charges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acquire.procedure.results.choosing.readings_of", lambda _, lay: (ref(1, lay.stream),))
    lay = BoundDetector(detector="D-14", channel="1", instrument="el-2", stream="s2", first_seq=1, last_seq=9)
    charges.store.bound = {"B1": lay}
    other = SimpleNamespace(id="B2", detector="D-14", instrument="el-2", channel=None)
    twin = SimpleNamespace(id="B3", detector="D-14", instrument="el-3", channel=None)
    charges.store.other_points = (twin, other)
    charges.store.steps = [BEFORE, BEAM, step("b3", "irradiate", None, "B3"), step("p2", "polarity", None, "B2"),
                           step("b2", "irradiate", None, "B2")]  # fmt: skip
    charges.neighbours = {"2": "D-12"}
    charges.store.attempts = [attempt("m1", in_force=force("reset"))]
    charges.store.beside = {"el-1": ("B1", "B2")}
    found, choosing = charges.select()
    assert charges.looked == [(choosing.as_planned, "B2", "b2")]
    assert (found.neighbours, choosing.problems) == (None, [])
    assert choosing.readings["measurement"] == (ref(1, "s2"),)
    assert choosing.readings["background"] == (Ref(stream="s 1", seq=10, digest="20"),)
    assert found.integrates == "running", "as its own instrument did in the background"
    assert found.attempts == (taken(),)


# --- what was collected at the markers ---


def outside(charges: Charges, *, before: Any = (), after: Any = (), channel: str | None = None) -> str | None:
    """What is said of a beam of 1000 nC with these entries before its first reading and behind its last one."""
    inside = readings((10, 0.0), (20, 1000.0))
    charges.bodies = {11: inside[0], 12: inside[1]}
    charges.beside = {("s 11", True): list(before), ("s 12", False): list(after)}
    return room._outside(None, (ref(11), ref(12)), channel)  # type: ignore[arg-type]


MARKER = {"kind": "marker"}


def scalar(t: float, q: float, **more: Any) -> dict[str, Any]:
    return {"kind": "scalar", **readings((t, q))[0], **more}


def test_a_beam_that_was_on_at_a_marker_is_seen_by_the_reading_beyond_it(charges: Charges) -> None:
    assert outside(charges) is None
    early, late = (
        outside(charges, before=[MARKER, scalar(5, -50.0)]),
        outside(charges, after=[MARKER, scalar(25, 1050.0)]),
    )
    assert early is not None
    assert late is not None
    assert early.endswith("the beam was on at its begin.")
    assert late.endswith("the beam was on at its end.")
    assert outside(charges, before=[scalar(5, -50.0), scalar(4, -60.0)]) is None, "no marker stands between them"
    assert outside(charges, before=[MARKER, MARKER]) is None
    assert outside(charges, before=[MARKER]) is None
    assert room._outside(None, (), None) is None  # type: ignore[arg-type]


def test_on_an_instrument_with_channels_the_next_reading_of_the_same_one_is_looked_for(charges: Charges) -> None:
    of_others = [scalar(6, 0.0, channel="2")] * 3
    own = [MARKER, *of_others, scalar(5, -50.0, channel="1"), scalar(4, -60.0, channel="1")]
    assert outside(charges, before=own, channel="1") is not None
    assert outside(charges, before=own, channel="3") is None
    assert outside(charges, before=[{**MARKER, "channel": "2"}, *own[1:]], channel="1") is None
    assert outside(charges, before=own) is None, "the next reading shows no charge"
    far = [MARKER, *[scalar(6, 0.0, channel="2")] * 49, scalar(5, -50.0, channel="1")]
    assert outside(charges, before=far[:1] + far[2:], channel="1") is not None, "the fiftieth entry"
    assert outside(charges, before=far, channel="1") is None, "further ones are not looked at"


def test_only_of_an_instrument_that_adds_up_all_the_time_it_is_looked_at(charges: Charges) -> None:
    inside = readings((10, 0.0), (20, 1000.0))
    charges.bodies = {11: inside[0], 12: inside[1]}
    charges.beside = {("s 11", True): [MARKER, scalar(5, -50.0)]}
    charges.backgrounds = []
    (problem,) = [p for p in charges.select()[1].problems if p != NONE]
    assert problem.startswith("50 nC were collected before the first reading of the measurement")
    charges.store.attempts = [attempt("m1", in_force=force("reset"))]
    assert charges.select()[1].problems == [NONE]
    charges.cut = "the charge rose until it was held"
    assert charges.select()[1].problems == ["b1: the charge rose until it was held", NONE]
    charges.cut = None
    charges.store.attempts = [attempt("m1", in_force=None)]
    assert charges.select()[1].problems == [NONE]
