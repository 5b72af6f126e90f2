"""The audit chain shows what was changed, put between or taken out; and the tables refuse to be changed at all."""

from __future__ import annotations

import sqlite3

import pytest

from acquire.errors import Refused
from acquire.store import audit
from acquire.store.database import transaction


@pytest.fixture
def chain(connection):
    with transaction(connection):
        for n in range(5):
            audit.keep(connection, "MD-1", "did", f"thing {n}", old="a", new="b", reason="because")
    return connection


def free(connection: sqlite3.Connection) -> None:
    """What somebody with a database tool can do."""
    connection.execute("DROP TRIGGER audit_no_update")
    connection.execute("DROP TRIGGER audit_no_delete")


@pytest.mark.parametrize("key", ["who", "subject", "new", "reason"])
def test_what_nobody_sees_is_not_written_down(chain, key):
    said = {"who": "MD-1", "what": "did", "subject": "thing", "new": "b", "reason": "because\nof this"} | {
        key: "x\u202e"
    }
    with pytest.raises(Refused, match=r"holds U\+202E RIGHT-TO-LEFT OVERRIDE, which nobody sees"), transaction(chain):
        audit.keep(chain, said.pop("who"), said.pop("what"), said.pop("subject"), **said)
    assert audit.head(chain)[0] == 5


def test_a_whole_chain_holds(chain):
    assert audit.verify(chain) == []
    assert audit.head(chain)[0] == 5


@pytest.mark.parametrize("statement", ["UPDATE audit SET reason = 'x'", "DELETE FROM audit"])
def test_the_table_is_append_only(chain, statement):
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        chain.execute(statement)


def test_every_table_of_the_procedure_is_append_only(connection):
    tables = {r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    of_the_streams = {"identity", "streams", "entries", "conflicts", "lost", "unreadable", "alarm", "told"}
    triggers = {r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    counted = {"notice_waiting"}  # how long something has waited; no part of the record
    for table in tables - of_the_streams - counted:
        assert {f"{table}_no_update", f"{table}_no_delete"} <= triggers


@pytest.mark.parametrize("column", ["at", "who", "what", "subject", "old", "new", "reason"])
def test_a_changed_entry_shows(chain, column):
    free(chain)
    chain.execute(f"UPDATE audit SET {column} = 'changed' WHERE n = 3")
    assert audit.verify(chain) == ["Audit entry 3 was changed after it was written."]


def test_an_entry_taken_out_shows(chain):
    free(chain)
    chain.execute("DELETE FROM audit WHERE n = 2")
    assert any("Audit entry 2 is missing" in p for p in audit.verify(chain))


def test_a_change_sealed_anew_breaks_the_next_link(chain):
    free(chain)
    row = dict(chain.execute("SELECT * FROM audit WHERE n = 3").fetchone())
    row["reason"] = "another"
    sealed = audit.seal(row)
    chain.execute("UPDATE audit SET reason = 'another', hash = ? WHERE n = 3", (sealed,))
    (said,) = audit.verify(chain)
    assert said.startswith("Audit entry 4 does not follow the one before it")
