"""Log-ins: for some hours, in this boot of the machine, whoever holds the token is the person who logged in.

How many is the site's, kept in the store: a person who names another configuration gets no longer log-in by it.

The store keeps the token's SHA-256 alone. How long a log-in holds is told by the machine's monotonic clock: one that is
set back or forward neither lengthens nor ends it, a restart of the machine does.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from dataclasses import dataclass

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.people.accounts import Account, get_account
from acquire.store import audit
from acquire.store.clock import boot, monotonic_s
from acquire.store.database import transaction
from acquire.store.present import here

HOURS = 8.0  # a shift (assumed), until an administrator says otherwise
SHORTEST_H, LONGEST_H = 0.25, 12.0
_AGAIN = "log in (acquire login)."


@dataclass(frozen=True, slots=True)
class LogIn:
    """A log-in that holds: whose it is, and for how many seconds more."""

    account: Account
    left_s: float


def log_in(connection: sqlite3.Connection, account: Account, before: str | None = None) -> str:
    """Begin a log-in of a person who has just proved to be it, and end the one whose token is `before`; its token."""
    token = secrets.token_urlsafe(32)
    until_s = monotonic_s() + hours_of(connection) * 3600
    with transaction(connection), here(account.id):
        row = audit.row(
            "log_in", account=account.id, token=_sha256(token), boot=boot(), until_s=until_s, at=utc_now(),
        )  # fmt: skip
        audit.keep(connection, account.id, "logged in", account.id, rows=[row, *_end(connection, before)])
    return token


def log_out(connection: sqlite3.Connection, token: str) -> None:
    """End a log-in. Raises Refused where it has ended already."""
    person = who_holds(connection, token).account.id
    with transaction(connection), here(person):
        audit.keep(connection, person, "logged out", person, rows=_end(connection, token))


def who_holds(connection: sqlite3.Connection, token: str | None) -> LogIn:
    """Whose log-in a token is. Raises Refused, saying what to do, where it is nobody's any more."""
    if token is None:
        raise Refused(f"Nobody is logged in to this store: {_AGAIN}")
    row = connection.execute(
        "SELECT account, boot, until_s, n IN (SELECT log_in FROM log_in_ended) AS ended FROM log_in WHERE token = ?",
        (_sha256(token),),
    ).fetchone()
    if row is None or row["ended"]:
        raise Refused(f"This log-in has ended: {_AGAIN}")
    left = row["until_s"] - monotonic_s()
    if row["boot"] != boot() or not 0 < left <= _most_hours(connection) * 3600:
        raise Refused(f"The log-in of {row['account']} is over, by its hours or by a restart: {_AGAIN}")
    account = get_account(connection, row["account"])
    if account.state != "active":
        raise Refused(f"{account.id} is locked; an administrator unlocks it.")
    return LogIn(account, left)


def hours_of(connection: sqlite3.Connection) -> float:
    """For how many hours a log-in holds that begins now."""
    row = connection.execute("SELECT hours FROM log_in_hours ORDER BY n DESC LIMIT 1").fetchone()
    return HOURS if row is None else float(row["hours"])


def _most_hours(connection: sqlite3.Connection) -> float:
    """For how many hours any log-in was ever made: one that has more left is of a clock that went back."""
    return max(HOURS, connection.execute("SELECT max(hours) FROM log_in_hours").fetchone()[0] or 0.0)


def set_hours(connection: sqlite3.Connection, hours: float, who: str, reason: str) -> None:
    """Later log-ins hold for so many hours. Raises Refused: out of bounds, or no reason."""
    if not SHORTEST_H <= hours <= LONGEST_H:
        raise Refused(f"A log-in holds for {SHORTEST_H:g} to {LONGEST_H:g} hours; {hours:g} are neither.")
    if not reason.strip():
        raise Refused("Say why: --reason.")
    with transaction(connection):
        row = audit.row("log_in_hours", hours=hours, reason=reason, who=who, at=utc_now())
        old = f"{hours_of(connection):g}"
        audit.keep(connection, who, "hours of a log-in", "log-ins", rows=[row], old=old, new=f"{hours:g}",
                   reason=reason)  # fmt: skip


def _end(connection: sqlite3.Connection, token: str | None) -> list[audit.Row]:
    """The row that ends a log-in; none where it has ended or never was."""
    open_one = "SELECT n FROM log_in WHERE token = ? AND n NOT IN (SELECT log_in FROM log_in_ended)"
    found = connection.execute(open_one, (_sha256(token),)).fetchone() if token is not None else None
    return [audit.row("log_in_ended", log_in=found["n"], at=utc_now())] if found else []


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
