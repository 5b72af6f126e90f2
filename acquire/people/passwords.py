"""Passwords: kept as argon2id, tried one after the other, each failure making the next trial wait longer.

A trial is written down before the password is looked at, so that neither a kill nor trials at the same time go
uncounted. What is counted is failures since the last right password, and the wait is made by whoever tries: no clock
that may be set decides anything. Failures never lock an account for good, or anybody could lock everybody out.
"""

from __future__ import annotations

import sqlite3
import time
import unicodedata
from collections.abc import Callable
from functools import cache
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.people.accounts import Account, get_account, log_ins_ended
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.present import PROGRAM, here

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 10, 256  # characters
FREE = 3  # failures in a row before the next trial waits
LONGEST_WAIT_S = 300.0
NOBODY = ""  # set the password of an account that has none
Wait = Callable[[float], None]


@cache
def hasher() -> PasswordHasher:
    """argon2id with the costs that its library recommends (RFC 9106, the second choice: 64 MiB)."""
    from argon2 import PasswordHasher  # noqa: PLC0415 - only where a password is looked at

    return PasswordHasher()


def hashed(password: str, account: str, name: str) -> str:
    """What is kept of a new password. Raises Refused for one that is too short, too long, or the person's own name."""
    plain = _normal(password)
    if not SHORTEST <= len(plain) <= LONGEST:
        raise Refused(f"A password has {SHORTEST} to {LONGEST} characters.")
    if any(word.casefold() in plain.casefold() for word in (account, name)):
        raise Refused("A password does not hold the account or the name of its owner.")
    return hasher().hash(plain)


def prove(
    connection: sqlite3.Connection, account_id: str, password: str, purpose: str, wait: Wait = time.sleep
) -> Account:
    """The account whose password this is. Raises Refused for a wrong one, an unknown account or a locked one.

    `purpose` says in the audit trail what it was given for. After some failures in a row it first waits (s).
    """
    try:
        account = get_account(connection, account_id)
    except Refused:
        hasher().hash(_normal(password)[:LONGEST])  # or the time it takes would tell which accounts there are
        raise Refused(_WRONG) from None
    failures = _begin(connection, account.id, purpose)
    wait(wait_s(failures))
    if not _is_right(_newest(connection, account.id)[0], password):
        raise Refused(_WRONG)
    if account.state == "locked":
        raise Refused(f"{account.id} is locked; an administrator unlocks it (acquire user unlock {account.id}).")
    with transaction(connection), here(account.id):
        _note(connection, account.id, "right", purpose, account.id)
    return account


_WRONG = "The account or the password is wrong."


def wait_s(failures: int) -> float:
    """How long a trial waits after so many failures in a row, in s: 0 for the first ones, then 1, 2, 4 ... 300."""
    return min(2.0 ** (failures - FREE), LONGEST_WAIT_S) if failures >= FREE else 0.0


def failures_of(connection: sqlite3.Connection, account: str) -> int:
    """How many trials there were since the last right password, or since an administrator forgave them."""
    last = "SELECT coalesce(max(n), 0) FROM password_tried WHERE account = ?1 AND what <> 'begun'"
    count = f"SELECT count(*) FROM password_tried WHERE account = ?1 AND what = 'begun' AND n > ({last})"
    return int(connection.execute(count, (account,)).fetchone()[0])


def trials(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many passwords of accounts were tried since the store was made, and how many of them were right.

    Both only grow: the difference is failures, and the trial that is under way.
    """
    found = dict(connection.execute("SELECT what, count(*) FROM password_tried GROUP BY what").fetchall())
    return found.get("begun", 0), found.get("right", 0)


def forgive(connection: sqlite3.Connection, account: str, who: str) -> None:
    """The next trial does not wait."""
    with transaction(connection):
        _note(connection, account, "forgiven", "unlock", who)


def set_password(connection: sqlite3.Connection, account: Account, password: str, who: str) -> None:
    """A new password; one that another person set ends every log-in and is good for setting an own one only.

    Raises Refused.
    """
    kept = hashed(password, account.id, account.name)
    if _is_right(_newest(connection, account.id)[0], password):
        raise Refused("That is the password it has now; take another one.")
    with transaction(connection):
        n = connection.execute(
            "SELECT coalesce(max(n), 0) + 1 FROM account_password WHERE account = ?", (account.id,)
        ).fetchone()[0]
        row = audit.row("account_password", account=account.id, n=n, hash=kept, who=who, at=utc_now())
        ended = log_ins_ended(connection, account.id) if who != account.id else []
        audit.keep(connection, who, "password set", account.id, rows=[row, *ended])


def must_be_own(connection: sqlite3.Connection, account: Account) -> None:
    """Raises Refused where somebody else set the password, who could act in this person's name."""
    if _newest(connection, account.id)[1] not in {account.id, NOBODY}:
        raise Refused(
            f"{account.id} has a password that another person set; set an own one first: acquire user password."
        )


def _begin(connection: sqlite3.Connection, account: str, purpose: str) -> int:
    """Write the trial down; returns how many failed before it."""
    with transaction(connection):
        before = failures_of(connection, account)
        _note(connection, account, "begun", purpose, PROGRAM)
    return before


def _note(connection: sqlite3.Connection, account: str, what: str, purpose: str, who: str) -> None:
    row = audit.row("password_tried", account=account, what=what, purpose=purpose, at=utc_now())
    audit.keep(connection, who, f"password {what}", account, rows=[row], new=purpose)


def has_password(connection: sqlite3.Connection, account: str) -> bool:
    """Whether an account has one; else its person logs in at a provider."""
    return _newest(connection, account)[1] != NOBODY


def _newest(connection: sqlite3.Connection, account: str) -> tuple[str, str]:
    """(hash, who set it); of an account without a password a hash that nothing has."""
    row = connection.execute(
        "SELECT hash, who FROM account_password WHERE account = ? ORDER BY n DESC LIMIT 1", (account,)
    ).fetchone()
    return (str(row["hash"]), str(row["who"])) if row is not None else (_of_nothing(), NOBODY)


@cache
def _of_nothing() -> str:
    return hasher().hash(token_urlsafe(32))


def _is_right(kept: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

    try:
        return len(password) <= LONGEST and hasher().verify(kept, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
