"""One beam measured at several points at once: on several instruments, and on several channels of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from beams import CALIBRATED, PORTS, ShapedClient, case_a
from cases import diode, diode_point
from real_probes import Probe, ProbeClient
from worked import Case, closed_results, expected, limits, run

from acquire.errors import FileProblem, Refused
from acquire.procedure.results.beam_assignment import assign_parts, beam_parts_of
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.progress import next_step, progress
from acquire.procedure.session.rests import Rest
from acquire.procedure.session.session import get_session
from acquire.procedure.session.steps import abandon_step, begin_step, end_step, run_step

OTHER = 12.40  # nC that the second diode collects
FACTOR = PORTS["B1"][5] / PORTS["B1"][1]  # cGy/nC at B1, with D-11


def second_point(case: Case, instrument: str, channel: str | None = None) -> None:
    """A second diode in the beam of B1, with the coefficients of the first one and so the same dose per charge."""
    diode(case, "D-21", *CALIBRATED["D-11"])
    case.detectors[-1]["channel"] = channel
    _, _, cf_ssd, cf_fs, *_ = PORTS["B1"]
    held = {"expected": expected(OTHER * FACTOR, 1.7), "limits": limits(7, 10)}
    diode_point(case, "B1-beside", "D-21", (cf_ssd, cf_fs, 1.0), 30.5, **held)
    case.points[-1] |= {"port": "B1", "instrument": instrument}
    case.steps[-2]["instrument"] = instrument


def one_beam(case: Case) -> None:
    """The two irradiations become one step, after both backgrounds."""
    one, _ = (s for s in case.steps if s["kind"] == "irradiate")
    case.steps = [s for s in case.steps if s["kind"] != "irradiate"]
    both = {k: v for k, v in one.items() if k not in ("point", "instrument")}
    case.steps.append({**both, "id": "b1", "instrument": None, "points": ["B1", "B1-beside"]})


def two_instruments() -> Case:
    case = case_a("B1")
    case.instrument("electrometer-3", "keithley-6517b")
    second_point(case, "electrometer-3")
    one_beam(case)
    return case


class TwoInputs(ShapedClient):
    """The shape of "b1" on electrometer-1, and in proportion on electrometer-3; `fails`: (instrument, command)."""

    def __init__(self, connection: Any, shape: Any = ((10.0, PORTS["B1"][1]),)) -> None:
        super().__init__(connection, {"b1": shape})
        self.fails: set[tuple[str, str]] = set()

    async def command(self, instrument: str, name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if (instrument, name) in self.fails:
            raise Refused(f"{instrument} does not answer.")
        return await super().command(instrument, name, parameters)

    async def during(self, step: Any) -> None:
        if step.id != "b1":
            await super().during(step)
            return
        shape = [(1.0, 0.0), *self.shapes["b1"], (1.0, 0.0)]
        self.given("electrometer-1", shape)
        self.given("electrometer-3", [(s, nc * OTHER / PORTS["B1"][1]) for s, nc in shape])


async def ready(connection: Any, client: Any, case: Case) -> str:
    case.add(connection)
    session = case.start(connection)
    for step in get_session(connection, session).plan.step[:-1]:
        await run_step(connection, client, session, step.id, "MD-1", client.during)
    return session


def doses(connection: Any, session: str) -> dict[str, float]:
    return {point: 100 * output["dose_gy"] for point, output in closed_results(connection, session).items()}


AS_GIVEN = {"B1": pytest.approx(47.33, abs=0.006), "B1-beside": pytest.approx(OTHER * FACTOR, abs=0.006)}


async def test_one_beam_gives_the_doses_of_two_instruments(connection: Any) -> None:
    client = TwoInputs(connection)
    session = await ready(connection, client, two_instruments())
    assert next_step(connection, get_session(connection, session)).step.id == "b1"  # type: ignore[union-attr]
    await begin_step(connection, client, session, "b1", "MD-1")
    assert {(a.instrument, a.begun) for a in attempts(connection, session, "b1")} == {
        ("electrometer-1", True),
        ("electrometer-3", True),
    }
    with pytest.raises(Refused, match="b1 is running already"):
        await begin_step(connection, client, session, "b1", "MD-1")
    await client.during(get_session(connection, session).plan.step_named("b1"))
    await end_step(connection, client, session, "b1", "MD-1")
    with pytest.raises(Refused, match="never more beam"):
        await begin_step(connection, client, session, "b1", "MD-1")
    assert doses(connection, session) == AS_GIVEN
    assert verify_store(connection) == []


@pytest.mark.parametrize("command", ["begin"])
async def test_an_instrument_that_does_not_begin_leaves_the_others_ended_and_no_beam_asked_for(
    connection: Any, command: str
) -> None:
    client = TwoInputs(connection)
    session = await ready(connection, client, two_instruments())
    client.fails = {("electrometer-3", command)}
    with pytest.raises(Refused) as refused:
        await begin_step(connection, client, session, "b1", "MD-1")
    assert str(refused.value) == (
        "b1 was not begun: electrometer-3 did not begin: electrometer-3 does not answer. electrometer-1 was ended; no"
        " beam is to be given. Begin b1 again."
    )
    (one, other) = attempts(connection, session, "b1")
    assert (one.ended, one.beam_given, other.begun) == (True, False, False)
    assert [s.progress for s in progress(connection, get_session(connection, session))] == ["done", "done", "waiting"]
    client.fails = set()
    await run_step(connection, client, session, "b1", "MD-1", client.during)
    assert doses(connection, session) == AS_GIVEN
    assert verify_store(connection) == []


async def test_an_instrument_that_contradicts_the_inventory_is_refused_before_any_has_begun(connection: Any) -> None:
    client = TwoInputs(connection)
    session = await ready(connection, client, two_instruments())
    client.says["electrometer-3"] = {"measures": "voltage"}
    with pytest.raises(Refused, match="electrometer-3 is set to voltage; step b1 needs its charge"):
        await begin_step(connection, client, session, "b1", "MD-1")
    assert attempts(connection, session, "b1") == []


async def test_an_instrument_that_does_not_end_leaves_the_others_ended(connection: Any) -> None:
    client = TwoInputs(connection)
    session = await ready(connection, client, two_instruments())
    await begin_step(connection, client, session, "b1", "MD-1")
    await client.during(get_session(connection, session).plan.step_named("b1"))
    client.fails = {("electrometer-1", "end")}
    with pytest.raises(Refused, match=r"b1 has not ended everywhere .electrometer-1: electrometer-1 does not answer"):
        await end_step(connection, client, session, "b1", "MD-1")
    assert next_step(connection, get_session(connection, session)).progress == "running"  # type: ignore[union-attr]
    client.fails = set()
    await end_step(connection, client, session, "b1", "MD-1")
    assert doses(connection, session) == AS_GIVEN


async def test_parts_and_rests_are_those_of_every_point(connection: Any) -> None:
    client = TwoInputs(connection, [(1.0, 0.5), (4.0, 0.0), (4.0, 6.27)])
    session = await ready(connection, client, two_instruments())
    await begin_step(connection, client, session, "b1", "MD-1")
    await client.during(get_session(connection, session).plan.step_named("b1"))
    await abandon_step(connection, session, "b1", "MD-1", "interlock", beam_given=True, client=client)
    client.shapes = {"b1": [(6.0, 9.40)]}
    await run_step(connection, client, session, "b1", "MD-1", client.during, Rest("interlock", "RT-1"))
    now = get_session(connection, session)
    assert [(p["point"], p["n"]) for p in beam_parts_of(connection, now, "b1")] == [
        ("B1", 1), ("B1", 2), ("B1", 3), ("B1-beside", 1), ("B1-beside", 2), ("B1-beside", 3),
    ]  # fmt: skip
    said = {1: "port image", 2: "irradiation", 3: "irradiation"}
    assign_parts(connection, now, "b1", said, "MD-1", "MP-1", "console", mu={2: 37, 3: 55})
    assert doses(connection, session) == AS_GIVEN
    assert verify_store(connection) == []


async def test_one_beam_gives_the_doses_of_two_channels_of_one_instrument(connection: Any) -> None:
    case = case_a("B1")
    case.instruments[0]["model"] = "diode-electrometer-12"
    case.detectors[-1]["channel"] = "1"
    second_point(case, "electrometer-1", "2")
    one_beam(case)
    case.add(connection)
    session = case.start(connection)
    probe = Probe("diode-electrometer-12")

    class Both(ProbeClient):
        async def during(self, step: Any) -> None:
            one = step.model_copy(update={"instrument": "electrometer-1"})
            await super().during(one)

    async with probe:
        await run(connection, Both(connection, probe, {"b1": {1: PORTS["B1"][1], 2: OTHER}}), session)
    assert doses(connection, session) == AS_GIVEN
    assert len(attempts(connection, session, "b1")) == 1
    assert verify_store(connection) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"port": "B2"}, "its points are of several ports; one irradiation is of one port"),
        ({"instrument": "electrometer-1"}, "measures B1, B1-beside on one channel of electrometer-1 at once"),
    ],
)
def test_points_that_cannot_be_measured_at_once_are_refused_while_planning(
    connection: Any, change: dict[str, str], says: str
) -> None:
    case = two_instruments()
    case.points[1] |= change
    with pytest.raises((FileProblem, Refused)) as refused:
        case.add(connection)
    assert says in str(refused.value)
