"""Anchors: what the service writes and tells of its chains, and what verify holds against them."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from brokers import running_mosquitto
from waiting import until

from acquire.bus.client import connect as broker_connection
from acquire.bus.messages import MESSAGES
from acquire.bus.names import Topics
from acquire.errors import FileProblem
from acquire.procedure.results.verify import Counted, verify_store
from acquire.store import anchoring, anchors, audit
from acquire.store.anchoring import Anchoring, Due, append, last_line
from acquire.store.anchors import Anchor
from acquire.store.database import connect, transaction
from acquire.store.worker import Worker

TOPICS = Topics("test")


@pytest.fixture
def store(tmp_path: Path):
    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()


def write(connection: sqlite3.Connection, times: int = 1) -> None:
    for _ in range(times):
        with transaction(connection):
            audit.keep(connection, "MD-1", "closed over", "s-1")


def rebuilt(connection: sqlite3.Connection, who: str) -> None:
    """The whole chain recomputed with another name in it."""
    connection.execute("DROP TRIGGER audit_no_update")
    link = audit.FIRST
    for row in connection.execute("SELECT * FROM audit ORDER BY n").fetchall():
        entry = {**dict(row), "who": who, "previous": link}
        link = audit.seal(entry)
        values = (who, entry["previous"], link, row["n"])
        connection.execute("UPDATE audit SET who = ?, previous = ?, hash = ? WHERE n = ?", values)
    connection.execute(
        "CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
    )


# --- verify against a file ---------------------------------------------------------------------------------------


def test_a_chain_that_only_grew_holds_against_every_line(store: sqlite3.Connection, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    for n in range(3):
        append(file, anchors.anchor(store).line)
        write(store, n + 1)
    counted = Counted()
    assert verify_store(store, anchor=file, counted=counted) == []
    assert counted.anchors == 3


def test_a_recomputed_chain_shows_against_an_anchor_alone(store: sqlite3.Connection, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    for _ in range(3):
        write(store, 2)
        append(file, anchors.anchor(store).line)
    rebuilt(store, "MD-9")
    assert verify_store(store) == []
    (said,) = verify_store(store, anchor=file)
    assert said.startswith(f"Anchor {file}, line 1: entry 2 of the audit trail had another hash on 20")
    assert said.endswith("it was recomputed, or an older copy went on. So say 3 lines.")


def test_a_chain_cut_at_its_end_shows_against_an_anchor_alone(store: sqlite3.Connection, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    write(store, 5)
    append(file, anchors.anchor(store).line)
    trigger = store.execute("SELECT sql FROM sqlite_master WHERE name = 'audit_no_delete'").fetchone()["sql"]
    store.execute("DROP TRIGGER audit_no_delete")
    store.execute("DELETE FROM audit WHERE n > 3")
    store.execute(trigger)
    assert verify_store(store) == []
    (said,) = verify_store(store, anchor=file)
    assert f"{file}, line 1: the audit trail had an entry 5 on 20" in said
    assert said.endswith("it was cut, or an older copy put back.")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (b"{", "it is no anchor"),
        (b'{"store": "x", "at": "now", "audit": [1, "ab"], "seal": [0, "cd"]}', "64 hexadecimal digits"),
        (b'{"store": "x", "at": "now", "audit": [1], "seal": 3}', "it is no anchor"),
        (b"\xff\xfe", "it is no anchor"),
        (Anchor("another", "now", (0, audit.FIRST), (0, audit.FIRST)).line, "it is of the store another, and this is"),
    ],
)
def test_a_line_that_is_none_of_this_store_is_told(
    store: sqlite3.Connection, tmp_path: Path, line: bytes, sentence: str
) -> None:
    file = tmp_path / "anchors.jsonl"
    file.write_bytes(anchors.anchor(store).line + b"\n" + line)
    (said,) = verify_store(store, anchor=file)
    assert sentence in said
    assert f"{file}, line 3" in said


def test_a_file_without_a_line_holds_nothing(store: sqlite3.Connection, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert verify_store(store, anchor=tmp_path / "empty") == [
        f"Anchor {tmp_path / 'empty'}, it has no line; nothing is held against it."
    ]
    for name, sentence in (("none", "cannot be read: No such file"), (".", "a regular file of at most")):
        with pytest.raises(FileProblem, match=sentence):
            verify_store(store, anchor=tmp_path / name)


# --- the file ----------------------------------------------------------------------------------------------------


def test_a_line_that_was_torn_stays_and_the_next_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    append(file, b"one\n")
    with file.open("ab") as torn:
        torn.write(b"tw")
    append(file, b"three\n")
    assert file.read_bytes() == b"one\ntw\nthree\n"
    assert last_line(file) == b"three\n"


def test_an_anchor_is_due_when_the_trail_grew_and_once_an_hour_where_only_seals_did() -> None:
    now = [0.0]
    due = Due(lambda: now[0])

    def at(n: int, seal: int) -> Anchor:
        return Anchor("s", str(now[0]), (n, f"{n:064x}"), (seal, f"{seal:064x}"))

    assert due.is_due(at(0, 0))
    due.done(at(0, 0))
    now[0] = 1e6
    assert not due.is_due(at(0, 0))
    due.done(at(1, 1))
    for after, n, seal, expected in (
        (59, 2, 1, False), (60, 2, 1, True), (60, 1, 2, False), (3599, 1, 2, False), (3600, 1, 2, True),
    ):  # fmt: skip
        now[0] = 1e6 + after
        assert due.is_due(at(n, seal)) is expected, (after, n, seal)


@asynccontextmanager
async def kept(store: sqlite3.Connection, file: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The service's part that writes the file, in quick time."""
    for name, value in (("LOOK_EVERY_S", 0.01), ("APART_S", 0.02)):
        monkeypatch.setattr(anchoring, name, value)

    async def on_thread(work: Callable[[sqlite3.Connection], Any]) -> None:
        work(store)

    task = asyncio.create_task(Anchoring(TOPICS, file).keep(on_thread))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []


