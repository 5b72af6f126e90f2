"""Two diodes were exchanged on the patient: two people bind them to the ports at which they lay."""

from __future__ import annotations

import re
from typing import Any

import edits
import kept_store
import pytest
from beams import drawn_nc
from real_probes import Probe, ProbeClient
from test_probes_in_worked_cases import PORTS, beams, case_a
from worked import closed_results, run

from acquire.errors import Refused
from acquire.procedure.results.binding import bind
from acquire.procedure.results.result import calculate_session, versions
from acquire.procedure.results.verify import verify_store
from acquire.procedure.session.session import get_session
from acquire.record import build, html

RIGHT = {"B2": "D-12", "B7": "D-14"}
WHY = "serials read on the patient before removal"
# What each port's own factors give with the diode that really lay there: M, N_cal, CF_SSD, CF_FS, SVWT
LAY = {"B2": (16.95, 3.186, 0.991, 1.005, 0.22), "B7": (16.32, 3.041, 0.991, 1.004, 0.28)}


def dose_cgy(port: str) -> float:
    m, n_cal, cf_ssd, cf_fs, svwt = LAY[port]
    return m * n_cal * cf_ssd * cf_fs / (1 + svwt / 100 * (30.5 - 22.0))


async def measured(connection: Any, swapped: bool = True) -> str:
    async def once() -> str:
        case, probe = case_a(), Probe("diode-electrometer-12")
        case.add(connection)
        session = case.start(connection)
        async with probe:
            await run(connection, ProbeClient(connection, probe, beams(swapped)), session)
        return session

    return await kept_store.begun(connection, (__name__, swapped), once)


def bound(
    connection: Any, session: str, found: Any = None, who: str = "MD-1", by: str = "MP-1", why: str = WHY
) -> None:
    bind(connection, get_session(connection, session), found or RIGHT, who, by, why)


async def test_results_are_of_the_diode_that_lay_there_and_its_own_coefficients(connection: Any) -> None:
    session = await measured(connection)
    before = closed_results(connection, session)
    assert [before[port]["decision"] for port in ("B2", "B7")] == ["INVALID", "INVALID"]
    bound(connection, session)
    after = {each.point: each.output.plain() for each in calculate_session(connection, session, "MP-1")}
    for port, (name, channel) in {"B2": ("D-12", "2"), "B7": ("D-14", "3")}.items():
        assert 100 * after[port]["dose_gy"] == pytest.approx(dose_cgy(port), rel=1e-4)
        assert (after[port]["detector"], after[port]["channel"]) == (name, channel)
        assert versions(connection, session, port)[0].output.decision == "INVALID"
    planned, channel = PORTS["B2"][:2]
    said = (
        f"D-12 (channel 2) lay at B2, where {planned} (channel {channel}) was planned: {WHY} (MD-1, confirmed by MP-1)."
    )
    assert said in after["B2"]["remarks"]
    assert after["B1"]["dose_gy"] == before["B1"]["dose_gy"]
    assert verify_store(connection) == []
    assert verify_store(connection, session=session) == []
    received = connection.execute("SELECT max(number) FROM received").fetchone()[0]
    rows = connection.execute("SELECT made_after FROM binding").fetchall()
    assert [row["made_after"] for row in rows] == [received, received], "ordered against readings as all people's rows"
    with edits.taken_back(connection):
        edits.made(connection, edits.Edit("made before everything", "binding", None, _made_before_everything))
        said = verify_store(connection)
    assert [each.split(";")[0] for each in said] == [
        f"That {detector} lay at {port} in session {session}, not {planned} (table binding) was changed"
        for port, detector, planned in (("B2", "D-12", "D-14"), ("B7", "D-14", "D-12"))
    ]


def _made_before_everything(connection: Any) -> None:
    connection.execute("UPDATE binding SET made_after = 0")


async def test_the_record_shows_both_bindings_and_who_said_so(connection: Any) -> None:
    session = await measured(connection)
    bound(connection, session)
    closed_results(connection, session)
    record = build(connection, session)
    assert [{k: v for k, v in each.items() if k != "at"} for each in record["bindings"]] == [
        {"point": "B2", "planned": "D-14", "planned_channel": "3", "detector": "D-12", "channel": "2",
         "reason": WHY, "who": "MD-1", "confirmed_by": "MP-1"},
        {"point": "B7", "planned": "D-12", "planned_channel": "2", "detector": "D-14", "channel": "3",
         "reason": WHY, "who": "MD-1", "confirmed_by": "MP-1"},
    ]  # fmt: skip
    assert {p["id"]: p["detector"] for p in record["points"]} == {"B1": "D-11", "B2": "D-12", "B7": "D-14"}
    assert drawn_nc(record, "B2") == pytest.approx(LAY["B2"][0], rel=1e-3)
    assert drawn_nc(record, "B7") == pytest.approx(LAY["B7"][0], rel=1e-3)
    page = html(record)
    assert "Diodes that lay elsewhere than planned" in page
    assert "D-14, channel 3</td><td>D-12, channel 2</td><td>MD-1, MP-1" in re.sub(' data-label="[^"]*"', "", page)


@pytest.mark.parametrize("second", ["MD-1", "md-1", " MD -1 ", "ＭＤ-1", "", "  "])
async def test_one_person_alone_is_refused_however_the_name_is_written(connection: Any, second: str) -> None:
    session = await measured(connection)
    with pytest.raises(Refused, match="with a reason, by one person and confirmed by another"):
        bound(connection, session, by=second)
    with pytest.raises(Refused, match="with a reason"):
        bound(connection, session, why="  ")


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"B2": "D-12"}, "D-12 cannot have been at two ports; say too where D-14 lay"),
        ({"B1": "D-12", "B7": "D-11"}, "The signals do not agree that D-12 lay at B1: During this port D-11 collected"),
        ({"B2": "D-99", "B7": "D-14"}, "D-99 is planned at no port; planned are D-11, D-12, D-14"),
        ({"B2": "D-14", "B7": "D-12"}, "The signals do not agree that D-14 lay at B2: During this port D-12 collected"),
        ({"B9": "D-14"}, "B9"),
    ],
)
async def test_what_does_not_resolve_the_contradiction_is_refused_and_leaves_no_row(
    connection: Any, found: dict[str, str], says: str
) -> None:
    session = await measured(connection)
    with pytest.raises(Refused) as refused:
        bound(connection, session, found)
    assert says in str(refused.value)
    assert connection.execute("SELECT count(*) FROM binding").fetchone()[0] == 0
    assert verify_store(connection) == []


async def test_diodes_that_lie_as_planned_cannot_be_exchanged_on_paper(connection: Any) -> None:
    session = await measured(connection, swapped=False)
    with pytest.raises(Refused, match="The signals do not agree that D-12 lay at B2: During this port D-14 collected"):
        bound(connection, session)


async def test_after_a_result_was_decided_nothing_is_bound(connection: Any) -> None:
    session = await measured(connection)
    bound(connection, session)
    closed_results(connection, session)
    with pytest.raises(Refused, match=r"The result of B2 was decided already \(PASS.*, v1\)"):
        bound(connection, session)


async def test_before_the_ports_were_measured_nothing_is_bound(connection: Any) -> None:
    case = case_a()
    case.add(connection)
    session = case.start(connection)
    with pytest.raises(Refused, match="is READY; diodes are bound once their ports were measured"):
        bound(connection, session)
