"""The spool's bounds over a real broker: prune passes, a full spool that empties itself, slow and absent stores."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from brokers import Mosquitto, running_mosquitto
from bus_house import House, house_in
from invariants import check_settled, opened
from plain_instrument import PlainInstrument, charge
from waiting import until

from acquire.bus.client import Connection
from acquire.instruments.measurement import CommandRefused
from acquire.instruments.runner import Runner
from acquire.packing import unpacked
from acquire.spool.disk_budget import MIB
from acquire.spool.keeper import Keeper, Keeping
from acquire.spool.spool import Spool
from acquire.store.attribution import measurement
from acquire.store.database import connect as open_store
from acquire.store.worker import Worker
from drivers import Identity, Reading

ALWAYS = Keeping(retention_s=0.0, every_s=0.0, check_s=0.1, silent_s=5.0, again_s=0.2)


@asynccontextmanager
async def kept(house: House, keeping: Keeping) -> AsyncIterator[Keeper]:
    """A keeper at work."""
    keeper = Keeper(house.spool, house.publisher, keeping)
    task = asyncio.create_task(keeper.run(), name="keeper")
    try:
        yield keeper
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def held(house: House) -> int:
    (count,) = await house.spool.call(lambda j: j.db.execute("SELECT count(*) FROM entry").fetchone())
    return int(count)


async def test_a_pass_forgets_what_is_old_while_readings_flow(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker, house_in(tmp_path, broker.endpoint) as house:
        async with kept(house, ALWAYS), house.flowing():
            for _ in range(200):
                await asyncio.sleep(0.05)
                if len(house.emitted) > 200 and await held(house) < len(house.emitted) / 2:
                    break
        assert await held(house) < len(house.emitted) / 2
        await house.settled()
        await house.check()


async def test_nothing_is_forgotten_before_its_time_nor_while_nobody_answers(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker, house_in(tmp_path, broker.endpoint) as house:
        await house.append(50)
        await house.settled()
        await house.publisher.write_down()
        young = Keeper(house.spool, house.publisher, Keeping(retention_s=1000.0))
        assert await young.prune() == 0
        await house.stop_store()
        silent = Keeper(house.spool, house.publisher, Keeping(retention_s=0.0, silent_s=0.3))
        assert await silent.prune() == 0
        assert await held(house) == 50
        await house.start_store()
        assert await Keeper(house.spool, house.publisher, Keeping(retention_s=0.0)).prune() == 50
        await house.check()


async def test_a_pass_over_a_store_put_back_by_hand_forgets_nothing(tmp_path: Path) -> None:
    async with running_mosquitto(tmp_path) as broker, house_in(tmp_path, broker.endpoint) as house:
        await house.append(20)
        await house.settled()
        old = open_store(tmp_path / "store.db")
        old.execute("VACUUM INTO ?", (str(tmp_path / "old.db"),))
        old.close()
        await house.append(20)
        await house.settled()
        await house.publisher.write_down()
        await house.stop_store()
        for part in ("", "-wal", "-shm"):
            (tmp_path / f"store.db{part}").unlink(missing_ok=True)
        (tmp_path / "old.db").rename(tmp_path / "store.db")
        await house.start_store()
        await Keeper(house.spool, house.publisher, Keeping(retention_s=0.0)).prune()
        assert await held(house) == 40
        await house.settled()
        await house.check()


class Pulse(PlainInstrument):
    """Gives two readings a take, each unique and about a page of bytes however well it is packed."""

    name = "pulse"
    interval_s = 0.001
    given: ClassVar[int] = 0
    opened: ClassVar[int] = 0

    async def open(self) -> Identity:
        Pulse.opened += 1
        return await super().open()

    async def take(self) -> Sequence[Reading]:
        readings = []
        for _ in range(2):
            Pulse.given += 1
            noise = random.Random(Pulse.given).randbytes(3000).hex().encode()
            readings.append(charge(Pulse.given, b"%d " % Pulse.given + noise))
        return readings


async def test_spool_full_stops_the_asking_keeps_the_record_and_goes_on_by_itself(tmp_path: Path) -> None:
    """Rule 3.9 with a runner: budget reached while the store is away, everything told, everything accounted for."""
    Pulse.given = Pulse.opened = 0
    async with running_mosquitto(tmp_path) as broker, small_house(tmp_path, broker) as house:
        runner = Runner("pulse-1", Pulse, house.spool, house.recorder)
        running = asyncio.create_task(runner.run())
        asked = {"measurement": str(uuid4()), "session": "s-1", "step": "irradiate"}
        await until(lambda: runner.state.state == "ready", 10, "the instrument being ready")
        begun = await runner.command("begin", asked)
        await until(lambda: runner.state.state == "not-acquiring", 60, "the spool being full")
        assert "spool full" in str(runner.state.why)
        given = Pulse.given
        with pytest.raises(CommandRefused, match="spool full"):
            await runner.command("begin", {**asked, "measurement": str(uuid4())})
        await asyncio.sleep(1.5)
        assert given == Pulse.given, "nothing is asked while there is no room for an answer"
        async with kept(house, Keeping(check_s=0.1, again_s=0.2)):
            await house.start_store()
            await until(lambda: runner.state.state == "ready", 30, "acquisition going on by itself")
            more = Pulse.given
            await until(lambda: more + 20 < Pulse.given, 30, "readings flowing again")
            runner.stop()
            await running
            await house.settled(30)
        await check_accounts(house, asked["measurement"], begun)
        await house.stop_source()
        await house.stop_store()


@asynccontextmanager
async def small_house(folder: Path, broker: Mosquitto) -> AsyncIterator[House]:
    """A source with four mebibytes and no store yet."""
    house = House(folder, broker.endpoint, broker.endpoint)
    spool_open = Spool.open

    async def small(path: Path, **_: Any) -> Spool:
        return await spool_open(path, limit=4 * MIB, reserve=65536)

    Spool.open = small  # type: ignore[method-assign, assignment]
    try:
        await house.start_source()
    finally:
        Spool.open = spool_open  # type: ignore[method-assign]
    assert house.stream is not None
    await house.recorder.end_stream(house.stream, "closed")
    yield house


async def check_accounts(house: House, asked: str, begun: Any) -> None:
    """Conservation with the instrument's count, the gap first in the next stream, the measurement interrupted."""
    await house.publisher.write_down()
    with opened(house.folder / "spool.db") as spool, opened(house.folder / "store.db") as store:
        check_settled(spool, store)
        (stored,) = store.execute("SELECT count(*) FROM entry WHERE kind = 'scalar'").fetchone()
        gaps = store.execute(
            "SELECT seq, CAST(body AS TEXT) ->> 'count' AS count, reason FROM entry WHERE kind = 'gap'"
        ).fetchall()
        assert gaps
        assert {(g["seq"], g["reason"]) for g in gaps} == {(1, "spool full")}
        assert stored + sum(int(g["count"]) for g in gaps) == Pulse.given
        view = measurement(store, asked)
        assert (view.state, view.begin_seq) == ("interrupted", begun["seq"]), "readings of it were not taken"
        assert "spool-full" in str(view.reason)
        ends = [r["ended"] for r in store.execute("SELECT ended FROM stream WHERE instrument = 'pulse-1'")]
        assert ends.count("spool-full") == len(gaps)
        assert store.execute("SELECT count(*) FROM lost").fetchone()[0] == 0
        alarms = {r["what"] for r in spool.execute("SELECT what FROM alarm")}
        assert "journal shortened" in alarms


