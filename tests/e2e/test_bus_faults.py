"""The bus faults of the catalogue on real brokers: Mosquitto, and amqtt inside the process.

Each test has the fault's name. While it lasts readings go on coming in; after it they must flow again within the bound
of docs/noloss.md section 5 (and some) without a restart, and the invariants of section 8 hold at the end of every test.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from brokers import Mosquitto
from bus_house import INSTRUMENT, TOPICS, Broker, House, Proxy, Relay, house_in, make_broker, persistent, reading
from invariants import Emitted
from waiting import until

from acquire.bus.client import Connection, connect
from acquire.spool.publisher import REFUSED
from acquire.spool.recorder import Recorder
from acquire.spool.source import Limits, Stream
from acquire.store.worker import Worker

pytestmark = pytest.mark.slow

# Twice the bound of section 5: this machine is broker and both ends, and amqtt 0.12.1 may leave a new client unserved
# for ten seconds (a race of its own while it hands out retained messages).
RECOVERY_S = 30.0
QUICK = Limits(first_resend_s=0.1, longest_resend_s=0.4)
on_both = pytest.mark.parametrize("kind", ["mosquitto", "embedded"])
only_mosquitto = pytest.mark.parametrize("kind", ["mosquitto"])


@on_both
async def test_broker_absent(tmp_path: Path, kind: str) -> None:
    broker = make_broker(kind, tmp_path)
    try:
        async with house_in(tmp_path, broker.endpoint) as house:
            await house.append(50)
            await asyncio.sleep(1.0)
            assert not house.publisher.connected
            await broker.start()
            await house.append(50)
            await house.settled(RECOVERY_S)
            await house.check()
    finally:
        await broker.kill()


async def disturbed(house: House, broker: Broker, times: int) -> None:
    """The broker goes and comes while readings flow."""
    async with house.flowing():
        await until(lambda: len(house.emitted) > 20, 10, "the first readings")
        for _ in range(times):
            await broker.kill()
            await asyncio.sleep(0.6)
            await broker.start()
            await house.confirmed(RECOVERY_S)
    await house.settled()
    await house.check()


@on_both
async def test_broker_restart(tmp_path: Path, kind: str) -> None:
    broker = make_broker(kind, tmp_path)
    await broker.start()
    try:
        async with house_in(tmp_path, broker.endpoint) as house:
            await disturbed(house, broker, 3)
    finally:
        await broker.kill()


@on_both
async def test_broker_kill_with_default_persistence(tmp_path: Path, kind: str) -> None:
    """kill -9 loses every message Mosquitto had acknowledged since its last save: nothing relies on them."""
    extra, _ = persistent(tmp_path)
    broker = make_broker(kind, tmp_path, "".join(f"{line}\n" for line in extra.splitlines() if "autosave" not in line))
    await broker.start()
    try:
        async with house_in(tmp_path, broker.endpoint) as house:
            await disturbed(house, broker, 3)
    finally:
        await broker.kill()


@only_mosquitto
async def test_broker_wipe(tmp_path: Path, kind: str) -> None:
    extra, wipe = persistent(tmp_path)
    broker = make_broker(kind, tmp_path, extra)
    await broker.start()
    try:
        async with house_in(tmp_path, broker.endpoint) as house, house.flowing():
            await house.confirmed(RECOVERY_S)
            await asyncio.sleep(1.2)  # it has saved something
            await broker.kill()
            assert list((tmp_path / "broker-storage").iterdir()), "there is something to wipe"
            wipe()
            await broker.start()
            await house.confirmed(RECOVERY_S)
    finally:
        await broker.kill()


@on_both
@pytest.mark.parametrize("side", ["source", "store", "both"])
@pytest.mark.parametrize("lasts_s", [2.0, 13.0])
async def test_half_open(tmp_path: Path, kind: str, side: str, lasts_s: float) -> None:
    """TCP dead without a FIN; the dead connections stay dead when the network heals."""
    broker = make_broker(kind, tmp_path)
    await broker.start()
    try:
        async with (
            Proxy(broker.endpoint) as one,
            Proxy(broker.endpoint) as two,
            house_in(tmp_path, one.endpoint, two.endpoint) as house,
        ):
            async with house.flowing():
                await house.confirmed(RECOVERY_S)
                hit = {"source": [one], "store": [two], "both": [one, two]}[side]
                for proxy in hit:
                    proxy.half_open()
                await asyncio.sleep(lasts_s)
                assert all(proxy.swallowed for proxy in hit)
                for proxy in hit:
                    proxy.heal()
                await house.confirmed(RECOVERY_S)
            await house.settled()
            await house.check()
    finally:
        await broker.kill()


@on_both
async def test_session_lost(tmp_path: Path, kind: str) -> None:
    """Connections are cut again and again; clean sessions mean that nothing waits anywhere for those who come back."""
    broker = make_broker(kind, tmp_path)
    await broker.start()
    try:
        async with Proxy(broker.endpoint) as proxy, house_in(tmp_path, proxy.endpoint) as house:
            async with house.flowing():
                for _ in range(8):
                    await house.append(5)
                    proxy.cut()
                    await asyncio.sleep(0.3)
                await house.confirmed(RECOVERY_S)
            await house.settled()
            await house.check()
    finally:
        await broker.kill()


@on_both
@pytest.mark.parametrize(
    ("fault", "lose", "double"), [("duplicate-delivery", 0.0, 0.5), ("reorder", 0.0, 0.0), ("all of it", 0.2, 0.3)]
)
async def test_relayed(tmp_path: Path, kind: str, fault: str, lose: float, double: float) -> None:
    """duplicate-delivery and reorder, made by a relay between the source's broker and the store's."""
    near, far = make_broker(kind, tmp_path), Mosquitto(tmp_path)
    await near.start()
    await far.start()
    try:
        relay = Relay(near.endpoint, far.endpoint, 77331, lose=lose, double=double)
        async with relay.running(), house_in(tmp_path, near.endpoint, far.endpoint, QUICK) as house:
            for _ in range(60):
                await house.append(20)
                await asyncio.sleep(0.01)
            await house.settled()
            await house.check()
        assert relay.done["passed"] > 40
        assert relay.done["doubled"] > 0 or double == 0.0
        assert relay.done["lost"] > 0 or lose == 0.0
        print(f"\n{fault}: {relay.done}")
    finally:
        await near.kill()
        await far.kill()


@only_mosquitto
async def test_queue_full(tmp_path: Path, kind: str) -> None:
    """A broker that keeps two messages for a slow subscriber drops the others, and acknowledges them all the same.

    The store is sent what waits without a queue (it subscribes with QoS 0): what it cannot take lies in the sockets.
    Whoever subscribes with QoS 1 and is as slow shows that this broker does drop.
    """
    extra = "persistence false\nmax_queued_messages 2\nmax_inflight_messages 1\nsys_interval 1\n"
    async with house_behind(tmp_path, kind, extra) as (house, store_side, broker):
        await house.append(30)
        await house.settled()
        store_side.hold()
        async with Proxy(broker.endpoint) as slow_side, connect(slow_side.endpoint, "slow") as slow:
            await slow.subscribe(TOPICS.readings("+"))
            slow_side.hold()
            for _ in range(80):
                await house.append(40)
                await asyncio.sleep(0.005)
            async with connect(broker.endpoint, "watcher") as watcher:
                dropped = await dropped_by(watcher)
            slow_side.let_go()
        store_side.let_go()
        await house.settled(RECOVERY_S)
        await house.check()
        assert dropped > 0, "the fault must happen to be survived"


@asynccontextmanager
async def house_behind(folder: Path, kind: str, extra: str) -> AsyncIterator[tuple[House, Proxy, Broker]]:
    """The store reaches its broker through a proxy."""
    broker = make_broker(kind, folder, extra)
    await broker.start()
    try:
        async with Proxy(broker.endpoint) as proxy, house_in(folder, broker.endpoint, proxy.endpoint) as house:
            yield house, proxy, broker
    finally:
        await broker.kill()


async def dropped_by(watcher: Connection) -> int:
    await watcher.subscribe("$SYS/broker/publish/messages/dropped", qos=0)
    async with asyncio.timeout(5):
        async for message in watcher.messages():
            if int(message.payload):
                return int(message.payload)
    return 0


@only_mosquitto
@pytest.mark.parametrize("limit", ["message_size_limit", "max_packet_size"])
@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_oversized(tmp_path: Path, kind: str, limit: str, version: str) -> None:
    """Batches above the broker's limit are halved; a reading above it is withheld, kept here and told as such.

    Where the broker says how much it takes (MQTT 5, max_packet_size), nothing larger is ever sent.
    """
    async with running_limited(tmp_path, f"persistence false\n{limit} 6000\n") as broker:
        endpoint = type(broker.endpoint)("127.0.0.1", broker.port, version)  # type: ignore[arg-type]
        async with house_in(tmp_path, endpoint, limits=QUICK) as house:
            await house.append(60)
            await house.append(1, size=9000)
            await house.append(60)
            await until(house.publisher.all_confirmed, 120, "everything getting through in pieces")
            asked = "SELECT seq, length(body), reason FROM withheld"
            ((seq, length, reason),) = await house.spool.call(lambda j: j.db.execute(asked).fetchall())
            assert (seq, length > 9000) == (61, True)
            said = limit == "max_packet_size" and version == "5"
            assert reason == ("the broker takes no more than 5488 bytes at once" if said else REFUSED)
            assert not said or house.publisher.connections == 1
            e = house.emitted[60]
            (stand_in,) = await house.spool.read(house.stream.number, 61, 1, 10**6)  # type: ignore[union-attr]
            house.emitted[60] = type(e)(e.stream, e.seq, stand_in.body)
            await house.check()


@only_mosquitto
async def test_many_instruments_under_a_broker_that_takes_little(tmp_path: Path, kind: str) -> None:
    """Batches and what onlookers are told of them stay below what the broker said that it takes: it cuts nobody off."""
    async with (
        running_limited(tmp_path, "persistence false\nmax_packet_size 6000\n") as broker,
        house_in(tmp_path, broker.endpoint, limits=QUICK) as house,
    ):
        recorder = Recorder(house.spool, house.publisher)
        streams = [await recorder.open_stream(f"e-{n}") for n in range(12)]

        async def give(stream: Stream) -> None:
            for n in range(80):
                body = reading(n, size=20 * (n % 30))
                seq = await recorder.append(stream, [(body, None)])
                house.emitted.append(Emitted(stream.stream, seq, body))
                await asyncio.sleep(0.02)

        await asyncio.gather(*map(give, streams))
        await until(house.publisher.all_confirmed, 60, "everything is confirmed")
        assert house.publisher.source._batches > 10, "or this shows nothing"
        assert house.publisher.connections == 1
        (withheld,) = await house.spool.call(lambda j: j.db.execute("SELECT count(*) FROM withheld").fetchone())
        assert withheld == 0


@asynccontextmanager
async def running_limited(folder: Path, extra: str) -> AsyncIterator[Mosquitto]:
    broker = Mosquitto(folder, extra=extra)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.kill()


@on_both
async def test_store_down_long_then_catches_up(tmp_path: Path, kind: str) -> None:
    """20,000 readings wait; the long form is tests/benchmarks/backlog.py."""
    broker = make_broker(kind, tmp_path)
    await broker.start()
    try:
        async with house_in(tmp_path, broker.endpoint) as house:
            await house.append(10)
            await house.settled()
            await house.stop_store()
            for _ in range(20):
                await asyncio.gather(*(house.append(50) for _ in range(20)))
            assert len({(e.stream, e.seq) for e in house.emitted}) == 20_010
            assert not house.publisher.all_confirmed()
            await house.start_store()
            await house.settled(60)
            async with house.flowing():
                await house.confirmed(RECOVERY_S)
            await house.settled()
            await house.check()
    finally:
        await broker.kill()


@on_both
async def test_hostile_committed(tmp_path: Path, kind: str) -> None:
    """A store, or whoever plays one, that answers garbage: nothing is believed, nothing is lost, nothing stops."""
    broker = make_broker(kind, tmp_path)
    await broker.start()
    try:
        async with house_in(tmp_path, broker.endpoint) as house, connect(broker.endpoint, "hostile") as hostile:
            await house.append(20)
            await house.settled()
            await house.stop_store()
            await house.append(20)
            await asyncio.sleep(0.2)
            for payload in garbage(house, random.Random(77331)):
                await hostile.publish(TOPICS.committed(INSTRUMENT), payload, retain=True)
            await asyncio.sleep(0.3)
            assert house.publisher.connected
            assert house.stream is not None
            assert house.stream.through == 20, "nobody but the store has said that more is safe"
            await house.start_store()
            await house.settled()
            await house.check()
    finally:
        await broker.kill()


def garbage(house: House, chance: random.Random) -> list[bytes]:
    """Committed messages that are not, or not from our store, or not about what we ask."""
    assert house.stream is not None
    good = {
        "schema": "committed/1", "stream": house.stream.stream, "through": 40, "store": house.spool.store,
        "epoch": house.spool.epoch, "ask": house.publisher.source.query,
    }  # fmt: skip
    wrong: dict[str, list[object]] = {
        "schema": ["committed/2", "", None, 7],
        "stream": [str(uuid4()), "", None, 7, "x" * 10_000],
        "through": ["40", 1.5, None, [], 10**30],
        "store": [str(uuid4()), "", None],
        "ask": [str(uuid4()), "", None],
        "epoch": [None, 7],
    }
    broken = [json.dumps(good | {key: value}).encode() for key, values in wrong.items() for value in values]
    noise = [b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 50_000, bytes(chance.randrange(256) for _ in range(2000))]
    missing = [json.dumps({k: v for k, v in good.items() if k != key}).encode() for key in good]
    return broken + noise + missing


class Died(Exception):
    """The store is gone."""


class DiesBeforeCommit(Worker):
    """Between receipt and commit."""

    async def _commit_and_answer(self, connection: Connection, batch: list[tuple[str, bytes]]) -> None:
        if self.ingested >= 3:
            raise Died
        await super()._commit_and_answer(connection, batch)


class DiesBeforeAnswer(Worker):
    """Between commit and answer: what it committed is in the file, and nobody was told."""

    async def _commit_and_answer(self, connection: Connection, batch: list[tuple[str, bytes]]) -> None:
        if self.ingested >= 3:
            await self._run(lambda: self._ingest(batch))
            raise Died
        await super()._commit_and_answer(connection, batch)


@on_both
@pytest.mark.parametrize("dying", [DiesBeforeCommit, DiesBeforeAnswer])
async def test_consumer_crash(tmp_path: Path, kind: str, dying: type[Worker]) -> None:
    broker = make_broker(kind, tmp_path)
    await broker.start()
    try:
        async with house_in(tmp_path, broker.endpoint) as house:
            for _ in range(3):
                await house.stop_store()
                await house.start_store(dying)
                async with house.flowing():
                    await house.store_died()
            await house.stop_store()
            await house.start_store()
            await house.append(10)
            await house.settled(RECOVERY_S)
            await house.check()
    finally:
        await broker.kill()


@on_both
async def test_two_workers_share_one_store(tmp_path: Path, kind: str) -> None:
    """Both hear everything, both answer: answers overtake each other and nothing is stored twice."""
    broker = make_broker(kind, tmp_path)
    await broker.start()
    try:
        async with house_in(tmp_path, broker.endpoint) as house:
            second = Worker(tmp_path / "store.db", TOPICS)
            await second.open()
            task = asyncio.create_task(second.run(broker.endpoint))
            await until(lambda: second.connected, what="the second worker's connection")
            for _ in range(30):
                await house.append(20)
                await asyncio.sleep(0.01)
            await house.settled()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await second.close()
            await house.check()
            assert second.ingested > 0
    finally:
        await broker.kill()
