"""A store with rows of every kind, two at least of each: worked case B with a spectrum, and eventful streams."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import eventful_streams
import pytest
import stocked
from cases import case_b, client_b
from messages_v2 import merged, separated
from messages_v2 import order as v2_order
from people_known import everybody, password_of, staffed
from real_probes import Probe, ProbeClient
from signable import reviewed, whole
from test_probes_in_worked_cases import beams, case_a
from test_spectra import COLUMNS, case_with_spectrum
from worked import READER, WorkedClient, run
from written_down import entered, navel, printed

from acquire.errors import Refused
from acquire.fits.kept import Curve, keep
from acquire.orders import Site
from acquire.patients import PatientsFile
from acquire.people import here, link, log_in, prove, set_hours
from acquire.procedure.documents.cancelled import cancel_order
from acquire.procedure.documents.messages import receive
from acquire.procedure.results.beam_assignment import assign_parts
from acquire.procedure.results.binding import bind
from acquire.procedure.results.result import calculate_session
from acquire.procedure.session import notices
from acquire.procedure.session.ambient_conditions import set_environment
from acquire.procedure.session.as_planned import state_as_planned
from acquire.procedure.session.clock_offsets import compare_clock
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.console import enter_console_time
from acquire.procedure.session.downtime import check, read_back, set_aside
from acquire.procedure.session.input_changes import state_change
from acquire.procedure.session.placement import correct, place, remove
from acquire.procedure.session.presence import was_there
from acquire.procedure.session.read_anew import read_anew
from acquire.procedure.session.read_names import was_read_as
from acquire.procedure.session.rt_plan_seen import saw_rt_plan
from acquire.procedure.session.run_of_point import state_run
from acquire.procedure.session.session import cancel, get_session
from acquire.procedure.session.spectrum_file import attach_spectrum
from acquire.procedure.session.statements import exclude, imaging_given, no_imaging, read_at
from acquire.procedure.session.steps import abandon_step, begin_step, not_measured
from acquire.procedure.session.take_over import take_over
from acquire.procedure.signing.corrections import note
from acquire.procedure.signing.writing import amend, cover, give
from acquire.record.billing_tables import add_table, withdraw_table
from acquire.record.signing import kept_pdf
from acquire.store.database import transaction

PAYER = b"""schema = "payer-table/1"
payer = "Payer X"
valid_from = 2026-01-01
valid_until = 2026-12-31
limit = [{ code = "77331", units = 6, per = "course", firm = false, source = "policy 4" }]
"""
ZONE = "2026-02-05T10:31:00+01:00"


async def filled(connection: Any) -> str:
    """A session measured and calculated, and a second fraction that was given up; returns the first one's id."""
    people(connection)
    with everybody():
        return await _filled(connection)


def people(connection: Any) -> None:
    """Accounts, log-ins that ended and that hold, and a trial of a password that was wrong."""
    staffed(connection)
    before = None
    for account in ("MP-1", "MD-1", "MP-1"):
        before = log_in(connection, prove(connection, account, password_of(account), "log in"), before)
    with pytest.raises(Refused):
        prove(connection, "MP-1", "wrong", "log in")
    with here("AD-1"):
        for hours, account in ((6.0, "MP-1"), (10.0, "MD-1")):
            set_hours(connection, hours, "AD-1", "as the house has it")
            link(connection, account, "https://login.clinic.example", f"of {account}", "AD-1", "known to the clinic")


