"""The store's side of the no-loss protocol: one transaction, then the answers (docs/noloss.md, section 4).

Everything here is synchronous and runs on the store's one writer thread. Nothing is overwritten and nothing is dropped
without a row that says so.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from acquire.bus.names import RESERVED, instrument_of
from acquire.canonical import utc_now
from acquire.rows import insert_rows
from acquire.store.alarms import raise_alarm
from acquire.store.database import identity, transaction
from acquire.store.envelope import Envelope, RawBatch, ValidBatch, opened
from acquire.store.judge import Row, judge_all
from acquire.store.originals import stands_for, take_original
from acquire.store.tails import DECLARED, withdraw
from acquire.store.unreadable import keep_unreadable, printable

_INSTRUMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LONGEST_WHY = 300  # characters kept of the sentence with a stream's end
LOST_AT_ONCE = 100_000  # rows written for one message: a sender that claims more is answered step by step

# What the database may refuse because of the entry itself.
ENTRYS_OWN = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, UnicodeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Watermark:
    """ "Committed through N", to be published after the commit."""

    instrument: str
    stream: str
    through: int
    store: str
    epoch: str
    query: str


@dataclass(slots=True)
class Ingested:
    """What one transaction did."""

    answers: list[Watermark] = field(default_factory=list)
    unreadable: int = 0
    moved: dict[str, tuple[int, int]] = field(default_factory=dict)  # stream: (through before, through after)
    originals: dict[str, int] = field(
        default_factory=dict
    )  # stream: lowest seq whose stand-in gave way to its original


def ingest(connection: sqlite3.Connection, site: str, messages: Iterable[tuple[str, bytes]]) -> Ingested:
    """Put messages (topic, payload) into the store in one transaction and return the answers owed (rules 4.1 to 4.7).

    Raises sqlite3.Error for what is not an entry's fault (disk full, lock, damaged file): nothing is written then, no
    answer is owed, and the same messages may be given again.
    """
    done = Ingested()
    with transaction(connection):
        store, epoch = identity(connection)
        owed: dict[tuple[str, str], Watermark] = {}
        for topic, payload in messages:
            heard = _open_envelope(connection, site, topic, payload, done)
            if heard is not None:
                instrument, envelope = heard
                through = _take(connection, site, instrument, envelope, payload, epoch, done)
                owed[envelope.stream, envelope.query] = Watermark(
                    instrument, envelope.stream, through, store, epoch, envelope.query
                )
    done.answers = list(owed.values())
    return done


def ingest_one_by_one(connection: sqlite3.Connection, site: str, messages: Iterable[tuple[str, bytes]]) -> Ingested:
    """As ingest, each message in a transaction of its own: one that cannot be digested is kept unread (rule 7)."""
    done = Ingested()
    for topic, payload in messages:
        try:
            one = ingest(connection, site, [(topic, payload)])
        except sqlite3.Error:
            raise
        except Exception as error:  # whatever it is, the source would send it for ever
            with transaction(connection):
                _keep_unreadable(connection, topic, payload, f"not digestible: {error!r}"[:300], done)
            continue
        done.answers += one.answers
        done.unreadable += one.unreadable
        done.moved |= one.moved
        done.originals |= one.originals
    return done


def _open_envelope(
    connection: sqlite3.Connection, site: str, topic: str, payload: bytes, done: Ingested
) -> tuple[str, ValidBatch | RawBatch] | None:
    """Rule 7: an envelope that cannot be read, is of another schema or site, is kept and not answered."""
    place = instrument_of(topic)
    try:
        envelope = opened(payload)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        _keep_unreadable(connection, topic, payload, f"not a readings message: {error}", done)
        return None
    why = _wrong(envelope, place, site) or _not_its_own(connection, envelope, place)
    if place is None or why is not None:
        _keep_unreadable(connection, topic, payload, why or "under a strange topic", done)
        return None
    return place[1], envelope


def _wrong(envelope: Envelope, place: tuple[str, str] | None, site: str) -> str | None:
    """Why an envelope that could be decoded is not believed, or None."""
    if place is None or place[0] != site:
        return "from another site"
    if not _INSTRUMENT.fullmatch(place[1]) or place[1] in RESERVED:
        return "under a name that no instrument may have"
    if envelope.schema_ != "readings/1":
        return f"of an unknown schema {envelope.schema_[:40]!r}"
    last = envelope.first_seq + len(envelope.readings) - 1
    if envelope.first_seq < 1 or not 1 <= envelope.oldest <= envelope.head + 1 or last > envelope.head:
        return "with numbers that contradict each other"
    return None


def _not_its_own(connection: sqlite3.Connection, envelope: Envelope, place: tuple[str, str] | None) -> str | None:
    """A stream belongs to one instrument of one source. The broker's rules go by topic, so this is held here."""
    row = connection.execute("SELECT instrument, source FROM stream WHERE stream = ?", (envelope.stream,)).fetchone()
    if row is not None and place is not None and tuple(row) != (place[1], envelope.source):
        return "for a stream that belongs to another instrument or source"
    return None


