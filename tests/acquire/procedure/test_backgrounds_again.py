"""A background of several detectors in one step, and one that is measured again before its beam."""

from __future__ import annotations

from typing import Any

import pytest
from beams import PORTS, ShapedClient, case_a, charges
from real_probes import Probe, ProbeClient
from test_probes_in_worked_cases import beams
from test_probes_in_worked_cases import case_a as case_of_channels
from worked import Case, closed_results, run

from acquire.errors import FileProblem, Refused
from acquire.procedure.documents.inventory import read_inventory
from acquire.procedure.documents.plan import read_plan
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.advice import advice
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.background_seen import backgrounds_in_doubt
from acquire.procedure.session.foreseen import foreseen
from acquire.procedure.session.progress import next_step
from acquire.procedure.session.session import get_session
from acquire.procedure.session.step_length import seconds_of
from acquire.procedure.session.steps import abandon_step, begin_step, end_step, run_step


def in_one_step(case: Case, kind: str = "background", **more: Any) -> Case:
    """One background (or zero) of every point before the beams, in place of one for each."""
    points = [p["id"] for p in case.points]
    case.steps = [s for s in case.steps if s["kind"] != kind]
    instrument = None if len({p["instrument"] for p in case.points}) > 1 else case.points[0]["instrument"]
    case.step(f"{kind}-all", kind, instrument, points=points, **more)
    case.steps = [case.steps[-1], *case.steps[:-1]]
    return case


def two_instruments() -> Case:
    case = case_a("B1", "B2")
    case.instrument("electrometer-3", "keithley-6517b")
    case.points[1]["instrument"] = "electrometer-3"
    case.steps = [{**s, "instrument": "electrometer-3"} if s["point"] == "B2" else s for s in case.steps]
    return case


class Both(ShapedClient):
    """In a background both instruments are read for `background_s`."""

    async def during(self, step: Any) -> None:
        if step.kind != "background":
            await super().during(step)
            return
        for instrument in ("electrometer-1", "electrometer-3"):
            self.given(instrument, [(self.background_s, 0.0)])


def plan_of(case: Case) -> Any:
    return read_plan(case.plan_file[1], "plan.toml"), read_inventory(case.inventory[1], "inventory.toml")


async def test_one_background_step_serves_the_diodes_of_two_instruments(connection: Any) -> None:
    case, client = in_one_step(two_instruments(), duration_s=30.0), Both(connection, charges("B1", "B2"))
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    assert {a.instrument for a in attempts(connection, session, "background-all")} == {
        "electrometer-1", "electrometer-3",
    }  # fmt: skip
    found = closed_results(connection, session)
    assert {p: 100 * found[p]["dose_gy"] for p in ("B1", "B2")} == {
        "B1": pytest.approx(47.33, abs=0.006), "B2": pytest.approx(50.14, abs=0.006),
    }  # fmt: skip
    assert verify_store(connection) == []


async def test_one_background_step_serves_every_channel_of_an_electrometer(connection: Any) -> None:
    case, probe = in_one_step(case_of_channels(), duration_s=30.0), Probe("diode-electrometer-12")
    case.add(connection)
    session = case.start(connection)
    async with probe:
        await run(connection, ProbeClient(connection, probe, beams(False)), session)
    assert backgrounds_in_doubt(connection, get_session(connection, session)) == []
    found = closed_results(connection, session)
    wanted = {name: pytest.approx(PORTS[name][5], abs=0.02) for name in PORTS}
    assert {name: 100 * found[name]["dose_gy"] for name in PORTS} == wanted


async def test_a_zero_step_of_two_instruments_zeroes_both(connection: Any) -> None:
    case = in_one_step(two_instruments(), "zero")
    case.add(connection)
    session, client = case.start(connection), ShapedClient(connection, {})
    await run_step(connection, client, session, "zero-all", "MD-1", client.during)
    assert {i for i, name in client.asked if name == "zero"} == {"electrometer-1", "electrometer-3"}
    assert next_step(connection, get_session(connection, session)).step.id == "background-b1"  # type: ignore[union-attr]


def test_what_planning_says_of_a_step_looks_at_every_point_of_it() -> None:
    plan, inventory = plan_of(in_one_step(in_one_step(two_instruments()), "zero"))
    assert foreseen(plan, inventory) == []
    said = advice(plan, inventory)
    assert not [each for each in said if "zero step" in each]
    assert [each for each in said if each.startswith("B2: background-all state no duration_s")]
    assert [each for each in said if each.startswith("B1: background-all state no duration_s")]
    plan, inventory = plan_of(in_one_step(two_instruments(), duration_s=12.0))
    assert [each for each in foreseen(plan, inventory) if "background-all lasts 12 s, b2 20 s" in each]
    with pytest.raises(Refused, match="background-all would last 12 s, and a beam that it is for 20 s"):
        seconds_of(plan, plan.step_named("background-all"), None)


