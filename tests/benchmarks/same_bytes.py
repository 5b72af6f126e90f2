"""The barest no-loss path that keeps the bytes the product keeps: what making a record costs at least.

As the floor (benchmarks.floor), and besides: readings in full as canonical JSON, with a checksum each that is checked
on arrival; the spool keeps what is confirmed; the store's own columns of entries, a receipt a commit, the stream's
chain of SHA-256 over every entry, and a seal every thousand. No streams to keep apart, no questions, no validation, no
markers, no attribution.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

import aiomqtt
import msgspec

from acquire.checksum import checksum, seed
from benchmarks.floor import RAW, WINDOW, database, main
from benchmarks.sockets import NODELAY

STREAM = "5b2f6f0e-6a0e-4b0e-8d0e-0d8f7f3f0a01"
SEED = seed(STREAM)
SEALED_EVERY = 1000
SPOOL = (
    "CREATE TABLE entry (stream INTEGER, seq INTEGER, body BLOB, measurement TEXT, checksum INTEGER,"
    " PRIMARY KEY (stream, seq)) STRICT, WITHOUT ROWID; CREATE TABLE stream (head INTEGER, through INTEGER) STRICT;"
    " INSERT INTO stream VALUES (0, 0);"
)
STORE = (
    "CREATE TABLE entries (stream INTEGER, seq INTEGER, kind INTEGER, status INTEGER, reason TEXT, body BLOB,"
    " checksum INTEGER, element TEXT, measurement TEXT, received INTEGER, PRIMARY KEY (stream, seq)) STRICT,"
    " WITHOUT ROWID; CREATE TABLE received (number INTEGER PRIMARY KEY, at INTEGER) STRICT;"
    " CREATE TABLE streams (through INTEGER, chain BLOB) STRICT; INSERT INTO streams VALUES (0, x'');"
    " CREATE TABLE seal (n INTEGER PRIMARY KEY, through INTEGER, chain BLOB, hash BLOB) STRICT;"
)
INTO_SPOOL = "INSERT INTO entry VALUES (1, ?, ?, NULL, ?)"
INTO_STORE = "INSERT INTO entries VALUES (1, ?, 0, 0, NULL, ?, ?, NULL, NULL, ?) ON CONFLICT DO NOTHING"


class InFull(msgspec.Struct):
    """A reading as it stands in a message of the contract; its fields are in canonical order."""

    elapsed_s: float
    kind: str
    monotonic_s: float
    quantity: str
    range: str
    raw: str
    time: str
    unit: str
    value: float


class Message(msgspec.Struct):
    """Entries with their checksums."""

    first_seq: int
    checksums: list[int]
    readings: list[msgspec.Raw]


def readings(first: int, count: int) -> list[bytes]:
    """`count` bodies from seq `first` on."""
    now = "2026-01-01T00:00:00.000000Z"
    made = (InFull(0.1 * n, "scalar", 5118.5, "charge", "2e-08", RAW, now, "C", 1e-9 * n)
            for n in range(first, first + count))  # fmt: skip
    return [msgspec.json.encode(each) for each in made]


async def source(folder: Path, port: int, total: int, batch: int) -> float:
    """Readings per second from the first append to the last watermark."""
    db = database(folder / "same-spool.db", "SELECT 1")
    db.executescript(SPOOL)
    through, moved = 0, asyncio.Event()
    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("same/committed", qos=1)

        async def listen() -> None:
            nonlocal through
            async for message in client.messages:
                through = int(bytes(message.payload))
                db.execute("UPDATE stream SET through = ?", (through,))
                moved.set()

        listening = asyncio.create_task(listen())
        begun, sent = time.perf_counter(), 0
        while through < total:
            if sent < total and sent - through < WINDOW * batch:
                bodies = readings(sent + 1, min(batch, total - sent))
                sums = [checksum(SEED, seq, body) for seq, body in enumerate(bodies, sent + 1)]
                db.execute("BEGIN")
                db.executemany(INTO_SPOOL, zip(range(sent + 1, sent + len(bodies) + 1), bodies, sums, strict=True))
                db.execute("UPDATE stream SET head = ?", (sent + len(bodies),))
                db.execute("COMMIT")
                said = msgspec.json.encode({"first_seq": sent + 1, "checksums": sums})
                await client.publish("same/readings", said[:-1] + b',"readings":[' + b",".join(bodies) + b"]}", qos=1)
                sent += len(bodies)
            else:
                moved.clear()
                await moved.wait()
        taken = time.perf_counter() - begun
        listening.cancel()
    db.close()
    return total / taken


async def store(folder: Path, port: int, total: int) -> None:
    """Check, insert, chain, seal, commit, answer, until everything is there."""
    db = database(folder / "same-store.db", "SELECT 1")
    db.executescript(STORE)
    decoder = msgspec.json.Decoder(Message)
    through, receipt, sealed, chain, seal = 0, 0, 0, b"", b""
    async with aiomqtt.Client("127.0.0.1", port, socket_options=NODELAY, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("same/readings", qos=1)
        print("listening", flush=True)
        async for each in client.messages:
            message, receipt, now = decoder.decode(bytes(each.payload)), receipt + 1, time.time_ns() // 1000
            rows = [(seq, bytes(body), said, receipt)
                    for seq, (body, said) in enumerate(zip(message.readings, message.checksums, strict=True),
                                                       message.first_seq)]  # fmt: skip
            assert all(checksum(SEED, seq, body) == said for seq, body, said, _ in rows)
            db.execute("BEGIN IMMEDIATE")
            db.executemany(INTO_STORE, rows)
            db.execute("INSERT INTO received VALUES (?, ?)", (receipt, now))
            for seq, body, _, _ in rows:
                link = b"[%d,0,0,null,null,null,%d,%d]%b" % (seq, now, receipt, body)
                chain = hashlib.sha256(chain + link).digest()
            through = rows[-1][0]
            db.execute("UPDATE streams SET through = ?, chain = ?", (through, chain))
            if through - sealed >= SEALED_EVERY:
                sealed, seal = through, hashlib.sha256(seal + chain).digest()
                db.execute("INSERT INTO seal (through, chain, hash) VALUES (?, ?, ?)", (through, chain, seal))
            db.execute("COMMIT")
            await client.publish("same/committed", str(through).encode(), qos=1)
            if through >= total:
                break
    db.close()


if __name__ == "__main__":
    main(source, store)
