"""Two diodes that were exchanged on the patient, each on an instrument of its own: the way back is one command."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from beams import PORTS, ShapedClient, case_a, drawn_nc
from worked import Case, closed_results, run

from acquire.errors import Refused
from acquire.procedure.results.across import meanwhile
from acquire.procedure.results.beam_assignment import assign_parts, beam_parts_of
from acquire.procedure.results.binding import bind
from acquire.procedure.results.result import calculate_session
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.session import get_session
from acquire.procedure.session.steps import run_step
from acquire.procedure.stock.received import irradiations
from acquire.record import build, html

RIGHT = {"B1": "D-14", "B2": "D-11"}  # which of them really lay there
WHY = "serials read on the patient before removal"
WITH_D_14, WITH_D_11 = 15.92, 16.68  # nC: what B1 and B2 gave the diode that lay there instead of the planned one


def dose(port: str, nc: float, n_cal: float, svwt: float) -> float:
    _, _, cf_ssd, cf_fs, *_ = PORTS[port]
    return nc * n_cal * cf_ssd * cf_fs / (1 + svwt / 100 * (30.5 - 22.0))


RIGHT_CGY = {"B1": dose("B1", WITH_D_14, 3.041, 0.28), "B2": dose("B2", WITH_D_11, 3.097, 0.25)}


def two_instruments(*, planned: str = "as in scenario A") -> Case:
    """B1 on electrometer-1 and B2 on electrometer-3, each with its diode."""
    case = case_a("B1", "B2")
    case.instrument("electrometer-3", "keithley-6517b")
    case.points[1]["instrument"] = "electrometer-3"
    case.steps = [{**s, "instrument": "electrometer-3"} if s["point"] == "B2" else s for s in case.steps]
    if planned != "as in scenario A":
        case.points[0]["detector"], case.points[1]["detector"] = "D-14", "D-11"
    return case


class Exchanged(ShapedClient):
    """In b1 electrometer-1 and electrometer-3 collect `b1`, in b2 `b2`; hosts: each on a host of its own."""

    def __init__(self, connection: Any, b1: tuple[float, float], b2: tuple[float, float], *, hosts: bool) -> None:
        super().__init__(connection, {})
        self.lay = {"b1": b1, "b2": b2}
        self.hosts = hosts

    def put(self, instrument: str, entries: list[dict[str, Any]]) -> int:
        own, self.source = self.source, f"{self.source}-3" if self.hosts and instrument.endswith("3") else self.source
        try:
            return super().put(instrument, entries)
        finally:
            self.source = own

    async def during(self, step: Any) -> None:
        if step.id not in self.lay:
            await super().during(step)
            return
        for instrument, nc in zip(("electrometer-1", "electrometer-3"), self.lay[step.id], strict=True):
            self.given(instrument, [(1.0, 0.0), (10.0, nc), (1.0, 0.0)])


def exchanged(connection: Any, *, hosts: bool) -> Exchanged:
    """D-14 (electrometer-3) lay at B1, D-11 (electrometer-1) at B2; each saw a little of the other's beam."""
    return Exchanged(connection, (0.16, WITH_D_14), (WITH_D_11, 0.17), hosts=hosts)


async def measured(connection: Any, client: Any, case: Case | None = None) -> str:
    case = case or two_instruments()
    case.add(connection)
    session = case.start(connection)
    await run(connection, client, session)
    return session


def bound(connection: Any, session: str, found: dict[str, str] | None = None) -> None:
    bind(connection, get_session(connection, session), found or RIGHT, "MD-1", "MP-1", WHY)


def again(connection: Any, session: str) -> dict[str, dict[str, Any]]:
    return {each.point: each.output.plain() for each in calculate_session(connection, session, "MP-1")}