class Slow(Worker):
    """Takes as long for each transaction as the test lets it."""

    gate: ClassVar[asyncio.Event]

    async def _commit_and_answer(self, connection: Connection, batch: list[tuple[str, bytes]]) -> None:
        await self.gate.wait()
        await super()._commit_and_answer(connection, batch)


@pytest.mark.parametrize("store", ["absent", "slow", "locked"])
async def test_a_slow_or_absent_store_does_not_hold_up_the_appending(tmp_path: Path, store: str) -> None:
    """Every append comes to its end while the store confirms nothing."""
    async with running_mosquitto(tmp_path) as broker, house_in(tmp_path, broker.endpoint) as house:
        await house.stop_store()
        Slow.gate = asyncio.Event()
        locker = None
        if store != "absent":
            await house.start_store(Slow if store == "slow" else None)
        if store == "locked":
            locker = open_store(tmp_path / "store.db")
            locker.execute("BEGIN IMMEDIATE")
        for _ in range(300):
            await house.append(1)
        assert house.stream is not None
        assert (house.stream.head, house.stream.through) == (300, 0)
        if locker is not None:
            locker.execute("ROLLBACK")
            locker.close()
        if store == "absent":
            await house.start_store()
        Slow.gate.set()
        await house.settled(60)
        await house.check()


async def test_arrays_go_whole_within_the_limit_and_alone(tmp_path: Path) -> None:
    """Glow curves of half a mebibyte: one a message, no faster than the window, between small readings."""
    async with running_mosquitto(tmp_path) as broker, house_in(tmp_path, broker.endpoint) as house:
        for _ in range(12):
            await house.append(1, size=500_000)
            await house.append(3)
        await house.settled(60)
        await house.check()
        with opened(tmp_path / "store.db") as db:
            assert max(len(unpacked(body)) for (body,) in db.execute("SELECT body FROM entry")) > 500_000