async def _filled(connection: Any) -> str:
    eventful_streams.filled(connection)
    stocked.every_row(connection)
    case, reads = case_with_spectrum()
    case.element("X-1", 1.0, "tld")
    other, _ = case_b()
    other.name = "B2"
    client = client_b(connection)
    case.add(connection)
    other.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    correct(connection, get_session(connection, session), "r1-1", "X-1", "MD-1", "MP-1", "its tray was swapped")
    reads = [("X-1" if element == "r1-1" else element, value) for element, value in reads]
    swapped = {"r3-1": "r3-2", "r3-2": "r3-1"}
    client.read_elements([(swapped.get(element, element), value) for element, value in reads])
    was_read_as(connection, get_session(connection, session), swapped, "MD-1", "MP-1", "exchanged in the tray")
    for value in (1e3, 1.0):
        for n in (1, 2):
            origin = {"file": "other.csv", "sha256": f"{n}" * 64, "offset": 20 * n, "length": 20}
            client.read_records(f"Z-{n}", value, {"origin": origin})
    read_anew(connection, get_session(connection, session), READER, "other.csv", "MD-1", "MP-1", "the column is of nC")
    enter_console_time(connection, session, "MD-1", total_s=440.6, treated_at=ZONE)
    point = get_session(connection, session).plan.point_named("spec")
    attach_spectrum(connection, session, point, "B.txt", COLUMNS.encode(), "MP-1")
    mistyped = set_environment(
        connection, session, "MD-1", temperature_c=22.5, pressure_kpa=100.2, humidity_percent=45.0, source="room"
    )
    set_environment(
        connection, session, "MD-1", temperature_c=22.1, pressure_kpa=100.1, humidity_percent=44.0, source="room",
        replaces=mistyped, reason="mistyped", confirmed_by="MP-1",
    )  # fmt: skip
    now = get_session(connection, session)
    exclude(connection, now, "r2-1", "MD-1", "MP-1", "dropped")
    no_imaging(connection, now, "R1", "MD-1")
    read_at(connection, now, "reader-1", ZONE, "MD-1", "MP-1", "its clock stands")
    state_run(connection, now, ["r2-2", "r3-1"], "before", "MD-1", "MP-1", "the log book of the reader")
    close_session(connection, session, "MD-1")
    calculate_session(connection, session, "MP-1")
    ordered(connection)
    limits(connection)
    for n in (1, 2):
        saw_rt_plan(connection, "ORD-B-1", f"1.2.{n}", "ab" * 32, "MP-1")
    told(connection, session)
    written_down(connection)
    signed(connection, session)
    await exchanged(connection)
    fitted(connection)
    await given_up(connection, client, case)
    return session


def ordered(connection: Any) -> None:
    """Orders by messages: of three patients, of whom merges make one, also after they were two again."""
    with PatientsFile(None) as patients:
        for n in (1, 2, 3):
            number = f"MRN-EXAMPLE-{n}^^^HOSP^MR"
            receive(connection, patients, v2_order(number=f"ORD-V2-{n}", control_id=f"M-{n}", number_of=number), Site())
        for n in (2, 3):
            both = "MRN-EXAMPLE-1^^^HOSP^MR", f"MRN-EXAMPLE-{n}^^^HOSP^MR"
            for body in (merged(*both, f"A-{n}"), separated(*both, f"U-{n}"), merged(*both, f"B-{n}")):
                assert receive(connection, patients, body, Site()).code == "AA"


def limits(connection: Any) -> None:
    """Tables of unit limits: a payer's that stands, and one that was withdrawn."""
    for payer in ("Payer X", "Payer Y"):
        number, _ = add_table(connection, "payer.toml", PAYER.replace(b"Payer X", payer.encode()), "MP-1", None)
    withdraw_table(connection, number, "MP-1", "of last year")


def signed(connection: Any, session: str) -> None:
    """Two versions: one signed by both and given away, one that is reviewed."""
    whole(connection, session)
    for to in ("the chart", "another hospital"):
        give(connection, session, 1, b"{}", "json", to, "MP-1")
    for name in ("MP-1", "RO-1"):
        note(connection, session, 2, name, "mailed")
    (order,) = connection.execute("SELECT order_id FROM session WHERE id = ?", (session,)).fetchone()
    for why in ("on leave", "ill"):
        cover(connection, order, "RO-2", why, "RO-1")
    with patch("acquire.record.signing.pdf", lambda record: b"%%PDF of v%d" % record["version"]):
        kept_pdf(connection, session, 1)
        amend(connection, session, "another look", "MP-1")
        reviewed(connection, session)
        kept_pdf(connection, session, 2)
    amend(connection, session, "and another", "MP-1")


