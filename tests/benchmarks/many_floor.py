"""The barest path for many instruments that give one reading at a time: the floor to hold the product against.

What N sources gave within some milliseconds is put into an SQLite spool in one commit (WAL, FULL) and published in one
message (QoS 1); the other process decodes it, inserts it with conflict handling in one commit and answers once. No
streams that end, no questions, no markers, no validation, no digests, nothing for onlookers.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

import aiomqtt
import msgspec

from benchmarks.floor import RAW, database
from benchmarks.sockets import NODELAY

TABLE = "CREATE TABLE entry (stream INTEGER, seq INTEGER, body BLOB, PRIMARY KEY (stream, seq)) WITHOUT ROWID"


def body(n: int) -> bytes:
    """A reading of some 236 bytes, as the product's."""
    return msgspec.json.encode(
        {
            "elapsed_s": 0.1 * n, "kind": "scalar", "monotonic_s": time.monotonic(), "quantity": "charge",
            "range": "2e-08", "raw": RAW, "time": "2026-01-01T00:00:00.000000Z", "unit": "C", "value": 1e-9 * n,
        }
    )  # fmt: skip


class Gathered:
    """What the instruments gave and nobody has taken yet."""

    def __init__(self) -> None:
        self.rows: deque[tuple[int, int, bytes]] = deque()
        self.there = asyncio.Event()

    def put(self, instrument: int, n: int) -> None:
        self.rows.append((instrument, n, body(n)))
        self.there.set()

    def take(self) -> list[tuple[int, int, bytes]]:
        rows = list(self.rows)
        self.rows.clear()
        self.there.clear()
        return rows


async def ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel, again where need be: `asyncio.wait_for`, in the client library, forgets one that meets its result."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.1)


async def source(folder: Path, port: int, instruments: int, rate: float, wait_s: float) -> None:
    """Give readings until stdin closes; then write down when each was given."""
    db = database(folder / "floor-spool.db", TABLE)
    gathered = Gathered()
    given: dict[int, list[float]] = {n: [] for n in range(instruments)}

    async def instrument(n: int) -> None:
        begun = time.perf_counter() + n / instruments / rate
        while True:
            await asyncio.sleep(max(0.0, begun + len(given[n]) / rate - time.perf_counter()))
            given[n].append(time.perf_counter())
            gathered.put(n, len(given[n]))

    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("floor/committed", qos=1)

        async def listen() -> None:
            async for message in client.messages:
                msgspec.json.decode(bytes(message.payload))

        async def pump() -> None:
            while True:
                await gathered.there.wait()
                await asyncio.sleep(wait_s)
                rows = gathered.take()
                db.execute("BEGIN")
                db.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
                db.execute("COMMIT")
                payload = b"[%b]" % b",".join(b"[%d,%d,%b]" % row for row in rows)
                await client.publish("floor/readings", payload, qos=1)

        tasks = [asyncio.create_task(each) for each in (listen(), pump(), *(instrument(n) for n in range(instruments)))]
        print("running", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await ended(tasks)
    (folder / "given.json").write_text(json.dumps(given))


async def store(folder: Path, port: int) -> None:
    """Insert, commit, answer, until stdin closes; then write down when what was committed."""
    db = database(folder / "floor-store.db", TABLE)
    committed: dict[int, list[tuple[int, float]]] = {}
    decoder = msgspec.json.Decoder(list[tuple[int, int, dict]])

    async def serve(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            rows = decoder.decode(bytes(message.payload))
            db.execute("BEGIN IMMEDIATE")
            db.executemany(
                "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(stream, seq, msgspec.json.encode(each)) for stream, seq, each in rows],
            )
            db.execute("COMMIT")
            now = time.perf_counter()
            for stream, seq, _ in rows:
                committed.setdefault(stream, []).append((seq, now))
            through = {stream: seq for stream, seq, _ in rows}
            await client.publish("floor/committed", msgspec.json.encode(list(through.items())), qos=1)

    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("floor/readings", qos=1)
        serving = asyncio.create_task(serve(client))
        print("listening", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await ended([serving])
    (folder / "committed.json").write_text(json.dumps(committed))


if __name__ == "__main__":
    role, where, port, *more = sys.argv[1:]
    if role == "store":
        asyncio.run(store(Path(where), int(port)))
    else:
        asyncio.run(source(Path(where), int(port), int(more[0]), float(more[1]), float(more[2])))
