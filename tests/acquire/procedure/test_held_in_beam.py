"""An electrometer that is reset and held: whether its beam may have been on still is told by its own clock."""

from __future__ import annotations

from typing import Any

import pytest
from beams import PORTS, ShapedClient, case_a
from worked import closed_results, run

from acquire.procedure.results.held import held_in_beam
from acquire.procedure.session.session import get_session

B1 = PORTS["B1"][1]


class Held(ShapedClient):
    """The beam has the given shape and nothing after it."""

    async def during(self, step: Any) -> None:
        if step.id == "b1":
            self.given(step.instrument, self.shapes["b1"])
        else:
            await super().during(step)


async def measured(connection: Any, shape: Any, model: str = "ptw-unidos-tango") -> str:
    case, client = case_a("B1"), Held(connection, {"b1": shape})
    case.instruments[0]["model"] = model
    if model != "keithley-6517b":
        client.says["electrometer-1"] = {"driver": model, "integrates": "reset"}
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    return session


@pytest.mark.parametrize(
    ("after", "said"), [([], True), ([(0.25, 0.0)], False), ([(3.0, 0.0)], False), ([(3.0, 0.0), (1.0, 2.0)], True)]
)
async def test_a_charge_that_rose_until_it_was_held_is_said(connection: Any, after: Any, said: bool) -> None:
    session = await measured(connection, [(1.0, 0.0), (10.0, B1), *after])
    found = [*held_in_beam(connection, get_session(connection, session))]
    assert bool(found) == said
    if said:
        assert found == [
            "b1: the charge rose until electrometer-1 was held. What a beam gave after that is in no reading: compare"
            " its MU with the console, and hold the instrument a moment after the beam."
        ]


async def test_one_whose_charge_runs_on_shows_what_came_after(connection: Any) -> None:
    session = await measured(connection, [(1.0, 0.0), (10.0, B1)], "keithley-6517b")
    assert [*held_in_beam(connection, get_session(connection, session))] == []
    assert 100 * closed_results(connection, session)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)
