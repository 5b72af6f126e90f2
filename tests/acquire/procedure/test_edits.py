"""Every edit of a store by SQL is found: made from the schema itself, each by itself, triggers put back afterwards.

`pytest -s` prints the table of edits. What verify finds only against an anchor says so.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import edits
import pytest
from every_row import filled

from acquire.canonical import canonical
from acquire.checksum import checksum, seed
from acquire.errors import Refused
from acquire.packing import unpacked
from acquire.procedure.results.verify import verify_store
from acquire.store import anchors, audit
from acquire.store.canonical_rows import shape
from acquire.store.database import connect
from acquire.store.record_tables import AUDIT, NO_PART, PEOPLE, STREAMS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[sqlite3.Connection, str, Path]]:
    """A store with every kind of row, its session, and an anchor file of what it was."""
    folder = tmp_path_factory.mktemp("edited")
    connection = connect(folder / "store.db", create=True)
    session = asyncio.run(filled(connection))
    file = folder / "anchors.jsonl"
    file.write_bytes(anchors.anchor(connection).line)
    connection.execute("PRAGMA foreign_keys = OFF")
    assert verify_store(connection, anchor=file) == []
    yield connection, session, file
    connection.close()


def is_listed(table: str, column: str | None) -> bool:
    """Whether the code says of it, with a reason, that it is no part of the record."""
    return (table, "*") in NO_PART or (column is not None and (table, column) in NO_PART)


def shown(rows: list[tuple[str, str, str]]) -> None:
    print()
    for n, (words, noticed, sentence) in enumerate(rows, start=1):
        print(f"{n:4}  {words:48}  {noticed:18}  {sentence[:150]}")


def held(connection: sqlite3.Connection, together: Sequence[edits.Edit]) -> dict[edits.Edit, str]:
    """Of edits of several tables that are made together, what verify says first of each; of which it says nothing are
    not there. A row that people made is named with its table."""
    with edits.taken_back(connection):
        for edit in together:
            edits.made(connection, edit)
        said = verify_store(connection)
    named = ((e, [each for each in said if e.table not in PEOPLE or f"(table {e.table})" in each]) for e in together)
    return {edit: sentences[0] for edit, sentences in named if sentences}


def beside_each_other(connection: sqlite3.Connection) -> Iterator[list[edits.Edit]]:
    """Every edit, once. Those of rows that people made one table beside the other, since each table is held against the
    trail by itself; of all other tables one by one."""
    beside: list[list[edits.Edit]] = []
    for table in edits.tables(connection):
        found = [each for each in edits.edits_of(connection, table) if not is_listed(table, each.column)]
        if table in PEOPLE:
            beside.append(found)
        else:
            yield from ([each] for each in found)
    yield from ([each for each in these if each] for these in zip_longest(*beside))


def test_every_edit_of_every_table_is_found(store: tuple[sqlite3.Connection, str, Path]) -> None:
    connection, _, _ = store
    rows, unnoticed = [], []
    for together in beside_each_other(connection):
        said = held(connection, together)
        for edit in together:
            noticed = said.get(edit) or held(connection, [edit]).get(edit)  # verify ends at what it cannot read at all
            rows.append((edit.words, "yes" if noticed else "NO", noticed or ""))
            if not noticed:
                unnoticed.append(edit.words)
    shown(rows)
    assert unnoticed == []
    assert len(rows) > 900


def test_what_is_listed_as_no_part_of_the_record_is_there_and_says_why(
    store: tuple[sqlite3.Connection, str, Path],
) -> None:
    connection, _, _ = store
    for (table, column), why in NO_PART.items():
        names = [c.name for c in edits.columns(connection, table)]
        assert column == "*" or column in names, (table, column)
        assert names
        assert why
    assert set(edits.tables(connection)) >= set(STREAMS)
    assert AUDIT not in {table for table, _ in NO_PART}
    assert not set(PEOPLE) & {table for table, _ in NO_PART}


@pytest.mark.parametrize("up", [1, 1000])
def test_an_entry_put_behind_the_last_one_with_its_checksum_is_found(
    store: tuple[sqlite3.Connection, str, Path], up: int
) -> None:
    connection, _, _ = store
    for number, stream, head in connection.execute("SELECT number, stream, head FROM streams").fetchall():
        last = connection.execute("SELECT * FROM entries WHERE stream = ? AND seq = ?", (number, head)).fetchone()
        row = dict(last) | {"seq": head + up}
        row["checksum"] = checksum(seed(stream), head + up, unpacked(row["body"]))
        with edits.taken_back(connection):
            places = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO entries ({', '.join(row)}) VALUES ({places})", list(row.values()))
            (said,) = verify_store(connection)
        assert said.startswith(f"Stream {stream} of ")
        assert said.endswith(f"entry {head + up} was added above its head, {head} (table entries).")


@pytest.mark.parametrize("table", sorted(PEOPLE))
def test_the_sentence_names_the_table_and_what_was_done(
    store: tuple[sqlite3.Connection, str, Path], table: str
) -> None:
    connection, _, _ = store
    words = {"deleted": "was deleted", "added": "was added", "swapped": "was changed"}
    for edit in edits.edits_of(connection, table):
        if edit.column is None:
            with edits.taken_back(connection):
                edits.made(connection, edit)
                said = verify_store(connection)
            assert any(f"(table {table})" in each and words[edit.words.split()[-1]] in each for each in said), said


@pytest.mark.parametrize("table", sorted(PEOPLE))
def test_one_session_is_verified_by_itself(store: tuple[sqlite3.Connection, str, Path], table: str) -> None:
    """A row of the session that was changed or deleted, a row that was added; not what was done to another session."""
    connection, session, _ = store
    others = [row["id"] for row in connection.execute("SELECT id FROM session WHERE id <> ?", (session,))]
    with_rows = [each for each in (session, *others) if _keys(connection, table, each)]
    session = with_rows[0]
    other = next(each for each in (*with_rows[1:], *others) if each != session)
    shaped = shape(connection, table)
    ours, theirs = (_keys(connection, table, each) for each in (session, other))
    where = " AND ".join(f"{name} = ?" for name in shaped.key)
    for sql in (f"DELETE FROM {table} WHERE {where}", f"UPDATE {table} SET {_last(shaped)} = 'x' WHERE {where}"):
        with edits.taken_back(connection):
            edits.made(connection, by_key(table, sql, min(ours - theirs or ours)))
            assert any(f"(table {table})" in each for each in verify_store(connection, session=session))
        if theirs - ours:
            with edits.taken_back(connection):
                edits.made(connection, by_key(table, sql, min(theirs - ours)))
                assert verify_store(connection, session=session) == []
                assert verify_store(connection, session=other) != []


def by_key(table: str, sql: str, key: tuple[Any, ...]) -> edits.Edit:
    return edits.Edit("by hand", table, None, lambda connection: connection.execute(sql, key))


def _keys(connection: sqlite3.Connection, table: str, session: str) -> set[tuple[Any, ...]]:
    shaped = shape(connection, table)
    return {shaped.key_of(row) for row in connection.execute(f"{shaped.keys} WHERE {PEOPLE[table].of}", (session,))}


def _last(shaped: Any) -> str:
    """A column that may hold any text."""
    return [name for name, of in shaped.columns if of == "TEXT" and name not in shaped.key][-1]


def test_a_session_that_never_was_is_refused(store: tuple[sqlite3.Connection, str, Path]) -> None:
    with pytest.raises(Refused, match="There is no session s-none, and no audit entry tells of one"):
        verify_store(store[0], session="s-none")


# --- the chain itself --------------------------------------------------------------------------------------------


def freed(connection: sqlite3.Connection) -> None:
    connection.execute("DROP TRIGGER audit_no_update")
    connection.execute("DROP TRIGGER audit_no_delete")


def put_back(connection: sqlite3.Connection) -> None:
    for what in ("UPDATE", "DELETE"):
        connection.execute(
            f"CREATE TRIGGER audit_no_{what.lower()} BEFORE {what} ON audit\n"
            "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )


def recomputed(connection: sqlite3.Connection, first: int) -> None:
    """Seal the chain anew from an entry on, naming every row as it is now."""
    named = {table: shape(connection, table) for table in PEOPLE}
    previous = connection.execute("SELECT hash FROM audit WHERE n = ?", (first - 1,)).fetchone()
    link = previous["hash"] if previous else audit.FIRST
    for row in connection.execute("SELECT * FROM audit WHERE n >= ? ORDER BY n", (first,)).fetchall():
        rows = []
        for table, key, _ in audit_rows(row["rows"]):
            found = connection.execute(named[table].by_key, key).fetchone()
            if found is not None:
                rows.append([table, key, named[table].digest(found)])
        entry = {**dict(row), "previous": link, "rows": canonical(rows).decode()}
        link = audit.seal(entry)
        connection.execute(
            "UPDATE audit SET previous = ?, rows = ?, hash = ? WHERE n = ?",
            (entry["previous"], entry["rows"], link, row["n"]),
        )


def audit_rows(text: str) -> list[Any]:
    import json  # noqa: PLC0415

    return json.loads(text)


def edit_environment(connection: sqlite3.Connection) -> None:
    trigger = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'environment_no_update'").fetchone()["sql"]
    connection.execute("DROP TRIGGER environment_no_update")
    connection.execute("UPDATE environment SET temperature_c = 21.0 WHERE n = 1")
    connection.execute(trigger)


def cut(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit WHERE n > (SELECT max(n) - 3 FROM audit)")


def cut_with_its_rows(connection: sqlite3.Connection) -> None:
    """The last state of the last session, with the entry that tells of it."""
    trigger = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'session_state_no_delete'").fetchone()
    last = connection.execute("SELECT n, rows FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    ((table, (n,), _),) = audit_rows(last["rows"])
    assert table == "session_state"
    connection.execute("DROP TRIGGER session_state_no_delete")
    connection.execute("DELETE FROM session_state WHERE n = ?", (n,))
    connection.execute(trigger["sql"])
    connection.execute("DELETE FROM audit WHERE n = ?", (last["n"],))


def changed_and_sealed(connection: sqlite3.Connection) -> None:
    row = dict(connection.execute("SELECT * FROM audit WHERE n = 20").fetchone()) | {"who": "MD-9"}
    connection.execute("UPDATE audit SET who = 'MD-9', hash = ? WHERE n = 20", (audit.seal(row),))


def recomputed_from_the_middle(connection: sqlite3.Connection) -> None:
    edit_environment(connection)
    recomputed(connection, 2)


def recomputed_wholly(connection: sqlite3.Connection) -> None:
    edit_environment(connection)
    recomputed(connection, 1)


CHAIN = {
    "the audit chain cut at its end": (cut, True),
    "the audit chain cut at its end, its rows too": (cut_with_its_rows, False),
    "an audit entry changed, its hash recomputed": (changed_and_sealed, True),
    "a row changed, the chain recomputed from there": (recomputed_from_the_middle, False),
    "a row changed, the whole chain recomputed": (recomputed_wholly, False),
}


@pytest.mark.parametrize("words", CHAIN)
def test_edits_of_the_chain_are_found_some_only_against_an_anchor(
    store: tuple[sqlite3.Connection, str, Path], words: str
) -> None:
    connection, _, file = store
    change, by_itself = CHAIN[words]
    with edits.taken_back(connection):
        freed(connection)
        change(connection)
        put_back(connection)
        alone, anchored = verify_store(connection), verify_store(connection, anchor=file)
    noticed = "yes" if alone else "against an anchor"
    shown([(words, noticed, (alone or anchored)[0])])
    assert bool(alone) is by_itself
    assert any(each.startswith(f"Anchor {file}, line 1: ") for each in anchored) or "its hash recomputed" in words
