"""Every released schema of the spool migrates with its rows, and a migration that fails leaves the file as it was."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from layouts import by_key

from acquire.spool import file
from acquire.spool.journal import Journal, SpoolError
from acquire.spool.pruning import prune
from acquire.store.database import statements

STREAM = "7b7a0c4e-1111-4f6e-8b07-3f1d51a7c001"
BODIES = [b'{"kind":"scalar","value":%d}' % n for n in range(1, 6)]
MARK = b'{"kind":"marker","mark":"begin"}'
RELEASED = range(1, file.SCHEMA)


def older(path: Path, version: int) -> None:
    """A spool as a release with this schema left it: an ended stream with entries, an original, a confirmation."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        db.execute("PRAGMA journal_mode=WAL")
        for number in range(1, version + 1):
            db.executescript(by_key(file._sql(number)) if number == 1 else file._sql(number))
            if number > 1:
                db.execute(f"PRAGMA user_version = {number}")
        db.execute("INSERT INTO meta (source, store, epoch, uptime_s) VALUES ('the-source', 'the-store', 'e', 7.5)")
        db.execute(
            "INSERT INTO stream (stream, instrument, head, ended, through, epoch) VALUES (?, 'i', 5, 'crash', 2, 'e')",
            (STREAM,),
        )
        db.executemany("INSERT INTO entry (stream, seq, body) VALUES (1, ?, ?)", enumerate(BODIES, start=1))
        db.execute("INSERT INTO withheld (stream, seq, body, reason) VALUES (1, 3, x'7b7d', 'too large')")
        db.execute("INSERT INTO confirmed VALUES (1, 2, 6.5)")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


@pytest.mark.parametrize("version", RELEASED)
def test_every_released_schema_migrates_with_its_rows(tmp_path: Path, version: int) -> None:
    older(tmp_path / "spool.db", version)
    journal = Journal(tmp_path / "spool.db", reserve=4096)
    try:
        assert (journal.source, journal.store, journal.epoch) == ("the-source", "the-store", "e")
        (stream,) = journal.streams()
        assert (stream.stream, stream.head, stream.ended, stream.through) == (STREAM, 5, "crash", 2)
        rows = journal.db.execute("SELECT seq, body FROM entry ORDER BY seq").fetchall()
        assert [(seq, bytes(body)) for seq, body in rows] == list(enumerate(BODIES, start=1))
        assert journal.db.execute("SELECT seq, reason FROM withheld").fetchall() == [(3, "too large")]
        assert journal.moved_aside is None
        _goes_on(journal)
    finally:
        journal.close()


def _goes_on(journal: Journal) -> None:
    """Its entries stay where they lie, by their key, and everything is done with them that is done with new ones."""
    (sql,) = journal.db.execute("SELECT sql FROM sqlite_master WHERE name = 'entry'").fetchone()
    assert sql.endswith("WITHOUT ROWID")
    number = journal.open_stream("j").number
    journal.append([(number, [(body, None) for body in BODIES[:2]])])
    journal.append([(number, [(MARK, "m-1")])])
    assert [each.body for each in journal.read(number, 1, 9, 10_000)] == [*BODIES[:2], MARK]
    assert [(each.seq, each.mark) for each in journal.markers("m-1")] == [(3, "begin")]
    assert prune(journal, STREAM, 2) == 3
    assert [each.body for each in journal.read(1, 3, 9, 10_000)] == BODIES[2:]
    assert journal.db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def content(path: Path) -> tuple[str, str]:
    """Every page, and every row with what made its table, of a file and its log as another process would find them.

    Without the header's counter of changes (bytes 24 to 27, 92 to 95): it counts transactions that change nothing too.
    """
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        dump = "\n".join(db.iterdump()) + str(db.execute("PRAGMA user_version").fetchone())
    pages = bytearray(path.read_bytes())
    pages[24:28] = pages[92:96] = b"    "
    return hashlib.sha256(pages).hexdigest(), hashlib.sha256(dump.encode()).hexdigest()


@pytest.mark.parametrize("version", RELEASED)
def test_an_error_at_any_statement_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """At each statement of one migration in turn: nothing of it stays, and then it succeeds."""
    path = tmp_path / "spool.db"
    older(path, version)
    sql = file._sql
    monkeypatch.setattr(file, "SCHEMA", version + 1)
    parts = list(statements(sql(version + 1)))
    before = content(path)
    for at in range(len(parts) + 1):
        broken = "".join([*parts[:at], "SELECT no_such_function();\n", *parts[at:]])
        monkeypatch.setattr(
            file, "_sql", lambda number, broken=broken: broken if number == version + 1 else sql(number)
        )
        with pytest.raises(SpoolError, match="no such function"):
            Journal(path, reserve=4096)
        assert content(path) == before, f"statement {at} of schema {version + 1}"
    monkeypatch.undo()
    Journal(path, reserve=4096).close()
    assert content(path) != before


def test_an_error_while_a_new_spool_is_made_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, sql = tmp_path / "spool.db", file._sql
    parts = list(statements(sql(1)))
    for at in range(len(parts) + 1):
        broken = "".join([*parts[:at], "SELECT no_such_function();\n", *parts[at:]])
        monkeypatch.setattr(file, "_sql", lambda number, broken=broken: broken if number == 1 else sql(number))
        with pytest.raises(SpoolError, match="no such function"):
            Journal(path, reserve=4096)
        assert not path.exists()
