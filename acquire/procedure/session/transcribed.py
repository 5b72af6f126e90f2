"""What was entered from downtime forms, as the store has it: who wrote, entered and compared it; what was read back.

The newest entry of a point counts; a correction names the one whose place it takes, and that stays.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from acquire.errors import Refused

NO_RAW_BYTES = "no raw bytes: re-derivation from the entered value only"


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was printed before the computer went down; `made_after`: what had been received by then."""

    n: int
    order_id: str
    plan_version: int
    fraction: int
    sha256: str
    at: str
    who: str
    made_after: int | None


@dataclass(frozen=True, slots=True)
class Transcription:
    """A charge in nC that was read from a display, and the people of it; `checked_by` is None until somebody has."""

    n: int
    session: str
    point: str
    step: str
    form: int
    as_written: str
    nc: float
    read_at: str
    written_by: str
    scan: str
    serial: str
    at_most_gy: float
    reason: str
    replaces: int | None
    who: str
    at: str
    checked_by: str | None

    @property
    def says(self) -> str:
        """A sentence without a full stop."""
        checked = f"compared with the form by {self.checked_by}" if self.checked_by else "not compared with the form"
        return (
            f"TRANSCRIBED: {self.as_written} at {self.point} from form {self.form}, written by {self.written_by} at"
            f" {self.read_at}, entered late by {self.who}, {checked} ({NO_RAW_BYTES})"
        )


@dataclass(frozen=True, slots=True)
class Total:
    """What an electrometer kept, read back by a driver: nC and limit of the difference; or why it does not count."""

    point: str
    stream: str | None
    seq: int | None
    nc: float | None
    limit_percent: float | None
    reason: str | None
    who: str
    confirmed_by: str | None
    at: str


def form_numbered(connection: sqlite3.Connection, n: int) -> Form | None:
    """A form by the number that is printed on it."""
    row = connection.execute("SELECT * FROM downtime_form WHERE n = ?", (n,)).fetchone()
    return Form(**dict(row)) if row else None


def must_be_of(connection: sqlite3.Connection, n: int, session: str, order: str, version: int, fraction: int) -> None:
    """Raises Refused for a form that was never printed, or for another order, plan version or fraction."""
    form = form_numbered(connection, n)
    if form is None:
        raise Refused(f"No form {n} was printed; its number stands at the top of the form.")
    if (form.order_id, form.plan_version, form.fraction) != (order, version, fraction):
        raise Refused(
            f"Form {n} is of {form.order_id}, plan v{form.plan_version}, fraction {form.fraction}; session {session}"
            f" is of {order}, plan v{version}, fraction {fraction}."
        )


def transcriptions(connection: sqlite3.Connection, session_id: str) -> list[Transcription]:
    """Every entry of a session, oldest first, those that were corrected too."""
    rows = connection.execute(
        "SELECT t.n, t.session, t.point, t.step, t.form, t.as_written, t.nc, t.read_at, t.written_by, t.scan, t.serial,"
        " t.at_most_gy, t.reason, t.replaces, t.who, t.at, c.who AS checked_by FROM transcription t"
        " LEFT JOIN transcription_checked c ON c.transcription = t.n WHERE t.session = ? ORDER BY t.n",
        (session_id,),
    )
    return [Transcription(**dict(row)) for row in rows]


def in_force(connection: sqlite3.Connection, session_id: str) -> dict[str, Transcription]:
    """The entry that counts, by point."""
    return {each.point: each for each in transcriptions(connection, session_id)}


def totals(connection: sqlite3.Connection, session_id: str) -> list[Total]:
    """What was read back of electrometers, oldest first; the newest of a point counts."""
    rows = connection.execute(
        "SELECT point, stream, seq, nc, limit_percent, reason, who, confirmed_by, at FROM total_read_back"
        " WHERE session = ? ORDER BY n",
        (session_id,),
    )
    return [Total(**dict(row)) for row in rows]
