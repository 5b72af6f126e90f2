"""What migration 0012 does that SQL cannot: the streams of earlier releases are chained and sealed as they are.

That says what was there at the upgrade, not that it was what had been sent: that is known from then on.
"""

from __future__ import annotations

import sqlite3

from acquire.store import entries, streams
from acquire.store.links import chained, first_link, of_entry, ranges_of, walk
from acquire.store.lives import stand_ins_of
from acquire.store.lost import seal_claims
from acquire.store.sealing import Sealing, facts_of_end, hash_of
from acquire.store.streams import Stream


def seal_streams(connection: sqlite3.Connection) -> None:
    """Chain and seal every stream, inside the migration's transaction.

    Schema 15 gives two tables columns that the rows are read with: meanwhile temporary views stand for them.
    """
    connection.execute("CREATE TEMP VIEW received AS SELECT number, at, NULL AS numbered FROM main.received")
    connection.execute("CREATE TEMP VIEW stand_ins AS SELECT *, NULL AS received FROM main.stand_ins")
    _seal_all(connection)
    for view in ("received", "stand_ins"):
        connection.execute(f"DROP VIEW temp.{view}")


def _seal_all(connection: sqlite3.Connection) -> None:
    sealing = Sealing(connection)
    for stream in streams.every(connection):
        _seal(connection, sealing, stream)
        streams.keep(connection, [stream])
    sealing.keep()


def _seal(connection: sqlite3.Connection, sealing: Sealing, stream: Stream) -> None:
    through, stream.through, stream.chain = stream.through, 0, first_link(stream)
    sealing.add("begun", stream, host=stream.host)
    ranges = ranges_of(connection, stream)
    seal_claims(sealing, stream, ranges)
    _seal_besides(connection, sealing, stream)
    links = (each.link or b"" for each in walk(connection, stream, ranges, 1, through))
    stream.through, stream.chain = through, chained(stream.chain, links)
    if stream.ended is not None:
        sealing.add("end", stream, **facts_of_end(stream))
    sealing.add("passed", stream)


def _seal_besides(connection: sqlite3.Connection, sealing: Sealing, stream: Stream) -> None:
    rows = connection.execute(
        "SELECT seq, digest, body, received_at FROM conflicts WHERE stream = ? ORDER BY seq, digest", (stream.number,)
    )
    for seq, content, body, at in rows.fetchall():
        sealing.add("conflict", stream, seq, row=hash_of(seq, content.hex(), at, body))
    for each in stand_ins_of(connection, stream):
        entry = entries.entry_at(connection, stream.stream, each.seq)
        said = hash_of(of_entry(entry)) if entry is not None else None
        sealing.add("original", stream, each.seq, entry=said, stand_in=each.hash)
