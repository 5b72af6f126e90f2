"""Withheld originals in the spool's file, and their way back to the store (docs/noloss.md rules 3.8 and 3.10).

An original that could not be sent lies in the table `withheld` under the stream and seq its stand-in has. A person asks
for it to be sent again (`acquire spool resend`), also beside a running service; the publisher does it. It stays here
until the store has had it for the retention, as every entry does. Functions on the spool's database; none of them
begins a transaction but `ask`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from acquire.checksum import seed
from acquire.spool.entries import Held, opened

DAMAGED = "damaged"  # the reason of what was changed where it lay
Seqs = dict[int, tuple[int, ...]]  # by stream number, ascending


def known(db: sqlite3.Connection) -> bool:
    """Whether the file is of a version that has a way back for originals."""
    return any(row[1] == "resend" for row in db.execute("PRAGMA table_info(withheld)"))


def keep(db: sqlite3.Connection, number: int, seq: int, original: Held, reason: str) -> None:
    """Put an original aside (rule 3.8); one that is there already stays as it is."""
    db.execute(
        "INSERT INTO withheld (stream, seq, body, reason, checksum) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (number, seq, original.body, reason, original.checksum),
    )


def ask(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Mark every original that the store does not have (rule 3.10), in one transaction; returns what `listed` says.

    What was damaged where it lay is no original any more and stays where it is.
    """
    with db:
        db.execute("UPDATE withheld SET resend = 1 WHERE sent_at IS NULL AND reason <> ?", (DAMAGED,))
    return [each for each in listed(db) if each["state"] == "to be sent"]


def listed(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every original held: instrument, stream, seq, bytes, reason, and whether it is withheld, to be sent, or sent."""
    asked = "CASE WHEN w.sent_at IS NOT NULL THEN 'sent' WHEN w.resend THEN 'to be sent' ELSE 'withheld' END"
    state = asked if known(db) else "'withheld'"
    rows = db.execute(
        f"SELECT s.instrument, s.stream, w.seq, length(w.body), w.reason, {state}"
        " FROM withheld w JOIN stream s ON s.number = w.stream ORDER BY w.stream, w.seq"
    )
    return [dict(zip(("instrument", "stream", "seq", "bytes", "reason", "state"), row, strict=True)) for row in rows]


def waiting(db: sqlite3.Connection) -> int:
    """How many originals are held that the store does not have."""
    return int(db.execute("SELECT count(*) FROM withheld WHERE sent_at IS NULL").fetchone()[0])


def to_send(db: sqlite3.Connection) -> Seqs:
    """The seqs of originals that are to be sent again and that the store has not confirmed in this epoch."""
    return _seqs(db.execute("SELECT stream, seq FROM withheld WHERE resend AND sent_at IS NULL ORDER BY stream, seq"))


def sent(db: sqlite3.Connection) -> Seqs:
    """The seqs of originals that the store has confirmed in this epoch."""
    return _seqs(db.execute("SELECT stream, seq FROM withheld WHERE sent_at IS NOT NULL ORDER BY stream, seq"))


def original_of(db: sqlite3.Connection, number: int, seq: int) -> Held | None:
    """The original itself; None where it is not withheld, or was damaged while it lay here."""
    row = db.execute(
        "SELECT s.stream, w.body, w.checksum FROM withheld w JOIN stream s ON s.number = w.stream"
        " WHERE w.stream = ? AND w.seq = ?",
        (number, seq),
    ).fetchone()
    if row is None:
        return None
    original = opened(seed(row[0]), seq, *row[1:])
    return None if original.damaged else original


def confirm(db: sqlite3.Connection, number: int, seq: int, uptime_s: float) -> None:
    """The store has it: note when, by the time the daemon has run."""
    db.execute("UPDATE withheld SET sent_at = ? WHERE stream = ? AND seq = ?", (uptime_s, number, seq))


def withhold_again(db: sqlite3.Connection, number: int, seq: int, reason: str) -> None:
    """It was refused on its way once more: it waits for a person again (rule 3.10)."""
    db.execute("UPDATE withheld SET resend = 0, reason = ? WHERE stream = ? AND seq = ?", (reason, number, seq))


def forget_confirmed(db: sqlite3.Connection) -> None:
    """The store began a new life or went back: what it had confirmed is sent again (rule 3.5c)."""
    db.execute("UPDATE withheld SET sent_at = NULL WHERE sent_at IS NOT NULL")


def drop_old(db: sqlite3.Connection, retention_s: float, uptime_s: float) -> Seqs:
    """Forget originals confirmed for the retention, as rule 3.7 forgets entries; returns which."""
    return _seqs(
        db.execute(
            "DELETE FROM withheld WHERE sent_at <= ?2 - ?1 AND (SELECT no_pruning_before FROM meta) <= ?2"
            " RETURNING stream, seq",
            (retention_s, uptime_s),
        ).fetchall()
    )


def _seqs(rows: Iterable[tuple[int, int]]) -> Seqs:
    found: dict[int, tuple[int, ...]] = {}
    for number, seq in rows:
        found[number] = (*found.get(number, ()), seq)
    return found
