"""A reader that writes several records of one element: the plan names the one that counts, or none does."""

from __future__ import annotations

import pytest
from cases import case_d
from test_guards_in_sessions import one_chip
from worked import READER, WorkedClient, closed_results, run

from acquire.errors import FileProblem
from acquire.procedure.documents.inventory import Element
from acquire.procedure.documents.plan import Batch
from acquire.procedure.readouts.elements import different_records
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.closing import keeps_open
from acquire.procedure.session.progress import next_step
from acquire.procedure.session.session import get_session
from acquire.record import attached
from acquire.store.attribution import StoredReading

PREHEAT = {"attributes": {"recordType": "TL", "sequenceStepNumber": "1"}, "channel": "UVVIS"}
READOUT = {"attributes": {"recordType": "TL", "sequenceStepNumber": "2"}, "channel": "UVVIS"}
OF_READOUT = {"readout": {"sequenceStepNumber": "2"}}
SIGNAL, HALF = 64.4, 32.2  # 64.4 nC are 5 cGy on that reader


async def measured(connection, *records, **batch):
    """One chip; each record is (value, what else the reader says of it). Returns session and output."""
    case = one_chip()
    case.batches[0] |= batch
    client = WorkedClient(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    for value, said in records:
        client.read_records("T-1", value, said)
    return session, closed_results(connection, session, over="the reader gave no more")["P"]


def dose(output):
    return pytest.approx(100 * output["dose_gy"])


async def test_the_record_that_the_plan_names_is_the_readout(connection):
    session, output = await measured(connection, (7.0, PREHEAT), (SIGNAL, READOUT), **OF_READOUT)
    assert dose(output) == 5.0
    assert output["remarks"] == []
    assert attached(connection, session) == {READER: 2}
    assert verify_store(connection) == []


async def test_of_several_detectors_the_plan_names_one_and_the_result_says_it(connection):
    other = {**READOUT, "channel": "NIR50"}
    _, output = await measured(connection, (7.0, other), (SIGNAL, READOUT), channel="UVVIS")
    assert dose(output) == 5.0
    assert output["channel"] == "UVVIS"


@pytest.mark.parametrize(
    ("records", "batch", "differ", "write"),
    [
        (
            [PREHEAT, READOUT], {}, "2 different records that could count (sequenceStepNumber 1; sequenceStepNumber 2)",
            'readout = { sequenceStepNumber = "2" }',
        ),
        ([PREHEAT, READOUT], {"readout": {"recordType": "TL"}}, "2 different records", "readout = { sequenceStep"),
        (
            [READOUT, {**READOUT, "channel": "NIR50"}], OF_READOUT, "(channel UVVIS; channel NIR50)",
            'channel = "NIR50"',
        ),
        (
            [{"attributes": {"detection window": "U340"}}, {"attributes": {"detection window": "BG39"}}], {},
            "(detection window U340; detection window BG39)", 'readout = { "detection window" = "BG39" }',
        ),
    ],
)  # fmt: skip
async def test_where_the_plan_leaves_it_open_there_is_no_number_and_it_says_what_to_write(
    connection, records, batch, differ, write
):
    _, output = await measured(connection, *((SIGNAL, each) for each in records), **batch)
    assert output["decision"] == "INVALID"
    assert output["why"][0].startswith("T-1 has 2 different records that could count (")
    assert differ in output["why"][0]
    assert f"name the one that does in the plan's batch of {READER}, for example {write}" in output["why"][0]
    assert "dose_gy" not in output


async def test_a_second_read_of_the_same_kind_is_of_an_emptied_element_as_before(connection):
    _, output = await measured(connection, (SIGNAL, READOUT), (0.2, READOUT))
    assert dose(output) == 5.0
    assert output["remarks"] == [
        "T-1 was read 2 times; the first readout counts, the others are of an emptied element."
    ]


async def test_a_record_that_is_not_finished_is_no_readout(connection):
    unfinished = {**READOUT, "flags": ["incomplete"]}
    _, output = await measured(connection, (None, unfinished), (SIGNAL, READOUT))
    assert dose(output) == 5.0
    assert output["remarks"] == []


async def test_an_element_of_which_only_another_record_came_has_not_been_read(connection):
    case = one_chip()
    case.batches[0] |= OF_READOUT
    client = WorkedClient(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    client.read_records("T-1", 7.0, PREHEAT)
    client.read_records("T-1", None, {**READOUT, "flags": ["incomplete"]})
    found = get_session(connection, session)
    assert next_step(connection, found).missing == ("T-1 of P has not been read.",)
    assert "Step read is not settled. T-1 of P has not been read." in keeps_open(connection, found)
    client.read_records("T-1", SIGNAL, READOUT)
    assert keeps_open(connection, found) == []


async def test_standards_are_held_to_the_same_record(connection):
    """Every standard has a preheat record before its readout; unnamed, no result of the batch comes of it."""
    case, reads = case_d()
    client = WorkedClient(connection)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    for element, value in reads:
        if element == "S-1":
            client.read_records(element, HALF, PREHEAT, file="tray")
        client.read_records(element, value, READOUT, file="tray")
    output = closed_results(connection, session)["head-R"]
    assert output["why"][0].startswith("S-1 has 2 different records that could count (sequenceStepNumber 1;")


def test_a_readout_is_named_by_texts(connection):
    case = one_chip()
    case.batches[0]["readout"] = {"sequenceStepNumber": 2}
    with pytest.raises(FileProblem, match="sequenceStepNumber"):
        case.add(connection)


@pytest.mark.parametrize(
    ("steps", "named", "wanted", "several"),
    [
        ("11", {}, 1, False),
        ("12", {}, 2, True),  # repeated readings are steps of one sequence, but the plan must say of which
        ("12", {"readout": {"recordType": "OSL"}}, 2, False),
        ("123", {"readout": {"recordType": "OSL"}}, 2, True),
        ("", {}, 1, False),
    ],
)
def test_as_many_records_may_differ_as_the_plan_asks_readings_for(steps, named, wanted, several):
    element = Element(id="E-1", kind="osl", material="m", reader=READER, read_as="E-1")
    readings = [
        StoredReading("s", n, READER, {"attributes": {"recordType": "OSL", "step": step}}, "", "")
        for n, step in enumerate(steps)
    ]
    assert (different_records(element, readings, Batch(reader=READER, **named), wanted) is not None) == several
