"""A trigger, table or index that is gone or another one is named; so is an index that was emptied."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from acquire.procedure.results.verify import verify_store
from acquire.store import audit
from acquire.store.database import connect, transaction
from acquire.store.record_tables import PEOPLE
from acquire.store.schema import verify_file, verify_schema


@pytest.fixture
def store(tmp_path: Path):
    made = connect(tmp_path / "store.db", create=True)
    yield made
    made.close()


def test_a_store_of_this_program_is_as_it_makes_it(store: sqlite3.Connection) -> None:
    store.execute("ANALYZE")
    assert list(verify_schema(store)) == []
    assert list(verify_file(store)) == []


@pytest.mark.parametrize("table", [*sorted(PEOPLE), "audit"])
@pytest.mark.parametrize("what", ["update", "delete"])
def test_every_trigger_that_was_dropped_is_named(store: sqlite3.Connection, table: str, what: str) -> None:
    store.execute(f"DROP TRIGGER {table}_no_{what}")
    assert verify_store(store) == [
        f"The trigger {table}_no_{what} of table {table} was dropped; its rows could be changed or taken out since."
    ]


def test_a_trigger_that_does_nothing_in_its_place_is_named(store: sqlite3.Connection) -> None:
    store.execute("DROP TRIGGER result_no_update")
    store.execute("CREATE TRIGGER result_no_update BEFORE UPDATE ON result BEGIN SELECT 1; END")
    assert verify_store(store) == [
        "The trigger result_no_update of table result is not as this program makes it: it was replaced."
    ]


def test_a_trigger_that_was_put_in_is_named(store: sqlite3.Connection) -> None:
    store.execute("CREATE TRIGGER helper AFTER INSERT ON result BEGIN DELETE FROM alarm; END")
    assert verify_store(store) == ["The trigger helper of table result is none of this program: it was added."]


def test_an_index_that_was_dropped_is_named(store: sqlite3.Connection) -> None:
    store.execute("DROP INDEX session_state_session")
    assert verify_store(store) == ["The index session_state_session of table session_state was dropped."]


def test_an_index_that_was_emptied_is_named(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = connect(path, create=True)
    store.execute("PRAGMA foreign_keys = OFF")
    state = audit.row("session_state", session="s-1", state="PLANNED", at="now", who="MD-1")
    with transaction(store):
        audit.keep(store, "MD-1", "session started", "s-1", rows=[state])
    (sql,) = store.execute("SELECT sql FROM sqlite_master WHERE name = 'session_state_session'").fetchone()
    store.execute("DROP INDEX session_state_session")
    store.execute("CREATE TABLE spare (session TEXT)")
    store.execute("CREATE INDEX spare_session ON spare (session)")
    store.execute("PRAGMA writable_schema = ON")
    store.execute(
        "UPDATE sqlite_master SET name = 'session_state_session', tbl_name = 'session_state', sql = ?"
        " WHERE name = 'spare_session'",
        (sql,),
    )
    store.close()
    store = connect(path)
    store.execute("DROP TABLE spare")
    assert store.execute("SELECT count(*) FROM session_state WHERE session = 's-1'").fetchone()[0] == 0
    for session in (None, "s-1"):
        said = verify_store(store, session=session)
        assert any("does not pass SQLite's own check" in each and "session_state_session" in each for each in said), (
            said
        )
    store.close()
