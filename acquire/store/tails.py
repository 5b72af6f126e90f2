"""Streams whose tail nobody knows: shown as such, and ended by a person's word where the source will not come back.

docs/noloss.md rule 4.9 and section 6, "spool lost".
"""

from __future__ import annotations

import sqlite3

from acquire.canonical import utc_now
from acquire.store import entries, streams
from acquire.store.lost import claim, seal_claims
from acquire.store.passing import pass_over
from acquire.store.sealing import Sealing, facts_of_end
from acquire.store.streams import SILENT_S, Stream

DECLARED = "declared"
DECLARED_LOST = "its stream was declared ended"
READY_ENDS = ("closed", "link-lost", "crash", "spool-full")


class NotDeclared(Exception):
    """The stream was left as it is: one plain sentence."""


def completeness(connection: sqlite3.Connection, stream: str) -> str:
    """Rule 4.9: "complete", "damaged", "incomplete", "open", "unknown tail" or "declared ended"."""
    found = streams.named(connection, stream)
    if found is None:
        raise NotDeclared(f"There is no stream {stream} in this store.")
    if found.ended == DECLARED:
        return "declared ended"
    if found.ended is None:
        return "unknown tail" if found.silent else "open"
    if _doubtful(connection, found):
        return "damaged"
    whole = found.ended in READY_ENDS and found.final == found.head == found.through
    return "complete" if whole else "incomplete"


def _doubtful(connection: sqlite3.Connection, stream: Stream) -> bool:
    gone = stream.claims > 0 and entries.has_lost(connection, stream.stream)
    return gone or entries.has_conflict(connection, stream.stream)


def declare_ended(connection: sqlite3.Connection, stream: str) -> dict[str, object]:
    """Inside the caller's transaction: end a stream whose source is lost (docs/noloss.md section 6). What is missing
    below its head is `lost`.

    Raises NotDeclared when there is no such stream, it has ended, or it was heard within the last minute.
    """
    found = streams.named(connection, stream)
    if found is None:
        raise NotDeclared(f"There is no stream {stream} in this store.")
    if found.ended is not None:
        raise NotDeclared(f"Stream {stream} has ended already: {found.ended}.")
    if not found.silent:
        raise NotDeclared(f"Stream {stream} was heard less than {SILENT_S:.0f} s ago; its source is not lost.")
    sealing = Sealing(connection)
    made = claim(connection, found, found.through + 1, found.head, DECLARED_LOST, utc_now())
    seal_claims(sealing, found, made)
    pass_over(connection, found, [], 0)
    found.ended, found.final = DECLARED, found.head
    sealing.add("end", found, **facts_of_end(found))
    sealing.keep()
    streams.keep(connection, [found])
    lost = sum(each.last - each.first + 1 for each in made)
    return {"stream": stream, "instrument": found.instrument, "through": found.head, "lost": lost}
