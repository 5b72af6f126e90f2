"""Units are counted over a course by what was measured, whatever it is called."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from courses import ORDER, changed, course, plan, point, port, session
from hypothesis import given
from hypothesis import strategies as st

from acquire.billing.claim import Claim, judge
from acquire.billing.facts import Decided
from acquire.billing.proposal import proposal
from acquire.billing.units import UNNAMED, count


def units(*sessions, also=()):
    return [(u.of, u.session) for u in count(course(*sessions, also=also)).units]


def test_a_port_counts_once_however_many_points_chips_and_sessions():
    of = plan(port("B1"), port("B2"))
    one = session("s-1", of, point("a", "B1"), point("b", "B1"), point("c", "B2"))
    two = session("s-2", of, point("a", "B1"), point("c", "B2"), days=2)
    assert units(one, two) == [("B1", "s-1"), ("B2", "s-1")]
    assert [u.of for u in count(course(one, two)).repeats] == ["B1", "B2"]


def test_a_renamed_point_and_a_renamed_port_are_not_charged_twice():
    old = plan(port("B1", gantry=0, mu=92), port("B2", gantry=51, mu=104))
    new = plan(port("Beam 1", gantry=0, mu=92), port("b 2"), version=2)
    one = session("s-1", old, point("P", "B1"), point("Q", "B2"))
    two = session("s-2", new, point("P-new", "Beam 1"), point("Q-new", "b 2"), days=2)
    assert units(one, two) == [("B1", "s-1"), ("B2", "s-1")]


def test_a_port_is_found_again_over_orders_by_its_number_in_the_same_rt_plan():
    other = replace(ORDER, id="ORD-2")
    one = session("s-1", plan(port("AP", beam=("1.2.3", 4))), point("P", "AP"))
    two = session("s-2", plan(port("anterior", beam=("1.2.3", 4))), point("P", "anterior"), order=other, days=2)
    three = session(
        "s-3", plan(port("x", beam=("1.2.9", 4))), point("P", "x"), order=replace(ORDER, id="ORD-3"), days=3
    )
    assert units(one, two, three) == [("AP", "s-1"), ("x", "s-3")]


def test_two_lateral_ports_of_one_field_are_two_as_their_plan_says():
    of = plan(port("right", gantry=90, mu=1465), port("left", gantry=90, mu=1465))
    again = plan(port("R", gantry=90, mu=1465), port("L", gantry=90, mu=1465), version=2)
    one = session("s-1", of, point("h-R", "right"), point("h-L", "left"), point("h", derived=True))
    two = session("s-2", again, point("h-R", "R"), point("h-L", "L"), days=2)
    assert units(one, two) == [("right", "s-1"), ("left", "s-1")]


def test_brachytherapy_counts_by_volume_of_interest_and_never_nothing():
    named = session(
        "s-1", plan(), point("R1", volume="rectum"), point("R2", volume="Rectum "), point("b", volume="bladder")
    )
    assert units(named) == [("rectum", "s-1"), ("bladder", "s-1")]
    unnamed = session("s-1", plan(), point("R1"), point("R2"), point("bladder"))
    assert units(unnamed) == [(UNNAMED, "s-1")]


def test_a_volume_that_was_not_named_is_no_second_one_when_it_is_named_later_or_before():
    unnamed = session("s-1", plan(), point("R1"))
    named = session("s-2", plan(version=2), point("R1", volume="rectum"), days=2)
    both = session("s-3", plan(version=3), point("R1", volume="Rectum"), point("b", volume="bladder"), days=3)
    assert units(unnamed, named) == [(UNNAMED, "s-1")]
    assert units(unnamed, named, both) == [(UNNAMED, "s-1"), ("bladder", "s-3")]
    assert units(replace(named, id="s-0"), replace(unnamed, id="s-9")) == [("rectum", "s-0")]


def test_points_outside_the_ports_are_for_the_coder():
    one = session("s-1", plan(port("B1")), point("B1", "B1"), point("P4"), point("P5", volume="navel"))
    assert units(one) == [("B1", "s-1")]
    assert [p.id for _, p in count(course(one)).beside] == ["P4", "P5"]


def test_what_has_no_valid_result_is_no_unit_and_may_be_one_later():
    of = plan(port("B1"), port("B2"))
    one = session("s-1", of, point("a", "B1", decision="INVALID"), point("b", "B2", decision=None))
    two = session("s-2", of, point("a", "B1"), days=2)
    assert units(one, two) == [("B1", "s-2")]


def test_routine_work_and_an_order_that_came_late_neither_count_nor_use_a_unit_up():
    late = session("s-1", plan(port("B1")), point("a", "B1"), days=0, began=ORDER.authored_on - timedelta(minutes=11))
    phantom = session("s-2", plan(port("B1"), version=2, purpose="phantom"), point("a", "B1"))
    mouth = session("s-3", plan(port("B1"), version=3, radionuclide="by mouth"), point("a", "B1"))
    good = session("s-4", plan(port("B1"), version=4), point("a", "B1"), days=2)
    assert units(late, phantom, mouth, good) == [("B1", "s-4")]
    assert [why for _, why in count(course(late, phantom, mouth, good)).barred] == [
        "the order is later than its measurement",
        "its purpose is phantom",
        "a radionuclide given by mouth belongs to nuclear medicine",
    ]


def test_a_documented_change_offers_one_more_apart_and_only_for_the_port_it_names():
    old, new = plan(port("J"), port("C2")), plan(port("J"), port("C2"), version=3, adjustments=(changed("j"),))
    one = session("s-1", old, point("C3", "J"), point("C2", "C2"))
    two = session("s-2", new, point("C3r", "J"), point("C2", "C2"), days=2)
    three = session("s-3", new, point("C3r", "J"), days=3)
    counted = count(course(one, two, three))
    assert [u.of for u in counted.units] == ["J", "C2"]
    (more,) = counted.additional
    assert (more.unit.session, more.unit.of) == ("s-2", "J")
    assert more.says == "J measured again in session s-2: documented change v1 → v3 (gap +3 mm, decided by RO-1)."
    assert [(u.of, u.session) for u in counted.repeats] == [("C2", "s-2"), ("J", "s-3")]
    assert counted.total == 3


@pytest.mark.parametrize(
    ("decided", "signed_in"), [(None, None), ("unchanged", None), ("adjusted", "s-1"), ("re-planned", "s-1")]
)
def test_whether_a_physician_signed_the_change_is_told_beside_the_unit_it_gives(decided, signed_in):
    of = Decided(decided, "Gap 3 mm more.", "RO-1", "2027-02-04T10:00:00Z") if decided else None
    old, new = plan(port("J")), plan(port("J"), version=2, adjustments=(changed("J"),))
    later = Decided("adjusted", "Later.", "RO-1", "2027-02-09T10:00:00Z")
    one = session("s-1", old, point("C3", "J"), decision=of)
    two = session("s-2", new, point("C3", "J"), days=2, decision=later)
    whole = course(one, two)
    (more,) = count(whole).additional
    assert more.signed_in == signed_in
    claim = Claim(whole, (two,), ())
    found = proposal(claim, judge(claim))
    assert [each["signed_in"] for each in found["additional"]] == [signed_in]
    said = f"the physician signed a change of the plan in session {signed_in}." if signed_in else "no physician has"
    assert any(said in note for note in found["notes"])


def test_without_a_documented_change_a_newer_version_adds_nothing():
    one = session("s-1", plan(port("J")), point("C3", "J"))
    two = session("s-2", plan(port("J"), version=2), point("C3", "J"), days=2)
    assert count(course(one, two)).additional == ()


@given(st.lists(st.lists(st.sampled_from(["B1", "b1", "B 1", "B2", "B-2"]), min_size=1, unique=True), max_size=6))
def test_whatever_the_spelling_there_are_never_more_units_than_ports(days):
    """In one plan two spellings of one name are two ports, as it says; over plans each is found again."""
    sessions = [
        session(f"s-{n}", plan(*(port(p) for p in ports), version=n + 1), *(point(f"{p}-{n}", p) for p in ports))
        for n, ports in enumerate(days)
    ]
    most = max((sum(p[0] + p[-1] == f"{x}{y}" for p in ports) for ports in days for x in "Bb" for y in "12"), default=0)
    assert len(units(*sessions)) <= 5
    assert len(units(*sessions)) >= most
    assert units(*sessions) == units(*sessions, *[replace(s, id=f"again-{s.id}") for s in sessions])
