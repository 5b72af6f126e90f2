"""A new coefficient needs a second person, however it comes; a bad one gives the list of results it touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cases import case_c
from stocked import hours_ago
from worked import GIVEN, WorkedClient, calibration, closed_results, factor, ranged, run

from acquire.errors import Refused
from acquire.procedure.documents.calibrations import read_calibrations
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.results.result import calculate_session, versions
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.session import start_session
from acquire.procedure.session.steps import begin_step
from acquire.procedure.stock import file_coefficients
from acquire.procedure.stock.events import ended
from acquire.procedure.stock.file_coefficients import confirm, every_known, known_by_id, withdraw
from acquire.procedure.stock.touched import touched


def diode_case(n_cal: float = 3.041, **calibrated):
    """Worked case C with its wedged field alone: diode D-14."""
    case, _ = case_c(points=())
    case.points = [p for p in case.points if p["id"] == "C2"]
    case.steps = [s for s in case.steps if s["kind"] in ("background", "irradiate")]
    case.batches, case.elements, case.eccs = [], [], {}
    of_d14 = next(c for c in case.calibrations if c["of"] == "D-14")
    of_d14["factors"]["n_cal"] = ranged(n_cal, "cGy/nC", GIVEN["F_uncal"], "session F")
    of_d14 |= calibrated
    return case


def enter(connection, case, who="MP-1", reason="reference session F", limit=3.0):
    return file_coefficients.enter(
        connection, who, read_inventory(case.inventory[1], "i.toml"),
        read_calibrations(case.calibration_file[1], "c.toml"), reason, limit,
    )  # fmt: skip


async def measured(connection, case, fraction=None):
    session = case.start(connection, fraction=fraction)
    client = WorkedClient(connection)
    client.beam = {"c2": GIVEN["C_c2_m"]}
    await run(connection, client, session)
    return session


def start(connection, case, fraction=2):
    return start_session(
        connection, "ORD-C-1", "MD-1", calibrations=case.calibration_file, inventory=case.inventory, fraction=fraction
    )


def test_the_first_coefficient_comes_with_the_two_names_of_its_file(connection):
    case = diode_case(approved_by="mp-1 ")
    with pytest.raises(Refused, match=r"CAL-D-14 of D-14 is approved by mp-1 , who brings it: a coefficient needs two"):
        case.add(connection)
    assert every_known(connection) == []
    case = diode_case(approved_by="MP-1", entered_by="MD-1")
    case.add_plan(connection)
    assert {(k.calibration, k.what, k.entered_by, k.who) for k in every_known(connection)} == {
        ("CAL-D-14", "first", "MD-1", "MP-1")
    }
    with pytest.raises(Refused, match="approved_by must be another person than entered_by"):
        read_calibrations(diode_case(entered_by="MP-2").calibration_file[1], "c.toml")


@pytest.mark.parametrize(
    ("n_cal", "changed", "said"),
    [
        (3.168, {}, r"n_cal is 3.168 cGy/nC and was 3.041 cGy/nC \(\+4.18 %\)"),
        (3.041, {"valid_until": "date:2100-12-31"}, "valid_until is 2100-12-31 and was 2099-12-31"),
        (3.041, {"valid_until_gy": 900.0}, "valid_until_gy is 900 and was not there"),
        (3.041, {"conditions": {"reading": "negative"}}, "conditions is reading negative and was reading positive"),
        (3.041, {"id": "CAL-D-14-new"}, "its id was CAL-D-14|id"),
    ],
)
def test_whatever_is_typed_into_a_file_is_refused_until_two_people_stand_by_it(connection, n_cal, changed, said):
    diode_case().add(connection)
    other = diode_case(n_cal, **changed)
    with pytest.raises(Refused, match=said):
        start(connection, other)
    with pytest.raises(Refused, match=r"Two people stand by a new coefficient: acquire calibration enter"):
        other.add_plan(connection)


def test_another_serial_number_under_the_same_name_is_another_detector(connection):
    diode_case().add(connection)
    other = diode_case()
    for each in other.detectors:
        each["serial"] = f"{each['id']}-new"
    with pytest.raises(Refused, match="it was of serial number D-14, the inventory has D-14 with D-14-new"):
        start(connection, other)


def test_a_detector_under_another_name_is_known_by_its_serial_number(connection):
    diode_case().add(connection)
    other = diode_case(3.168)
    for each in (*other.detectors, *other.calibrations, *other.points):
        for key in ("id", "of", "detector"):
            if each.get(key) == "D-14":
                each[key] = "D-99"
    other.plan |= {"version": 2}
    with pytest.raises(Refused, match=r"CAL-D-14 of D-99 .* is not the one that is in force"):
        other.add_plan(connection)


def test_what_was_entered_is_in_force_when_another_person_confirms_it_and_nothing_else_is(connection):
    old, new = diode_case(), diode_case(3.100)
    old.add(connection)
    with pytest.raises(Refused, match=r"changed by \+1.94 %: say by how much a new one may differ"):
        enter(connection, new, limit=None)
    found = dict(enter(connection, new))
    assert (len(found), found["CAL-D-14"][0]) == (2, "n_cal is 3.1 cGy/nC and was 3.041 cGy/nC (+1.94 %)")
    with pytest.raises(Refused, match="is not the one that is in force"):
        start(connection, new)
    for same in ("MP-1", " mp-1"):
        with pytest.raises(Refused, match="another person must confirm it"):
            confirm(connection, "CAL-D-14", same)
    confirm(connection, "CAL-D-14", "MP-2")
    confirm(connection, "CAL-D-11", "MP-2")
    assert start(connection, new).calibrations.calibration[1].factors["n_cal"].value == 3.1
    with pytest.raises(Refused, match=r"n_cal is 3.041 cGy/nC and was 3.1 cGy/nC \(-1.90 %\)"):
        start(connection, old)
    with pytest.raises(Refused, match="Nothing of CAL-D-14 waits for a second person"):
        confirm(connection, "CAL-D-14", "MP-2")
    with pytest.raises(Refused, match="there is nothing to confirm"):
        enter(connection, new)
    assert verify_store(connection) == []


def test_a_coefficient_that_is_entered_for_later_leaves_todays_in_force(connection):
    diode_case().add(connection)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    both = diode_case()
    next_one = calibration("D-14", "6 MV", dict(diode_case(3.1).calibrations[1]["factors"]), id="CAL-D-14-next")
    both.calibrations.append(next_one | {"valid_from": f"date:{tomorrow}", "conditions": {"reading": "positive"}})
    enter(connection, both)
    confirm(connection, "CAL-D-14-next", "MP-2")
    assert start(connection, both).order_id == "ORD-C-1"


async def test_a_drifted_detector_is_not_issued_goes_out_and_its_results_are_listed(connection):
    """Worked case F: D-13 changed by +5.18 %, the site's limit is 3 %."""
    case = diode_case()
    case.add(connection)
    session = await measured(connection, case)
    first = closed_results(connection, session)["C2"]
    drifted = diode_case(3.041 * 1.0518)
    with pytest.raises(Refused, match=r"changed by \+5.18 %; the limit is 3 %, so it is not issued. Take D-14 out of"):
        enter(connection, drifted)
    assert [k.what for k in known_by_id(connection, "CAL-D-14")] == ["first"]
    assert withdraw(connection, "CAL-D-14", "MP-1", "drifted by 5.18 %") == "withdrawn"
    (found,) = touched(connection, "CAL-D-14", known_by_id(connection, "CAL-D-14")[0].sha256)
    assert (found.session, found.point, found.dose_gy) == (session, "C2", first["dose_gy"])
    with pytest.raises(Refused, match=r"was withdrawn by MP-1 \(drifted by 5.18 %\)"):
        start(connection, case)
    calculate_session(connection, session, "MP-1")
    one, two = versions(connection, session, "C2")
    assert one.output.dose_gy == first["dose_gy"], "what was signed stays"
    assert list(two.output.why) == ["Calibration CAL-D-14 was withdrawn by MP-1: drifted by 5.18 %."]
    assert verify_store(connection) == []


