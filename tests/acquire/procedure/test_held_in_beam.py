"""An electrometer that is reset and held: whether its beam may have been on still is told by its own clock."""

from __future__ import annotations

from typing import Any

import pytest
from beams import PORTS, ShapedClient, case_a
from scenario_a import published
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


async def measured(connection: Any, shape: Any, model: str = "ptw-unidos-tango", **plan: Any) -> str:
    case, client = case_a("B1", **plan), Held(connection, {"b1": shape})
    case.instruments[0]["model"] = model
    if model != "keithley-6517b":
        client.says["electrometer-1"] = published(model)
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    return session


BEAM, OFF = (10.0, B1), (0.25, 0.0)
BEFORE, AFTER = "the charge rose from the moment", "the charge rose until electrometer-1 was held"


@pytest.mark.parametrize("rate", [None, 552.0])  # with MU and dose rate a beam that is short by 10 % fits as well
@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ([(1.0, 0.0), BEAM, OFF], None),
        ([(1.0, 0.0), BEAM, (3.0, 0.0)], None),
        ([(1.0, 0.0), BEAM], AFTER),
        ([(1.0, 0.0), (9.5, 0.95 * B1)], AFTER),
        ([(1.0, 0.0), BEAM, (3.0, 0.0), (1.0, 2.0)], AFTER),
    ],
)
async def test_a_charge_that_rose_until_it_was_held_gives_no_number(
    connection: Any, shape: Any, why: str | None, rate: float | None
) -> None:
    session = await measured(connection, shape, rate=rate)
    said = [*held_in_beam(connection, get_session(connection, session))]
    found = closed_results(connection, session)["B1"]
    if why is None:
        assert "why" not in found, found["why"]
        assert (said, 100 * found["dose_gy"]) == ([], pytest.approx(47.33, abs=0.006))
    else:
        assert [each for each in said if each.startswith(f"b1: {why}")] == said != []
        assert "dose_gy" not in found
        assert why in " ".join(found["why"])


class Early(Held):
    """The beam is on when the electrometer is started: its first reading has a charge already."""

    async def command(self, instrument: str, name: str, parameters: Any) -> Any:
        answer = await super().command(instrument, name, parameters)
        if name == "begin" and parameters["step"] == "b1":
            of = self.of(instrument)
            of.charge_nc, of.clock_s = 0.4, 0.25
        return answer


async def test_one_that_rose_from_its_start_on_gives_none_either(connection: Any) -> None:
    case, client = case_a("B1"), Early(connection, {"b1": [BEAM, (1.0, 0.0)]})
    case.instruments[0]["model"] = "ptw-unidos-tango"
    client.says["electrometer-1"] = published("ptw-unidos-tango")
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    found = closed_results(connection, session)["B1"]
    assert "dose_gy" not in found
    assert f"b1: {BEFORE} electrometer-1 was started" in " ".join(found["why"])


async def test_one_whose_charge_runs_on_shows_what_came_after(connection: Any) -> None:
    session = await measured(connection, [(1.0, 0.0), BEAM], "keithley-6517b")
    assert [*held_in_beam(connection, get_session(connection, session))] == []
    assert 100 * closed_results(connection, session)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)
