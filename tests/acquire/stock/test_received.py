"""What a detector has received: what the inventory says, and what was measured here on top of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cases import case_b, client_b
from test_file_coefficients import diode_case, measured
from worked import GIVEN, WorkedClient, closed_results, run

from acquire.errors import Refused
from acquire.procedure.session.console import enter_console_time
from acquire.procedure.session.session import get_session, start_session, time_out
from acquire.procedure.session.steps import abandon_step, begin_step
from acquire.procedure.stock.received import irradiations
from acquire.record import build, html


def diode(stated, allowed=None, **more):
    case = diode_case(**({} if allowed is None else {"valid_until_gy": allowed}))
    for each in case.detectors:
        each |= {"accumulated_gy": stated, **more}
    return case


def start(connection, case, fraction=2):
    return start_session(
        connection, "ORD-C-1", "MD-1", calibrations=case.calibration_file, inventory=case.inventory, fraction=fraction
    )


def d14(session):
    return session.inventory.detector_named("D-14")


async def test_the_dose_of_results_comes_on_top_and_ends_the_calibration(connection):
    case = diode(398.0, 400.0)
    case.add(connection)
    session = await measured(connection, case)
    dose = closed_results(connection, session)["C2"]["dose_gy"]
    later = start(connection, case, 3)
    assert d14(later).accumulated_gy == pytest.approx(398.0 + dose)
    assert d14(later).measured_here_gy == pytest.approx(dose)
    page = html(build(connection, later.id))
    assert f"{398 + dose:.5g} Gy ({dose:.4g} Gy of it measured here)" in page
    nearly = await measured(connection, case, 2)
    closed_results(connection, nearly)
    with pytest.raises(
        Refused, match=r"ended at 400 Gy, and the detector has received 400.2\d* Gy, 2.2\d* Gy of it in"
    ):
        start(connection, case, 3)


async def test_an_irradiation_without_a_result_counts_with_what_was_expected(connection):
    case = diode(10.0)
    case.add(connection)
    await measured(connection, case)
    assert d14(start(connection, case)).measured_here_gy == pytest.approx(GIVEN["C_c2_exp"] / 100)


async def test_a_dose_that_is_spent_while_a_session_runs_stops_its_next_step(connection):
    case = diode(399.0, 400.0)
    case.add(connection)
    waiting = start(connection, case, 2)
    session = await measured(connection, case, 1)
    closed_results(connection, session)
    with pytest.raises(Refused, match="ended at 400 Gy"):
        time_out(connection, waiting.id, "MD-1", "RT-1", identifiers_agree=True)


async def test_a_beam_that_was_not_given_does_not_count(connection):
    case = diode(10.0)
    case.add(connection)
    session = case.start(connection)
    client = WorkedClient(connection)
    await run(connection, client, session, skip=["c2"])
    await begin_step(connection, client, session, "c2", "MD-1")
    assert len(irradiations(connection, "D-14")) == 1
    await abandon_step(connection, session, "c2", "MD-1", "no beam", beam_given=False, client=client)
    assert irradiations(connection, "D-14") == []


async def test_from_the_day_the_inventory_names_only_what_came_later_is_added(connection):
    case = diode(10.0)
    case.add(connection)
    session = await measured(connection, case)
    dose = closed_results(connection, session)["C2"]["dose_gy"]
    today = datetime.now(UTC).date()
    since_today = diode(11.5, accumulated_on=f"date:{today.isoformat()}")
    assert d14(start(connection, since_today)).accumulated_gy == pytest.approx(11.5 + dose)
    since_tomorrow = diode(11.5, accumulated_on=f"date:{(today + timedelta(days=1)).isoformat()}")
    assert d14(start(connection, since_tomorrow, 3)).measured_here_gy is None


async def test_a_dose_does_not_fall(connection):
    case = diode(96.0)
    case.add(connection)
    await measured(connection, case)
    for typed in (9.6, 0.0):
        with pytest.raises(Refused, match=r"with it and what was measured here that is .* and it was 96 Gy before"):
            start(connection, diode(typed))
    assert start(connection, diode(97.0)).fraction == 2


def test_what_the_program_writes_is_refused_where_people_type_it(connection):
    with pytest.raises(Refused, match="states measured_here_gy of D-14; the program writes that"):
        diode(10.0, measured_here_gy=1.0).add(connection)


async def test_a_mosfet_stands_where_it_was_last_read_here(connection):
    """Worked case B: 6741.5 mV after its dose, of a limit of 20 000; the inventory still says 6412."""
    case, reads = case_b()
    case.add(connection)
    session, client = case.start(connection), client_b(connection)
    await run(connection, client, session)
    client.read_elements(reads)
    enter_console_time(connection, session, "MD-1", total_s=440.6, treated_at="2026-02-05T10:31:00+01:00")
    closed_results(connection, session)
    later = start_session(
        connection, "ORD-B-1", "MD-1", calibrations=case.calibration_file, inventory=case.inventory, fraction=2
    )
    assert later.inventory.detector_named("MF-3").threshold_mv == pytest.approx(GIVEN["B_v1"])
    assert get_session(connection, session).inventory.detector_named("MF-3").threshold_mv == 6412.0
