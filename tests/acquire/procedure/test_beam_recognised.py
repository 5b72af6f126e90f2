"""The beam is recognised in the signal: what is not one irradiation of the port gives no number until people say."""

from __future__ import annotations

from typing import Any

import pytest
from beams import PORTS, ShapedClient, case_a, charges
from worked import closed_results, run

from acquire.errors import Refused
from acquire.procedure.results.beam_assignment import assign_parts, beam_doubts, beam_parts_of, beams_shown
from acquire.procedure.results.binding import bind
from acquire.procedure.results.result import calculate_session, versions
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.as_planned import state_as_planned, state_order
from acquire.procedure.session.session import get_session

WHY = "console and chart read by two"
PEOPLE = ("MD-1", "MP-1", WHY)
IMAGE = (1.0, 0.50)
PAUSE = (4.0, 0.0)


async def measured(connection: Any, shapes: Any, *ports: str, **plan: Any) -> str:
    case = case_a(*ports, **plan)
    case.add(connection)
    session = case.start(connection)
    await run(connection, ShapedClient(connection, charges(*ports) | shapes), session)
    return session


def again(connection: Any, session: str) -> dict[str, dict[str, Any]]:
    return {r.point: r.output.plain() for r in calculate_session(connection, session, "MP-1")}


def held(output: dict[str, Any]) -> str:
    assert output["decision"] == "INVALID", output.get("dose_gy")
    assert "dose_gy" not in output
    (why,) = output["why"]
    return str(why)


async def test_beams_as_they_are_planned_give_their_doses(connection: Any) -> None:
    session = await measured(connection, {}, rate=600.0)
    results = closed_results(connection, session)
    for port, values in PORTS.items():
        assert 100 * results[port]["dose_gy"] == pytest.approx(values[5], abs=0.006)
        assert results[port]["decision"].startswith("PASS")
    assert verify_store(connection) == []


async def test_a_port_image_and_a_beam_in_two_parts_are_shown_and_held_until_assigned(connection: Any) -> None:
    """48.84 cGy and PASS before; the two parts of the beam alone give 47.33."""
    two = [IMAGE, PAUSE, (4.0, 6.27), PAUSE, (6.0, 9.40)]
    session = await measured(connection, {"b1": two}, "B1")
    why = held(closed_results(connection, session)["B1"])
    assert why.startswith(
        "The beam of b1 came in 3 parts (part 1: 0.5 nC in 1.0 s; part 2: 6.27 nC in 4.0 s after 5.0 s;"
    )
    now = get_session(connection, session)
    assert [round(p["nc"], 3) for p in beam_parts_of(connection, now, "b1")] == [0.5, 6.27, 9.4]
    (doubt,) = beam_doubts(beams_shown(connection, now))
    assert doubt.startswith("The beam of b1 came in 3 parts; two people say")
    said = {1: "port image", 2: "irradiation", 3: "irradiation"}
    assign_parts(connection, now, "b1", said, *PEOPLE, mu={1: 2, 2: 36.8, 3: 55.2})
    output = again(connection, session)["B1"]
    assert 100 * output["dose_gy"] == pytest.approx(47.33, abs=0.006)
    assert output["decision"] == "PASS"
    assert (
        f"The part of 0.5 nC in 1.0 s and 2 MU is not of the irradiation (port image): {WHY} (MD-1, confirmed by MP-1)."
        in output["remarks"]
    )
    assert versions(connection, session, "B1")[0].output.decision == "INVALID"
    assert beam_doubts(beams_shown(connection, now)) == []
    assert verify_store(connection) == []
    assert verify_store(connection, session=session) == []


async def test_what_is_said_of_parts_is_said_by_two_of_every_part(connection: Any) -> None:
    session = get_session(connection, await measured(connection, {"b1": [IMAGE, PAUSE, (10.0, 15.67)]}, "B1"))
    whole = {1: "port image", 2: "irradiation"}
    for who, by, why in (("MD-1", "md-1", WHY), ("MD-1", "", WHY), ("MD-1", "MP-1", " ")):
        with pytest.raises(Refused, match="with a reason, by one person and confirmed by another"):
            assign_parts(connection, session, "b1", whole, who, by, why, mu={2: 92})
    with pytest.raises(Refused, match="Say of each part of b1 what it was; seen are 1, 2"):
        assign_parts(connection, session, "b1", {2: "irradiation"}, *PEOPLE, mu={2: 92})
    with pytest.raises(Refused, match="collects no charge of a beam"):
        assign_parts(connection, session, "background-b1", whole, *PEOPLE, mu={2: 92})
    assign_parts(connection, session, "b1", {1: "image", 2: "another patient's field"}, *PEOPLE, mu={})
    assert held(closed_results(connection, session.id)["B1"]).startswith("No part of the signal of b1")
    assign_parts(connection, session, "b1", whole, *PEOPLE, mu={2: 92})  # the newest counts
    assert 100 * again(connection, session.id)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)


