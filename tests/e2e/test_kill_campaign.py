"""kill -9 of store, acquiring process and broker at random moments while 200 readings a second and more flow.

Conservation: whatever the spool took is in the store, once, with the same bytes; what the instrument gave and the
spool never got is at most what was in the air at each kill of the acquiring process (docs/noloss.md section 7).
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from brokers import Mosquitto
from invariants import Emitted, check_invariants, opened
from processes import Process, ask
from waiting import until

KILLS = int(os.environ.get("ACQUIRE_KILLS", "20"))
SEED = int(os.environ.get("ACQUIRE_KILL_SEED", "77331"))
IN_THE_AIR = 3  # readings that can be between the instrument and the spool's commit at one kill

SOURCE = """
site = "clinic"
broker = {{ mode = "external", port = {port} }}
spool = {{ path = "spool.db" }}

[[instrument]]
id = "electrometer-1"
model = "keithley-6517b"
resource = "{resource}"
settings = {{ nplc = 0.01, range_si = 2e-8 }}
"""
STORE = """
site = "clinic"
broker = {{ mode = "external", port = {port} }}
store = {{ url = "sqlite:///store.db" }}
"""


@dataclass
class House:
    folder: Path
    broker: Mosquitto
    simulator: Process
    source: Process
    store: Process
    _stored: int = 0

    def rows(self, file: str, sql: str) -> list[tuple[object, ...]]:
        """Read a database of another process; an empty list before it exists and has its tables."""
        path = self.folder / file
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
            (made,) = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'entry'").fetchone()
            return db.execute(sql).fetchall() if made else []

    def flows(self, streams: int) -> bool:
        """Whether readings of the newest of so many streams reach the store."""
        rows = self.rows("store.db", "SELECT count(*), min(through) FROM stream")
        at, self._stored = self._stored, self.stored()
        return bool(rows) and rows[0][0] == streams and int(str(rows[0][1])) > 0 and self._stored > at

    def stored(self) -> int:
        rows = self.rows("store.db", "SELECT count(*) FROM entry WHERE kind = 'scalar'")
        return int(str(rows[0][0])) if rows else 0


@asynccontextmanager
async def house_in(folder: Path) -> AsyncIterator[House]:
    broker = Mosquitto(folder)
    simulator = Process(
        folder, "simulator", "simulate", "keithley-6517b", "--listen", "tcp:127.0.0.1:0", "--control", "tcp:127.0.0.1:0"
    )
    await broker.start()
    await simulator.start(reads_first_line=True)
    resource = simulator.first_line["resource"].split("::")
    (folder / "source.toml").write_text(SOURCE.format(port=broker.port, resource=f"tcp:{resource[1]}:{resource[2]}"))
    (folder / "store.toml").write_text(STORE.format(port=broker.port))
    source = Process(folder, "source", "run", str(folder / "source.toml"))
    store = Process(folder, "store", "run", str(folder / "store.toml"))
    house = House(folder, broker, simulator, source, store)
    try:
        await store.start()
        await source.start()
        yield house
    finally:
        for process in (source, store, simulator):
            await process.kill()
        await broker.kill()


@pytest.mark.slow
async def test_nothing_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    killed = {"store": 0, "source": 0, "broker": 0}
    async with house_in(tmp_path) as house:
        await until(lambda: house.stored() > 100, 30, "the first readings in the store")
        begun, before = time.monotonic(), house.stored()
        for n in range(KILLS):
            await asyncio.sleep(chance.uniform(0.2, 1.5))
            victim = ("store", "source", "broker")[n % 3] if n < 3 else chance.choice(list(killed))
            killed[victim] += 1
            process = {"store": house.store, "source": house.source, "broker": house.broker}[victim]
            await process.kill()
            await asyncio.sleep(chance.uniform(0.0, 0.5))
            await process.start()
            await until(lambda: house.flows(killed["source"] + 1), 30, f"readings after kill {n + 1}, of the {victim}")
        now = house.stored()
        await until(lambda: house.stored() > now + 100, 30, "readings after the last kill")
        rate = (house.stored() - before) / (time.monotonic() - begun)
        assert await house.source.stop() == 0, house.source.log()[-2000:]
        emitted = (await ask(house.simulator.first_line["control"], {"do": "state"}))["emitted"]
        await house.store.stop()
        check(house, killed, emitted, rate)


def check(house: House, killed: dict[str, int], emitted: int, rate: float) -> None:
    """The spool forgets nothing here (retention), so it is the list of all that was ever appended."""
    spool = dict_of(
        house.rows("spool.db", "SELECT s.stream, e.seq, e.body FROM entry e JOIN stream s ON s.number = e.stream")
    )
    store = dict_of(house.rows("store.db", "SELECT stream, seq, body FROM entry"))
    statuses = dict(house.rows("store.db", "SELECT status, count(*) FROM entry GROUP BY status"))
    assert store == spool
    with opened(house.folder / "spool.db") as kept, opened(house.folder / "store.db") as stored:
        check_invariants(kept, stored, [Emitted(str(s), int(str(n)), bytes(b)) for (s, n), b in spool.items()])
    assert house.rows("store.db", "SELECT * FROM conflict") == []
    assert house.rows("store.db", "SELECT * FROM unreadable") == []
    assert "lost" not in statuses
    streams = house.rows("store.db", "SELECT ended, final = head AND head = through FROM stream")
    assert len(streams) == killed["source"] + 1
    assert all(complete for _, complete in streams)
    numbers = house.rows(
        "store.db",
        "SELECT CAST(body AS TEXT) ->> '$.also.reading-number.value', stream FROM entry WHERE kind = 'scalar'",
    )
    assert len(set(numbers)) == len(numbers)
    aside = "SELECT count(*) FROM entry WHERE kind = 'unparsed' AND CAST(body AS TEXT) LIKE '%\"stale\"%'"
    missed = emitted - len(numbers) - int(str(house.rows("store.db", aside)[0][0]))
    print(f"\nkilled {killed}; emitted {emitted}, appended and stored {len(numbers)}, in the air at kills {missed};"
          f" {rate:.0f} readings/s through it all")  # fmt: skip
    assert 0 <= missed <= IN_THE_AIR * killed["source"]


def dict_of(rows: list[tuple[object, ...]]) -> dict[tuple[object, object], object]:
    found = {(stream, seq): body for stream, seq, body in rows}
    assert len(found) == len(rows)
    return found
