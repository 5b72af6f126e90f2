"""Files that are damaged or taken away under a running source and store, on a real broker: told, and mended without a
restart."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import ClassVar

import pytest
from brokers import Mosquitto, running_mosquitto
from bus_house import TOPICS, House, house_in
from faulty_disk import FaultyDisk
from invariants import check_settled, opened
from plain_instrument import PlainInstrument, charge
from processes import A_SERVICE, Process
from states import states_of, told
from waiting import until

from acquire.canonical import parse
from acquire.instruments.runner import Runner
from acquire.spool.file import left_aside
from acquire.spool.health import HostState
from acquire.spool.keeper import Keeper, Keeping
from acquire.spool.rescue import salvage
from acquire.store import copies
from acquire.store.database import connect as connect_store
from acquire.store.export import export
from drivers import Reading

pytestmark = pytest.mark.slow

RECOVERY_S = 15.0


def overwrite(path: Path) -> None:
    """All pages but the first, the log emptied into the file before."""
    with closing(sqlite3.connect(path, timeout=20)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


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
async def plain_house(folder: Path, broker: Mosquitto) -> AsyncIterator[House]:
    """A source and a store, whose accounts are kept by the numbers of an instrument."""
    house = House(folder, broker.endpoint, broker.endpoint)
    await house.start()
    try:
        yield house
    finally:
        await house.stop_source()
        await house.stop_store()


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


async def check_accounts(house: House, aside: Path | None) -> None:
    """Every pulse is in the store, or in the file that is aside, or a gap counts it; none is doubled."""
    with closing(connect_store(house.folder / "store.db")) as db:
        bodies = [row["body"] for row in export(db) if row["row"] == "entry"]
    there = Counter(int(each["raw"]) for each in bodies if each["kind"] == "scalar")
    assert max(there.values()) == 1, "none is doubled"
    left = salvage(aside) if aside is not None else []
    kept = [parse(body) for stream in left for body, _ in stream.bodies.values()]
    held = {int(each["raw"]) for each in kept if each["kind"] == "scalar"}
    gaps = sum(each["count"] for each in bodies if each["kind"] == "gap")
    assert len(there.keys() | held) + gaps == Pulse.given


async def test_damage_found_beside_a_running_acquisition_does_not_stop_it(tmp_path: Path) -> None:
    """The spool is damaged before the start; its readings go on in a new file, source and stream by themselves."""
    Pulse.given = 0
    async with running_mosquitto(tmp_path) as broker, plain_house(tmp_path, broker) as house:
        async with acquiring(house):
            await until(lambda: Pulse.given > 1000, 30, "readings")
        await house.settled()
        await house.stop_source()
        overwrite_leaves(tmp_path / "spool.db")
        await house.start_source()
        before = house.publisher.source.source
        async with states_of(broker, TOPICS.daemon_state) as states, acquiring(house) as runner:
            await until(lambda: left_aside(tmp_path / "spool.db"), RECOVERY_S, "the damage being found")
            await told(states, "ready", "spool.damaged-1.db")
            assert house.publisher.source.source != before
            more = Pulse.given
            await until(lambda: Pulse.given > more + 100, RECOVERY_S, "readings in the new file")
            assert runner.state.state == "ready"
        await house.settled()
        (aside,) = left_aside(tmp_path / "spool.db")
        await check_accounts(house, aside)
        check_ends(house, before)


async def test_a_spool_that_is_removed_beside_a_running_acquisition_does_not_stop_it(tmp_path: Path) -> None:
    Pulse.given = 0
    async with running_mosquitto(tmp_path) as broker, plain_house(tmp_path, broker) as house:
        async with states_of(broker, TOPICS.daemon_state) as states, acquiring(house):
            await until(lambda: Pulse.given > 200, 30, "readings")
            before = house.publisher.source.source
            (tmp_path / "spool.db").unlink()
            await told(states, "ready", "spool.removed-1.db")
            more = Pulse.given
            await until(lambda: Pulse.given > more + 200, RECOVERY_S, "readings in the new file")
        await house.settled()
        await check_accounts(house, tmp_path / "spool.removed-1.db")
        assert (tmp_path / "spool.db").exists()
        check_ends(house, before)


def check_ends(house: House, source: str) -> None:
    """The store has heard that the streams of the file aside have ended, and takes nobody for a second source."""
    with opened(house.folder / "store.db") as db:
        ends = {row["ended"] for row in db.execute("SELECT ended FROM stream WHERE source = ?", (source,))}
        assert "crash" in ends
        assert None not in ends
        assert db.execute("SELECT 1 FROM alarm WHERE what = 'two sources'").fetchone() is None


def overwrite_leaves(path: Path) -> None:
    """Some pages that hold entries, none of those that are appended to."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    content = path.read_bytes()
    leaves = [at for at in range(0, len(content), 4096) if content[at : at + 4096].count(b'"value"') > 3]
    with path.open("r+b") as file:
        for at in leaves[10:20]:
            file.seek(at)
            file.write(b"\xa5" * 4096)


def held(folder: Path) -> int:
    with opened(folder / "store.db") as db:
        return int(db.execute("SELECT sum(through) FROM stream").fetchone()[0] or 0)


@pytest.mark.parametrize(
    ("calls", "error"), [("write,sync", "EIO"), ("write,create", "EROFS"), ("write", "ENOSPC"), ("all", "EIO")]
)
async def test_a_service_goes_on_by_itself_after_a_fault_of_its_disk(tmp_path: Path, calls: str, error: str) -> None:
    """Spool and store on one disk that fails and heals: told, no traceback, one stream ends and a new one begins."""
    place = tmp_path / "disk"
    place.mkdir()
    config = tmp_path / "service.toml"
    disk = FaultyDisk(tmp_path)
    async with running_mosquitto(tmp_path) as broker:
        config.write_text(A_SERVICE.format(port=broker.port, disk=place))
        service = Process(tmp_path, "service", "run", str(config), before=disk.before())
        await service.start()
        try:
            state, store = TOPICS.state("electrometer-1"), TOPICS.store_state
            async with states_of(broker, state) as states, states_of(broker, store) as stores:
                await told(states, "ready")
                await told(stores, "ready")
                disk.fails(calls, error, f"{place}*")
                await told(states, "not-acquiring")
                await told(stores, "fault")
                disk.heals()
                await told(states, "ready")
                await told(stores, "ready")
                before = held(place)
                await until(lambda: held(place) > before + 20, 30, "readings in the store again")
            assert await service.stop() == 0
        finally:
            await service.kill()
        assert "Traceback" not in service.log(), service.log()
    with opened(place / "spool.db") as spool, opened(place / "store.db") as db:
        check_settled(spool, db)
        ended = [row[0] for row in spool.execute("SELECT ended FROM stream ORDER BY number")]
    assert ended[0] == "spool-full"
    assert len(ended) > 1, "a new stream was begun"
    assert None not in ended
