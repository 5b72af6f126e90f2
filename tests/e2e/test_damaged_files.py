"""Files that are damaged or taken away under a running source and store, on a real broker: told, and mended without a
restart."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from brokers import Mosquitto, running_mosquitto
from bus_house import TOPICS, House, house_in
from waiting import until

from acquire.bus.client import connect
from acquire.store import copies

RECOVERY_S = 15.0


@asynccontextmanager
async def states_of(broker: Mosquitto, topic: str) -> AsyncIterator[list[dict[str, Any]]]:
    """What is told under a state's topic."""
    told: list[dict[str, Any]] = []

    async def listen() -> None:
        async with connect(broker.endpoint, "onlooker") as connection:
            await connection.subscribe(topic)
            async for message in connection.messages():
                told.append(json.loads(message.payload))

    task = asyncio.create_task(listen(), name="onlooker")
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def overwrite(path: Path) -> None:
    """All pages but the first, the log emptied into the file before."""
    with closing(sqlite3.connect(path, timeout=20)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


async def told(states: list[dict[str, Any]], state: str, why: str = "") -> None:
    await until(
        lambda: states and states[-1]["state"] == state and why in states[-1].get("why", ""), 20, f"{state} {why}"
    )


@pytest.mark.parametrize("what", ["overwritten", "removed"])
async def test_a_store_that_is_damaged_or_gone_says_so_confirms_nothing_and_goes_on_when_it_is_put_back(
    tmp_path: Path, what: str
) -> None:
    path = tmp_path / "store.db"
    async with running_mosquitto(tmp_path) as broker, house_in(tmp_path, broker.endpoint) as house:
        async with states_of(broker, TOPICS.store_state) as states, house.flowing():
            await told(states, "ready")
            await house.append(300, size=300)
            await house.confirmed(RECOVERY_S)
            copies.backup(path, tmp_path / "b.db")
            if what == "overwritten":
                overwrite(path)
            else:
                path.unlink()
            await told(states, "fault", "acquire store restore")
            before = held_back(house)
            await house.append(100)
            await asyncio.sleep(0.5)
            assert held_back(house) == before, "nothing is confirmed meanwhile"
            await asyncio.to_thread(copies.restore, path, tmp_path / "b.db", retention=None)
            await told(states, "ready")
            await house.confirmed(RECOVERY_S)
        await house.settled()
        await house.check()


def held_back(house: House) -> int:
    assert house.stream is not None
    return house.stream.through


async def test_a_store_whose_index_is_emptied_says_so_within_seconds_of_its_start(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker, house_in(tmp_path, broker.endpoint) as house:
        await house.append(20)
        await house.settled()
        await house.stop_store()
        with closing(sqlite3.connect(tmp_path / "store.db")) as db:
            (root,) = db.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_alarm_1'"
            ).fetchone()
            db.execute("INSERT INTO alarm (raised_at, what, subject, message, last_at) VALUES (1, 2, 3, 4, 5)")
            db.commit()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        with (tmp_path / "store.db").open("r+b") as file:
            file.seek((root - 1) * 4096)
            file.write(b"\x0a\x00\x00\x00\x00\x10\x00\x00")  # an empty leaf of an index
        async with states_of(broker, TOPICS.store_state) as states:
            await house.start_store()
            await told(states, "fault", "damaged")
        with closing(sqlite3.connect(tmp_path / "store.db")) as db:
            db.execute("REINDEX")
            db.commit()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        await house.append(5)
        await house.settled()


class Pulse(PlainInstrument):
    """Gives numbered readings, two a take."""

    name = "pulse"
    interval_s = 0.01
    given: ClassVar[int] = 0

    async def take(self) -> Sequence[Reading]:
        readings = []
        for _ in range(2):
            Pulse.given += 1
            readings.append(charge(Pulse.given, b"%d" % Pulse.given + b" " * 300))
        return readings


@asynccontextmanager
async def acquiring(house: House) -> AsyncIterator[Runner]:
    """A runner, and what the service has beside it: the state of the host, and the keeper."""
    runner = Runner("pulse-1", Pulse, house.spool, house.recorder)
    host = HostState(house.spool, TOPICS.daemon_state)
    house.publisher.presence = host.presence
    house.spool.on_begun_anew.append(runner.begin_anew)
    keeper = Keeper(house.spool, house.publisher, Keeping(check_s=0.1))
    tasks = [asyncio.create_task(part, name="part") for part in (runner.run(), host.run(), keeper.run())]
    try:
        yield runner
        assert not any(task.done() for task in tasks)
    finally:
        runner.stop()
        await asyncio.wait(tasks[:1], timeout=10)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def stored(folder: Path) -> list[int]:
    """The numbers of the pulses in the store."""
    with opened(folder / "store.db") as db:
        rows = db.execute("SELECT stream, seq FROM entry").fetchall()
        assert rows
    return [number for number in numbers(folder)]


async def check_accounts(house: House, aside: Path) -> None:
    """Every pulse is in the store or, and then perhaps as well, in the file that is aside; or a gap counts it."""
    exported = [json.loads(line) for line in export_lines(house.folder / "store.db")]
    there = Counter(int(e["raw"]) for e in exported if e.get("kind") == "scalar" and e["raw"].strip().isdigit())
    assert max(there.values()) == 1, "none is doubled"
    held = {int(e["raw"]) for left in salvage(aside) for b, _ in left.bodies.values() if "raw" in (e := parse(b))}
    gaps = sum(e["count"] for e in exported if e.get("kind") == "gap")
    assert len(there.keys() | held) + gaps == Pulse.given
