"""The watermark moves over what is there, and the stream's chain with it (docs/noloss.md rule 4.6)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from acquire.store.entries import KIND, Row
from acquire.store.links import chained, of_row, ranges_of, walk
from acquire.store.lost import beyond
from acquire.store.streams import Stream

MARKER = KIND["marker"]


def pass_over(connection: sqlite3.Connection, stream: Stream, rows: Sequence[Row], received_us: int) -> bool:
    """Move `through` and `chain` as far as there is no gap; whether no marker can have been passed.

    `rows` are entries of the stream that were inserted just now exactly so, at this moment; what else is there is read.
    """
    through, links, no_marker = stream.through, [], True
    for row in rows:
        if row[1] == through + 1:  # by position: once for every entry there is
            links.append(of_row(row, received_us))
            through += 1
            no_marker = no_marker and row[2] != MARKER
    stream.through, stream.chain = through, chained(stream.chain, links)
    if through < stream.head and (there := beyond(connection, stream)) > through:
        ranges = [each for each in ranges_of(connection, stream, through) if each.withdrawn is None]
        links = [each.link or b"" for each in walk(connection, stream, ranges, through + 1, there)]
        stream.through, stream.chain = there, chained(stream.chain, links)
        no_marker = False
    return no_marker
