"""Every released schema of the store migrates with its rows, and a migration that fails leaves the file as it was."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from test_attribution import SOURCE
from test_taking import give, message

from acquire.canonical import canonical, digest
from acquire.store import database, entries
from acquire.store.attribution import measurement
from acquire.store.database import StoreError, connect, identity, migrations
from acquire.store.seals import verify_streams
from acquire.store.tails import completeness

NEWEST = migrations()[-1][0]
STREAM, OTHER = "7b7a0c4e-1111-4f6e-8b07-3f1d51a7c001", "7b7a0c4e-2222-4f6e-8b07-3f1d51a7c002"
MEASUREMENT = "1d2c7a52-3a0f-4d53-9a77-2ec4f0a0a7b1"
THEN = "2027-02-03T09:12:0{}.123456Z"


def body(n: int, **more: Any) -> bytes:
    return canonical({"kind": "scalar", "quantity": "charge", "unit": "C", "value": n * 1e-9, "raw": str(n),
                      "monotonic_s": float(n), "time": THEN.format(n % 10)} | more)  # fmt: skip


def mark(what: str) -> bytes:
    return canonical({"kind": "marker", "mark": what, "measurement": MEASUREMENT, "session": "S", "step": "1",
                      "time": "2027-02-03T09:12:00.000000Z"})  # fmt: skip


def older(path: Path, version: int) -> None:
    """A store as a release with this schema left it, with rows in every table of the streams."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.row_factory = sqlite3.Row
        for number, sql in migrations():
            if number > version:
                break
            database._apply(db, number, sql)
            if number == 1:
                db.execute("UPDATE identity SET store = 'the-store', epoch = 'the-epoch'")
                _fill(db)
            if number == 10:
                db.execute("UPDATE stream SET why = 'The cable was pulled.' WHERE stream = ?", (OTHER,))
                db.execute("INSERT INTO stand_in VALUES (?, 2, x'7b7d', ?, 'too large', ?, ?)",
                           (OTHER, digest(b"{}"), THEN.format(1), THEN.format(2)))  # fmt: skip
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _fill(db: sqlite3.Connection) -> None:
    streams = [(STREAM, SOURCE, "clinic", "e-1", 7, 9, None, None, "the-epoch", 0, THEN.format(0), THEN.format(3)),
               (OTHER, SOURCE, "clinic", "e-2", 2, 2, "link-lost", 2, None, None, THEN.format(1), THEN.format(2)),
               ]  # fmt: skip
    db.executemany(
        "INSERT INTO stream (stream, source, site, instrument, through, head, ended, final, ready_epoch, older,"
        " first_heard, last_heard) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", streams,
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = [
        (STREAM, 1, "marker", "stored", None, mark("begin"), None, MEASUREMENT),
        (STREAM, 2, "scalar", "stored", None, body(2, element="T-1"), "T-1", None),
        (STREAM, 3, "marker", "stored", None, mark("end"), None, MEASUREMENT),
        (STREAM, 4, "lost", "lost", "no longer held by the source", b"", None, None),
        (STREAM, 5, "lost", "lost", "no longer held by the source", b"", None, None),
        (STREAM, 6, "gap", "refused", "full", canonical({"kind": "gap"}), None, None),
        (STREAM, 7, "glow-curve", "stored", None, body(7, note="y" * 3000), None, None),
        (STREAM, 9, "invalid", "refused", "not this one", b'"x"', None, None),
        (OTHER, 1, "scalar", "stored", None, body(1), None, None),
        (OTHER, 2, "scalar", "stored", None, body(2), None, None),
    ]
    for stream, seq, kind, status, reason, content, element, each in rows:
        kept = digest(content) if status != "lost" else b""
        at = THEN.format(seq)
        db.execute("INSERT INTO entry VALUES (?,?,?,?,?,?,?,?,?,?)",
                   (stream, seq, kind, status, reason, content, kept, element, each, at))  # fmt: skip
    db.execute("INSERT INTO conflict VALUES (?, 2, ?, ?, ?)", (OTHER, digest(body(9)), body(9), THEN.format(4)))
    db.execute("INSERT INTO unreadable VALUES ('t', 'x', 1, x'78', 'why', 2, 'then')")
    db.execute("INSERT INTO alarm (raised_at, what, subject, message, last_at) VALUES ('a', 'w', 's', 'm', 'b')")


RELEASED = [number for number, _ in migrations() if number < NEWEST]


@pytest.mark.parametrize("version", RELEASED)
def test_every_released_schema_migrates_with_its_rows(tmp_path: Path, version: int) -> None:
    older(tmp_path / "store.db", version)
    with closing(connect(tmp_path / "store.db")) as store:
        assert store.execute("PRAGMA user_version").fetchone()[0] == NEWEST
        assert identity(store) == ("the-store", "the-epoch")
        walked = list(entries.walked(store, STREAM, 1, 99))
        assert [(e.seq, e.kind, e.status) for e in walked] == [
            (1, "marker", "stored"), (2, "scalar", "stored"), (3, "marker", "stored"), (4, "lost", "lost"),
            (6, "gap", "refused"), (7, "glow-curve", "stored"), (9, "invalid", "refused"),
        ]  # fmt: skip
        assert [e.body for e in walked[:3]] == [mark("begin"), body(2, element="T-1"), mark("end")]
        assert walked[5].body == body(7, note="y" * 3000)
        assert [e.received_at for e in walked if e.kind != "lost"] == [THEN.format(n) for n in (1, 2, 3, 6, 7, 9)]
        assert [tuple(row) for row in store.execute("SELECT first, last FROM lost")] == [(4, 5)]
        view = measurement(store, MEASUREMENT)
        assert (view.state, [r.digest for r in view.readings]) == ("ended", [digest(walked[1].body).hex()])
        assert completeness(store, OTHER) == "damaged", "its conflict is kept"
        assert bytes(store.execute("SELECT body FROM conflict").fetchone()[0]) == body(9)
        assert store.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert list(verify_streams(store)) == []
        _goes_on(store)
        if version >= 10:
            assert store.execute("SELECT why FROM stream WHERE stream = ?", (OTHER,)).fetchone()[0] is not None
            assert tuple(store.execute("SELECT seq, reason FROM stand_in").fetchone()) == (2, "too large")


def _goes_on(store: sqlite3.Connection) -> None:
    """The chain holds entries of both: those of before by their time alone, new ones by their receipt's number too."""
    give(store, message(STREAM, 8, [body(8)], head=9))
    assert store.execute("SELECT through FROM streams WHERE stream = ?", (STREAM,)).fetchone()[0] == 9
    numbered = [bool(e.numbered) for e in entries.between(store, STREAM, 6, 9)]
    assert numbered == [False, False, True, False]
    assert list(verify_streams(store)) == []


def content(path: Path) -> tuple[str, str]:
    """Every page, and every row with what made its table, of a file and its log as another process would find them."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        dump = "\n".join(db.iterdump()) + str(db.execute("PRAGMA user_version").fetchone())
    return hashlib.sha256(path.read_bytes()).hexdigest(), hashlib.sha256(dump.encode()).hexdigest()


def failing(step: Callable[[sqlite3.Connection], None]) -> Callable[[sqlite3.Connection], None]:
    def done_and_failed(db: sqlite3.Connection) -> None:
        step(db)
        raise sqlite3.OperationalError("after all")

    return done_and_failed


@pytest.mark.parametrize("version", [0, *RELEASED])
def test_an_error_at_any_statement_leaves_the_file_as_the_migration_before_left_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """An error at each statement of one migration in turn: nothing of it stays, and then it succeeds."""
    path = tmp_path / "store.db"
    older(path, version)
    split, steps = database.statements, database.migrations()
    monkeypatch.setattr(database, "migrations", lambda: steps[: version + 1])
    number = len(list(split(steps[version][1])))
    before = content(path)
    for at in range(number + 1):

        def broken(sql: str, at: int = at) -> Any:
            for n, statement in enumerate(split(sql)):
                if n == at:
                    yield "SELECT no_such_function()"
                yield statement
            if at == number:
                yield "SELECT no_such_function()"

        monkeypatch.setattr(database, "statements", broken)
        with pytest.raises(StoreError, match="no such function"):
            connect(path)
        assert content(path) == before, f"statement {at} of migration {version + 1}"
    monkeypatch.setattr(database, "statements", split)
    for step in ("seal_streams", "seal_rows"):
        if version + 1 == {"seal_streams": 12, "seal_rows": 13}[step]:
            monkeypatch.setattr(database, step, failing(getattr(database, step)))
            with pytest.raises(StoreError, match="after all"):
                connect(path)
            assert content(path) == before, step
            monkeypatch.undo()
            monkeypatch.setattr(database, "migrations", lambda: steps[: version + 1])
    connect(path).close()
    assert content(path) != before
