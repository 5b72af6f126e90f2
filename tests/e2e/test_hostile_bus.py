"""The whole service on a bus where somebody with every right does what he can, short of the store's own voice.

The attacker is not held back by access rules here: what those stop is tests/acquire/broker/test_access_rules.py.
Throughout, readings flow; afterwards everything appended is in the store, once, with the same bytes.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from brokers import Mosquitto, running_mosquitto
from waiting import until

from acquire.bus import library
from acquire.bus.client import Connection, connect
from acquire.bus.instrument_client import instrument_client
from acquire.bus.names import Topics
from acquire.config import load
from acquire.service import Service, service

TOPICS = Topics("clinic")
I1 = "electrometer-1"
CONFIG = """
site = "clinic"
broker = {{ mode = "external", port = {port} }}
spool = {{ path = "spool.db" }}
store = {{ url = "sqlite:///store.db" }}
[[simulator]]
id = "sim"
model = "keithley-6517b"
listen = "tcp:127.0.0.1:0"
[[instrument]]
id = "electrometer-1"
model = "keithley-6517b"
resource = "simulator:sim"
settings = {{ nplc = 0.01, range_si = 2e-8 }}
"""


@asynccontextmanager
async def attacked(folder: Path) -> AsyncIterator[tuple[Service, Connection, Mosquitto]]:
    """A running service and the attacker's connection."""
    (folder / "site.toml").write_text(CONFIG.format(port=0))
    async with running_mosquitto(folder) as broker:
        (folder / "site.toml").write_text(CONFIG.format(port=broker.port))
        async with service(load(folder / "site.toml")) as running, connect(broker.endpoint, "attacker") as attacker:
            await until(lambda: running.runners[I1].appended > 20, 20, "readings")
            yield running, attacker, broker
            before = running.runners[I1].appended
            await until(lambda: running.runners[I1].appended > before + 20, 20, "readings after the attack")
            await running.stop_instruments()
            assert await running.confirmed(20), "everything confirmed after the attack"
            assert not [task for task in running._tasks if task.done()]
    conserved(folder)