@pytest.mark.parametrize("hosts", [False, True], ids=["one host", "two hosts"])
async def test_each_port_has_the_dose_of_the_diode_that_lay_there_from_its_own_instrument(
    connection: Any, hosts: bool
) -> None:
    session = await measured(connection, exchanged(connection, hosts=hosts))
    before = closed_results(connection, session)
    assert [before[port].get("dose_gy") for port in ("B1", "B2")] == [None, None]
    bound(connection, session)
    after = again(connection, session)
    for port, detector in RIGHT.items():
        assert 100 * after[port]["dose_gy"] == pytest.approx(RIGHT_CGY[port], rel=2e-4)
        assert after[port]["detector"] == detector
    assert (
        f"D-14 (read on electrometer-3) lay at B1, where D-11 was planned: {WHY} (MD-1, confirmed by MP-1)."
        in after["B1"]["remarks"]
    )
    assert verify_store(connection) == []
    assert verify_store(connection, session=session) == []
    for detector, port in (("D-14", "B1"), ("D-11", "B2")):
        received = [(each.point, each.dose_gy) for each in irradiations(connection, detector)]
        assert received == [(port, after[port]["dose_gy"])], "what a diode received is what it was bound to"
    record = build(connection, session)
    assert [(b["point"], b["detector"], b["instrument"]) for b in record["bindings"]] == [
        ("B1", "D-14", "electrometer-3"), ("B2", "D-11", "electrometer-1"),
    ]  # fmt: skip
    assert drawn_nc(record, "B1") == pytest.approx(WITH_D_14, rel=1e-3)
    assert drawn_nc(record, "B2") == pytest.approx(WITH_D_11, rel=1e-3)
    assert "D-14, read on electrometer-3" in html(record)


