"""What would stop a measurement, a line for each cause: planted one at a time, beside a measurement that is ready."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cases import case_b, case_c, case_f, client_f
from scenario_a import DEMO, StoreClient, prepared, published
from test_one_beam_many_points import TwoInputs, two_instruments
from worked import READER, WorkedClient, run

from acquire.bus.messages import State
from acquire.errors import Refused
from acquire.procedure.documents.cancelled import cancel_order
from acquire.procedure.documents.causes import CAUSES, WHO
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.order import add_order
from acquire.procedure.session import stops
from acquire.procedure.session.doctor import MIB, Seen, of_order, of_session
from acquire.procedure.session.placement import place, remove
from acquire.procedure.session.presence import beam_given
from acquire.procedure.session.session import asked_for, cancel, get_session, start_session, time_out
from acquire.procedure.session.steps import begin_step, not_measured, run_step
from acquire.procedure.stock.events import ended

ELECTROMETER = "electrometer-1"


def state(**said):
    return State.model_validate({**published("keithley-6517b"), "measures": "charge", **said})


def seen(**states):
    """Everything as it should be, but for the states that are given."""
    now = datetime.now(UTC)
    holds = {"valid_until": (now + timedelta(seconds=50)).isoformat()}
    there = {ELECTROMETER: state(serial=ELECTROMETER, **holds), "electrometer-2": state(driver="ptw-unidos-tango")}
    return Seen(now, {**there, **states}, None, {"store": 500 * MIB}, 64 * MIB)


def ask(connection, case, what=None, fraction=None):
    asked = asked_for(connection, f"ORD-{case.name}-1", case.calibration_file, case.inventory, fraction)
    return of_order(connection, asked, what or seen())


def ask_session(connection, session, what=None):
    return of_session(connection, get_session(connection, session), what or seen())


def only(found, cause, says):
    """One line, of one kind, that says it."""
    assert [each.cause for each in found] == [cause], list(found)
    assert says in found[0]


@pytest.fixture
def case(connection):
    """Worked case C: two diodes planned, OSL pairs; its plan in the store."""
    made, _ = case_c()
    made.add(connection)
    return made


def started(connection, case, fraction=None):
    return start_session(
        connection, f"ORD-{case.name}-1", "MD-1", calibrations=case.calibration_file, inventory=case.inventory,
        fraction=fraction,
    ).id  # fmt: skip


def test_a_measurement_that_is_ready_has_no_line_and_asking_changes_nothing(connection, case):
    before = connection.total_changes
    connection.execute("PRAGMA query_only = ON")
    assert ask(connection, case) == []
    assert connection.total_changes == before


def test_every_kind_of_cause_has_somebody_who_mends_it():
    assert set(WHO) == set(CAUSES)


# --- the order and its plan -----------------------------------------------------------------------------------------


def test_an_order_that_was_cancelled(connection, case):
    cancel_order(connection, "ORD-C-1", "RO-1", "treatment changed")
    only(ask(connection, case), "order", "Order ORD-C-1 was cancelled by RO-1 at")


def test_an_expected_dose_that_waits_for_its_second_person(connection, case):
    case.plan |= {"version": 2}
    case.add_plan(connection)
    only(ask(connection, case), "expected-dose", "The expected dose of C2 in plan v2 waits for a second person")


async def test_a_fraction_that_was_measured(connection, case):
    session = case.start(connection)
    client = WorkedClient(connection)
    await run(connection, client, session)
    found = [each for each in ask(connection, case) if each.cause != "elements"]
    only(found, "fraction", "Fraction 1 of ORD-C-1 was measured already")


def test_a_plan_that_is_newer_than_the_session(connection, case):
    session = case.start(connection)
    case.plan |= {"version": 2, "order": "ORD-C-1"}
    case.add_plan(connection)
    only(ask_session(connection, session), "plan-newer", "Plan v2 of ORD-C-1 has come in, and this session is of v1")


# --- calibrations and detectors -------------------------------------------------------------------------------------


def changed(case, of, **values):
    next(c for c in case.calibrations if c["of"] == of).update(values)
    return case


def test_a_calibration_whose_time_is_over(connection):
    case, _ = case_c()
    order = (DEMO / "order-A-1.json").read_bytes().replace(b"ORD-A-1", b"ORD-C-1")
    add_order(connection, order, "order.json", "MD-1")
    case.add_plan(connection)
    session = started(connection, case)
    tomorrow = replace(get_session(connection, session).now, on=date(2100, 1, 1))
    found = stops.of_session(connection, tomorrow)
    assert {each.cause for each in found} == {"calibration", "elements"}
    assert "C2: Calibration CAL-D-14 of D-14 ended on 2099-12-31" in found[0]


def test_a_fall(connection, case):
    ended(connection, "D-14", "fall", datetime.now(UTC).isoformat(), "fell", "MD-1")
    only(ask(connection, case), "calibration", "Calibration CAL-D-14 of D-14, valid from 2020-01-01, ended with 'fall'")


def test_a_coefficient_that_nobody_else_stands_by(connection, case):
    factors = next(c for c in case.calibrations if c["of"] == "D-14")["factors"]
    factors["n_cal"] = {**factors["n_cal"], "value": 3.05}
    only(ask(connection, case), "second-person", "n_cal is 3.05 cGy/nC and was 3.041 cGy/nC (+0.30 %)")


def test_a_detectors_dose_that_is_spent(connection):
    case, _ = case_c()
    next(d for d in case.detectors if d["id"] == "D-14")["accumulated_gy"] = 100.0
    changed(case, "D-14", valid_until_gy=400.0)
    case.add(connection)
    next(d for d in case.detectors if d["id"] == "D-14")["accumulated_gy"] = 412.0
    only(ask(connection, case), "detector-dose", "ended at 400 Gy, and the detector has received 412 Gy")


async def test_a_place_that_carried_a_detector_often_enough(connection):
    case, _ = case_c(points=())
    case.batches, case.elements, case.eccs = [], [], {}
    case.steps = [s for s in case.steps if s["kind"] in ("background", "irradiate")]
    case.points[0]["detector_fractions"] = 1
    case.add(connection)
    await run(connection, WorkedClient(connection), case.start(connection))
    only(ask(connection, case, fraction=2), "detector-count", "C2 may carry a detector on 1 fraction(s) of this course")


def test_b_a_mosfet_near_its_end(connection):
    """Worked case B: MF-2 at 19 780 of 20 000 mV; 318 mV are needed, 220 are left."""
    case, _ = case_b()
    case.add(connection)
    case.detectors[0]["threshold_mv"] = 19780.0
    only(ask(connection, case), "mosfet-life", "220 mV are left and 318 mV are needed")


def test_c_a_range_that_the_expected_charge_would_overload(connection, case):
    """Worked case C: 121.5 cGy expected are 40.32 nC on D-14."""
    case.instruments[0]["full_scale_nc"] = 20.0
    only(ask(connection, case), "range", "C2: The expected 40.32 nC would overload the range of 20 nC")


def test_c_the_same_of_the_range_that_the_instrument_says_it_is_set_to(connection, case):
    on_20_nc = state(serial=ELECTROMETER, settings={"SENS:CHAR:RANG": "2E-08", "SENS:CHAR:RANG:AUTO": False})
    what = seen(**{ELECTROMETER: on_20_nc})
    only(
        ask(connection, case, what), "range", "40.32 nC would overload the range of 20 nC that electrometer-1 is set to"
    )
    on_50_nc = state(serial=ELECTROMETER, settings={"SENS:CHAR:RANG": "5E-08"})
    assert ask(connection, case, seen(**{ELECTROMETER: on_50_nc})) == []
    only(ask_session(connection, case.start(connection), what), "range", "C2: The expected 40.32 nC would overload")


def test_c_the_same_of_the_charge_that_a_ptw_says_its_range_shows(connection, case):
    """UNIDOS classic: the largest value of ?R and its prefix."""
    shows = {"radiological": False, "unit": "C", "range": "MEDIUM", "full_scale_c": 2e-8}
    what = seen(**{ELECTROMETER: state(serial=ELECTROMETER, settings=shows)})
    only(ask(connection, case, what), "range", "C2: The expected 40.32 nC would overload the range of 20 nC")
    more = state(serial=ELECTROMETER, settings={**shows, "full_scale_c": 2e-7})
    assert ask(connection, case, seen(**{ELECTROMETER: more})) == []


def test_c_the_same_of_the_current_that_a_ptw_says_its_range_takes(connection):
    """UNIDOS Tango: MVM states a current, and the beam lasts 24 s by its MU: 40.32 nC in 24 s are 1.68 nA."""
    case, _ = case_c()
    next(s for s in case.steps if s["kind"] == "irradiate")["mu"] = 160.0
    case.plan["dose_rate_mu_per_min"] = 400.0
    case.add(connection)
    takes = {"electrical": "true", "range": "LOW", "full_scale_a": 1.6e-9}
    what = seen(**{ELECTROMETER: state(serial=ELECTROMETER, settings=takes)})
    said = "C2: The expected 40.32 nC in 24 s are 1.68 nA, and the range that electrometer-1 is set to takes 1.6 nA"
    only(ask(connection, case, what), "range", said)
    more = state(serial=ELECTROMETER, settings={**takes, "full_scale_a": 1.7e-9})
    assert ask(connection, case, seen(**{ELECTROMETER: more})) == []


def test_c_without_mu_and_dose_rate_its_current_is_not_known(connection, case):
    what = seen(**{ELECTROMETER: state(serial=ELECTROMETER, settings={"range": "LOW", "full_scale_a": 1e-12})})
    assert ask(connection, case, what) == []


def test_a_range_that_is_not_the_one_that_is_used(connection, case):
    case.instruments[0]["range"] = 2e-7
    on_2_uc = state(serial=ELECTROMETER, settings={"SENS:CHAR:RANG": "2E-06"})
    only(ask(connection, case, seen(**{ELECTROMETER: on_2_uc})), "range", "is on range 2E-06; the inventory has 2e-07")


# --- elements -------------------------------------------------------------------------------------------------------


def test_a_control_chip_that_is_missing(connection, case):
    case.elements = [e for e in case.elements if e["id"] != "C-1"]
    del case.eccs["C-1"]
    found = ask(connection, case)
    assert {each.cause for each in found} == {"standards"}
    assert "The inventory has no element 'C-1'." in found


def test_an_element_that_is_out_or_holds_a_dose_still(connection, case):
    session = case.start(connection)
    place(connection, get_session(connection, session), "C3", "C3-1", "MD-1")
    only(ask(connection, case, fraction=2), "elements", f"C3-1 is out already, at C3 in session {session}.")
    beam_given(connection, get_session(connection, session), "RT-1", ["C3"])
    remove(connection, get_session(connection, session), "C3-1", "MD-1")
    only(ask(connection, case, fraction=2), "elements", "C3-1 came back from C3")


async def test_standards_that_were_not_read_beside_the_elements(connection):
    case, reads = case_c(points=("C3",))
    case.points = [p for p in case.points if p["id"] == "C3"]
    case.steps = [s for s in case.steps if s["kind"] in ("place", "remove", "read-out")]
    case.add(connection)
    session = case.start(connection)
    client = WorkedClient(connection)
    await run(connection, client, session)
    assert ask_session(connection, session) == []
    client.read_elements([each for each in reads if each[0] == "C3-1"], "{counts}")
    found = ask_session(connection, session)
    assert {each.cause for each in found} == {"standards"}
    assert len(found) == 5, "four standards and a control"
    assert found[0].startswith("S-1 has not been read, and elements of this session were")


# --- instruments ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "cause", "words"),
    [
        (None, "instrument-offline", "Nothing is known of electrometer-1 on this broker"),
        (
            state(state="offline", why="The connection was lost."),
            "instrument-offline",
            "electrometer-1 is offline: The",
        ),
        (state(state="fault", why="No answer."), "instrument-offline", "electrometer-1 is fault: No answer."),
        (state(valid_until="2026-01-01T00:00:00Z"), "instrument-offline", "electrometer-1 has not been heard since"),
        (state(serial="77"), "instrument-serial", "its serial number is 77, the inventory has electrometer-1"),
        (state(driver="keithley-6514"), "instrument-model", "electrometer-1 is a keithley-6514; the inventory has a"),
        (state(settings={":SYST:ZCH": True}), "zero", "electrometer-1 has its zero check on"),
    ],
)
def test_an_instrument(connection, case, says, cause, words):
    only(ask(connection, case, seen(**{ELECTROMETER: says})), cause, words)


def test_instruments_that_could_not_be_asked(connection, case):
    what = replace(seen(), states={}, not_asked="no service was named.")
    only(ask(connection, case, what), "instrument-offline", "electrometer-1 could not be asked: no service was named.")


async def test_every_instrument_of_one_beam_is_asked_for(connection):
    case = two_instruments()
    case.add(connection)
    session = case.start(connection)
    client = TwoInputs(connection)
    for step in (s for s in get_session(connection, session).plan.step if s.has_markers and s.kind != "irradiate"):
        await run_step(connection, client, session, step.id, "MD-1", client.during)
    both = seen(**{"electrometer-3": state(serial="electrometer-3")})
    assert ask_session(connection, session, both) == []
    only(ask_session(connection, session), "instrument-offline", "Nothing is known of electrometer-3 on this broker")


def test_a_reader_that_is_not_there_stops_nothing_today(connection, case):
    assert ask(connection, case, seen(**{READER: None})) == []


async def test_an_instrument_that_is_not_zeroed(connection, client: StoreClient):
    session = prepared(connection)
    there = {ELECTROMETER: state(serial="4096271"), "electrometer-2": state(driver="ptw-unidos-tango")}
    found = ask_session(connection, session, seen(**there))
    assert [(each.cause, str(each)) for each in found] == [
        ("zero", "electrometer-1 is not zeroed: step zero-b1 was not done yet."),
        ("zero", "electrometer-2 is not zeroed: step zero-b7 was not done yet."),
    ]
    await run_step(connection, client, session, "zero-b1", "MD-1", client.during)
    await run_step(connection, client, session, "background-b1", "MD-1", client.during)
    not_measured(connection, session, "zero-b7", "MD-1", "no time")
    only(
        ask_session(connection, session, seen(**there)),
        "zero",
        "electrometer-2 with CH-1 has no zero for b7: step zero-b7",
    )


# --- people and the computer ----------------------------------------------------------------------------------------


def test_a_time_out_that_is_missing(connection, case):
    session = started(connection, case)
    only(ask_session(connection, session), "time-out", f"Session {session} has had no time-out")


async def test_a_step_that_is_running_and_a_session_that_is_over(connection):
    case, client = case_f(), client_f(connection)
    case.add(connection)
    session = case.start(connection)
    assert ask_session(connection, session, seen(**{"electrometer-2": state(driver="ptw-unidos-tango")})) == []
    await begin_step(connection, client, session, "background", "MD-1")
    only(ask_session(connection, session), "session", "Step background is running: end it, or abandon it.")
    cancel(connection, session, "MD-1", "machine down")
    only(ask_session(connection, session), "session", f"Session {session} is CANCELLED")


def test_a_clock_that_was_set_back(connection, case):
    what = replace(seen(), now=datetime.now(UTC) - timedelta(hours=1), states={ELECTROMETER: state()})
    only(ask(connection, case, what), "clock", "it was set back")


def test_a_clock_of_another_host_that_is_ahead(connection, case):
    ahead = state(valid_until=(datetime.now(UTC) + timedelta(minutes=10)).isoformat())
    only(ask(connection, case, seen(**{ELECTROMETER: ahead})), "clock", "The clock of the host of electrometer-1 is 5")


def test_a_disk_that_is_full(connection, case):
    what = replace(seen(), disks={"store": 500 * MIB, "spool": 12 * MIB})
    only(ask(connection, case, what), "disk", "The disk of the spool has 12 MiB left; below 64 MiB nothing more")


def test_the_site_says_how_long_it_takes_to_mend(connection, case):
    body = b'mending = { range = "two minutes", disk = "call 4711" }\n' + case.inventory[1]
    assert read_inventory(body, "inventory.toml").mending == {"range": "two minutes", "disk": "call 4711"}


def test_several_causes_are_several_lines(connection, case):
    case.instruments[0]["full_scale_nc"] = 20.0
    found = ask(connection, case, replace(seen(**{ELECTROMETER: None}), disks={"store": 1}))
    assert [each.cause for each in found] == ["range", "instrument-offline", "disk"]


def test_what_the_doctor_says_is_what_refuses(connection, case):
    """One source of truth: the sentences of a refused start, and of a refused time-out, are the doctor's."""
    session = started(connection, case)
    ended(connection, "D-14", "fall", datetime.now(UTC).isoformat(), "fell", "MD-1")
    with pytest.raises(Refused) as at_start:
        started(connection, case)
    calibration, is_open = ask(connection, case)
    assert list(at_start.value.sentences) == [calibration]
    assert (is_open.cause, f"Session {session} " in is_open) == ("fraction", True)  # said of what is left to refuse
    with pytest.raises(Refused) as at_time_out:
        time_out(connection, session, "MD-1", "RT-1", identifiers_agree=True)
    said = ask_session(connection, session)
    assert list(at_time_out.value.sentences) == [each for each in said if each.cause != "time-out"]