def rows(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchall()


def conserved(folder: Path) -> None:
    """Every entry of the spool is in the store, the same; nothing else is under its streams."""
    spool = rows(
        folder / "spool.db",
        "SELECT s.stream, e.seq, e.body FROM entry e JOIN stream s ON s.number = e.stream ORDER BY 1, 2",
    )
    ((source,),) = rows(folder / "spool.db", "SELECT source FROM meta")
    store = rows(
        folder / "store.db",
        f"SELECT stream, seq, body FROM entry JOIN stream USING (stream) WHERE source = '{source}' ORDER BY 1, 2",
    )
    assert len(spool) > 40
    assert store == spool
    assert rows(folder / "store.db", "SELECT * FROM conflict") == []


GARBAGE = [
    b"", b"null", b"[]", b"{}", b"hello", b"\xff\xfe\x00", b"[" * 100_000, b'{"schema":"readings/1"}', b"x" * 2_000_000,
    b'{"schema":"readings/1","head":NaN}', b'{"a":' * 50_000, b"1" * 5000, b'"\\ud800"',
]  # fmt: skip


async def test_garbage_on_every_topic_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    async with attacked(tmp_path) as (running, attacker, broker):
        assert running.publisher is not None
        for payload in GARBAGE:
            for topic in (TOPICS.readings(I1), TOPICS.committed(I1), TOPICS.command(I1, "begin"), TOPICS.state(I1)):
                await attacker.publish(topic, payload)
        hostile = ("Electrometer 1", "e\u202e1", "e" * 30_000, "daemon", "..", "'; DROP TABLE entry; --")
        for name in hostile:
            await attacker.publish(TOPICS.readings(name), b"garbage")
        publisher = running.publisher
        await until(lambda: publisher.unreadable == len(GARBAGE), 20, "all garbage counted by the source")
        counted = "SELECT sum(count) FROM unreadable"
        await until(
            lambda: rows(tmp_path / "store.db", counted) == [(len(GARBAGE) + len(hostile),)],
            20,
            "all counted by the store",
        )
        async with instrument_client(
            broker.endpoint, TOPICS, "MP-1", timeout_s=10
        ) as asking:  # commands are still answered
            mark = {"measurement": str(uuid4()), "session": "s-1", "step": "b1"}
            assert (await asking.command(I1, "begin", mark))["seq"] > 0
            assert (await asking.command(I1, "end", mark))["seq"] > 0
    alarms = rows(tmp_path / "spool.db", "SELECT what, message FROM alarm")
    assert [what for what, _ in alarms] == ["unreadable answer"]
    assert "messages under committed were no answers" in alarms[0][1]


def forgeries(asked: dict[str, Any], store: str, chance: random.Random) -> Iterator[bytes]:
    """Answers that nobody may believe, to the question under way."""
    true = {
        "schema": "committed/1",
        "stream": asked["stream"],
        "store": store,
        "epoch": asked["epoch"],
        "ask": asked["ask"],
    }
    far = asked["head"] + 1000
    yield json.dumps({**true, "through": far, "store": str(uuid4())}).encode()  # another store
    yield json.dumps({**true, "through": far, "ask": str(uuid4())}).encode()  # an old question
    yield json.dumps({**true, "through": far, "stream": str(uuid4())}).encode()  # no stream of ours
    yield json.dumps({**true, "through": -1 - chance.randrange(9)}).encode()
    yield json.dumps({**true, "through": 2**63 + chance.randrange(9)}).encode()
    yield json.dumps({**true, "through": far, "schema": "committed/2"}).encode()
    yield json.dumps({**true, "through": str(far)}).encode()
    yield json.dumps({**true, "through": far, "store": "s" * 100_000}).encode()


async def test_forged_and_replayed_watermarks_confirm_nothing(tmp_path: Path) -> None:
    """Also with the question that is under way, which everybody who may read the readings knows."""
    chance = random.Random(77331)
    async with attacked(tmp_path) as (running, attacker, _):
        publisher = running.publisher
        assert publisher is not None
        assert publisher.source.store is not None
        await attacker.subscribe(TOPICS.readings(I1))
        heard = attacker.messages()
        for _ in range(40):
            asked = json.loads((await anext(heard)).payload)
            for forged in forgeries(asked, publisher.source.store, chance):
                await attacker.publish(TOPICS.committed(I1), forged, retain=chance.random() < 0.5)
            stream = publisher.source.streams[asked["stream"]]
            ((through,),) = rows(
                tmp_path / "store.db", f"SELECT through FROM stream WHERE stream = '{asked['stream']}'"
            )
            assert stream.through <= max(through, asked["head"])
        await until(lambda: publisher.unreadable >= 40 * 5, 20, "the unreadable ones counted")
        assert publisher.foreign > 20
        assert publisher.source.store == rows(tmp_path / "store.db", "SELECT store FROM identity")[0][0]
    ended = [row[0] for row in rows(tmp_path / "spool.db", "SELECT ended FROM stream")]
    assert ended == ["closed"]


async def test_a_flood_of_new_epochs_costs_time_and_no_reading(tmp_path: Path) -> None:
    """This needs the store's rights; it is not promised against, and yet loses nothing that was appended."""
    async with attacked(tmp_path) as (running, attacker, _):
        publisher = running.publisher
        assert publisher is not None
        await attacker.subscribe(TOPICS.readings(I1))
        heard = attacker.messages()
        flips = 0
        while flips < 100:
            asked = json.loads((await anext(heard)).payload)
            forged = {
                "schema": "committed/1", "stream": asked["stream"], "store": publisher.source.store, "through": 0,
                "epoch": str(uuid4()), "ask": asked["ask"],
            }  # fmt: skip
            await attacker.publish(TOPICS.committed(I1), json.dumps(forged).encode())
            flips += 1
    refused = rows(tmp_path / "store.db", "SELECT reason FROM entry WHERE status <> 'stored'")
    assert all(reason.startswith("Set aside:") for (reason,) in refused), refused
    assert "two stores" in {row[0] for row in rows(tmp_path / "spool.db", "SELECT what FROM alarm")}


async def test_being_pushed_off_the_broker_again_and_again_loses_nothing(tmp_path: Path) -> None:
    """Whoever uses the source's client identifier takes its place; the source's id is in every message."""
    async with attacked(tmp_path) as (running, _, broker):
        assert running.publisher is not None
        identifier = f"source-{running.publisher.source.source[:18]}"
        pushed = 0
        for _ in range(10):
            async with connect(broker.endpoint, identifier):
                await asyncio.sleep(0.02)
                pushed += not running.publisher.connected
            await asyncio.sleep(0.3)
        assert pushed >= 5


async def test_a_flood_that_nobody_takes_is_dropped_and_not_kept_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "MOST_WAITING_BYTES", 1_000_000)
    async with running_mosquitto(tmp_path) as broker, connect(broker.endpoint, "slow") as slow:
        await slow.subscribe("t")
        async with connect(broker.endpoint, "flood") as flood:
            for n in range(100):
                await flood.publish("t", b"%03d" % n + b"x" * 100_000)
            await until(lambda: slow._client.dropped > 80, 20, "messages dropped")
            assert slow.waiting() * 100_003 <= 1_000_000
            heard = slow.messages()
            assert [(await anext(heard)).payload[:3] for _ in range(9)] == [b"%03d" % n for n in range(9)]
            await flood.publish("t", b"after")
            assert (await asyncio.wait_for(anext(heard), 5)).payload == b"after"
        assert slow._client.held == 0