@pytest.mark.parametrize("hosts", [False, True], ids=["one host", "two hosts"])
async def test_where_the_plan_had_the_two_exchanged_the_right_doses_are_47_33_and_50_14(
    connection: Any, hosts: bool
) -> None:
    client = Exchanged(connection, (0.16, PORTS["B1"][1]), (PORTS["B2"][1], 0.17), hosts=hosts)
    session = await measured(connection, client, two_instruments(planned="exchanged"))
    closed_results(connection, session)
    bound(connection, session, {"B1": "D-11", "B2": "D-14"})
    after = again(connection, session)
    assert 100 * after["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)
    assert 100 * after["B2"]["dose_gy"] == pytest.approx(50.14, abs=0.006)


async def test_what_was_collected_before_the_port_was_measured_is_shown_as_a_part_and_assigned(connection: Any) -> None:
    """Electrometer-3 read all morning before its background, and the store had heard nothing of it yet."""
    client = exchanged(connection, hosts=True)
    case = two_instruments()
    case.add(connection)
    session = case.start(connection)
    steps = get_session(connection, session).plan.step
    await run_step(connection, client, session, steps[0].id, "MD-1", client.during)
    put, waiting = client.put, []

    def late(instrument: str, entries: list[dict[str, Any]]) -> int:
        """What electrometer-3 reads until its own markers comes in when these do."""
        if instrument != "electrometer-3":
            return put(instrument, entries)
        waiting.extend(entries)
        if entries[0]["kind"] == "scalar":
            return 0
        arrived, waiting[:] = list(waiting), []
        return put(instrument, arrived)

    client.put = late  # type: ignore[method-assign]
    client.given("electrometer-3", [(1.0, 0.0), (4.0, 2.5), (20.0, 0.0)])  # another patient's, before
    for step in steps[1:]:
        await run_step(connection, client, session, step.id, "MD-1", client.during)
    client.put = put  # type: ignore[method-assign]
    client.idle("electrometer-3")
    client.idle("electrometer-1")
    closed_results(connection, session)
    bound(connection, session)
    assert "came in 2 parts" in " ".join(again(connection, session)["B1"]["why"])
    seen = beam_parts_of(connection, get_session(connection, session), "b1")
    assert [round(p["nc"], 2) for p in seen] == [2.5, WITH_D_14]
    said = {1: "another patient's beam", 2: "irradiation"}
    people = "MD-1", "RT-1", "the linac's record"
    assign_parts(connection, get_session(connection, session), "b1", said, *people, mu={2: 92})
    after = again(connection, session)
    assert 100 * after["B1"]["dose_gy"] == pytest.approx(RIGHT_CGY["B1"], rel=2e-4)
    assert verify_store(connection) == []


async def test_diodes_that_lie_as_planned_cannot_be_exchanged_on_paper(connection: Any) -> None:
    client = Exchanged(connection, (PORTS["B1"][1], 0.2), (0.2, PORTS["B2"][1]), hosts=True)
    session = await measured(connection, client)
    closed = closed_results(connection, session)
    assert 100 * closed["B1"]["dose_gy"] == pytest.approx(47.33, abs=0.006)
    session = two_instruments().start(connection, fraction=2)
    await run(connection, client, session)
    close_session(connection, session, "MD-1")
    with pytest.raises(Refused, match="the sizes do not tell either that another diode lay there"):
        bound(connection, session)


async def test_before_the_session_is_closed_it_is_not_bound_since_readings_may_be_on_their_way(connection: Any) -> None:
    session = await measured(connection, exchanged(connection, hosts=True))
    with pytest.raises(Refused, match="may be on its way still: close session"):
        bound(connection, session)


async def test_what_adds_up_between_its_own_begin_and_end_alone_collected_nothing_else(connection: Any) -> None:
    client, case = exchanged(connection, hosts=True), two_instruments()
    case.instruments[1]["model"] = "ptw-unidos-tango"
    client.says["electrometer-3"] = {"driver": "ptw-unidos-tango", "integrates": "reset"}
    session = await measured(connection, client, case)
    closed_results(connection, session)
    with pytest.raises(Refused, match="electrometer-3 adds up between its own begin and end alone"):
        bound(connection, session)


async def test_an_instrument_that_was_connected_anew_in_between_is_not_told_apart(connection: Any) -> None:
    client = exchanged(connection, hosts=True)
    case = two_instruments()
    case.add(connection)
    session = case.start(connection)
    steps = get_session(connection, session).plan.step
    for step in steps:
        if step.id == "b2":
            client.of("electrometer-3").stream, client.of("electrometer-3").head = str(uuid4()), 0
        await run_step(connection, client, session, step.id, "MD-1", client.during)
    closed_results(connection, session, over="electrometer-3 was connected anew")
    with pytest.raises(Refused, match="electrometer-3 was connected anew during this session"):
        bound(connection, session)


async def test_an_instrument_that_measured_something_else_meanwhile_is_not_told_apart(connection: Any) -> None:
    client = exchanged(connection, hosts=True)
    other = str(uuid4())

    class Busy(Exchanged):
        async def during(self, step: Any) -> None:
            of = {"measurement": other, "session": "s-other", "step": "x"}
            if step.id == "b1":
                for mark in ("begin", "end"):
                    self.put("electrometer-3", [{"kind": "marker", "mark": mark, "time": self.now(), **of}])
            await super().during(step)

    session = await measured(connection, Busy(connection, *client.lay.values(), hosts=True))
    closed_results(connection, session, over="test")
    with pytest.raises(Refused, match="electrometer-3 measured something else while b1 was measured"):
        bound(connection, session)
    with pytest.raises(Refused, match="electrometer-2 was not read in this session"):
        meanwhile(
            connection, get_session(connection, session), attempts(connection, session, "b1")[0], "electrometer-2"
        )


async def test_diodes_exchanged_with_their_plugs_are_told_by_their_sizes_as_on_one_input(connection: Any) -> None:
    """Each port's own instrument saw its beam, with the other diode: 20 % apart in their coefficients here."""
    case = two_instruments()
    case.calibrations[0]["factors"]["n_cal"]["value"] *= 0.8
    case.calibrations[0]["factors"]["n_cal"]["range"] = [2.0, 4.0]
    client = Exchanged(connection, (WITH_D_14, 0.1), (0.1, WITH_D_11 / 0.8), hosts=True)
    session = await measured(connection, client, case)
    before = closed_results(connection, session)
    assert "with each other's diode" in " ".join(before["B1"]["why"])
    bound(connection, session)
    after = again(connection, session)
    assert 100 * after["B1"]["dose_gy"] == pytest.approx(RIGHT_CGY["B1"], rel=2e-4)
    assert 100 * after["B2"]["dose_gy"] == pytest.approx(RIGHT_CGY["B2"], rel=2e-4)