@pytest.mark.parametrize(
    ("mu", "says"),
    [
        ({}, "Say how many MU part 2 of b1 had, as the console shows it"),
        ({2: 50}, "Say how many MU part 3 of b1 had"),
        ({2: 50, 3: 30}, "had 50 + 30 = 80 MU, and the plan has 92 MU: what the linac still has to give is measured"),
        ({2: 50, 3: 43.1}, "= 93.1 MU, and the plan has 92 MU"),
        ({2: 50, 3: 42, 4: 1}, "Part 4 of b1 was not seen, and has no MU"),
        ({2: -50, 3: 142}, "Part 2 cannot have -50 MU; they are above 0 and below 100000"),
        ({2: 50, 3: 0}, "Part 3 cannot have 0 MU"),
        ({2: 50, 3: 41}, None),
        ({1: 3, 2: 50, 3: 42}, None),
    ],
)
async def test_the_mu_of_each_part_are_asked_and_held_against_the_plan(
    connection: Any, mu: dict[int, float], says: str | None
) -> None:
    two = [IMAGE, PAUSE, (4.0, 6.27), PAUSE, (6.0, 9.40)]
    session = get_session(connection, await measured(connection, {"b1": two}, "B1"))
    said = {1: "port image", 2: "irradiation", 3: "irradiation"}
    if says is None:
        assign_parts(connection, session, "b1", said, *PEOPLE, mu=mu)
        assert 100 * closed_results(connection, session.id)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)
        return
    with pytest.raises(Refused) as refused:
        assign_parts(connection, session, "b1", said, *PEOPLE, mu=mu)
    assert says in str(refused.value)


async def test_a_beam_in_two_parts_is_one_irradiation_once_two_people_say_so(connection: Any) -> None:
    halves = [(5.0, 7.835), (10.0, 0.0), (5.0, 7.835)]
    session = await measured(connection, {"b1": halves}, "B1")
    assert "came in 2 parts" in held(closed_results(connection, session)["B1"])
    both = {1: "irradiation", 2: "irradiation"}
    assign_parts(connection, get_session(connection, session), "b1", both, *PEOPLE, mu={1: 46, 2: 46})
    assert 100 * again(connection, session)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)


