"""What frames a measurement is settled before the beam, from the state of the instrument, and kept with the attempt."""

from __future__ import annotations

import pytest
from cases import case_c, case_f, client_f
from scenario_a import StoreClient, demo_file, prepared, published
from worked import GIVEN, WorkedClient, closed_results, run

from acquire.bus.messages import State
from acquire.errors import Refused
from acquire.procedure.results.result import calculate_session, latest
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session import steps
from acquire.procedure.session.attempts import attempts, mark
from acquire.procedure.session.session import start_session
from acquire.procedure.session.steps import begin_step, end_step
from acquire.record import build

TYPED = {
    "electrometer-1": {"integrates": "running", "zero": ["zero"]},
    "electrometer-2": {
        "integrates": "reset", "zero": ["zero"], "before": ["reset"], "start": ["start"], "stop": ["hold"],
    },
    "reader-1": {"integrates": "elements"},
}  # fmt: skip


def typed_in_full(case):
    """As inventories were written before models knew it."""
    case.instruments = [{**each, **TYPED[each["id"]]} for each in case.instruments]
    return case


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"integrates": "running"}, "electrometer-2 integrates 'running', ptw-unidos-tango has 'reset'"),
        ({"before": []}, "leaves reset out of `before` of electrometer-2"),
        ({"start": ["begin"]}, "sends begin to electrometer-2 .start.; ptw-unidos-tango does not take that there"),
        ({"model": "ptw-unidos-tnago"}, "electrometer-2: There is no driver for 'ptw-unidos-tnago'"),
    ],
)
def test_an_inventory_that_contradicts_the_model_is_refused_with_the_plan_and_with_the_session(connection, typed, said):
    case = case_f()
    right = case.inventory
    case.instruments[0] |= typed
    with pytest.raises(Refused, match=said):
        case.add(connection)
    wrong = case.inventory
    case.instruments[0] = {"id": "electrometer-2", "model": "ptw-unidos-tango", "serial": "electrometer-2"}
    assert case.inventory == right
    case.add_plan(connection)
    with pytest.raises(Refused, match=said):
        start_session(
            connection, "ORD-F-1", "MD-1", calibrations=case.calibration_file, inventory=wrong,
        )  # fmt: skip


def state(name, **said):
    return State.model_validate({**published(name), **said})


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"electrometer-1": state("keithley-6517b", serial="4096271")}, None),
        ({"electrometer-1": state("keithley-6517b", serial="4096272")}, "its serial number is 4096272, the inventory"),
        ({"electrometer-2": state("keithley-6517b")}, "electrometer-2 is a keithley-6517b; the inventory has a ptw"),
        ({"electrometer-2": state("keithley-6517b", state="offline")}, None),  # nobody is there to say it
        ({"electrometer-1": state("keithley-6517b", measures="current", integrates="none")}, None),  # set until begin
    ],
)
def test_a_session_is_not_started_with_another_instrument_than_the_inventory_has(connection, states, said):
    start = {
        "calibrations": demo_file("calibrations.toml"), "inventory": demo_file("inventory.toml"),
        "instead_of": (prepared(connection), "begun once more"),
    }  # fmt: skip
    if said is None:
        assert start_session(connection, "ORD-A-1", "MD-1", states=states, **start).plan.version == 2
        return
    with pytest.raises(Refused, match=said):
        start_session(connection, "ORD-A-1", "MD-1", states=states, **start)


def test_a_session_starts_where_the_instrument_says_how_it_is_used_and_its_profile_is_broken_here(connection):
    case = case_f()
    case.add(connection)
    case.instruments[0] |= {"model": "our-unidos"}
    start = {"calibrations": case.calibration_file, "inventory": case.inventory}
    says = state("ptw-unidos-tango", driver="our-unidos", serial="electrometer-2")
    for other in ({}, {"electrometer-2": says.model_copy(update={"state": "offline"})}):
        with pytest.raises(Refused, match="There is no driver for 'our-unidos'"):
            start_session(connection, "ORD-F-1", "MD-1", states=other, **start)
    wrong = says.model_copy(update={"serial": "77"})
    with pytest.raises(Refused, match="its serial number is 77"):
        start_session(connection, "ORD-F-1", "MD-1", states={"electrometer-2": wrong}, **start)
    assert start_session(connection, "ORD-F-1", "MD-1", states={"electrometer-2": says}, **start).order_id == "ORD-F-1"


