"""The record prints the serial number that answered; another one than the inventory's is refused before the beam."""

from __future__ import annotations

import pytest
from cases import case_f, client_f
from scenario_a import StoreClient, closed, demo_file, prepared, published

from acquire.bus.messages import State
from acquire.errors import Refused
from acquire.procedure.results.result import calculate_session
from acquire.procedure.session.framing import is_told
from acquire.procedure.session.session import SessionState, get_session, start_session, time_out
from acquire.procedure.session.steps import begin_step, end_step
from acquire.record import build, html


def state(**said):
    return State.model_validate({**published("keithley-6517b"), **said})


def instruments(record):
    return {each["id"]: each for each in record["equipment"]["instruments"]}


async def test_the_record_prints_what_answered_and_the_inventorys_word_only_beside_it(connection, client: StoreClient):
    client.says["electrometer-1"] = {"model": "6517B", "serial": "4096271"}
    client.says["electrometer-2"] = {"model": "UNIDOS Tango"}
    session = await closed(connection, client)
    calculate_session(connection, session, "MP-1")
    record = build(connection, session)
    found = instruments(record)
    assert (found["electrometer-1"]["serial"], found["electrometer-1"]["serial_told"]) == ("4096271", True)
    assert (found["electrometer-2"]["serial"], found["electrometer-2"]["serial_told"]) == (
        "not told by the instrument", False,
    )  # fmt: skip
    assert found["electrometer-2"]["inventory_serial"] == "123456"
    page = html(record)
    assert "not told by the instrument (the inventory says 123456)" in page
    assert '<td data-label="Serial">4096271</td>' in page
    assert '<td data-label="Serial">123456</td>' not in page


async def test_a_reader_is_named_by_its_records_and_one_that_does_not_say_is_not(connection, client: StoreClient):
    chip = client.chip
    client.chip = lambda *said: chip(*said) | {"reader": "M6600 1"}
    session = await closed(connection, client)
    calculate_session(connection, session, "MP-1")
    found = instruments(build(connection, session))
    assert (found["tld-reader-1"]["serial"], found["tld-reader-1"]["inventory_serial"]) == ("M6600 1", "M6600-1")
    assert found["tld-reader-2"]["serial"] == "not told by the instrument"


async def test_an_instrument_that_nothing_was_measured_with_has_no_number(connection, client: StoreClient):
    session = prepared(connection)
    await begin_step(connection, client, session, "zero-b1", "MD-1")
    assert instruments(build(connection, session))["electrometer-2"]["serial"] == "nothing was measured with it"


def test_another_unit_is_refused_before_the_session_is_ready(connection):
    before = prepared(connection)
    later = start_session(
        connection,
        "ORD-A-1",
        "MD-1",
        calibrations=demo_file("calibrations.toml"),
        inventory=demo_file("inventory.toml"),
        instead_of=(before, "begun once more"),
    ).id
    wrong = {"electrometer-1": state(serial="4096272")}
    with pytest.raises(Refused, match="its serial number is 4096272, the inventory has 4096271"):
        time_out(connection, later, "MD-1", "RT-1", identifiers_agree=True, states=wrong)
    assert get_session(connection, later).state is SessionState.PLANNED
    gone = {"electrometer-1": state(serial="4096272", state="offline")}
    time_out(connection, later, "MD-1", "RT-1", identifiers_agree=True, states=gone)
    assert get_session(connection, later).state is SessionState.READY


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ({"serial": "4096272"}, "its serial number is 4096272"),
        ({}, "told the serial number 4096271 before in this session and tells none now"),
    ],
)
async def test_a_unit_that_was_exchanged_between_two_steps_is_refused_at_the_next(connection, client, then, said):
    session = prepared(connection)
    client.says["electrometer-1"] = {"serial": "4096271"}
    await begin_step(connection, client, session, "zero-b1", "MD-1")
    await end_step(connection, client, session, "zero-b1", "MD-1")
    client.says["electrometer-1"] = then
    with pytest.raises(Refused, match=said):
        await begin_step(connection, client, session, "background-b1", "MD-1")


async def test_an_instrument_without_a_number_on_its_wire_is_measured_with_all_the_same(connection):
    case, client = case_f(), client_f(connection)
    case.add(connection)
    session = case.start(connection)
    await begin_step(connection, client, session, "background", "MD-1")
    (event,) = [e for e in build(connection, session)["events"] if e["step"] == "background"]
    said = event["attempts"][0]["in_force"]["serial"]
    assert said == "not told by the instrument; the inventory says electrometer-2"
    assert not is_told(said)
    assert not is_told("4711 (by the inventory; not told by the instrument)"), "as an earlier release wrote it"


@pytest.mark.parametrize(
    ("owned", "settings", "said"),
    [
        ({"range": "LOW"}, {"range": "MEDIUM"}, "is on range MEDIUM; the inventory has LOW"),
        ({"range": "LOW"}, {"range": "low"}, None),
        ({"full_scale_nc": 200.0}, {"SENS:CHAR:RANG": "2E-08"}, "is on its range of 20 nC; the inventory has 200 nC"),
        ({"full_scale_nc": 30.0}, {"SENS:CHAR:RANG": "3.000000E-08"}, None),
        ({"range": 2e-7}, {"SENS:CHAR:RANG": "2E-08", "SENS:CHAR:RANG:AUTO": True}, None),
        ({"range": "LOW"}, {}, None),
    ],
)
async def test_a_range_that_is_not_the_inventorys_is_refused_at_the_begin(connection, owned, settings, said):
    case, client = case_f(), client_f(connection)
    case.instruments[0] |= owned
    client.says["electrometer-2"] = {"measures": "charge", "settings": settings}
    case.add(connection)
    session = case.start(connection)
    if said is None:
        assert (await begin_step(connection, client, session, "background", "MD-1")).begun
        return
    with pytest.raises(Refused, match=said):
        await begin_step(connection, client, session, "background", "MD-1")
    await measured_nothing(connection, session)


async def measured_nothing(connection, session):
    assert connection.execute("SELECT count(*) FROM attempt WHERE session = ?", (session,)).fetchone()[0] == 0
