"""Session events over a real broker: what other processes write into the store is told, at least once, in order."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from brokers import Mosquitto, running_mosquitto
from scenario_a import CHIPS, StoreClient, closed, measured, prepared
from waiting import until

from acquire.bus.client import BusError, connect
from acquire.bus.messages import MESSAGES
from acquire.bus.names import Topics
from acquire.procedure.results.result import calculate_session
from acquire.procedure.session.closing import close_session
from acquire.procedure.session.session import cancel, get_session
from acquire.procedure.session.steps import abandon_step, begin_step, next_step, not_measured
from acquire.store.worker import Worker

TOPICS = Topics("test")
Events = list[dict[str, Any]]


class Watcher:
    """A subscriber that keeps every event, checked against the contract, through lost connections."""

    def __init__(self) -> None:
        self.events: Events = []
        self.raw = b""
        self.subscribed = asyncio.Event()

    async def run(self, broker: Mosquitto) -> None:
        while True:
            try:
                async with connect(broker.endpoint, "watcher") as connection:
                    await connection.subscribe(TOPICS.session_events("+"))
                    self.subscribed.set()
                    async for message in connection.messages():
                        body = json.loads(message.payload)
                        MESSAGES["event/1"].model_validate(body)
                        assert message.topic == TOPICS.session_events(body["session"])
                        self.events.append(body)
                        self.raw += message.payload
            except BusError:
                self.subscribed.clear()
                await asyncio.sleep(0.05)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each["detail"] for each in self.events if each["event"] == event]

    def states(self) -> list[str]:
        return [each["state"] for each in self.of("state")]


@asynccontextmanager
async def worker(folder: Path, broker: Mosquitto) -> AsyncIterator[None]:
    made = Worker(folder / "store.db", TOPICS)
    await made.open()
    task = asyncio.create_task(made.run(broker.endpoint))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await made.close()


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[tuple[Mosquitto, Watcher]]:
    async with running_mosquitto(folder) as broker:
        watcher = Watcher()
        task = asyncio.create_task(watcher.run(broker))
        await asyncio.wait_for(watcher.subscribed.wait(), 10)
        try:
            yield broker, watcher
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def quiet(watcher: Watcher) -> None:
    """Longer than two looks of the worker without another event."""
    seen = -1
    while seen != len(watcher.events):
        seen = len(watcher.events)
        await asyncio.sleep(1.2)


async def test_everything_of_a_session_is_told_once_the_worker_is_there_and_not_again_after_a_restart(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    session = await closed(connection, StoreClient(connection))
    results = calculate_session(connection, session, "MP-1")
    async with watched(tmp_path) as (broker, watcher):
        async with worker(tmp_path, broker):
            await until(lambda: "CALCULATED" in watcher.states())
            await quiet(watcher)
        assert watcher.states() == ["PLANNED", "READY", "MEASURING", "MEASURED", "CALCULATED"]
        assert [each["previous"] for each in watcher.of("state")] == [None, *watcher.states()[:-1]]
        assert {(each["order"], each["simulated"]) for each in watcher.of("state")} == {("ORD-A-1", True)}
        told = {each["point"]: each for each in watcher.of("result")}
        assert {point: (each["decision"], each.get("dose_gy"), each["version"]) for point, each in told.items()} == {
            r.point: (r.output.decision, r.output.dose_gy, 1) for r in results
        }
        assert {(m["step"], m["mark"]) for m in watcher.of("step")} >= {("b1", "begin"), ("b1", "end")}
        attached = [r for each in watcher.of("attached") if each["step"] == "b1" for r in each["readings"]]
        assert len(attached) == 11
        assert len({(r["stream"], r["seq"]) for r in attached}) == 11
        assert not {"raw", "axes", "origin"} & set(attached[0])
        for person in (b"MD-1", b"MP-1", b"RT-1", b"Patient"):
            assert person not in watcher.raw
        before = len(watcher.events)
        async with worker(tmp_path, broker):
            await quiet(watcher)
        assert len(watcher.events) == before


async def test_what_was_published_but_not_written_down_is_told_again_and_nothing_is_left_out(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    session = await closed(connection, StoreClient(connection))
    async with watched(tmp_path) as (broker, watcher):
        async with worker(tmp_path, broker):
            await until(lambda: "MEASURED" in watcher.states())
            await quiet(watcher)
        first, watcher.events = watcher.events, []
        connection.execute("UPDATE told SET through = through / 2")  # as after a crash in between
        calculate_session(connection, session, "MP-1")
        async with worker(tmp_path, broker):
            await until(lambda: "CALCULATED" in watcher.states())
            await quiet(watcher)
    again = keys(watcher.events)
    assert again & keys(first)
    assert len(keys(first) | again) == len(keys(first)) + 7  # six results and CALCULATED
    assert keys(first) - again  # and not all from the beginning


def keys(events: Events) -> set[tuple[Any, ...]]:
    """What a subscriber would key an event by, as docs/bus.md says."""
    found: set[tuple[Any, ...]] = set()
    for each in events:
        detail = each["detail"]
        if each["event"] == "attached":
            found |= {("attached", r["stream"], r["seq"]) for r in detail["readings"]}
        elif each["event"] == "step":
            found.add(("step", detail["step"], detail.get("measurement"), detail["mark"]))
        elif each["event"] == "result":
            found.add(("result", detail["point"], detail["version"]))
        else:
            found.add(("state", detail["state"], each["time"]))
    return found


async def test_changes_by_another_process_are_told_while_the_worker_runs_and_after_the_broker_was_away(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    async with watched(tmp_path) as (broker, watcher), worker(tmp_path, broker):
        session = prepared(connection)
        await until(lambda: watcher.states() == ["PLANNED", "READY"])
        await broker.kill()
        cancel(connection, session, "MD-1", "Mrs. Miller did not come")
        await until(lambda: not watcher.subscribed.is_set())
        await broker.start()
        await asyncio.wait_for(watcher.subscribed.wait(), 10)
        await until(lambda: watcher.states()[-1] == "CANCELLED")
        assert b"Miller" not in watcher.raw  # what people write down as a reason may name somebody


async def test_a_step_given_up_and_one_left_out_are_told(connection: sqlite3.Connection, tmp_path: Path) -> None:
    client = StoreClient(connection)
    session = prepared(connection)
    turn = next_step(connection, get_session(connection, session))
    assert turn is not None
    attempt = await begin_step(connection, client, session, turn.step.id, "MD-1")
    await abandon_step(connection, session, turn.step.id, "MD-1", "cable", beam_given=False, client=client)
    not_measured(connection, session, turn.step.id, "MD-1", "cable broken")
    async with watched(tmp_path) as (broker, watcher), worker(tmp_path, broker):
        await until(lambda: len(watcher.of("step")) == 4)
        await quiet(watcher)
    marks = [each for each in watcher.of("step") if each["mark"] in ("abandoned", "not-measured")]
    assert [(m["mark"], m["step"], m.get("measurement"), m.get("beam_given")) for m in marks] == [
        ("abandoned", turn.step.id, attempt.measurement, False),
        ("not-measured", turn.step.id, None, None),
    ]
    assert b"cable" not in watcher.raw


async def test_a_marker_with_a_session_that_is_no_name_reaches_no_other_topic(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    client = StoreClient(connection)
    for strange in ("#", "a/b", "../../x"):
        mark = {"measurement": "6f3c0a52-6b6b-4f0e-9d0e-4b7d1f2a3c4d", "session": strange, "step": "x"}
        await client.command("electrometer-1", "begin", mark)
        client.marks.clear()
    async with watched(tmp_path) as (broker, watcher), worker(tmp_path, broker):
        prepared(connection)
        await until(lambda: "READY" in watcher.states())
        assert {each["event"] for each in watcher.events} == {"state"}


async def test_a_session_of_thousands_of_readings_is_told_whole(connection: sqlite3.Connection, tmp_path: Path) -> None:
    client = StoreClient(connection)
    mark = {"measurement": "6f3c0a52-6b6b-4f0e-9d0e-4b7d1f2a3c4d", "session": "s-1", "step": "long"}
    await client.command("electrometer-1", "begin", mark)
    client.put("electrometer-1", [client.charge("electrometer-1", float(n), []) for n in range(1800)])
    client.put("electrometer-1", [client.charge("electrometer-1", float(n), ["overload"]) for n in range(7)])
    async with watched(tmp_path) as (broker, watcher), worker(tmp_path, broker):
        await until(lambda: sum(len(each["readings"]) for each in watcher.of("attached")) == 1807)
    assert len(keys(watcher.events)) == 1808


async def test_events_of_chips_read_days_later_are_results_only(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Elements have no markers: no attached event is made up for them; the result says what came of it."""
    client = StoreClient(connection)
    session = prepared(connection)
    await measured(connection, client, session)
    client.chips("tray.asc", CHIPS)
    client.disc()
    close_session(connection, session, "MD-1")
    calculate_session(connection, session, "MP-1")
    async with watched(tmp_path) as (broker, watcher), worker(tmp_path, broker):
        await until(lambda: "CALCULATED" in watcher.states())
        await quiet(watcher)
    assert {each["point"] for each in watcher.of("result")} >= {"P4", "P5", "P6"}
    assert all(r["kind"] == "scalar" for each in watcher.of("attached") for r in each["readings"])
