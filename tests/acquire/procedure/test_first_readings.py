"""A beam waits for the first reading behind the begin marker: what is collected before it is in no measurement."""

from __future__ import annotations

import asyncio

import pytest
from scenario_a import prepared

from acquire.procedure.session.progress import progress
from acquire.procedure.session.session import get_session
from acquire.procedure.session.steps import begin_step, end_step, not_measured, run_step
from acquire.procedure.session.stored import FIRST_WITHIN_S, until_read

SILENT = "No reading of electrometer-1 has come since it began"


def _said_of(connection, session, step):
    return next(s.reason for s in progress(connection, get_session(connection, session)) if s.step.id == step)


@pytest.mark.virtual_time
async def test_a_command_that_begins_waits_for_the_first_reading_and_says_when_there_is_none(connection, client):
    session = prepared(connection)
    await run_step(connection, client, session, "zero-b1", "MD-1", client.during)
    await begin_step(connection, client, session, "background-b1", "MD-1")
    began = asyncio.get_running_loop().time()
    assert await until_read(connection, session, "background-b1") == f"{SILENT}."  # only a beam is to wait
    assert asyncio.get_running_loop().time() - began == pytest.approx(FIRST_WITHIN_S, abs=0.1)
    assert _said_of(connection, session, "background-b1") == f"{SILENT}."

    async def reads_after_a_while():
        await asyncio.sleep(2)
        client.put("electrometer-1", [client.charge("electrometer-1", 0.0, [])])

    began = asyncio.get_running_loop().time()
    reading = asyncio.create_task(reads_after_a_while())
    assert await until_read(connection, session, "background-b1") is None
    assert asyncio.get_running_loop().time() - began == pytest.approx(2, abs=0.1)
    assert _said_of(connection, session, "background-b1") is None
    await reading


@pytest.mark.virtual_time
async def test_a_beam_is_to_wait_and_what_collects_nothing_is_not_waited_for(connection, client):
    session = prepared(connection)
    await begin_step(connection, client, session, "zero-b1", "MD-1")
    assert await until_read(connection, session, "zero-b1") is None
    await end_step(connection, client, session, "zero-b1", "MD-1")
    for other in ("background-b1", "zero-b7", "background-b7"):
        await run_step(connection, client, session, other, "MD-1", client.during)
    not_measured(connection, session, "place-chips", "MD-1", "no chips today")
    await begin_step(connection, client, session, "b1", "MD-1")
    assert _said_of(connection, session, "b1") == f"{SILENT}: wait with the beam."
