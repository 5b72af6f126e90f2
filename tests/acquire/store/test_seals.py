"""Every change of what the streams hold is found, by the seals alone; and nothing else is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import edits
import pytest
from every_stream import filled, give, reading

from acquire.store import anchors, copies, seals
from acquire.store.database import connect
from acquire.store.record_tables import NO_PART, STREAMS
from acquire.store.sealing import EVERY_ENTRIES, Seal
from acquire.store.seals import verify_streams


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    with closing(connect(tmp_path_factory.mktemp("sealed") / "store.db", create=True)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        filled(connection)
        connection.execute("PRAGMA foreign_keys=OFF")
        yield connection


def test_a_store_that_nobody_changed_holds(store: sqlite3.Connection) -> None:
    assert list(verify_streams(store)) == []
    assert list(verify_streams(store, ["s-1", "s-3"])) == []
    kinds = {what for (what,) in store.execute("SELECT DISTINCT what FROM seal")}
    assert kinds == {"store", "begun", "host", "passed", "end", "lost", "found", "conflict", "original", "withdrawn"}


@pytest.mark.parametrize("table", STREAMS)
def test_every_edit_is_found(store: sqlite3.Connection, table: str) -> None:
    """Every column of every table, rows deleted, added and swapped, out of the schema itself."""
    unnoticed, made = [], 0
    for edit in edits.edits_of(store, table):
        if (table, edit.column) in NO_PART:
            continue
        made += 1
        with edits.taken_back(store):
            edits.made(store, edit)
            said = list(verify_streams(store))
        print(f"{edit.words:45} {said[0] if said else 'NOT NOTICED'}")
        if not said:
            unnoticed.append(edit.words)
    assert unnoticed == []
    assert made >= 4


@pytest.mark.parametrize("table", ["streams", "entries", "lost", "conflicts", "stand_ins"])
def test_every_row_is_held_and_not_only_one_in_the_middle(store: sqlite3.Connection, table: str) -> None:
    columns = [c.name for c in edits.columns(store, table) if (table, c.name) not in NO_PART]
    key = [c.name for c in edits.columns(store, table) if c.of_key]
    through = dict(store.execute("SELECT number, through FROM streams").fetchall())
    for row in store.execute(f"SELECT * FROM {table}").fetchall():
        if table == "entries" and row["seq"] > through[row["stream"]]:
            continue  # above the watermark: no part of the record yet
        for column in columns:
            if row[column] is None:
                continue
            with edits.taken_back(store):
                where = " AND ".join(f"{name} IS ?" for name in key)
                store.execute("PRAGMA ignore_check_constraints=ON")
                store.execute("DROP TRIGGER stand_ins_no_update")
                values = (edits.other(row[column]), *(row[name] for name in key))
                store.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", values)
                assert list(verify_streams(store)), f"{column} of {tuple(row)[:3]}"
    store.execute("PRAGMA ignore_check_constraints=OFF")


def test_of_some_streams_only_those_are_held(store: sqlite3.Connection) -> None:
    with edits.taken_back(store):
        store.execute("UPDATE entries SET element = 'T-9' WHERE element = 'T-1'")
        assert list(verify_streams(store, ["s-2", "s-3"])) == []
        (said,) = verify_streams(store, ["s-1"])
        assert "s-1" in said
    assert list(verify_streams(store, ["s-99"])) == ["Stream s-99 is not in the store."]


def test_of_a_long_stream_only_what_lies_between_two_seals_is_walked(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "store.db", create=True)) as store:
        store.execute("PRAGMA synchronous=OFF")
        for first in range(1, 6 * EVERY_ENTRIES + 1, 200):
            give(store, "s-1", first, [reading(n) for n in range(first, first + 200)])
        span = {"s-1": [(2500, 3500)]}
        assert list(verify_streams(store, ["s-1"], within=span)) == []
        for seq, noticed in ((1999, False), (2001, True), (2500, True), (3999, True), (4001, False)):
            with edits.taken_back(store):
                store.execute("UPDATE entries SET element = 'T-9' WHERE seq = ?", (seq,))
                assert bool(list(verify_streams(store, ["s-1"], within=span))) is noticed, seq
                assert list(verify_streams(store, ["s-1"])), "the whole stream"
        with edits.taken_back(store):
            store.execute("DROP TRIGGER seal_no_update")
            store.execute("UPDATE seal SET chain = x'00' WHERE through = 2000")
            assert list(verify_streams(store, ["s-1"], within=span)), "the seal it begins at"


def test_a_part_of_any_stream_holds(store: sqlite3.Connection) -> None:
    for stream, through in store.execute("SELECT stream, through FROM streams").fetchall():
        for first in range(1, through + 1):
            for last in (first, through, 2**62):
                span = {stream: [(first, last)]}
                assert list(verify_streams(store, [stream], within=span)) == [], span


def test_a_chain_of_seals_made_anew_shows_against_an_anchor_only(store: sqlite3.Connection) -> None:
    line = anchors.anchor(store)
    assert line.seal == seals.head(store)
    with edits.taken_back(store):
        store.execute("DROP TRIGGER seal_no_update")
        store.execute("UPDATE seal SET at = '2020-01-01T00:00:00.000000Z' WHERE n = 5")
        previous = store.execute("SELECT hash FROM seal WHERE n = 4").fetchone()[0]
        for row in store.execute("SELECT * FROM seal WHERE n >= 5 ORDER BY n").fetchall():
            seal = Seal(*row)._replace(previous=previous)
            previous = seal.made
            store.execute("UPDATE seal SET previous = ?, hash = ? WHERE n = ?", (seal.previous, previous, seal.n))
        assert list(verify_streams(store)) == []
        ((kind, _),) = anchors.against(store, line)
        assert kind == "seal recomputed"


def test_a_restored_store_holds_and_says_its_new_epoch(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with closing(connect(path, create=True)) as store:
        filled(store)
    copies.backup(path, tmp_path / "backup.db")
    copies.restore(path, tmp_path / "backup.db", retention=None)
    with closing(connect(path)) as store:
        assert list(verify_streams(store)) == []
        assert store.execute("SELECT what FROM seal ORDER BY n DESC").fetchone()[0] == "epoch"
        give(store, "s-1", 8, [reading(8), reading(9)])
        assert list(verify_streams(store)) == []


def test_a_store_that_replaces_another_has_its_name_sealed(tmp_path: Path) -> None:
    copies.replacing(tmp_path / "store.db", "7b7a0c4e-1111-4f6e-8b07-3f1d51a7c001")
    with closing(connect(tmp_path / "store.db")) as store:
        filled(store)
        assert list(verify_streams(store)) == []
        store.execute("UPDATE identity SET store = '7b7a0c4e-1111-4f6e-8b07-3f1d51a7c002'")
        assert "the store's id was changed" in next(verify_streams(store))


def test_a_live_stream_is_sealed_every_so_many_entries_and_every_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(connect(tmp_path / "store.db", create=True)) as store:
        store.execute("PRAGMA synchronous=OFF")
        for first in range(1, 2 * EVERY_ENTRIES + 1, 100):
            give(store, "s-1", first, [reading(n) for n in range(first, first + 100)])
        passed = [row[0] for row in store.execute("SELECT through FROM seal WHERE what = 'passed'")]
        assert passed == [1000, 2000]
        monkeypatch.setattr("acquire.store.clock.monotonic_s", lambda: 1e9)
        give(store, "s-1", 2001, [reading(1)])
        give(store, "s-1", 2002, [reading(1)])
        assert store.execute("SELECT max(through) FROM seal").fetchone()[0] == 2001
        assert list(verify_streams(store)) == []