async def test_only_results_since_the_last_good_coefficient_are_listed(connection):
    case = diode_case()
    case.add(connection)
    one = await measured(connection, case, 1)
    closed_results(connection, one)
    new = diode_case(3.1)
    enter(connection, new)
    confirm(connection, "CAL-D-14", "MP-2")
    two = await measured(connection, new, 2)
    assert closed_results(connection, two)["C2"]["decision"] != "INVALID"
    withdraw(connection, "CAL-D-14", "MP-1", "mistyped")
    bad = known_by_id(connection, "CAL-D-14")[-1]
    assert {t.session for t in touched(connection, "CAL-D-14", bad.sha256)} == {two}
    assert {t.session for t in touched(connection, "CAL-D-14")} == {one, two}
    assert start_session(
        connection, "ORD-C-1", "MD-1", calibrations=case.calibration_file, inventory=case.inventory, fraction=3
    ).fraction == 3, "the last good one is in force again"  # fmt: skip


async def test_what_touched_one_diode_does_not_name_another_of_the_same_reference_session(connection):
    case, _ = case_c(points=())
    case.batches, case.elements, case.eccs = [], [], {}
    case.steps = [s for s in case.steps if s["kind"] in ("background", "irradiate")]
    for each in case.calibrations:
        each["certificate"] = "reference session F"
    case.add(connection)
    session = await measured(connection, case)
    closed_results(connection, session)
    assert touched(connection, "CAL-D-11") == []
    assert [t.point for t in touched(connection, "CAL-D-14")] == ["C2"]