@pytest.mark.parametrize(
    ("says", "said"),
    [
        (None, "Nothing is known of electrometer-1 on this broker"),
        ({"measures": "current", "integrates": "none"}, "set to current; step background-b1 needs its charge"),
        ({"serial": "77"}, "its serial number is 77"),
    ],
)
async def test_nothing_is_begun_and_nothing_asked_where_the_state_does_not_fit(connection, client, says, said):
    session = prepared(connection)
    await begin_step(connection, client, session, "zero-b1", "MD-1")
    await end_step(connection, client, session, "zero-b1", "MD-1")
    asked = list(client.asked)
    client.says["electrometer-1"] = says
    with pytest.raises(Refused, match=said):
        await begin_step(connection, client, session, "background-b1", "MD-1")
    assert client.asked == asked
    assert attempts(connection, session, "background-b1") == []


async def test_the_end_is_framed_as_the_begin_was_whatever_the_driver_says_by_then(connection):
    case, client = case_f(), client_f(connection)
    case.add(connection)
    session = case.start(connection)
    await begin_step(connection, client, session, "background", "MD-1")
    client.says["electrometer-2"] = {"framing": {"stop": ["halt"]}, "integrates": "running"}
    await end_step(connection, client, session, "background", "MD-1")
    assert [name for _, name in client.asked] == ["reset", "begin", "start", "hold", "end"]


async def test_a_state_that_frames_otherwise_than_the_installed_model_is_what_counts(connection):
    case, client = case_f(), client_f(connection)
    client.says["electrometer-2"] = {"framing": {"before": ["reset"], "start": ["go"], "stop": ["halt"]}}
    case.add(connection)
    session = case.start(connection)
    await begin_step(connection, client, session, "background", "MD-1")
    await end_step(connection, client, session, "background", "MD-1")
    assert [name for _, name in client.asked] == ["reset", "begin", "go", "halt", "end"]


async def test_a_session_of_an_earlier_release_with_everything_typed_gives_what_it_gave(connection, monkeypatch):
    monkeypatch.setattr(steps, "mark", lambda *said: mark(*said[:5]))  # it wrote nothing down with the attempt
    case = typed_in_full(case_f())
    case.add(connection)
    session = case.start(connection, temperature_c=GIVEN["F_T"], pressure_kpa=GIVEN["F_P"])
    client = client_f(connection)
    await run(connection, client, session)
    output = closed_results(connection, session)["ref"]
    assert output["dose_gy"] == pytest.approx(GIVEN["F_D398"], rel=1e-9)
    result = latest(connection, session, "ref")
    assert not {"integrates", "channel"} & set(result.selection.plain())
    assert verify_store(connection) == []
    assert calculate_session(connection, session, "MP-1") == [result]
    assert {a["in_force"] for e in build(connection, session)["events"] for a in e["attempts"]} == {None}
    assert [name for _, name in client.asked][:5] == ["reset", "begin", "start", "hold", "end"]


async def test_what_is_typed_and_what_the_model_says_give_the_same_dose(connection):
    case, reads = case_c()
    case = typed_in_full(case)
    client = WorkedClient(connection)
    client.beam = {"c2": GIVEN["C_c2_m"]}
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    client.read_elements(reads, "{counts}")
    output = closed_results(connection, session)["C2"]
    assert 100 * output["dose_gy"] == pytest.approx(GIVEN["C_c2_D"], rel=1e-9)
    assert latest(connection, session, "C2").selection.of.integrates == "running"


async def test_the_record_says_what_was_in_force(connection, client: StoreClient):
    session = prepared(connection)
    client.says["electrometer-1"] = {"serial": "4096271"}
    await begin_step(connection, client, session, "zero-b1", "MD-1")
    (event,) = [e for e in build(connection, session)["events"] if e["step"] == "zero-b1"]
    force = event["attempts"][0]["in_force"]
    assert (force["model"], force["serial"], force["integrates"]) == ("keithley-6517b", "4096271", "running")
    assert force["framing"]["zero"] == ["zero"]