def test_detectors_that_share_an_input_are_not_measured_in_one_step() -> None:
    plan, inventory = plan_of(in_one_step(case_a("B1", "B2"), duration_s=30.0))
    said = "Step background-all measures B1 and B2 at once on one input of electrometer-1; give each its own step."
    assert said in foreseen(plan, inventory)
    case = case_a("B1", "B2")
    case.points[1]["detector"] = case.points[0]["detector"]
    assert not [s for s in foreseen(*plan_of(in_one_step(case, duration_s=30.0))) if "at once" in s]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"point": "B1"}, "a step of kind 'background' has a point, or two points or more"),
        ({"points": ["B1"]}, "a step of kind 'background' has a point, or two points or more"),
        ({"kind": "polarity", "point": "B1", "voltage_v": 300.0}, "a step of kind 'polarity' has one point"),
    ],
)
def test_a_step_has_a_point_or_points(change: dict[str, Any], said: str) -> None:
    case = in_one_step(case_a("B1", "B2"), duration_s=30.0)
    case.steps[0] |= change
    with pytest.raises(FileProblem, match=said):
        plan_of(case)


# --- measured again -------------------------------------------------------------------------------------------------


async def begun(connection: Any, background_s: float, **plan: Any) -> tuple[str, ShapedClient]:
    """A session whose first background lasted so long."""
    case, client = case_a("B1", **plan), ShapedClient(connection, charges("B1"))
    case.add(connection)
    session = case.start(connection)
    client.background_s = background_s
    await run_step(connection, client, session, "background-b1", "MD-1", client.during)
    return session, client


@pytest.mark.parametrize("rule", ["first-valid", "last-valid"])
async def test_a_background_that_is_of_no_use_is_measured_again_and_both_are_printed(
    connection: Any, rule: str
) -> None:
    session, client = await begun(connection, 8.0, background_rule=rule)
    (said,) = backgrounds_in_doubt(connection, get_session(connection, session))
    assert said.startswith("Background background-b1: it lasted 8.0 s, and the beam of B1 is planned for 20 s")
    assert said.endswith(f"measure it again (acquire session step {session} background-b1 run --again).")
    client.background_s = 30.0
    await run_step(connection, client, session, "background-b1", "MD-1", client.during, again=True)
    assert backgrounds_in_doubt(connection, get_session(connection, session)) == []
    await run_step(connection, client, session, "b1", "MD-1", client.during)
    found = closed_results(connection, session)
    assert 100 * found["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)
    assert (
        "background-b1 was measured 2 times (1: it lasted 8.0 s, and the beam of B1 is planned for 20 s: it must not be"
        f" shorter; 2: 30.0 s, 0 pC/s); by the rule {rule}, which the plan fixed beforehand, number 2 counts."
    ) in found["B1"]["remarks"]
    assert verify_store(connection) == []


@pytest.mark.parametrize(("rule", "counts", "pc_per_s"), [("first-valid", 2, 2.6), ("last-valid", 3, 3.9)])
async def test_of_two_that_are_of_use_the_rule_chooses_and_not_the_value(
    connection: Any, rule: str, counts: int, pc_per_s: float
) -> None:
    session, client = await begun(connection, 8.0, background_rule=rule)
    for rate, seconds in ((2.6, 30.0), (3.9, 40.0)):
        await begin_step(connection, client, session, "background-b1", "MD-1", again=True)
        client.given("electrometer-1", [(seconds, rate * seconds / 1000)])
        await end_step(connection, client, session, "background-b1", "MD-1")
    await run_step(connection, client, session, "b1", "MD-1", client.during)
    found = closed_results(connection, session)
    assert f"number {counts} counts" in " ".join(found["B1"]["remarks"])
    net = PORTS["B1"][1] - pc_per_s * 12 / 1000  # leakage above 0.1 % is taken off
    assert 100 * found["B1"]["dose_gy"] == pytest.approx(47.33 * net / PORTS["B1"][1], abs=0.006)


async def test_without_a_rule_fixed_beforehand_it_is_not_measured_again(connection: Any) -> None:
    session, client = await begun(connection, 8.0)
    (said,) = backgrounds_in_doubt(connection, get_session(connection, session))
    assert said.endswith(
        "begin a new session, and measure it again, since the plan states no background_rule, which of several counts"
        " is fixed beforehand."
    )
    with pytest.raises(Refused, match="background-b1 is not measured again: the plan states no background_rule"):
        await begin_step(connection, client, session, "background-b1", "MD-1", again=True)


async def test_it_is_measured_again_before_its_beam_alone(connection: Any) -> None:
    session, client = await begun(connection, 30.0, background_rule="last-valid")
    with pytest.raises(Refused, match="Step b1 is of kind 'irradiate'; only a zero or a background is done again"):
        await begin_step(connection, client, session, "b1", "MD-1", again=True)
    await begin_step(connection, client, session, "background-b1", "MD-1", again=True)
    with pytest.raises(Refused, match="background-b1 is running; end it first"):
        await begin_step(connection, client, session, "background-b1", "MD-1", again=True)
    await abandon_step(connection, session, "background-b1", "MD-1", "cable moved", beam_given=False, client=client)
    await begin_step(connection, client, session, "b1", "MD-1")
    await end_step(connection, client, session, "b1", "MD-1")
    with pytest.raises(Refused, match="background-b1 belongs before b1, which was begun or left out"):
        await begin_step(connection, client, session, "background-b1", "MD-1", again=True)


async def test_what_was_not_done_yet_is_not_done_again(connection: Any) -> None:
    case = case_a("B1", background_rule="last-valid")
    case.add(connection)
    session, client = case.start(connection), ShapedClient(connection, {})
    with pytest.raises(Refused, match="background-b1 was not done yet: begin it when it is its turn"):
        await begin_step(connection, client, session, "background-b1", "MD-1", again=True)
