"""From readings to the charges of a point, without a store: by hand."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from acquire import dosimetry as d
from acquire.errors import Refused
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.collected_charge import Charge, Invalid, collected, collected_outside, curve, in_nc
from acquire.procedure.records.record import of_plain, plain
from acquire.procedure.records.selection import AttemptTaken, OfCharges, Selection, selection_of
from acquire.procedure.results import point_charges, waiting_time
from acquire.procedure.results.preparing import Preparing

HOUR = timedelta(hours=1)


def readings(*pairs, unit="nC", **more):
    return [{"quantity": "charge", "unit": unit, "elapsed_s": float(t), "value": q, **more} for t, q in pairs]


def point(method="diode", **more) -> Point:
    return Point.model_construct(id="P1", method=method, instrument="electrometer-1", detector="D-1", **more)


BACKGROUND = readings((0, 0.0), (10, 0.0), (20, 0.0))


def attempt(step, role="measurement", name=None, **more):
    return {"step": step, "role": role, "name": name or step, **more}


def selected(flat) -> Selection:
    """A selection with nothing but these references; a reference is its stream alone."""
    readings = {
        name: [{"seq": 1, "digest": "00", **ref} for ref in refs] for name, refs in flat.get("readings", {}).items()
    }
    documents = {"plan": "p", "calibrations": "c", "inventory": "i"}
    head = {"session": "S", "point": "P1", "day": "2027-02-01", "documents": documents, "problems": [], "remarks": []}
    return selection_of(head | {"readings": readings, "attempts": [], "air": []})


def preparing(flat, of, bodies, marks) -> Preparing:
    """What charges are made in; no store and no documents are asked."""
    return Preparing(None, selected(flat), None, of, bodies, marks, [], [])  # type: ignore[arg-type]


def charges(flat, of, bodies, marks, integrates="running"):
    """The charges as they would be stored."""
    taken = of_plain({name: value for name, value in flat.items() if name != "readings"}, OfCharges)
    found = point_charges.charges(preparing(flat, of, bodies, marks), taken, integrates, HOUR)
    return {} if found is None else plain(found)


def made(attempts, bodies, selected=None, of=None, background=BACKGROUND, marks=None):
    flat = {"attempts": attempts, "readings": {}} | (selected or {})
    return charges(flat, of or point(), {"background": background} | bodies, marks or {})


def must_have_settled(attempt, of, flat, bodies, marks) -> None:
    waiting_time.must_have_settled(of_plain(attempt, AttemptTaken), preparing(flat, of, bodies, marks))


def unheld(flat, of):
    taken = of_plain({name: value for name, value in flat.items() if name != "readings"}, OfCharges)
    return waiting_time.unheld(selected(flat), taken, of)


# --- one measurement ---


def test_units_of_charge_and_what_is_none() -> None:
    assert [in_nc(2.0, unit) for unit in ("C", "mC", "uC", "nC", "pC")] == [2e9, 2e6, 2e3, 2.0, 2e-3]
    with pytest.raises(Invalid, match="The unit 'Gy' is no charge; allowed are C, mC, uC, nC, pC"):
        in_nc(1.0, "Gy")


def test_two_readings_at_one_time_are_enough_and_other_quantities_do_not_count() -> None:
    other = {"quantity": "current", "unit": "A", "elapsed_s": 1.0, "value": 5.0, "flags": ["overload"]}
    valueless = {"quantity": "charge", "unit": "nC", "elapsed_s": 1.0}
    harmless = readings((3, 4.0), flags=["ranging"])
    assert curve([*readings((2, 1.0)), other, valueless, *harmless]) == ([2.0, 3.0], [1.0, 4.0])
    assert curve(readings((2, 1.0), (2, 1.5)))[0] == [2.0, 2.0]
    twice = [{**readings((1, 1.0))[0], "flags": ["busy", "overload"]}, *readings((2, 2.0), flags=["busy"])]
    with pytest.raises(Invalid, match="flagged busy, overload during"):
        curve(twice)


def test_an_integral_that_began_two_seconds_before_was_reset() -> None:
    assert collected(readings((2, 1.0), (9, 5.0)), "reset") == Charge(5.0, 9.0)
    assert collected(readings((2, 1.0), (9, 5.0)), "running") == Charge(4.0, 7.0)
    with pytest.raises(Invalid, match=r"began 2\.1 s before"):
        collected(readings((2.1, 1.0), (9, 5.0)), "reset")


def at_begin(inside: list[dict[str, Any]], at: float, nc: float, **more: Any) -> str | None:
    """What is said of a measurement with this reading before its begin marker."""
    return collected_outside(inside, readings((at, nc), **more)[0], None)


def at_end(inside: list[dict[str, Any]], at: float, nc: float, **more: Any) -> str | None:
    """What is said of a measurement with this reading behind its end marker."""
    return collected_outside(inside, None, readings((at, nc), **more)[0])


def test_charge_collected_outside_the_markers_is_noticed_beyond_half_a_percent() -> None:
    inside = readings((10, 0.0), (20, 1000.0))
    assert collected_outside(inside, None, None) is None
    for at, nc in ((5, -5.0), (5, 3.0), (0, -10.0)):  # 0.5 % in 5 s may leak
        assert at_begin(inside, at, nc) is None
    for at, nc in ((25, 1005.0), (25, 900.0), (50, 1030.0)):
        assert at_end(inside, at, nc) is None
    for silent in (*readings((5, -50.0), unit="Gy"), *readings((5, -50.0), quantity="current"),
                   {"quantity": "charge", "unit": "nC", "elapsed_s": 5.0},
                   {"quantity": "charge", "unit": "nC", "value": -50.0}):  # fmt: skip
        assert collected_outside(inside, silent, None) is None
    begin = "50 nC were collected before the first reading of the measurement, beside 1000 nC in it: the beam was on at"
    assert at_begin(inside, 5, -50.0) == f"{begin} its begin."
    assert at_begin(inside, 10, -50.0) == f"{begin} its begin."
    after = collected_outside(inside, readings((5, -1.0))[0], readings((25, 1006.0))[0])
    assert after is not None
    assert after.startswith("6 nC were collected after the last reading")
    assert after.endswith("at its end.")
    assert at_begin(inside, 0, -10.1) is not None
    assert at_end(inside, 50, 1030.1) is not None
    assert at_end(inside, 320, 1500.0) is not None
    falling = readings((10, 0.0), (20, -1000.0))
    assert at_end(falling, 25, -1050.0) is not None
    assert at_end(falling, 25, -950.0) is None
    assert at_end(readings((1, 1.0)), 2, 9.0) is None


def test_a_reading_of_a_clock_that_began_anew_says_nothing_of_the_other_end() -> None:
    inside = readings((100, 50.0), (110, 65.0))
    assert at_end(inside, 1, 0.0) is None
    assert at_end(inside, 109, 90.0) is None
    assert at_begin(inside, 500, 20.0) is None
    assert at_begin(inside, 99, 20.0) is not None


# --- the attempts of a point ---


def test_a_single_attempt_less_its_leakage() -> None:
    drifting = readings((0, 0.0), (10, 0.02), (20, 0.02))  # 0.001 nC/s by least squares
    found = made([attempt("beam")], {"beam": readings((100, 1.0), (110, 6.0))}, background=drifting)
    assert found["background"]["nc"] == pytest.approx(0.02)
    assert found["background"]["time_s"] == 20.0
    assert found["background"]["nc_per_s"] == pytest.approx(0.001)
    u, dof = d.slope_u([0.0, 10.0, 20.0], [0.0, 0.02, 0.02])
    assert (found["background"]["u_nc_per_s"], found["background"]["dof"]) == (u, dof)
    assert found["charge"] == {
        "nc": pytest.approx(4.99), "gross_nc": 5.0, "time_s": 10.0, "leakage_nc": pytest.approx(0.01),
        "leakage_percent": pytest.approx(0.2), "subtracted": True,
    }  # fmt: skip
    assert set(found) == {"background", "charge"}


def test_without_a_background_there_are_no_charges() -> None:
    assert charges({"attempts": []}, point(), {}, {}) == {}


def test_how_the_instrument_added_up_must_be_known() -> None:
    bodies = {"background": BACKGROUND, "beam": readings((1, 3.0), (9, 5.0))}
    taken = {"attempts": [attempt("beam")]}
    with pytest.raises(Refused, match="how electrometer-1 added up when P1 was measured"):
        charges(taken, point(), bodies, {}, integrates=None)
    assert charges(taken, point(), bodies, {}, integrates="reset")["charge"]["nc"] == 5.0
    assert charges(taken, point(), bodies, {}, integrates="running")["charge"]["nc"] == 2.0


def test_a_background_as_long_as_the_measurement_is_long_enough() -> None:
    beam = {"beam": readings((0, 0.0), (20, 5.0))}
    assert made([attempt("beam")], beam)["charge"]["time_s"] == 20.0
    with pytest.raises(Invalid, match=r"The background lasted 20\.0 s, the measurement 20\.5 s"):
        made([attempt("beam")], {"beam": readings((0, 0.0), (20.5, 5.0))})


THREE = {"a": readings((0, 0.0), (10, 4.0)), "b": readings((0, 0.0), (12, 6.0)), "c": readings((0, 0.0), (8, 5.0))}


@pytest.mark.parametrize(
    ("rule", "nc", "used", "time_s"),
    [(None, 5.0, ["a", "b", "c"], 12.0),
     ("mean-of-valid", 5.0, ["a", "b", "c"], 12.0), ("first-valid", 4.0, ["a"], 10.0),
     ("last-valid", 5.0, ["c"], 8.0)],
)  # fmt: skip
def test_several_attempts_by_their_rule(rule, nc, used, time_s) -> None:
    found = made([attempt(step) for step in "abc"], THREE, of=point(attempt_rule=rule))["charge"]
    assert (found["nc"], found["gross_nc"], found["used"], found["time_s"]) == (nc, nc, used, time_s)
    assert (found["rule"], found["repeats"]) == (rule or "mean-of-valid", len(used))
    assert [each["step"] for each in found["attempts"]] == ["a", "b", "c"]
    assert found["left_out"] == [[step, f"not counted by the rule {rule}"] for step in "abc" if step not in used]
    scatter = 100 * 1.0 / math.sqrt(3) / 5.0
    assert found["sem_percent"] == (pytest.approx(scatter) if len(used) == 3 else None)
    assert found["subtracted"] is False
    assert "step" not in found


def test_an_attempt_that_is_not_valid_is_left_out_with_its_reason() -> None:
    bodies = {**THREE, "b": readings((0, 0.0), (12, 6.0), flags=["overload"])}
    found = made([attempt(step) for step in "abc"], bodies)["charge"]
    assert (found["nc"], found["used"]) == (4.5, ["a", "c"])
    assert found["left_out"] == [["b", "The instrument flagged overload during the measurement: no value."]]
    said = [attempt("a"), attempt("b", problem="Two people left it out."), attempt("e")]
    found = made(said, THREE)["charge"]
    assert found["left_out"] == [["b", "Two people left it out."], ["e", "It was not measured."]]
    assert found["nc"] == 4.0


def test_where_no_attempt_is_valid_there_is_no_charge_and_each_reason_stands_once() -> None:
    with pytest.raises(Invalid, match=r"^It was not measured\.$"):
        made([attempt("a")], {})
    with pytest.raises(
        Invalid,
        match=r"^No attempt of this measurement is valid, and none is estimated\. a, c: It was not measured\. b: Bro",
    ):
        made([attempt("a"), attempt("b", problem="Broken."), attempt("c")], {})


# --- a chamber: polarity, lower voltage, air ---


def air(n, minute, t=20.0, p=101.325):
    return {"n": n, "temperature_c": t, "pressure_kpa": p, "humidity_percent": None, "source": "room",
            "at": f"2027-02-01T12:{minute:02d}:00+00:00"}  # fmt: skip


def at(minute):
    return [f"2027-02-01T12:{minute:02d}:00+00:00", f"2027-02-01T12:{minute + 1:02d}:00+00:00"]


def test_the_three_charges_of_a_chamber_are_brought_to_one_air() -> None:
    attempts = [attempt("beam"), attempt("minus", "polarity"), attempt("low", "recombination")]
    bodies = {
        "beam": readings((0, 0.0), (10, 10.0)), "minus": readings((0, 0.0), (10, -10.0)),
        "low": readings((0, 0.0), (10, 9.9)),
    }  # fmt: skip
    entered = {"air": [air(1, 0), air(2, 30, p=101.0)]}
    found = made(
        attempts, bodies, entered, point("chamber", protocol="trs398"),
        marks={"beam": at(1), "minus": at(5), "low": at(29)},
    )  # fmt: skip
    assert set(found) == {"background", "charge", "opposite", "reduced", "environment"}
    assert (found["environment"]["n"], found["environment"]["step"], found["environment"]["minutes"]) == (
        1,
        "beam",
        1.0,
    )
    assert (found["charge"]["nc"], found["opposite"]["nc"]) == (10.0, -10.0)
    assert "brought" not in found["charge"]
    # at 101.0 kPa less was collected: in the air of the beam it would have been more
    assert found["reduced"]["nc"] == pytest.approx(9.9 * 101.325 / 101.0)
    assert found["reduced"]["gross_nc"] == 9.9
    assert found["reduced"]["brought"]["to"] == "beam"
    assert "air" not in made(attempts[:1], bodies)["charge"]


def test_the_air_is_that_of_the_first_attempt_that_counts() -> None:
    bodies = {"a": readings((0, 0.0), (10, 10.0), flags=["overload"]), "b": readings((0, 0.0), (10, 10.0))}
    entered = {"air": [air(1, 0), air(2, 30, p=101.0)]}
    found = made([attempt("a"), attempt("b")], bodies, entered, point("chamber", protocol="trs398"),
                 marks={"a": at(1), "b": at(29)})  # fmt: skip
    assert (found["environment"]["n"], found["environment"]["step"]) == (2, "b")
    assert found["charge"]["nc"] == 10.0


# --- the wait after a change of the voltage ---

CHANGED = attempt("low", "recombination", changed_after="beam")
SETTLING = Point.model_construct(id="P1", method="chamber", settle_s=300.0)
ONE = {"readings": {"beam": [{"stream": "s"}], "low": [{"stream": "s"}]}}


def clocks(time_s: float, monotonic_s: float):
    return {"time": f"2027-02-01T12:{int(time_s // 60):02d}:{time_s % 60:06.3f}+00:00", "monotonic_s": monotonic_s}


def settled(before_s, after_s, monotonic_s, selection=ONE, changed=CHANGED, of=SETTLING):
    """Markers and readings beside them at the same moments."""
    bodies = {"beam": [clocks(before_s, 1000.0)], "low": [clocks(after_s, 1000.0 + monotonic_s)]}
    marks = {
        "beam": ["2027-02-01T12:00:00+00:00", clocks(before_s, 0)["time"]],
        "low": [clocks(after_s, 0)["time"], ""],
    }
    must_have_settled(changed, of, selection, bodies, marks)


def test_a_wait_as_long_as_asked_counts_and_a_shorter_one_does_not() -> None:
    settled(60, 360, 300.0)
    with pytest.raises(d.Blocked, match="299 s after the voltage change; it counts only after 300 s"):
        settled(60, 359, 299.0)
    settled(60, 70, 10.0, changed=attempt("low"))
    settled(60, 70, 10.0, of=Point.model_construct(id="P1", method="chamber", settle_s=None))


def test_the_shortest_wait_that_a_step_of_the_clock_leaves_is_what_counts() -> None:
    with pytest.raises(d.Blocked, match=r"set forward by 200 s .* the wait was 200 s or 400 s, and .* after 300 s"):
        settled(60, 460, 200.0)
    with pytest.raises(d.Blocked, match=r"set back by 100 s .* the wait was 250 s or 350 s"):
        settled(60, 310, 350.0)
    settled(60, 460.4, 400.0)  # less than half a second is a clock that is slewed
    settled(60, 460, 300.0)
    apart = {"readings": {"beam": [{"stream": "s"}], "low": [{"stream": "t"}]}}
    settled(60, 460, 200.0, selection=apart)


def test_a_wait_between_two_streams_is_remarked_on() -> None:
    selection = {
        "attempts": [attempt("beam"), CHANGED],
        "readings": {"beam": [{"stream": "s"}], "low": [{"stream": "t"}]},
    }
    (said,) = unheld(selection, SETTLING)
    assert said.startswith("How long the voltage had settled before low is by the host's calendar clock alone")
    assert unheld({**selection, **ONE}, SETTLING) == []
    assert unheld(selection, Point.model_construct(id="P1", method="chamber", settle_s=None)) == []
    assert unheld({**selection, "readings": {"beam": [{"stream": "s"}]}}, SETTLING) == []
    assert unheld({**selection, "readings": {"low": [{"stream": "s"}]}}, SETTLING) == []


def test_charge_beside_a_measurement_that_is_not_from_zero_and_beside_readings_that_say_nothing() -> None:
    inside = readings((10, 100.0), (20, 300.0))
    for silent in (*readings((5, 0.0), unit="Gy"), {"quantity": "charge", "unit": "nC", "value": 0.0}):
        assert collected_outside(inside, silent, readings((25, 301.5))[0]) is not None
    assert at_end(inside, 25, 301.0) is None  # half a percent of 200 nC
    assert at_begin(inside, 5, 98.5) is not None
    three = readings((10, 0.0), (15, 50.0), (20, 100.0))
    assert at_end(three, 13, 200.0) is None
    assert at_end(three, 24, 101.0) is not None
    small = readings((10, 0.0), (20, 0.5))
    assert at_end(small, 25, 0.51) is not None
    middle = collected(readings((1, 1.0), (5, 3.0), (9, 5.0)), "reset")
    assert middle == Charge(5.0, 9.0)


def test_a_reading_too_soon_after_a_change_of_voltage_has_no_charge() -> None:
    attempts = [attempt("beam"), {**CHANGED, "step": "low", "name": "low"}]
    bodies = {"beam": readings((0, 0.0), (10, 10.0)), "low": readings((0, 0.0), (10, 9.9))}
    selected = {"air": [air(1, 0)], "readings": {"beam": [{"stream": "s"}], "low": [{"stream": "t"}]}}
    of = point("chamber", protocol="trs398", settle_s=300.0)
    with pytest.raises(Invalid, match="180 s after the voltage change; it counts only after 300 s"):
        made(attempts, bodies, selected, of, marks={"beam": at(1), "low": at(5)})
    assert made(attempts, bodies, selected, of, marks={"beam": at(1), "low": at(7)})["reduced"]["nc"] == 9.9


def test_what_is_of_one_attempt_alone_does_not_stand_beside_their_mean() -> None:
    bodies = {"a": readings((0, 0.0), (10, 10.0)), "b": readings((0, 0.0), (12, 10.0))}
    entered = {"air": [air(1, 0), air(2, 30, p=101.0)]}
    found = made([attempt("a"), attempt("b")], bodies, entered, point("chamber", protocol="trs398"),
                 marks={"a": at(1), "b": at(29)})["charge"]  # fmt: skip
    assert set(found) == {
        "time_s",
        "leakage_nc",
        "leakage_percent",
        "subtracted",
        "nc",
        "gross_nc",
        "repeats",
        "sem_percent",
        "rule",
        "used",
        "left_out",
        "attempts",
    }
    assert found["nc"] == pytest.approx((10 + 10 * 101.325 / 101.0) / 2)


def test_a_step_of_the_clock_is_one_above_half_a_second_and_not_at_it() -> None:
    settled(60, 360, 299.5)
    with pytest.raises(d.Blocked, match=r"set forward by 1 s .* the wait was 299 s or 300 s"):
        settled(60, 360, 299.25)
    with pytest.raises(d.Blocked, match=r"set forward by 50 s .* the wait was 250 s or 300 s"):
        settled(60, 360, 250.0)


@pytest.mark.parametrize("empty", ["beam", "low"])
def test_a_wait_beside_which_nothing_was_read_is_by_the_markers(empty: str) -> None:
    bodies = {"beam": [clocks(60, 1000.0)], "low": [clocks(360, 1000.0)]} | {empty: []}
    marks = {"beam": ["", clocks(60, 0)["time"]], "low": [clocks(360, 0)["time"], ""]}
    must_have_settled(CHANGED, SETTLING, ONE, bodies, marks)