@pytest.mark.parametrize("equipment", ["D-14", "electrometer-1"])
async def test_an_event_ends_what_stands_before_it_also_for_a_session_that_has_begun(connection, equipment):
    case = diode_case()
    case.add(connection)
    session = case.start(connection)
    client = WorkedClient(connection)
    client.beam = {"c2": GIVEN["C_c2_m"]}
    ended(connection, equipment, "fall", hours_ago(0.01), "fell off the couch", "MD-1")
    with pytest.raises(Refused, match=r"CAL-D-14 of D-14, valid from 2020-01-01, ended with 'fall'"):
        await begin_step(connection, client, session, "background-c2", "MD-1")
    with pytest.raises(Refused, match="calibrate it again, or use another"):
        start(connection, case)


async def test_an_event_that_is_entered_late_leaves_no_number_and_one_after_the_beam_changes_nothing(connection):
    case = diode_case()
    case.add(connection)
    session = await measured(connection, case)
    client = WorkedClient(connection)
    client.ahead_s = 3600
    ended(connection, "D-14", "fall", hours_ago(1), "fell in the morning", "MD-1")
    output = closed_results(connection, session)["C2"]
    assert output["decision"] == "INVALID"
    assert "ended with 'fall'" in output["why"][0]


async def test_an_event_after_the_beam_changes_nothing(connection):
    case = diode_case()
    case.add(connection)
    session = await measured(connection, case)
    ended(connection, "D-14", "fall", hours_ago(-0.2), "fell in the evening", "MD-1")
    assert closed_results(connection, session)["C2"]["decision"] != "INVALID"


def test_a_calibration_of_the_day_of_the_event_counts_when_it_was_confirmed_after_it(connection):
    diode_case().add(connection)
    today = datetime.now(UTC).date().isoformat()
    ended(connection, "D-14", "cable", f"{today}T00:00:00+00:00", "new cable", "MD-1")
    again = diode_case(3.05, valid_from=f"date:{today}")
    with pytest.raises(Refused, match="ended with 'cable'"):
        start(connection, again)
    enter(connection, again)
    confirm(connection, "CAL-D-14", "MP-2")
    assert start(connection, again).order_id == "ORD-C-1"


def test_an_element_correction_that_changed_needs_two_people_and_another_element_beside_it_does_not(connection):
    case, _ = case_c(points=("C3",))
    case.add(connection)
    case.element("X-9", 1.0, "osl")
    assert start(connection, case).order_id == "ORD-C-1"
    case.eccs["C3-1"] = 1.05
    with pytest.raises(Refused, match=r"ECC of C3-1 is 1.05 and was"):
        start(connection, case, 3)
    enter(connection, case, limit=10.0)
    confirm(connection, "ECC", "MP-2")
    assert start(connection, case, 3).order_id == "ORD-C-1"


def test_a_new_beam_of_a_known_detector_is_a_new_coefficient(connection):
    diode_case().add(connection)
    other = diode_case()
    other.calibrations.append(
        calibration("D-14", "15 MV", {"n_cal": ranged(3.0, "cGy/nC", 1.0), "svwt": factor(0.25, "%/Cel"),
                                      "t_cal": factor(22.0, "Cel")}, id="CAL-15", conditions={"reading": "positive"})
    )  # fmt: skip
    other.points[0]["beam"] = "15 MV"
    other.plan |= {"version": 2}
    with pytest.raises(Refused, match="for 15 MV, entrance there was none"):
        other.add_plan(connection)
