"""Who looked: showing a patient's identity, and printing a record, are entries of the audit trail.

An identity is shown only once the look is written. A record is read by people who treat a patient: it is printed also
where the store is busy or can only be read, and then says that the look could not be written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from acquire.errors import Refused
from acquire.people.log_ins import who_holds
from acquire.store import audit
from acquire.store.database import BUSY_TIMEOUT_MS, transaction
from acquire.store.present import PROGRAM, has_accounts, here

IDENTITY, RECORD = "identity looked at", "record looked at"
WAITS_MS = 250  # for whoever else writes, before the record is printed all the same


@dataclass(frozen=True, slots=True)
class Look:
    """One look: at what (a session or an order), by whom, when (ISO 8601), and what was shown."""

    at: str
    who: str
    what: str
    subject: str
    shown: str


def looked_at_record(connection: sqlite3.Connection, session: str, shown: str, token: str | None) -> bool:
    """Write down that a session's record was printed, by whoever's log-in the token is; whether that could be done.

    A store without accounts knows nobody, and writes nothing.
    """
    if not has_accounts(connection):
        return True
    who, said = PROGRAM, f"{shown}, by somebody who is not logged in"
    with suppress(Refused):
        who, said = who_holds(connection, token).account.id, shown
    connection.execute(f"PRAGMA busy_timeout = {WAITS_MS}")
    try:
        with here(who), transaction(connection):
            audit.keep(connection, who, RECORD, session, new=said)
    except sqlite3.OperationalError:  # busy, full, or only to be read
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return True


def looked_at_identity(connection: sqlite3.Connection, who: str, order: str, shown: str) -> None:
    """Write down that the identity of an order's patient is shown. Raises Refused where that cannot be done."""
    try:
        with transaction(connection):
            audit.keep(connection, who, IDENTITY, order, new=shown)
    except sqlite3.OperationalError as error:
        raise Refused(
            "That you looked cannot be written down now (the store is busy, full or can only be read), so no identity"
            " is shown; try again."
        ) from error


def looks(connection: sqlite3.Connection, orders: Sequence[str]) -> list[Look]:
    """Every look at the identity of the patient of these orders, and at the records of their sessions, in order."""
    found = connection.execute(
        "SELECT n, at, who, what, subject, new FROM audit WHERE what IN (?, ?) ORDER BY n", (IDENTITY, RECORD)
    ).fetchall()
    sessions = connection.execute("SELECT id, order_id FROM session").fetchall()
    about = {*orders, *(row["id"] for row in sessions if row["order_id"] in orders)}
    return [
        Look(row["at"], row["who"], row["what"], row["subject"], row["new"] or "")
        for row in found
        if row["subject"] in about
    ]
