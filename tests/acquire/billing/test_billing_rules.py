"""Each rule of 77331 on a record that meets it, and on one that does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from courses import ORDER, changed, course, plan, point, port, session

from acquire.billing import Claim, judge, proposal
from acquire.billing.claim import RULES
from acquire.billing.coverage import ROWS
from acquire.billing.facts import Signed
from acquire.billing.tables import Limit, PairEdit, Table

YEAR = (date(2027, 1, 1), date(2027, 3, 31))
MUE = Table("mue-practitioner", "CMS MUE", *YEAR, "ab" * 32, limits={"77331": (Limit(3, "day", True, "2 Policy"),)})
HOSPITAL = replace(MUE, kind="mue-hospital", name="CMS MUE hospital")
PAYER = Table("payer", "Payer X", *YEAR, "cd" * 32, limits={"77331": (Limit(6, "course", False, "policy 4"),)})
TABLES = (MUE, HOSPITAL, PAYER)


def whole(**more):
    return session("s-1", plan(port("B1"), port("B2")), point("B1", "B1"), point("B2", "B2"), signed=True, **more)


def found(one, *others, tables=TABLES, also=()):
    return {j.rule.id: j.finding for j in judge(Claim(course(one, *others, also=also), (one,), tables))}


def test_a_whole_record_meets_every_rule_and_is_still_only_a_proposal():
    claim = Claim(course(whole()), (whole(),), TABLES)
    judged = judge(claim)
    assert [j.rule.id for j in judged if j.finding.status == "missing"] == []
    charge = proposal(claim, judged)
    assert charge["ready"] is True
    assert charge["status"] == "proposal, not submitted"
    assert all(j.finding.says.endswith(".") and j.finding.where for j in judged)


@pytest.mark.parametrize("said", [".", "n/a", "as needed", "Please see chart"])
def test_an_effect_that_says_nothing_is_none(said: str) -> None:
    session = whole(order=replace(ORDER, effect=said))
    (found,) = [j.finding for j in judge(Claim(course(session), (session,), TABLES)) if j.rule.id == "effect"]
    assert (found.status, found.says) == ("missing", "The order does not say what its result decides.")


PLAN = whole().plan
LACKS = {
    "purpose": whole(plan=replace(PLAN, purpose="routine-qa")),
    "nuclear-medicine": whole(plan=replace(PLAN, radionuclide="by injection")),
    "written-order": whole(order=replace(ORDER, cancelled="Order ORD-1 was cancelled by RO-1.")),
    "order-before": whole(began=ORDER.authored_on),
    "treating-physician": whole(order=replace(ORDER, requester_role=None)),
    "need": whole(order=replace(ORDER, need=" ")),
    "effect": whole(order=replace(ORDER, effect=None)),
    "history": whole(order=replace(ORDER, history=())),
    "plan-documented": whole(plan=replace(PLAN, target=" ")),
    "method": whole(points=()),
    "equipment": whole(equipment={}),
    "fields-listed": whole(points=()),
    "every-point": whole(points=(point("B1", "B1"), point("B2", "B2", decision="INVALID"))),
    "calculation": whole(points=()),
    "review": whole(review=None),
    "interpretation": whole(interpretation=None),
    "prescriber": whole(interpretation=Signed("RO-2", "radiation oncologist", "2027-02-05T11:00:00Z")),
    "result-used": whole(decision=None),
    "people": whole(people_not_known="People were not authenticated."),
    "physicians-part": whole(interpretation=None),
    "units": whole(points=(point("B1", "B1", decision="INVALID"),)),
    "place-of-service": whole(plan=replace(PLAN, place=None)),
}


@pytest.mark.parametrize("rule", LACKS)
def test_what_a_record_lacks_is_missing_in_one_sentence(rule):
    finding = found(LACKS[rule])[rule]
    assert finding.status == "missing"
    assert finding.says.endswith(".")


def test_every_rule_is_shown_to_fail():
    elsewhere = {"adjustment", "usual-number", "unit-limits", "unlisted-report"}
    assert {r.id for r in RULES} == set(LACKS) | elsewhere


def test_every_row_of_the_sources_is_a_rule_or_says_why_not():
    known = {r.id for r in RULES}
    assert all(bool(row.rules) != bool(row.no_rule) for row in ROWS)
    assert {rule for row in ROWS for rule in row.rules} == known
    assert len(ROWS) == 29


def test_a_newer_plan_says_what_it_adjusts():
    silent, said = replace(PLAN, version=2), replace(PLAN, version=2, adjustments=(changed("B1", what="MU +2 %"),))
    assert found(whole(), also=(silent,))["adjustment"].says == (
        "Plan v2 followed and does not say what it adjusts (adjustment)."
    )
    assert found(whole(), also=(said,))["adjustment"].says == "v2: MU +2 %."
    assert found(whole())["adjustment"].status == "not applicable"


def test_one_person_cannot_review_and_interpret():
    both = whole(review=Signed("RO-1", "physicist", "2027-02-05T10:00:00Z"))
    assert found(both)["interpretation"].says.startswith("RO-1 signed both")


def test_a_covering_physician_signs_for_the_prescriber():
    covering = whole(interpretation=Signed("RO-2", "covering radiation oncologist", "2027-02-05T11:00:00Z"))
    assert found(covering)["prescriber"].status == "met"


def test_more_than_six_units_are_unusual():
    names = [f"B{n}" for n in range(7)]
    many = session("s-1", plan(*(port(n) for n in names)), *(point(n, n) for n in names))
    assert found(many)["usual-number"].says == "7 units are more than the 1 to 6 a course that are usual."


# --- limits ---------------------------------------------------------------------------------------------------------


def test_without_a_table_for_the_date_of_service_it_is_unknown_and_never_fine():
    early = tuple(replace(t, valid_until=date(2027, 2, 2)) for t in TABLES)
    for tables in ((), early, (replace(MUE, limits={}), HOSPITAL, PAYER)):
        finding = found(whole(), tables=tables)["unit-limits"]
        assert finding.status == "missing"
        assert "Unknown" in finding.says
    assert "no MUE table of practitioners holds on 2027-02-03" in found(whole(), tables=())["unit-limits"].says


def test_a_limit_is_of_a_date_of_service():
    names = [f"B{n}" for n in range(4)]
    of = plan(*(port(n) for n in names))
    day = session("s-1", of, *(point(n, n) for n in names), signed=True)
    said = found(day)["unit-limits"].says
    assert "4 units of 77331 on 2027-02-03 are more than 3 a day (CMS MUE, 2 Policy): an absolute limit." in said
    first = session("s-1", of, point("B0", "B0"), point("B1", "B1"), point("B2", "B2"), signed=True)
    second = session("s-2", of, point("B3", "B3"), days=2, signed=True)
    assert found(first, second)["unit-limits"].status == "met"


def test_a_limit_of_the_course_counts_what_is_offered_apart_too():
    of = plan(port("J"))
    one = session("s-1", of, point("C3", "J"), signed=True)
    two = session("s-2", plan(port("J"), version=2, adjustments=(changed("J"),)), point("C3", "J"), days=2, signed=True)
    tight = replace(PAYER, limits={"77331": (Limit(1, "course", False, "policy 4"),)})
    said = found(one, two, tables=(MUE, HOSPITAL, tight))["unit-limits"].says
    assert said.startswith("2 units of 77331 over the course are more than 1 a course (Payer X, policy 4): it may be")


def test_of_two_tables_of_one_name_the_one_added_last_counts():
    strict = replace(MUE, limits={"77331": (Limit(1, "day", True, "2 Policy"),)})
    assert found(whole(), tables=(MUE, strict, HOSPITAL, PAYER))["unit-limits"].status == "missing"
    assert found(whole(), tables=(strict, MUE, HOSPITAL, PAYER))["unit-limits"].status == "met"


# --- parts, neighbours, what fits no code ---------------------------------------------------------------------------


def charge_of(one, tables=TABLES):
    claim = Claim(course(one), (one,), tables)
    return proposal(claim, judge(claim))


@pytest.mark.parametrize(
    ("place", "apart", "expected"),
    [
        ("22", (), [("professional", "26"), ("technical", None)]),
        ("21", (), [("professional", "26"), ("technical", None)]),
        ("19", (), [("professional", "26"), ("technical", None)]),
        ("24", (), [("professional", "26"), ("technical", None)]),
        ("11", (), [("global", None)]),
        ("11", ("11",), [("professional", "26"), ("technical", "TC")]),
        ("22", ("11",), [("professional", "26"), ("technical", None)]),
        (None, (), []),
    ],
)
def test_modifiers_follow_from_the_setting(place, apart, expected):
    charge = charge_of(whole(plan=replace(PLAN, place=place)), (MUE, HOSPITAL, replace(PAYER, apart=apart)))
    assert [(p["part"], p["modifier"]) for p in charge["parts"]] == expected


def test_neighbours_are_shown_with_what_the_pairs_say_of_both_on_one_day():
    edits = (PairEdit("77331", "77300", "1", date(2020, 1, 1), None), PairEdit("77370", "77331", "0", *YEAR))
    table = Table("pairs", "CMS code pairs", *YEAR, "ef" * 32, pairs=edits)
    said = {n["code"]: n["with_77331"] for n in charge_of(whole(), (table,))["neighbours"]}
    assert said["77300"].startswith("together only with a modifier")
    assert said["77370"].startswith("never together on one date of service (77370 is the one paid)")
    assert said["77336"] == "no pair in the table"
    assert {n["with_77331"] for n in charge_of(whole(), ())["neighbours"]} == {
        "unknown: no table of code pairs holds on the date of service"
    }


def test_a_dose_at_a_device_is_pointed_to_the_consultation():
    device = session("s-1", plan(), point("E1", volume="pacemaker", out_of_field=True), signed=True)
    said = {n["code"]: n["says"] for n in charge_of(device)["neighbours"]}
    assert said["77370"].endswith("often the better code; not both for the same work.")


@pytest.mark.parametrize(
    ("form", "code"), [("planning", "77299"), ("physics", "77399"), ("management", "77499"), ("brachytherapy", "77799")]
)
def test_work_that_fits_no_code_is_proposed_as_unlisted_with_its_report(form, code):
    one = whole(plan=replace(PLAN, unlisted=form, why_unlisted="A detector of a new kind."))
    charge = charge_of(one)
    assert (charge["code"], charge["units"]) == (code, 1)
    assert charge["report"][0] == "Why no code fits: A detector of a new kind."
    assert len(charge["report"]) == 7
    assert found(one)["unlisted-report"].status == "met"
    assert found(whole())["unlisted-report"].status == "not applicable"


def test_routine_work_is_proposed_as_nothing():
    charge = charge_of(whole(plan=replace(PLAN, purpose="detector-calibration")))
    assert (charge["code"], charge["units"], charge["parts"], charge["ready"]) == (None, 0, [], False)
