"""The audit trail: append-only, each row sealed with the SHA-256 of the one before it.

The seal shows that a row was changed, put between or taken out. Rows taken off the end do not show here: for that the
newest hash must be kept elsewhere, which is why records print it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any

from acquire.canonical import canonical, utc_now
from acquire.printable import must_be_seen

FIRST = "0" * 64
_SEALED = ("n", "at", "who", "what", "subject", "old", "new", "reason", "previous")


def append(
    connection: sqlite3.Connection,
    who: str,
    what: str,
    subject: str,
    *,
    old: str | None = None,
    new: str | None = None,
    reason: str | None = None,
) -> str:
    """Add an entry inside the caller's transaction, beside the change it tells of; returns its hash.

    Raises Refused for a text in which a character is hidden: what a person states is what others read.
    """
    must_be_seen(who=who, what=what, subject=subject, old_value=old, new_value=new, reason=reason)
    last = connection.execute("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    row: dict[str, Any] = {
        "n": last["n"] + 1 if last else 1,
        "at": utc_now(),
        "who": who,
        "what": what,
        "subject": subject,
        "old": old,
        "new": new,
        "reason": reason,
        "previous": last["hash"] if last else FIRST,
    }
    seal = _seal(row)
    connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row.values(), seal))
    return seal


def head(connection: sqlite3.Connection) -> tuple[int, str]:
    """Number and hash of the newest entry; (0, sixty-four zeros) when there is none."""
    last = connection.execute("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    return (int(last["n"]), str(last["hash"])) if last else (0, FIRST)


def verify(connection: sqlite3.Connection) -> list[str]:
    """Walk the chain from its beginning; one sentence for each entry that does not hold."""
    problems, previous, expected = [], FIRST, 1
    for row in connection.execute("SELECT * FROM audit ORDER BY n"):
        if row["n"] != expected:
            problems.append(f"Audit entry {expected} is missing; the next one is {row['n']}.")
        if row["previous"] != previous:
            problems.append(f"Audit entry {row['n']} does not follow the one before it.")
        if _seal({key: row[key] for key in _SEALED}) != row["hash"]:
            problems.append(f"Audit entry {row['n']} was changed after it was written.")
        previous, expected = row["hash"], row["n"] + 1
    return problems


def _seal(row: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(row)).hexdigest()
