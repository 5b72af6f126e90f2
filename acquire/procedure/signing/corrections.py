"""Who had a signed record that was corrected: whoever signed it, printed it, was given it, or had mail about it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from acquire.canonical import utc_now
from acquire.people.looks import RECORD
from acquire.procedure.session.session import get_session
from acquire.procedure.signing.rows import disclosures_of, signatures_of
from acquire.procedure.signing.standing import standing
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.present import PROGRAM


@dataclass(frozen=True, slots=True)
class Correction:
    """A signed version that takes the place of older ones, and who had one of those and is not told yet."""

    session: str
    version: int
    untold: tuple[str, ...]


def who_had(connection: sqlite3.Connection, session: str, version: int) -> list[str]:
    """Everybody who had a signed version before this one, and did not sign this one."""
    signed = signatures_of(connection, session)
    had = [each.account for each in signed if each.version < version]
    mailed = connection.execute(
        "SELECT m.name FROM notice_mark m JOIN notice n ON n.n = m.notice WHERE n.session = ? AND m.what = 'mailed'"
        " ORDER BY m.n",
        (session,),
    )
    had += [row["name"] for row in mailed]
    looked = connection.execute(
        "SELECT who, new FROM audit WHERE subject = ? AND what = ? ORDER BY n", (session, RECORD)
    )
    older = tuple(f"version {n} as " for n in range(1, version))
    had += [row["who"] for row in looked if row["who"] != PROGRAM and str(row["new"]).startswith(older)]
    given = disclosures_of(connection, session)
    had += [each.recipient for each in given if each.version is not None and each.version < version]
    knows = {each.account for each in signed if each.version == version}
    return [name for name in dict.fromkeys(had) if name not in knows]


def corrections(connection: sqlite3.Connection) -> list[Correction]:
    """Each session's newest version, where it is signed and replaces one that somebody had who is not told."""
    amended = connection.execute("SELECT DISTINCT session FROM amendment ORDER BY session").fetchall()
    found = []
    for (session,) in amended:
        now = standing(connection, get_session(connection, session))
        if now.version > 1 and now.is_signed:
            told = {name for name, what in told_of(connection, session, now.version) if what == "mailed"}
            untold = tuple(each for each in who_had(connection, session, now.version) if each not in told)
            found += [Correction(session, now.version, untold)] if untold else []
    return found


def told_of(connection: sqlite3.Connection, session: str, version: int) -> list[tuple[str, str]]:
    """(name, what became of it) of each mail about a correction, in order."""
    rows = connection.execute(
        "SELECT name, what FROM correction_told WHERE session = ? AND version = ? ORDER BY n", (session, version)
    )
    return [(row["name"], row["what"]) for row in rows]


def note(
    connection: sqlite3.Connection, session: str, version: int, name: str, what: Literal["mailed", "not-delivered"],
    reason: str | None = None,
) -> None:  # fmt: skip
    """What became of a mail about a correction; that it was not delivered is said once."""
    if (name, what) in told_of(connection, session, version):
        return
    row = audit.row(
        "correction_told", session=session, version=version, name=name, what=what, reason=reason, at=utc_now()
    )
    with transaction(connection):
        audit.keep(connection, PROGRAM, "correction told", session, rows=[row], new=f"v{version} {name} {what}")
