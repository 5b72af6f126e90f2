"""What the spool may forget (docs/noloss.md rules 3.7 and 3.9): only what is confirmed, and confirmed again when asked.

Functions on the journal, for the spool's thread. The keeper asks the store in between.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import suppress

from acquire.spool import originals
from acquire.spool.journal import Journal

ROWS_AT_ONCE = 2000  # deleted in one transaction: appends must not wait long
ROWS_WHEN_FULL = 200
STREAMS_AT_ONCE = 200  # asked under pressure
STREAM_KEPT_RETENTIONS = 6  # a settled, empty stream is remembered this long: it could still tell a store of its loss


def prunable(journal: Journal, retention_s: float, uptime_s: float) -> dict[str, int]:
    """Streams with something confirmed for the retention in this epoch, and up to which seq (rule 3.7)."""
    rows = journal.db.execute(
        "SELECT s.stream, max(c.through) FROM stream s JOIN confirmed c ON c.stream = s.number JOIN meta m"
        " WHERE s.epoch = m.epoch AND m.no_pruning_before <= ?1 AND c.uptime_s <= ?1 - ?2"
        " GROUP BY s.number HAVING max(c.through) >= s.oldest",
        (uptime_s, retention_s),
    )
    return dict(rows.fetchall())


def journal_of(journal: Journal, uptime_s: float) -> dict[str, int]:
    """The streams, oldest first, with something confirmed in this epoch, however young, and up to which seq."""
    rows = journal.db.execute(
        "SELECT s.stream, s.through FROM stream s JOIN meta m WHERE s.epoch = m.epoch AND m.no_pruning_before <= ?"
        " AND s.through >= s.oldest ORDER BY s.number LIMIT ?",
        (uptime_s, STREAMS_AT_ONCE),
    )
    return dict(rows.fetchall())


def prune(journal: Journal, stream: str, upto: int) -> int:
    """Rule 3.7: delete entries from the front, at most up to `upto` and ROWS_AT_ONCE; returns the oldest left."""
    number, oldest, through = journal.db.execute(
        "SELECT number, oldest, through FROM stream WHERE stream = ?", (stream,)
    ).fetchone()
    full = journal.budget.full is not None
    last = int(min(upto, through, oldest + (ROWS_WHEN_FULL if full else ROWS_AT_ONCE) - 1))
    if last < oldest:
        return int(oldest)
    with journal.writing() as db:
        db.execute("DELETE FROM entry WHERE stream = ? AND seq <= ?", (number, last))
        db.execute("UPDATE stream SET oldest = ? WHERE number = ?", (last + 1, number))
        db.execute(
            "DELETE FROM confirmed WHERE stream = ?1 AND through < ?2"
            " AND through < (SELECT max(through) FROM confirmed WHERE stream = ?1)",
            (number, last),
        )
    if full:  # the log must not grow into what is left of the disk
        with suppress(sqlite3.Error):
            journal.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return last + 1


def shorten(journal: Journal, told: Mapping[str, int], enough: int) -> dict[str, int]:
    """Delete the entries confirmed longest ago, of streams the store has just told of, until `enough` bytes are free.

    Returns the oldest seq left of each stream touched. Rule 3.9, one step: call again while it returns something.
    """
    if journal.budget.available(journal.db) >= enough:
        return {}
    rows = journal.db.execute(
        "SELECT s.stream, s.oldest, c.through FROM stream s JOIN confirmed c ON c.stream = s.number"
        " WHERE c.through >= s.oldest ORDER BY c.uptime_s, s.number"
    )
    for stream, oldest, through in rows:
        upto = min(through, told.get(stream, 0))
        if upto >= oldest:
            rows.close()
            return {stream: prune(journal, stream, upto)}
    return {}


def journal_age_s(journal: Journal, uptime_s: float) -> float:
    """How long ago the oldest entry still held was confirmed; 0 when nothing confirmed is held."""
    (first,) = journal.db.execute(
        "SELECT min(c.uptime_s) FROM stream s JOIN confirmed c ON c.stream = s.number WHERE c.through >= s.oldest"
    ).fetchone()
    return uptime_s - first if first is not None else 0.0


def forgettable(journal: Journal, retention_s: float, uptime_s: float) -> dict[str, int]:
    """Streams whose row may go: ended, confirmed to that end long ago, nothing held, not the instrument's newest."""
    rows = journal.db.execute(
        "SELECT s.stream, s.head FROM stream s JOIN meta m WHERE s.epoch = m.epoch AND m.no_pruning_before <= ?1"
        " AND s.ended IS NOT NULL AND s.end_heard AND s.through >= s.head AND s.oldest > s.head"
        " AND (SELECT max(uptime_s) FROM confirmed WHERE stream = s.number) <= ?1 - ?2"
        " AND EXISTS (SELECT 1 FROM stream n WHERE n.instrument = s.instrument AND n.number > s.number)"
        " AND NOT EXISTS (SELECT 1 FROM withheld w WHERE w.stream = s.number)",
        (uptime_s, STREAM_KEPT_RETENTIONS * retention_s),
    )
    return dict(rows.fetchall())


def forget(journal: Journal, stream: str) -> None:
    """Delete the row of a stream that is forgettable."""
    with journal.writing() as db:
        db.execute("DELETE FROM confirmed WHERE stream = (SELECT number FROM stream WHERE stream = ?)", (stream,))
        db.execute("DELETE FROM stream WHERE stream = ?", (stream,))


def pruned_at(journal: Journal) -> float:
    """When the last daily pass ended, in seconds of uptime_s."""
    return float(journal.db.execute("SELECT pruned_at FROM meta").fetchone()[0])


def note_pass(journal: Journal, retention_s: float, uptime_s: float) -> originals.Seqs:
    """Rules 3.7 and 3.10: a daily pass has ended, every stream was asked about and answered, so old originals go too.

    Those that were sent again long ago; returns them, by stream number.
    """
    with journal.writing() as db:
        dropped = originals.drop_old(db, retention_s, uptime_s)
        db.execute("UPDATE meta SET pruned_at = ?", (uptime_s,))
    return dropped
