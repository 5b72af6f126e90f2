"""Statements of a store that an earlier program wrote are taken over as they are, and stay append-only."""

from __future__ import annotations

import sqlite3

import pytest

from acquire.procedure.session.statements import Statement, statements
from acquire.store import database


def test_rows_of_an_earlier_schema_are_taken_over(tmp_path, monkeypatch):
    path, every = tmp_path / "store.db", database.migrations()
    monkeypatch.setattr(database, "migrations", lambda: [step for step in every if step[0] < 8])
    old = database.connect(path, create=True)
    old.execute("PRAGMA foreign_keys=OFF")
    old.execute("INSERT INTO session VALUES ('s-1', 'ORD-A-1', 1, 1, 'c', 'i', 0, '2026-02-03T09:00:00Z', 'MD-1')")
    columns = "INSERT INTO element_statement (session, what, point, dosimeter, reason, who, confirmed_by, at) VALUES "
    old.execute(columns + "('s-1', 'excluded', 'P4', 'T-014', 'in its tray', 'MD-1', 'MP-1', '2026-02-03T10:00:00Z')")
    old.execute(columns + "('s-1', 'imaging', 'P5', NULL, 'cone-beam CT', 'RT-1', NULL, '2026-02-03T10:01:00Z')")
    old.close()
    monkeypatch.setattr(database, "migrations", lambda: every)
    connection = database.connect(path)
    assert statements(connection, "s-1") == [
        Statement("excluded", "P4", "T-014", "in its tray", "MD-1", "MP-1"),
        Statement("imaging", "P5", None, "cone-beam CT", "RT-1"),
    ]
    for change in ("UPDATE statement SET reason = 'another'", "DELETE FROM statement"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(change)
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):  # one person alone does not state when it was read
        connection.execute(
            "INSERT INTO statement (session, what, dosimeter, moment, reason, who, at)"
            " VALUES ('s-1', 'read-at', 'reader-1', '2026-02-05T10:00:00+01:00', 'log book', 'MP-1', 'now')"
        )
    connection.close()
