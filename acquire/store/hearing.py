"""What a message says of its stream beside the entries: its head, its end, who waits, and when it was heard."""

from __future__ import annotations

import sqlite3

from acquire.store import clock, streams
from acquire.store.alarms import raise_alarm
from acquire.store.believed import Heard
from acquire.store.lost import withdraw
from acquire.store.sealing import Sealing
from acquire.store.streams import Life, Stream
from acquire.store.tails import DECLARED, DECLARED_LOST
from acquire.store.unreadable import printable

LONGEST_WHY = 300  # characters kept of the sentence with a stream's end


def hear(connection: sqlite3.Connection, sealing: Sealing, stream: Stream, one: Heard, life: Life, now: str) -> None:
    """Rule 4.4, rule 4.12 and what closing a session asks for."""
    part = one.part
    resumed = stream.ready_epoch != one.epoch or stream.silent_at(sealing.now_s)
    if stream.ended == DECLARED:  # after a person's declaration the source speaks for itself again
        withdraw(connection, sealing, stream, DECLARED_LOST, part.oldest, now)
        stream.ended = stream.final = stream.why = None
    stream.head = max(stream.head, part.head)
    if stream.ended is None and part.ended is not None:
        stream.ended, stream.final = part.ended, part.head
        stream.why = printable(part.why, LONGEST_WHY) if part.why else None
    if stream.host != one.host:
        stream.host = one.host
        sealing.add("host", stream, host=one.host)
    stream.last_heard = now
    stream.ready_epoch, stream.older = one.epoch, part.unconfirmed_streams
    stream.heard, stream.heard_start = streams.next_heard(life), life.start
    stream.heard_boot, stream.heard_s = clock.boot(), sealing.now_s
    if resumed and one.epoch == life.epoch and stream.ended is None:
        two_sources(connection, stream)


def two_sources(connection: sqlite3.Connection, stream: Stream) -> None:
    """Rule 4.12: another open stream of the instrument, heard within a minute, is another source.

    Looked for when a stream begins, learns the epoch, or is heard again after a silence: whichever of two sources did
    that last finds the other.
    """
    for other in streams.open_of(connection, stream.instrument):
        if other.source != stream.source and not other.silent:
            text = f"Two sources send readings for {stream.instrument}."
            raise_alarm(connection, "two sources", stream.instrument, text)
            return