async def test_pauses_that_the_field_has_by_its_plan_do_not_part_it(connection: Any) -> None:
    case = case_a("B1")
    case.steps[-1]["pauses_up_to_s"] = 3.0
    case.add(connection)
    session = case.start(connection)
    segments = [(3.0, 5.0), (2.0, 0.0), (3.0, 5.0), (2.5, 0.0), (3.0, 5.67)]
    await run(connection, ShapedClient(connection, {"b1": segments}), session)
    assert 100 * closed_results(connection, session)["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)


@pytest.mark.parametrize(("seconds", "says"), [(9.2, None), (13.5, "for 13.5 s"), (4.0, "for 4.0 s")])
async def test_how_long_the_beam_was_on_is_held_against_mu_and_dose_rate(
    connection: Any, seconds: float, says: str | None
) -> None:
    """92 MU at 600 MU/min are 9.2 s."""
    nc = PORTS["B1"][1]
    session = await measured(connection, {"b1": [(round(4 * seconds) / 4, nc)]}, "B1", rate=600.0)
    output = closed_results(connection, session)["B1"]
    if says is None:
        assert 100 * output["dose_gy"] == pytest.approx(47.33, abs=0.006)
        return
    assert f"the beam was on {says}, where its MU and the machine's dose rate give 9.2 s" in held(output)
    assign_parts(connection, get_session(connection, session), "b1", {1: "irradiation"}, *PEOPLE, mu={1: 92})
    output = again(connection, session)["B1"]
    assert 100 * output["dose_gy"] == pytest.approx(47.33, abs=0.006)
    assert any("9.2 s; its parts were assigned by two people" in each for each in output["remarks"])


async def test_without_a_beam_there_is_no_number(connection: Any) -> None:
    session = await measured(connection, {"b1": [(10.0, 0.0)]}, "B1")
    assert held(closed_results(connection, session)["B1"]).startswith("No beam is seen in the signal of b1")


async def test_two_diodes_exchanged_on_one_input_are_held_and_bound(connection: Any) -> None:
    """48.33 cGy and PASS at B1 before; with the diodes as they really lay 47.33 and 50.14."""
    lay = {"b1": [(10.0, 16.0)], "b2": [(10.0, 16.604)]}
    session = await measured(connection, lay, "B1", "B2")
    results = closed_results(connection, session)
    for port in ("B1", "B2"):
        assert "look exchanged: with each other's diode" in held(results[port])
    now = get_session(connection, session)
    with pytest.raises(Refused, match="D-11 cannot have been at two ports"):
        bind(connection, now, {"B2": "D-11"}, *PEOPLE)
    bind(connection, now, {"B1": "D-14", "B2": "D-11"}, *PEOPLE)
    output = again(connection, session)
    assert 100 * output["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.01)
    assert 100 * output["B2"]["dose_gy"] == pytest.approx(50.14, abs=0.01)
    assert f"D-14 lay at B1, where D-11 was planned: {WHY} (MD-1, confirmed by MP-1)." in output["B1"]["remarks"]
    assert output["B1"]["detector"] == "D-14"
    assert verify_store(connection) == []


async def test_diodes_of_one_input_that_do_not_look_exchanged_are_not_bound(connection: Any) -> None:
    session = await measured(connection, {}, "B1", "B2")
    with pytest.raises(Refused, match="the sizes do not tell either that another diode lay there"):
        bind(connection, get_session(connection, session), {"B1": "D-14", "B2": "D-11"}, *PEOPLE)


async def test_two_people_may_say_that_all_was_as_planned(connection: Any) -> None:
    lay = {"b1": [(10.0, 16.0)], "b2": [(10.0, 16.604)]}
    session = await measured(connection, lay, "B1", "B2")
    now = get_session(connection, session)
    with pytest.raises(Refused, match="by one person and confirmed by another"):
        state_as_planned(connection, now, ["B1", "B2"], "MD-1", "MD-1", WHY)
    with pytest.raises(Refused, match="Name the two points"):
        state_as_planned(connection, now, ["B1"], *PEOPLE)
    state_as_planned(connection, now, ["B2", "B1"], *PEOPLE)
    results = closed_results(connection, session)
    assert 100 * results["B1"]["dose_gy"] == pytest.approx(48.33, abs=0.01)
    assert f"B1 and B2 were as planned: {WHY} (MD-1, confirmed by MP-1)." in results["B1"]["remarks"]


async def test_two_beams_in_each_others_place_are_held_and_put_in_order(connection: Any) -> None:
    """Each near the other's expected value; put in order they give 50.14 and 50.78."""
    came = {"b2": [(10.0, PORTS["B7"][1])], "b7": [(10.0, PORTS["B2"][1])]}
    session = await measured(connection, came, "B2", "B7")
    results = closed_results(connection, session)
    for port in ("B2", "B7"):
        assert "look exchanged: with the charge of each other's beam" in held(results[port])
    now = get_session(connection, session)
    with pytest.raises(Refused, match="Name every beam that came in another step's place"):
        state_order(connection, now, {"b2": "b7"}, *PEOPLE)
    state_order(connection, now, {"b2": "b7", "b7": "b2"}, *PEOPLE)
    output = again(connection, session)
    assert 100 * output["B2"]["dose_gy"] == pytest.approx(50.14, abs=0.006)
    assert 100 * output["B7"]["dose_gy"] == pytest.approx(50.78, abs=0.006)
    assert f"The beam of b2 came during b7: {WHY} (MD-1, confirmed by MP-1)." in output["B2"]["remarks"]
    assert verify_store(connection) == []


async def test_an_honest_deviation_is_no_exchange(connection: Any) -> None:
    """One port 7.9 % low beside one that is right: out of tolerance, and shown."""
    low = {"b2": [(10.0, 16.95 * 0.945)]}
    session = await measured(connection, low, "B1", "B2")
    results = closed_results(connection, session)
    assert results["B2"]["decision"] == "OUT OF TOLERANCE"
    assert results["B1"]["decision"] == "PASS"


class OnTwoInstruments(ShapedClient):
    """B1's diode is on electrometer-1, B7's on electrometer-3; during b1 both collect what `lay` says."""

    lay: tuple[float, float]

    async def during(self, step: Any) -> None:
        if step.id != "b1":
            await super().during(step)
            return
        for instrument, nc in zip(("electrometer-1", "electrometer-3"), self.lay, strict=True):
            at = self.ahead_s
            self.given(instrument, [(1.0, 0.0), (10.0, nc), (1.0, 0.0)])
            self.ahead_s = at if instrument == "electrometer-1" else self.ahead_s


@pytest.mark.parametrize(("lay", "is_held"), [((15.67, 0.9), False), ((1.1, 15.9), True)])
async def test_diodes_exchanged_across_instruments_are_held(
    connection: Any, lay: tuple[float, float], is_held: bool
) -> None:
    case = case_a("B1", "B7")
    case.instrument("electrometer-3", "keithley-6517b")
    case.points[1]["instrument"] = "electrometer-3"
    case.steps = [{**s, "instrument": "electrometer-3"} if s["point"] == "B7" else s for s in case.steps]
    case.steps = [case.steps[0], case.steps[2], case.steps[1], case.steps[3]]  # both backgrounds first
    case.add(connection)
    session = case.start(connection)
    client = OnTwoInstruments(connection, charges("B1", "B7"))
    client.lay = lay
    await run(connection, client, session)
    output = closed_results(connection, session)["B1"]
    if is_held:
        assert held(output).startswith("During this port D-12 collected 15.9 nC and its own D-11 1.1 nC: the detector")
    else:
        assert 100 * output["dose_gy"] == pytest.approx(47.33, abs=0.006)
    assert verify_store(connection) == []
