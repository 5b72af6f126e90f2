"""The six worked cases as charges, on stores that were measured: units, parts, and what keeps each from being ready."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cases import LEVELS, case_b, case_c, case_d, case_e, case_f, client_b, client_f, diode, diode_point
from noticed import WITHIN, calculated, diode_case
from scenario_a import StoreClient
from scenario_a import closed as closed_a
from worked import GIVEN, WorkedClient, closed_results, expected, limits, run

from acquire.billing import judge, proposal
from acquire.errors import Refused
from acquire.procedure.documents import order as order_module
from acquire.procedure.documents.order import add_order, change_order, list_orders
from acquire.procedure.results.result import calculate_session
from acquire.procedure.session.console import enter_console_time
from acquire.procedure.session.planning import confirm_expected
from acquire.procedure.session.session import get_session
from acquire.procedure.session.statements import exclude
from acquire.procedure.session.steps import not_measured
from acquire.record import build, html
from acquire.record.billing_facts import claim_of

UNSIGNED = [
    "The physicist's review of the results is not signed.",
    "The radiation oncologist's interpretation is not written and signed.",
    "The order's physician (RO-1) has not signed the report.",
    "The decision on the plan (unchanged, adjusted, re-planned) is not written.",
    "People were not authenticated: this store has no accounts, and every name in it was typed.",
    "The professional part needs the physician's signature.",
]


def charge(connection, name, **of):
    claim = claim_of(connection, name, **of)
    judged = judge(claim)
    return proposal(claim, judged), {j.rule.id: j.finding for j in judged}


def add(case, connection, at, monkeypatch):
    """The case with an order that says it was written at `at`, which may be later than now."""
    read, later = order_module.read_request, datetime.now(UTC) + timedelta(days=1)

    def dated(body, name, now=None, site=None):
        start = body.index(b'"authoredOn"')
        written = f'"authoredOn": "{at.isoformat()}"'.encode()
        return read(body[:start] + written + body[body.index(b",", start) :], name, later, site)

    with monkeypatch.context() as patched:
        patched.setattr(order_module, "read_request", dated)
        case.add(connection)


async def test_a_three_ports_in_a_hospital_and_two_volumes_for_the_coder(connection):
    session = await closed_a(connection, StoreClient(connection))
    calculate_session(connection, session, "MP-1")
    found, rules = charge(connection, session)
    assert (found["code"], found["units"], found["ports"]) == ("77331", 3, ["B1", "B2", "B7"])
    assert (found["modifier"], found["place_of_service"]) == ("26", "22")
    assert [(p["part"], p["modifier"]) for p in found["parts"]] == [("professional", "26"), ("technical", None)]
    assert found["volumes_of_interest"] == ["P4", "P5", "P6"]
    assert "the coder decides" in " ".join(found["notes"])
    for rule in ("order-before", "need", "method", "equipment", "fields-listed", "calculation", "history"):
        assert rules[rule].status == "met", rules[rule]
    assert "77331" in html(build(connection, session))
    assert found["missing"][:-1] == UNSIGNED
    assert found["missing"][-1].startswith("Unknown: no MUE table of practitioners holds on ")
    assert found["payer_table_version"] is None


async def test_b_the_first_fraction_is_barred_and_the_second_is_one_volume(connection, monkeypatch):
    case, reads = case_b()
    for point in case.points:
        point["volume"] = "bladder" if point["id"] == "bladder" else "rectum"
    began = datetime.now(UTC)
    add(case, connection, began + timedelta(minutes=11), monkeypatch)
    first = case.start(connection)
    client = client_b(connection)
    await run(connection, client, first)
    enter_console_time(connection, first, "MD-1", total_s=440.6, treated_at="2026-02-05T10:31:00+01:00")
    client.read_elements(reads)
    assert closed_results(connection, first)["R2"]["decision"] == "OUT OF TOLERANCE"
    found, rules = charge(connection, first)
    assert (found["code"], found["units"]) == (None, 0)
    assert found["barred"] == [{"session": first, "why": "the order is later than its measurement"}]
    assert found["notes"] == [], "where nothing is charged, no part is spoken of"
    assert rules["order-before"].status == "missing"
    assert "is later than the first beam" in rules["order-before"].says
    assert rules["adjustment"].status == "not applicable"

    second = await _second_fraction(connection, case, client, reads, began, monkeypatch)
    found, rules = charge(connection, second)
    assert (found["units"], found["volumes"], found["ports"]) == (1, ["rectum"], [])
    assert found["basis"] == "one unit a volume of interest whose cumulative dose is measured"
    assert found["additional"] == []  # the first fraction gave no unit that this could be more than
    assert found["code"] == "77331"
    assert rules["nuclear-medicine"].status == "not applicable"
    assert rules["unlisted-report"].status == "not applicable"
    both, rules = charge(connection, "ORD-B-1")
    assert (both["units"], [b["session"] for b in both["barred"]]) == (1, [first])
    _, rules = charge(connection, first)
    assert rules["adjustment"].says == "v2: new packing, rectal dose 4.9 to 4.1 Gy."


async def _second_fraction(connection, case, client, reads, began, monkeypatch):
    """Plan v2 with R2 alone, an hour later."""
    case.plan |= {
        "version": 2, "fraction": 2,
        "adjustment": [
            {
                "of": ["rectum"], "what": "new packing, rectal dose 4.9 to 4.1 Gy.", "decided_by": "RO-1",
                "decided_on": "date:2026-02-09",
            }
        ],
    }  # fmt: skip
    case.points = [p for p in case.points if p["id"] == "R2"]
    case.points[0]["expected"] = expected(260.0, GIVEN["B_uexp"])
    case.steps = [{**s, "points": ["R2"]} for s in case.steps if s["kind"] in ("place", "remove", "read-out")]
    case.add_plan(connection)
    confirm_expected(connection, "ORD-B-1", 2, "R2", "MP-2")
    session = case.start(connection, fraction=2)
    later = (began + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    monkeypatch.setattr("acquire.procedure.session.placement.utc_now", lambda: later)
    client.ahead_s += 3700.0
    await run(connection, client, session)
    enter_console_time(connection, session, "MD-1", total_s=440.6, treated_at="2026-02-05T10:31:00+01:00")
    client.read_elements([r for r in reads if r[0].startswith(("r2", "S-", "C-"))], file="second")
    assert "dose_gy" in closed_results(connection, session)["R2"]
    return session


FORM = """schema = "order-form/1"
id = "ORD-N-1"
requester = "RO-1"
role = "radiation oncologist"
authored_on = {at}
necessity = "The junction of two fields lies under bolus."
decides = "position of the junction"
{phone}
[patient]
number = "MRN-EXAMPLE-1"
authority = "HOSP"
"""


async def test_a_telephone_order_that_was_written_after_the_beam_bars_its_session(connection):
    case, at = diode_case(), datetime.now(UTC).isoformat
    phone = f'[telephone]\ntaken_by = "MD-1"\ntaken_at = {at()}\nread_back = true'
    add_order(connection, FORM.format(at=at(), phone=phone).encode(), "phone.toml", "MD-1")
    case.add_plan(connection)
    session = await calculated(connection, case, WITHIN)
    found, rules = charge(connection, session)
    assert (found["units"], rules["order-before"].status, rules["written-order"].status) == (1, "met", "missing")
    assert "whether it supports the charge is the coder's" in rules["written-order"].says
    written = datetime.now(UTC) + timedelta(seconds=30)  # the client's beam is some seconds ahead
    change_order(connection, FORM.format(at=written.isoformat(), phone="").encode(), "signed.toml", "RO-1", "signed")
    found, rules = charge(connection, session)
    assert (found["units"], rules["order-before"].status) == (0, "missing")
    assert found["barred"] == [{"session": session, "why": "the order is later than its measurement"}]


def _place_free_standing(case):
    case.plan["place_of_service"] = "11"
    return case


async def test_c_three_ports_and_one_more_for_the_documented_change(connection):
    case, reads = case_c()
    diode(case, "D-12", 3.186, 0.22)
    held = {"expected": expected(118.0, 2.0), "limits": limits(7, 10)}
    diode_point(case, "C1", "D-12", (0.996, 1.003, 1.0), 31.5, **held)
    case.steps = [*case.steps[-2:], *case.steps[:-2]]
    next(p for p in case.points if p["id"] == "C3")["port"] = "junction"
    client = WorkedClient(connection)
    client.beam, client.overloaded = {"c1": 39.50 * 3.097 / 3.186, "c2": 5.0}, {"c2"}
    _place_free_standing(case).add(connection)
    first = case.start(connection)
    await run(connection, client, first)
    client.read_elements(reads, "{counts}")
    outputs = closed_results(connection, first)
    assert outputs["C2"]["decision"] == "INVALID"
    found, rules = charge(connection, first)
    assert sorted(found["ports"]) == ["C1", "junction"]
    assert (found["modifier"], [p["part"] for p in found["parts"]]) == (None, ["global"])
    assert "No valid result at C2." in rules["every-point"].says

    second = await _c2_again(connection, client, 2, GIVEN["C_c2_m"])
    assert charge(connection, second)[0]["ports"] == ["C2"]
    third = await _c2_and_junction(connection, client)
    found, rules = charge(connection, third)
    assert found["units"] == 0
    assert [each["of"] for each in found["adds_no_unit"]] == ["C2"]
    (more,) = found["additional"]
    assert more["of"] == "junction"
    assert "documented change v1 → v3 (junction gap +3 mm, decided by RO-1)" in more["says"]
    whole, rules = charge(connection, "ORD-C-1")
    assert (whole["units"], len(whole["additional"]), whole["units_over_course"]) == (3, 1, 4)
    assert rules["usual-number"].status == "met"
    assert charge(connection, first, course=True)[0]["units"] == 3


def _version(number, points=("C3",), **more):
    case, reads = case_c(points=points)
    case.plan |= {"version": number, "fraction": number, **more}
    return _place_free_standing(case), reads


async def _c2_again(connection, client, number, nc):
    case, _ = _version(number)
    case.points, case.batches = [p for p in case.points if p["id"] == "C2"], []
    case.steps = [s for s in case.steps if s.get("point") == "C2"]
    return (await _measured(connection, case, client, number, nc, []))[0]


async def _c2_and_junction(connection, client):
    adjusted = {
        "of": ["Junction"], "what": "junction gap +3 mm.", "decided_by": "RO-1", "decided_on": "date:2026-02-09",
    }  # fmt: skip
    case, reads = _version(3, ("C3r",), adjustment=[adjusted])
    next(p for p in case.points if p["id"] == "C3r")["port"] = "Junction"
    return (await _measured(connection, case, client, 3, GIVEN["C_c2r_m"], reads))[0]


async def _measured(connection, case, client, number, nc, reads):
    case.add_plan(connection)
    confirm_expected(connection, "ORD-C-1", number, "C2", "MP-2")
    session = case.start(connection, fraction=number)
    client.beam, client.overloaded = {"c2": nc}, set()
    await run(connection, client, session)
    client.read_elements(reads, "{counts}", file=f"tray-{number}") if reads else None
    return session, closed_results(connection, session)


async def test_d_two_ports_not_twenty_four_chips_and_not_six_levels(connection):
    case, reads = case_d()
    for point in case.points:
        if point["id"].endswith(("-R", "-L")):
            point["port"] = {"R": "right lateral", "L": "left lateral"}[point["id"][-1]]
    case.add(connection)
    session = case.start(connection)
    client = WorkedClient(connection)
    await run(connection, client, session)
    client.read_elements(reads)
    closed_results(connection, session)
    exclude(connection, get_session(connection, session), "neck-L-b", "MD-1", "MP-1", "It stayed in its tray.")
    calculate_session(connection, session, "MP-1")
    found, rules = charge(connection, session)
    assert (found["units"], found["ports"]) == (2, ["right lateral", "left lateral"])
    assert (found["modifier"], len(LEVELS)) == ("26", 6)
    assert rules["interpretation"].says == "The radiation oncologist's interpretation is not written and signed."
    assert found["ready"] is False
    assert "before the placing of the first element" in rules["order-before"].says


async def test_e_one_volume_of_interest_and_its_neighbour(connection):
    case, reads = case_e()
    case.plan["place_of_service"] = "19"
    for point in case.points:
        point["volume"] = "pacemaker"
    case.add(connection)
    session = case.start(connection)
    client = WorkedClient(connection)
    await run(connection, client, session)
    client.read_elements(reads, "{counts}")
    closed_results(connection, session)
    found, _ = charge(connection, session)
    assert (found["units"], found["volumes"], found["modifier"]) == (1, ["pacemaker"], "26")
    assert "often the better code" in {n["code"]: n["says"] for n in found["neighbours"]}["77370"]


async def test_f_calibration_runs_without_an_order_and_is_never_chargeable(connection):
    case = case_f()
    case.add_plan(connection)  # no order at all
    session = case.start(connection, temperature_c=GIVEN["F_T"], pressure_kpa=GIVEN["F_P"], humidity_percent=44.0)
    await run(connection, client_f(connection), session)
    assert closed_results(connection, session)["ref"]["dose_gy"] == pytest.approx(GIVEN["F_D398"], rel=1e-9)
    found, rules = charge(connection, session)
    assert (found["code"], found["units"], found["parts"]) == (None, 0, [])
    assert rules["purpose"].says.startswith("The purpose is detector-calibration")
    assert "77336" in rules["purpose"].says
    (work,) = list_orders(connection)
    assert (work.text, work.necessity) == ("routine work: detector-calibration", "")
    assert "No charge" in html(build(connection, session))


async def test_what_was_measured_as_routine_never_becomes_special(connection):
    case = case_f()
    case.add(connection)  # an order is there; the work is a calibration all the same
    case.plan |= {"version": 2, "purpose": "phantom"}
    case.add_plan(connection)  # nothing was measured yet
    session = case.start(connection)
    await run(connection, client_f(connection), session)
    case.plan |= {"version": 3, "purpose": "detector-calibration"}
    with pytest.raises(Refused, match="was measured with the purpose 'phantom', which is fixed with the first reading"):
        case.add_plan(connection)
    assert charge(connection, session)[1]["purpose"].says.startswith("The purpose is phantom: a check in a phantom")


def test_a_patients_plan_cannot_hang_on_routine_work(connection):
    case_f().add_plan(connection)
    case, _ = case_c()
    case.name = "F"
    case.plan["version"] = 2
    with pytest.raises(Refused, match="ORD-F-1 is routine work, and a patient's plan needs a physician's order"):
        case.add_plan(connection)
    other, _ = case_c()
    with pytest.raises(Refused, match="There is no order ORD-C-1"):
        other.add_plan(connection)


async def test_a_port_renamed_in_the_next_version_is_no_second_one(connection):
    case, _ = case_c(points=())
    case.steps = [s for s in case.steps if s.get("point") == "C2"]
    case.batches, case.steps[-1]["gantry_deg"], case.steps[-1]["mu"] = [], 128.0, 131.0
    client = WorkedClient(connection)
    client.beam = {"c2": GIVEN["C_c2r_m"]}
    case.add(connection)
    first = case.start(connection)
    await run(connection, client, first)
    closed_results(connection, first)
    case.plan |= {"version": 2, "fraction": 2}
    case.points[0] |= {"id": "lateral", "port": "lateral tangent"}
    for step in case.steps:
        step["point"] = "lateral"
    case.add_plan(connection)
    confirm_expected(connection, "ORD-C-1", 2, "lateral", "MP-2")
    second = case.start(connection, fraction=2)
    await run(connection, client, second)
    closed_results(connection, second)
    found, _ = charge(connection, second)
    assert (found["units"], found["ports_of_earlier_sessions"]) == (0, ["C2"])
    assert "C2, lateral tangent are one port under several names." in found["notes"]


def test_what_is_no_session_and_no_order_is_refused(connection):
    with pytest.raises(Refused, match="There is no session and no order s-9"):
        claim_of(connection, "s-9")
    case, _ = case_c()
    case.add(connection)
    with pytest.raises(Refused, match="has no session yet"):
        claim_of(connection, "ORD-C-1")
    session = case.start(connection)
    not_measured(connection, session, "background-c2", "MD-1", "no time")
    assert charge(connection, "ORD-C-1")[1]["order-before"].says == "Nothing was measured yet."
