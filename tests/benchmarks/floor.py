"""The barest no-loss path that could still be called one: a floor to hold the product against.

One process appends readings to an SQLite spool (WAL, FULL), publishes a batch (QoS 1), another decodes it, inserts it
with conflict handling (WAL, FULL) and publishes the watermark, at which the first deletes. No streams, no markers, no
validation, no digests, no attribution: what is left when everything that makes a record is taken away.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec

from benchmarks.sockets import NODELAY

WINDOW = 6
RAW = "+15.66964E-09NCOUL,+0000010.611268secs,+00115RDNG#"


class Flat(msgspec.Struct, array_like=True):
    """A reading with nothing around it."""

    seq: int
    kind: str
    quantity: str
    value: float
    unit: str
    time: str
    elapsed_s: float
    raw: str


def readings(first: int, count: int) -> list[Flat]:
    """`count` readings from seq `first` on."""
    now = "2026-01-01T00:00:00.000000Z"
    return [Flat(seq, "scalar", "charge", 1e-9 * seq, "C", now, 0.1 * seq, RAW) for seq in range(first, first + count)]


def database(path: Path, table: str) -> sqlite3.Connection:
    """A fresh file in WAL, synchronous=FULL."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(table)
    return db


async def source(folder: Path, port: int, total: int, batch: int) -> float:
    """Readings per second from the first append to the last watermark."""
    db = database(folder / "floor-spool.db", "CREATE TABLE entry (seq INTEGER PRIMARY KEY, body BLOB)")
    through = 0
    moved = asyncio.Event()
    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("floor/committed", qos=1)

        async def listen() -> None:
            nonlocal through
            async for message in client.messages:
                through = int(bytes(message.payload))
                db.execute("DELETE FROM entry WHERE seq <= ?", (through,))
                moved.set()

        listening = asyncio.create_task(listen())
        begun, sent = time.perf_counter(), 0
        while through < total:
            if sent < total and sent - through < WINDOW * batch:
                new = readings(sent + 1, min(batch, total - sent))
                bodies = [msgspec.json.encode(each) for each in new]
                db.execute("BEGIN")
                db.executemany("INSERT INTO entry VALUES (?, ?)", zip((r.seq for r in new), bodies, strict=True))
                db.execute("COMMIT")
                await client.publish("floor/readings", b"[" + b",".join(bodies) + b"]", qos=1)
                sent += len(new)
            else:
                moved.clear()
                await moved.wait()
        taken = time.perf_counter() - begun
        listening.cancel()
    db.close()
    return total / taken


async def store(folder: Path, port: int, total: int) -> None:
    """Insert, commit, answer, until everything is there."""
    columns = "seq INTEGER PRIMARY KEY, kind, quantity, value, unit, time, elapsed_s, raw"
    db = database(folder / "floor-store.db", f"CREATE TABLE entry ({columns})")
    decoder = msgspec.json.Decoder(list[Flat])
    through = 0
    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("floor/readings", qos=1)
        print("listening", flush=True)
        async for message in client.messages:
            rows = [msgspec.structs.astuple(each) for each in decoder.decode(bytes(message.payload))]
            db.execute("BEGIN")
            db.executemany("INSERT INTO entry VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING", rows)
            db.execute("COMMIT")
            through = rows[-1][0]
            await client.publish("floor/committed", str(through).encode(), qos=1)
            if through >= total:
                break
    db.close()


def main(
    source: Callable[[Path, int, int, int], Coroutine[Any, Any, float]],
    store: Callable[[Path, int, int], Coroutine[Any, Any, None]],
) -> None:
    """One of the two ends, as the command line says: source or store, folder, port, total, batch."""
    role, folder, port, total, batch = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])
    if role == "store":
        asyncio.run(store(folder, port, total))
    else:
        print(asyncio.run(source(folder, port, total, batch)))


if __name__ == "__main__":
    main(source, store)
