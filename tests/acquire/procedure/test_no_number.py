"""Mistakes of plans, calibrations, inventories and readings that must not end in a number; each in one sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from math import inf, nan

import pytest
from cases import case_b, case_c, case_d, case_e, case_f, client_b, client_f
from test_worked_cases import measured
from worked import GIVEN, READER, WorkedClient, closed_results, factor, part, ranged, run
from worked import calibration as calibrated

from acquire.errors import Refused
from acquire.procedure.readouts.placed import placements
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.placement import place
from acquire.procedure.session.session import get_session
from acquire.procedure.session.statements import exclude
from acquire.procedure.session.steps import abandon_step, begin_step
from acquire.record import build
from acquire.store.attribution import measurement

CASES = {"B": case_b, "C": case_c, "D": case_d, "E": case_e, "F": lambda: (case_f(), [])}


def point(case, name):
    return next(p for p in case.points if p["id"] == name)


def calibration(case, of):
    return next(c for c in case.calibrations if c["of"] == of)


def factors(name, **more):
    return lambda case: point(case, name)["factors"].update(more)


def of_point(name, **more):
    return lambda case: point(case, name).update(more)


def of_calibration(of, **more):
    return lambda case: calibration(case, of).update(more)


def batch(**more):
    return lambda case: case.batches[0].update(more)


REFUSED_WITH_THE_PLAN = [
    ("C", factors("C2", n_cal=factor(3.5, "cGy/nC")), "states n_cal, which the calibration of D-14 or"),
    ("C", factors("C2", cf_ssd=factor(99.5)), "cf_ssd = 99.5 .* lies outside 0.8 to 1.25: look for a mistyped digit"),
    ("C", factors("C2", cf_ssd=factor(nan)), "cf_ssd.value: nan is no finite number"),
    ("C", of_calibration("D-14", valid_until_gy=100.0), "ends at 100 Gy, and the inventory does not say what"),
    ("C", of_calibration("D-14", conditions={}), "does not say which sign its readings had"),
    ("C", of_point("C3", plausible={"low_gy": 0.5, "high_gy": 60.0}), "at most 30 times it"),
    ("C", of_point("C3", plausible={"low_gy": 0.0, "high_gy": 4.0}), "low_gy: 0.0 is out of range; it must be above 0"),
    ("C", of_point("C3", plausible={"low_gy": 4.0, "high_gy": 0.5}), "high_gy must be above low_gy"),
    ("C", of_point("C3", plausible={"low_gy": 0.5, "high_gy": inf}), "high_gy: inf is no finite number"),
    ("C", of_point("C3", window={"low_gy": 2.2, "high_gy": 1.8, "source": "s"}), "low_gy must be below high_gy"),
    ("C", of_point("C3", elements=["C3-1", "S-1"]), "is no standard, control or check element: S-1"),
    ("C", of_point("C4", elements=["C3-1", "C3-2"]), "lies at one point only .*: C3-1, C3-2"),
    ("C", batch(controls=["S-1"]), "S-1 stands more than once among standards"),
    ("C", factors("C3", n_dw=factor(0.0078, "cGy/{counts}")), "states n_dw, which comes from the standards"),
    ("C", lambda case: case.eccs.update({"C3-1": 0.0}), "elements.0.ecc.C3-1: 0.0 is out of range; it must be above 0"),
    ("C", lambda case: case.eccs.update({"C3-1": nan}), "elements.0.ecc.C3-1: nan is no finite number"),
    ("D", factors("head-R", rcf=factor(6.0, "nC/cGy")), "states rcf, which comes from the standards"),
    ("D", batch(standard_dose=factor(200.0, "cGy", 5.0)), "belongs in rcf_u_percent"),
    ("E", lambda c: calibration(c, READER)["factors"].update(background=factor(-52.0, "mRAD")), "is not negative"),
    ("F", of_point("ref", factors={"k_pol": factor(1.02)}), "states k_pol, which the calibration of CH-1 or the"),
    ("F", lambda case: calibration(case, "CH-1")["factors"].update(k_q=factor(1.3)), "k_q = 1.3 .* outside 0.8 to 1.2"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "sentence"), REFUSED_WITH_THE_PLAN)
def test_refused_with_the_plan(connection, name, change, sentence):
    case, _ = CASES[name]()
    change(case)
    with pytest.raises(Refused, match=sentence):
        case.add(connection)


@pytest.mark.parametrize("name", ["k_f", "k_l"])
def test_a_factor_that_a_curve_gives_is_not_entered_too(connection, name):
    case, _ = case_b()
    case.points[0]["factors"][name] = factor(1.0)
    case.points[0]["fading"] = None if name == "k_l" else {
        "per_day": 0.0005, "days_of_standards": 1.0, "low_days": 1.0, "high_days": 30.0, "u_percent": 0.3,
        "source": "site fading",
    }  # fmt: skip
    case.instruments[-1]["clock_zone"] = "UTC"
    with pytest.raises(Refused, match=f"states {name}, which its own curve gives"):
        case.add(connection)


@pytest.mark.parametrize(
    ("signal", "sentence"), [(0.0, "C-1 read exactly 0"), (-310.0, "A control element reads -310")]
)
async def test_a_control_that_shows_nothing_or_less(connection, signal, sentence):
    case, reads = case_c()
    client = WorkedClient(connection)
    client.beam = {"c2": GIVEN["C_c2_m"]}
    reads = [(e, signal if e == "C-1" else value) for e, value in reads]
    _, outputs = await measured(connection, case, reads, client, unit="{counts}")
    assert outputs["C3"]["decision"] == "INVALID"
    assert sentence in outputs["C3"]["why"][0]
    assert "dose_gy" in outputs["C2"]


async def test_a_diode_that_reads_with_the_other_sign(connection):
    case, reads = case_c()
    client = WorkedClient(connection)
    client.beam = {"c2": -GIVEN["C_c2_m"]}
    _, outputs = await measured(connection, case, reads, client, unit="{counts}")
    (why,) = outputs["C2"]["why"]
    assert why.startswith("The reading -37.12 nC is negative, the diode was calibrated with positive")


@pytest.mark.parametrize(
    ("before", "number", "said"),
    [
        (
            100.0,
            False,
            "The threshold before irradiation is 100 mV, the sensor stood at 6412 mV already: it is another",
        ),
        (19500.0, True, "MF-3 stood at 19500 mV before its irradiation, the inventory says 6412 mV: enter what it was"),
        (19800.0, False, "The threshold is at 20129.5 mV, beyond the sensor's limit of 20000 mV."),
    ],
)
async def test_a_sensor_that_is_not_where_the_inventory_says(connection, before, number, said):
    case, reads = case_b()
    client = client_b(connection)
    client.threshold = {"threshold-before": before, "threshold-after": before + 329.5}
    _, outputs = await measured(connection, case, reads, client)
    assert ("dose_gy" in outputs["bladder"]) is number
    assert any(s.startswith(said) for s in (*outputs["bladder"].get("why", ()), *outputs["bladder"]["remarks"]))


@pytest.mark.parametrize("stated", [False, True])
async def test_one_reading_alone_has_the_uncertainty_that_the_plan_states_for_it_or_none(connection, stated):
    case, client = case_f(), client_f(connection)
    if stated:
        case.points[0]["uncertainty"].append(part("repeated readings", 0.5))
    client.overloaded = {"irradiate-2", "irradiate-3"}
    case.add(connection)
    session = case.start(connection, temperature_c=GIVEN["F_T"], pressure_kpa=GIVEN["F_P"])
    await run(connection, client, session)
    output = closed_results(connection, session)["ref"]
    if stated:
        assert output["u_percent"] == pytest.approx((0.991**2 + 0.5**2) ** 0.5, abs=2e-3)
    else:
        assert output["why"][0].startswith("Of the repeats only irradiate-1 counts, so their scatter is not known")


@pytest.mark.parametrize(("until", "number"), [(1, False), (9, True)])
async def test_a_readers_calibration_must_hold_when_the_elements_are_read(connection, until, number):
    case, reads = case_e()
    last = datetime.now(UTC).date() + timedelta(days=until)
    calibration(case, READER)["valid_until"] = f"date:{last}"
    client = WorkedClient(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    client.ahead_s += 5 * 86400
    client.read_elements(reads, "{counts}")
    output = closed_results(connection, session)["E1"]
    assert ("dose_gy" in output) is number
    if not number:
        assert f"Calibration CAL-{READER} of {READER} ended on {last}" in output["why"][0]


@pytest.mark.parametrize(("made", "way_out"), [(case_c, True), (case_e, False)])
def test_a_readers_calibration_that_is_over_is_refused_with_standards_as_the_way_out(connection, made, way_out):
    case, _ = made()
    coefficients = {"n_dw": ranged(0.0039, "cGy/{counts}", 1.2), "background": factor(310.0, "{counts}")}
    if way_out:
        case.batches = [{"reader": READER, "readings": 3, "depletion_per_reading": 0.0005, "depletion": "growing"}]
        case.calibrations.append(calibrated(READER, "6 MV", coefficients))
    calibration(case, READER)["valid_until"] = "date:2026-01-29"
    with pytest.raises(Refused, match=f"CAL-{READER} of {READER} ended on 2026-01-29") as refused:
        case.add(connection)
    assert ("Or read standards of known dose in the same session" in str(refused.value)) is way_out


async def test_a_chip_that_was_not_read_is_not_placed_again_to_show_two_doses(connection):
    case, reads = case_d()
    client = WorkedClient(connection)
    case.add(connection)
    first = case.start(connection)
    await run(connection, client, first)
    close_session(connection, first, "MD-1", over="the reader is down")
    second = case.start(connection, fraction=2)
    place_first = partial(place, connection, get_session(connection, second), "head-R", "head-R-a", "MD-1")
    with pytest.raises(Refused, match=f"head-R-a came back from head-R in session {first} and has not been read since"):
        place_first()
    exclude(connection, get_session(connection, first), "head-R-a", "MD-1", "MP-1", "annealed unread")
    place_first()
    client.read_elements(reads)
    place(connection, get_session(connection, second), "head-R", "head-R-b", "MD-1")
    assert [(p.dosimeter, p.removed_at) for p in placements(connection, second)] == [
        ("head-R-a", None),
        ("head-R-b", None),
    ]


async def test_a_plan_that_came_in_after_the_session_began_is_named_beside_the_result(connection):
    case, reads = case_e()
    client = WorkedClient(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    case.plan["version"] = 2
    point(case, "E1")["plausible"] = {"low_gy": 0.02, "high_gy": 0.04}
    case.add_plan(connection)
    client.read_elements(reads, "{counts}")
    output = closed_results(connection, session)["E1"]
    assert output["dose_gy"] == pytest.approx(GIVEN["E_e1_D"] / 100, rel=1e-6)
    assert "held against v1, which the session began with" in output["remarks"][0]


async def test_a_beam_that_a_lost_link_cut_off_says_the_sentence_of_the_fault(connection):
    case, reads = case_c()
    client = WorkedClient(connection)
    client.beam = {"c2": GIVEN["C_c2_m"]}
    case.add(connection)
    session = case.start(connection)
    begun = partial(begin_step, connection, client, session)
    await run(connection, client, session, skip=["c2"])
    await begun("c2", "MD-1")
    connection.execute(
        "UPDATE streams SET ended = 'link-lost', final = head, why = 'The cable was pulled.' WHERE instrument = ?",
        ("electrometer-1",),
    )
    (beam,) = attempts(connection, session, "c2")
    view = measurement(connection, beam.measurement)
    assert (view.state, view.reason) == ("interrupted", "its stream ended: link-lost (The cable was pulled.)")
    await abandon_step(connection, session, "c2", "MD-1", "the cable was pulled", beam_given=True)
    client.read_elements(reads, "{counts}")
    close_session(connection, session, "MD-1", over="c2 was cut off")
    record = build(connection, session)
    (said,) = [a["why"] for e in record["events"] if e["step"] == "c2" for a in e["attempts"]]
    assert said == "its stream ended: link-lost (The cable was pulled.)"
    connection.execute("UPDATE streams SET why = NULL")
    assert measurement(connection, beam.measurement).reason == "its stream ended: link-lost"
