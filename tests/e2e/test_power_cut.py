"""The power fails: what was answered is in the store, and what was sent is in the spool, whatever the disk left undone.

The whole service runs under strace. At each message it sent, the files are put together as a power cut would have left
them, opened, and held against what the message claims.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from brokers import running_mosquitto
from power import STRACE, Disk, put, replay
from processes import A_SERVICE, ACQUIRE
from waiting import until

CUTS = 40
LONG_S = 600  # strace and a busy machine; nothing waits so long but a test that fails
SPOOL, STORE = ("spool.db", "spool.db-wal"), ("store.db", "store.db-wal")


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a service did until it was killed in full flow."""
    return asyncio.run(traced(tmp_path_factory.mktemp("power")))


async def traced(folder: Path) -> Path:
    file, config = folder / "trace", folder / "service.toml"
    answered = b'"schema":"committed/1"'.hex(" ").replace(" ", "\\x")
    async with running_mosquitto(folder) as broker:
        config.write_text(A_SERVICE.format(port=broker.port, disk="."))
        with (folder / "service.log").open("wb") as log:
            service = await asyncio.create_subprocess_exec(
                *STRACE, "-o", str(file), str(ACQUIRE), "run", str(config), stdout=log, stderr=log
            )
        try:
            await until(lambda: file.exists() and answered in file.read_text(), LONG_S, "the first answer")
            begun = sizes(folder)
            await until(
                lambda: all(now > then for now, then in zip(sizes(folder), begun, strict=True)), LONG_S, "checkpoints"
            )
            enough = file.read_text().count(answered) + CUTS
            await until(lambda: file.read_text().count(answered) > enough, LONG_S, "answers after the checkpoints")
        finally:
            service.kill()
            await service.wait()
    await until(lambda: "+++ killed by SIGKILL +++" in file.read_text()[-2000:], 20, "the end of the trace")
    return file


def sizes(folder: Path) -> list[int]:
    """Of the files that grow only when the write-ahead log is brought into them."""
    return [(folder / names[0]).stat().st_size for names in (SPOOL, STORE)]


def said(sent: bytes, schema: str) -> dict[str, Any] | None:
    """What a message of this schema says around its entries, if it is one."""
    found = re.search(rb'\{[^{}]*"schema":"%s"[^{}]*' % schema.encode(), sent)
    if found is None:
        return None
    around: dict[str, Any] = json.loads(found[0].split(b',"readings":')[0] + b"}")
    return around


def claims(trace: Path, schema: str) -> Iterator[tuple[Disk, dict[str, Any]]]:
    for disk, sent in replay(trace):
        if (claim := said(sent, schema)) is not None:
            yield disk, claim


def held(folder: Path, name: str, ask: Callable[[sqlite3.Connection], int | None]) -> int:
    """What a file that a power cut left says, after SQLite has found it whole; -1 where it does not know the stream."""
    with closing(sqlite3.connect(folder / name)) as db:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = ask(db) if "entry" in tables else None
        return -1 if found is None else found


def in_store(stream: str) -> Callable[[sqlite3.Connection], int | None]:
    """How far the entries of a stream are there without a gap."""

    def ask(db: sqlite3.Connection) -> int | None:
        count, last = db.execute("SELECT count(*), max(seq) FROM entry WHERE stream = ?", (stream,)).fetchone()
        assert count == (last or 0)
        return int(count)

    return ask


def in_spool(stream: str) -> Callable[[sqlite3.Connection], int | None]:
    def ask(db: sqlite3.Connection) -> int | None:
        row = db.execute(
            "SELECT s.head, count(e.seq) FROM stream s LEFT JOIN entry e ON e.stream = s.number WHERE s.stream = ?"
            " GROUP BY s.number", (stream,)
        ).fetchone()  # fmt: skip
        assert row is None or row[0] == row[1]
        return None if row is None else int(row[0])

    return ask


def broken_claims(trace: Path, schema: str, folder: Path, chance: random.Random | None) -> list[str]:
    """Claims that a power cut right after them would have made untrue; CUTS of them are tried."""
    names, key, where = (SPOOL, "head", in_spool) if schema == "readings/1" else (STORE, "through", in_store)
    total = sum(1 for _ in claims(trace, schema))
    assert total > CUTS
    broken = []
    for number, (disk, claim) in enumerate(claims(trace, schema)):
        if number % max(1, total // CUTS):
            continue
        put(disk.after_cut(chance), names, folder)
        found = held(folder, names[0], where(claim["stream"]))
        if found < claim[key]:
            broken.append(f"message {number} says {claim[key]}, {names[0]} holds {found}")
    return broken


@pytest.mark.slow
@pytest.mark.parametrize("schema", ["readings/1", "committed/1"])
@pytest.mark.parametrize("rest", ["lost", "in part", "in part, otherwise"])
def test_what_was_said_is_true_after_the_power_is_back(trace: Path, tmp_path: Path, schema: str, rest: str) -> None:
    chance = None if rest == "lost" else random.Random(rest)
    assert broken_claims(trace, schema, tmp_path, chance) == []


@pytest.mark.slow
@pytest.mark.parametrize("schema", ["readings/1", "committed/1"])
def test_without_syncs_the_claims_would_be_broken(trace: Path, tmp_path: Path, schema: str) -> None:
    """Shows that the test can fail: the same trace of a program that does not sync any more after a while."""
    lines = trace.read_text().splitlines(keepends=True)
    careless = tmp_path / "careless"
    half = len(lines) // 2
    careless.write_text("".join(lines[:half] + [each for each in lines[half:] if "sync" not in each]))
    assert broken_claims(careless, schema, tmp_path, None)