def _keep_unreadable(connection: sqlite3.Connection, topic: str, payload: bytes, why: str, done: Ingested) -> None:
    done.unreadable += 1
    keep_unreadable(connection, topic, payload, why)


def _take(
    connection: sqlite3.Connection,
    site: str,
    instrument: str,
    envelope: ValidBatch | RawBatch,
    payload: bytes,
    epoch: str,
    done: Ingested,
) -> int:
    """Rules 1 to 6 for one message; returns through."""
    now = utc_now()
    connection.execute(
        "INSERT INTO stream (stream, source, site, instrument, first_heard, last_heard) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (stream) DO NOTHING",
        (envelope.stream, envelope.source, site, instrument, now, now),
    )
    before, head, ended, final, why = connection.execute(
        "SELECT through, head, ended, final, why FROM stream WHERE stream = ?", (envelope.stream,)
    ).fetchone()
    if ended == DECLARED:
        before = withdraw(connection, envelope.stream, envelope.oldest, before)
    rows = judge_all(envelope, payload, now)
    _insert(connection, rows, done)
    head = max(head, envelope.head)
    if ended is None or ended == DECLARED:  # after a person's declaration the source speaks for itself again
        ended, final = envelope.ended, envelope.head if envelope.ended is not None else None
        why = printable(envelope.why, LONGEST_WHY) if ended is not None and envelope.why else None
    _mark_lost(connection, envelope, before, head, now)
    through = _advance(connection, envelope.stream, before, rows)
    connection.execute(
        "UPDATE stream SET through = ?, head = ?, ended = ?, final = ?, why = ?, last_heard = ?, ready_epoch = ?,"
        " older = ? WHERE stream = ?",
        (through, head, ended, final, why, now, envelope.epoch, envelope.unconfirmed_streams, envelope.stream),
    )
    if through > before:
        first = done.moved.get(envelope.stream, (before, before))[0]
        done.moved[envelope.stream] = (first, through)
    if envelope.epoch == epoch and ended is None:
        _two_sources(connection, instrument, envelope.stream)
    return int(through)


_ONCE = "ON CONFLICT (stream, seq) DO NOTHING"


def _insert(connection: sqlite3.Connection, rows: list[Row], done: Ingested) -> None:
    """Insert what is new; look closer only where a key was already taken."""
    before = connection.total_changes
    try:
        insert_rows(connection, "entry", rows, _ONCE)
    except ENTRYS_OWN:  # those before it are in; inserting them again changes nothing
        rows = [_insert_alone(connection, row) for row in rows]
    if connection.total_changes - before < len(rows):
        for row in rows:
            _compare(connection, row, done)


def _insert_alone(connection: sqlite3.Connection, row: Row) -> Row:
    """Rule 3: an entry that the database refuses by itself is refused, with its body; the others are not."""
    try:
        insert_rows(connection, "entry", [row], _ONCE)
    except ENTRYS_OWN as error:
        why = f"the database refused it: {error}"[:300].encode(errors="replace").decode()
        row = row._replace(kind="invalid", status="refused", reason=why, element=None, measurement=None)
        insert_rows(connection, "entry", [row], _ONCE)
    return row