def told(connection: Any, session: str) -> None:
    """Two notices, and everything that can become of one."""
    with transaction(connection):
        notices.make(connection, session, "R1", "RESULT NOT THERE", 2)
    first, held = notices.notices(connection, session)
    for notice in (first, held):
        with transaction(connection):
            for n, name in enumerate(("MP-1", "MP-2")):
                notices.mark(connection, notice, "mailed", name=name, round=n)
                notices.mark(connection, notice, "not-delivered", name=name, reason="no answer")
            notices.mark(connection, notice, "stand-in", role="physicist")
        notices.acknowledge(connection, notice.n, "MP-2", ["physicist"])
    notices.lift(connection, held.n, "MP-1", ["physicist"], "read today", "RO-1")


def written_down(connection: Any) -> None:
    """Two forms, what was entered from them, compared and corrected, and totals read back and set aside."""
    case = navel("W")
    case.add(connection)
    forms = [printed(connection, case, fraction) for fraction in (1, 2)]
    for fraction, form in enumerate(forms, start=1):
        session = case.start(connection, fraction)
        now = get_session(connection, session)
        entered(connection, now, who="MD-1", form=form)
        entered(connection, now, "36.03 nC", who="MD-1", form=form, correct=True)
        check(connection, now, "navel", "36.03 nC", "MP-2")
        client = WorkedClient(connection)
        client.of("electrometer-1").charge_nc = 36.0
        client.idle("electrometer-1")
        read_back(connection, now, "navel", 1.0, "MP-2")
        set_aside(connection, now, "navel", "MP-1", "MP-2", "reset since")
        compare_clock(connection, now, "LA-1", ZONE, "2026-02-05T10:34:12+01:00", "MD-1")
        take_over(connection, now, "RT-1", "MD-1 was called away")
        state_change(connection, now, "electrometer-1", "on-since", "RT-1", "as every day", ZONE)


def fitted(connection: Any) -> None:
    """Fits of elements that lay in one session, and of one that lay in both."""
    for seq, element in enumerate(("r1-2", "r2-1", "r3-1"), start=1):
        curve = Curve("stream", seq, "ab" * 32, "TLD-100", element, element, b"{}")
        keep(connection, [(curve, {"name": element, "refused": None, "warnings": [f"Peak {seq}."]})])


async def exchanged(connection: Any) -> None:
    """Worked case A with two diodes exchanged, which two people put right."""
    case, probe = case_a(), Probe("diode-electrometer-12")
    for step in case.steps:  # short: every edit of the store is looked for in all of it
        if step["kind"] in ("background", "irradiate"):
            step["duration_s"] = 2.0
    case.add(connection)
    session = case.start(connection)
    async with probe:
        await run(connection, ProbeClient(connection, probe, beams(swapped=True)), session)
    now = get_session(connection, session)
    bind(connection, now, {"B2": "D-12", "B7": "D-14"}, "MD-1", "MP-1", "serials read on the patient")
    for was in ("port image", "irradiation"):
        assign_parts(connection, now, "b1", {1: was}, "MD-1", "MP-1", "console read by two", mu={1: 92.0})
    for other in ("B2", "B7"):
        state_as_planned(connection, now, ["B1", other], "MD-1", "MP-1", "serials read on the patient")


async def given_up(connection: Any, client: Any, case: Any) -> None:
    second = case.start(connection, fraction=2)
    now = get_session(connection, second)
    place(connection, now, "R3", "r3-1", "MD-1", "a")
    remove(connection, get_session(connection, second), "r3-1", "MD-1")
    for other in ("MP-1", "RT-1"):
        was_there(connection, now, "r3-1", "MD-1", other, "its removal was ticked too early")
    imaging_given(connection, now, "R3", "MD-1", "cone-beam CT")
    enter_console_time(connection, second, "MD-1", total_s=12.5, treated_at=ZONE)
    attach_spectrum(connection, second, now.plan.point_named("spec"), "C.txt", (COLUMNS + "\n").encode(), "MP-1")
    not_measured(connection, second, "place", "MD-1", "no time")
    client.says["electrometer-1"] = {"measures": "voltage"}
    await begin_step(connection, client, second, "threshold-before", "MD-1")
    await abandon_step(connection, second, "threshold-before", "MD-1", "cable", beam_given=False, client=client)
    not_measured(connection, second, "threshold-before", "MD-1", "cable")
    for row in connection.execute("SELECT DISTINCT order_id FROM session").fetchall():
        cancel_order(connection, row["order_id"], "MD-1", "the course is over")
    cancel(connection, second, "MD-1", "machine down")
