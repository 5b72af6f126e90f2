"""Which readings a result is made from, in full: worked case A as it should be, and with everything amiss at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from cases import case_c, case_e
from scenario_a import CHIPS, StoreClient, closed, prepared
from worked import WorkedClient, run

from acquire.procedure.results.selection import select
from acquire.procedure.session.placement import place, remove
from acquire.procedure.session.run_of_point import run_doubts
from acquire.procedure.session.session import get_session
from acquire.procedure.session.statements import exclude, imaging_given
from acquire.procedure.session.steps import abandon_step, begin_step, not_measured, run_step
from acquire.store import entries

OWN = ("session", "day", "documents", "removed")  # which differ from one time to the next


def chosen(connection: Any, session: str, point: str) -> dict[str, Any]:
    """A selection with references as seqs, without ids and digests; the points beside by their names."""
    selection = select(connection, get_session(connection, session), point)
    flat = {k: v for k, v in selection.plain().items() if k not in OWN and k not in selection.measurements}
    assert selection.measurements.keys() == {n for n in flat["readings"] if n in (flat.get("marks") or {})}
    return _plain({k: [each["point"] for each in v] if k == "beside" else v for k, v in flat.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value["seq"] if set(value) == {"stream", "seq", "digest"} else {k: _plain(v) for k, v in value.items()}
    return [_plain(each) for each in value] if isinstance(value, Sequence) and not isinstance(value, str) else value


async def test_each_point_of_worked_case_a_is_made_from_its_own_readings_and_nothing_else(connection: Any) -> None:
    session = await closed(connection, StoreClient(connection))
    ten = range(11)
    assert chosen(connection, session, "B1") == {
        "point": "B1", "problems": [], "remarks": [], "air": [], "integrates": "running",
        "readings": {"background": [16 + n for n in ten], "measurement": [37 + n for n in ten]},
        "marks": {"background": [15, 27], "measurement": [36, 48]},
        "attempts": [{"step": "b1", "role": "measurement", "name": "measurement"}], "beside": ["B2"],
    }  # fmt: skip
    chamber = chosen(connection, session, "B7")
    assert [(a["temperature_c"], a["pressure_kpa"], a["n"]) for a in chamber.pop("air")] == [(22.1, 99.6, 1)]
    assert chamber == {
        "point": "B7", "problems": [], "remarks": [], "integrates": "reset",
        "readings": {"background": [16 + n for n in range(13)], "measurement": [39 + n for n in range(13)]},
        "marks": {"background": [15, 29], "measurement": [38, 52]},
        "attempts": [{"step": "b7", "role": "measurement", "name": "measurement"}],
    }  # fmt: skip
    assert chosen(connection, session, "P4") == {
        "point": "P4", "problems": [], "remarks": [], "placements": [1, 2], "elements": ["T-014", "T-016"],
        "standards": ["S-1", "S-2", "S-3"], "controls": ["C-1", "C-2", "C-3", "C-4"], "imaging": "not stated",
        "readings": {
            "T-014": [8], "T-016": [9], "S-1": [1], "S-2": [2], "S-3": [3], "C-1": [4], "C-2": [5], "C-3": [6],
            "C-4": [7],
        },
        "run": {"reader": "tld-reader-1", "begins": "the first record that is known", "first": 1, "file": "tray.asc"},
    }  # fmt: skip
    removed = select(connection, get_session(connection, session), "P4").plain()["removed"]
    assert list(removed) == ["T-014", "T-016"]
    assert chosen(connection, session, "P6") == {
        "point": "P6", "problems": [], "remarks": [], "placements": [5], "elements": ["X-1"], "standards": [],
        "controls": [], "imaging": "not stated", "readings": {"X-1": [1]},
        "run": {"reader": "tld-reader-2", "begins": "the first record that is known", "first": 1, "file": "x.xsyg"},
    }  # fmt: skip


async def amiss(connection: Any) -> str:
    """Of case A: no background of B2, B1 given up, B7 left out, one chip out, imaging, a disc read twice."""
    session, client = prepared(connection), StoreClient(connection)
    plan = get_session(connection, session).plan
    for step in plan.step:
        pairs = [(p, e) for p in step.points for e in plan.point_named(p).elements]
        for point, element in pairs:
            if step.kind == "place":
                place(connection, get_session(connection, session), point, element, "MD-1")
            elif step.kind == "remove":
                remove(connection, get_session(connection, session), element, "MD-1")
        if step.id == "b1":
            await begin_step(connection, client, session, "b1", "MD-1")
            await client.during(step)
            await abandon_step(connection, session, "b1", "MD-1", "cable", beam_given=True, client=client)
            not_measured(connection, session, "b1", "MD-1", "the cable came off.")
        elif step.id in ("background-b2", "b7"):
            not_measured(connection, session, step.id, "MD-1", "no time for it")
        elif step.has_markers:
            await run_step(connection, client, session, step.id, "MD-1", client.during)
    client.chips("tray.asc", {k: v for k, v in CHIPS.items() if k not in ("302", "17")})
    client.disc()
    client.disc()
    now = get_session(connection, session)
    exclude(connection, now, "T-016", "MD-1", "MP-1", "it fell.")
    imaging_given(connection, now, "P6", "MD-1", "cone-beam CT")
    return session


async def test_what_is_amiss_is_said_and_what_was_read_is_named_all_the_same(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """b2 is measured without a background, as an earlier release allowed it."""
    monkeypatch.setattr("acquire.procedure.session.input_stops.must_hold", lambda *_: None)
    session = await amiss(connection)
    b1 = chosen(connection, session, "B1")
    assert b1["problems"] == ["Step b1 was not measured: the cable came off."]
    assert list(b1["readings"]) == ["background"]
    assert (b1["attempts"][0]["problem"], b1.get("beside")) == ("Step b1 was not measured: the cable came off.", None)
    b2 = chosen(connection, session, "B2")
    assert b2["problems"] == ["B2 has no background measured with D-14 before its beam."]
    assert (list(b2["readings"]), b2["integrates"]) == (["measurement"], "running")
    assert b2["attempts"] == [{"step": "b2", "role": "measurement", "name": "measurement"}]
    b7 = chosen(connection, session, "B7")
    assert b7["problems"] == ["Step b7 was not measured: no time for it."]
    p4 = chosen(connection, session, "P4")
    assert p4["problems"] == ["No result, controls missing in this reader session: C-2."]
    assert p4["remarks"] == ["T-016 was left out: it fell (MD-1, confirmed by MP-1)."]
    assert (p4["placements"], p4["elements"], p4["controls"]) == ([1], ["T-014"], ["C-1", "C-3", "C-4"])
    p5 = chosen(connection, session, "P5")
    assert p5["problems"][0] == "T-017 of P5 has not been read."
    assert next(iter(p5["readings"])) == "T-018"
    p6 = chosen(connection, session, "P6")
    assert p6["problems"] == [
        "Imaging was given while the elements of P6 lay there (cone-beam CT): they hold no dose of the therapy alone;"
        " it is measured again at the next planned fraction."
    ]
    assert p6["imaging"] != "not stated"
    assert p6["readings"] == {"X-1": [1]}
    assert run_doubts(connection, get_session(connection, session)) == []
    assert p6["remarks"] == ["X-1 was read 2 times; the first readout counts, the others are of an emptied element."]


@pytest.mark.parametrize(
    ("names", "one_run"),
    [
        (["e1-1", "e1-2", "e2-1", "e2-2"], True),
        (["e1-1", "x", "y", "x", "z", "e1-2", "e2-1", "e2-2"], False),
    ],
)
async def test_elements_without_standards_are_of_one_run_unless_another_surely_begins_between_them(
    connection: Any, names: list[str], one_run: bool
) -> None:
    case, reads = case_e()
    case.add(connection)
    session, client = case.start(connection), WorkedClient(connection)
    await run(connection, client, session)
    values = dict(reads)
    client.read_elements([(name, values.get(name, 1000.0)) for name in names], "{counts}")
    said = ["The elements of E1 were read in different reader sessions."]
    assert chosen(connection, session, "E1")["problems"] == ([] if one_run else said)
    assert chosen(connection, session, "E2")["problems"] == []


async def test_readings_are_named_by_their_own_digests(connection: Any) -> None:
    session = await closed(connection, StoreClient(connection))
    selection = select(connection, get_session(connection, session), "P4")
    for refs in selection.readings.values():
        for ref in refs:
            entry = entries.entry_at(connection, ref.stream, ref.seq)
            assert entry is not None
            assert entry.digest == ref.digest


async def test_a_dot_that_was_read_less_often_than_the_plan_asks_is_a_problem(connection: Any) -> None:
    case, reads = case_c()
    case.add(connection)
    session, client = case.start(connection), WorkedClient(connection)
    await run(connection, client, session)
    client.read_elements(list(dict(reads).items()), "{counts}")
    dot = next(p for p in case.points if p["method"] == "osl")
    found = chosen(connection, session, dot["id"])["problems"]
    assert f"{dot['elements'][0]} was read 1 times; the plan asks for 3 readings." in found