def _compare(connection: sqlite3.Connection, row: Row, done: Ingested) -> None:
    """Rule 2 for a key that was taken, by this insert or an earlier one."""
    key = (row.stream, row.seq)
    kind, status, held, body = connection.execute(
        "SELECT kind, status, digest, body FROM entry WHERE stream = ? AND seq = ?", key
    ).fetchone()
    if held == row.digest:
        return
    if status == "lost":
        connection.execute("DELETE FROM entry WHERE stream = ? AND seq = ?", key)
        insert_rows(connection, "entry", [row])
        return
    if kind == "withheld" and stands_for(body, row.digest):
        take_original(connection, row)
        done.originals[row.stream] = min(row.seq, done.originals.get(row.stream, row.seq))
        return
    if row.kind == "withheld":  # the stand-in of an original that is here: nothing to keep
        return
    connection.execute(
        "INSERT INTO conflict VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (*key, row.digest, row.body, row.received_at),
    )
    if kind != "withheld":
        text = f"Entry {row.seq} of stream {row.stream} came with two contents."
        raise_alarm(connection, "conflict", row.stream, text)


def _mark_lost(connection: sqlite3.Connection, envelope: Envelope, through: int, head: int, now: str) -> None:
    """Rule 5: what the source no longer holds, and what lies above a head whose tail is unknown."""
    gone = [(through + 1, envelope.oldest - 1)]
    if envelope.ended in ("restored", "receded"):
        gone.append((envelope.head + 1, head))
    for first, last in gone:
        if last < first:
            continue
        before = connection.total_changes
        connection.execute(
            "WITH RECURSIVE n(seq) AS (SELECT ?2 UNION ALL SELECT seq + 1 FROM n WHERE seq < ?3)"
            " INSERT INTO entry SELECT ?1, seq, 'lost', 'lost', 'no longer held by the source',"
            " x'', x'', NULL, NULL, ?4 FROM n WHERE true ON CONFLICT (stream, seq) DO NOTHING",
            (envelope.stream, first, min(last, first + LOST_AT_ONCE - 1), now),
        )
        if connection.total_changes > before:
            text = f"Entries of stream {envelope.stream} are lost: the source no longer holds them."
            raise_alarm(connection, "lost", envelope.stream, text)


def _advance(connection: sqlite3.Connection, stream: str, through: int, rows: list[Row]) -> int:
    """Rule 6: move the watermark over every row present without a gap."""
    if rows and rows[0].seq <= through + 1 <= rows[-1].seq:
        through = rows[-1].seq
    if not _present(connection, stream, through + 1):
        return through
    (last,) = connection.execute(
        "SELECT min(e.seq) FROM entry e WHERE e.stream = ?1 AND e.seq > ?2 AND NOT EXISTS"
        " (SELECT 1 FROM entry f WHERE f.stream = ?1 AND f.seq = e.seq + 1)",
        (stream, through),
    ).fetchone()
    return int(last)


def _present(connection: sqlite3.Connection, stream: str, seq: int) -> bool:
    found = connection.execute("SELECT 1 FROM entry WHERE stream = ? AND seq = ?", (stream, seq)).fetchone()
    return found is not None


def _two_sources(connection: sqlite3.Connection, instrument: str, stream: str) -> None:
    """Rule 12: another open stream of the instrument, heard within a minute, is another source."""
    row = connection.execute(
        "SELECT o.source FROM stream o JOIN stream s ON s.stream = ?2 WHERE o.instrument = ?1 AND o.stream <> ?2"
        " AND o.ended IS NULL AND o.source <> s.source AND julianday(o.last_heard) > julianday('now') - 60 / 86400.0",
        (instrument, stream),
    ).fetchone()
    if row is not None:
        raise_alarm(connection, "two sources", instrument, f"Two sources send readings for {instrument}.")