def alarms(store: sqlite3.Connection) -> list[str]:
    return [row["message"] for row in store.execute("SELECT message FROM alarm WHERE what = 'anchor'")]


async def test_the_file_gets_a_line_whenever_the_trail_grew(
    store: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "anchors.jsonl"
    async with kept(store, file, monkeypatch):
        await until(lambda: len(lines(file)) == 1)
        write(store, 3)
        await until(lambda: len(lines(file)) == 2)
        assert tuple(lines(file)[1]["audit"]) == audit.head(store)
    assert set(lines(file)[0]) == {"store", "at", "audit", "seal"}
    assert verify_store(store, anchor=file) == []
    assert alarms(store) == []


async def test_a_file_that_cannot_be_written_is_an_alarm_and_is_tried_again(
    store: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "not-there" / "anchors.jsonl"
    async with kept(store, file, monkeypatch):
        await until(lambda: alarms(store))
        (said,) = alarms(store)
        assert said.startswith(f"The anchor file {file} cannot be written: No such file or directory.")
        file.parent.mkdir()
        await until(lambda: len(lines(file)) == 1)
        write(store)
        await until(lambda: len(lines(file)) == 2)
    (times,) = store.execute("SELECT count FROM alarm WHERE what = 'anchor'").fetchone()
    assert times == 1


async def test_a_file_system_that_hangs_is_left_behind(
    store: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pipe"
    os.mkfifo(file)
    monkeypatch.setattr(anchoring, "WRITTEN_WITHIN_S", 0.05)
    async with kept(store, file, monkeypatch):
        await until(lambda: alarms(store))
        assert "it does not answer within" in alarms(store)[0]
    reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # lets go of whoever waits for one
    writer = os.open(file, os.O_WRONLY | os.O_NONBLOCK)
    os.close(writer)
    os.close(reader)


async def test_a_store_that_is_not_the_anchored_one_is_an_alarm_at_the_start(
    store: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "anchors.jsonl"
    write(store, 3)
    append(file, anchors.anchor(store).line)
    rebuilt(store, "MD-9")
    async with kept(store, file, monkeypatch):
        await until(lambda: len(lines(file)) == 2)
    (said,) = alarms(store)
    assert said.startswith(f"The last line of the anchor file {file} does not hold: entry 3 of the audit trail had")


# --- the topic ---------------------------------------------------------------------------------------------------


async def test_the_service_tells_the_anchor_on_a_retained_topic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("LOOK_EVERY_S", 0.05), ("APART_S", 0.1)):
        monkeypatch.setattr(anchoring, name, value)
    async with running_mosquitto(tmp_path) as broker:
        worker = Worker(tmp_path / "store.db", TOPICS)
        await worker.open()
        task = asyncio.create_task(worker.run(broker.endpoint))
        other = connect(tmp_path / "store.db")
        try:
            write(other, 2)
            async with broker_connection(broker.endpoint, "reader") as reading, asyncio.timeout(20):
                await reading.subscribe(TOPICS.anchor)
                async for message in reading.messages():
                    body = json.loads(message.payload)
                    MESSAGES["anchor/1"].model_validate(body)
                    if body["audit"] == list(audit.head(other)):
                        break
            async with broker_connection(broker.endpoint, "later") as later, asyncio.timeout(20):
                await later.subscribe(TOPICS.anchor)
                message = await anext(later.messages())
                assert message.retained
                assert json.loads(message.payload)["audit"] == list(audit.head(other))
        finally:
            other.close()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await worker.close()
