"""The rows of streams: read once and written once for all streams of a transaction.

What is decided about a stream is decided by counters: which was heard last, and whether it was heard since the store's
start. Silence is told by the machine's monotonic clock (acquire/store/clock.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import count
from operator import attrgetter
from typing import NamedTuple

from acquire.rows import in_sizes, update_rows
from acquire.store import clock, derived

SILENT_S = 60.0
NO_CHAIN = b""
MOST, MOST_OF_INSTRUMENT = 1_000_000, 100_000  # a link that is lost every five minutes makes so many in a year
MOST_LEFT = 1000  # kept in memory from one transaction to the next


@dataclass(slots=True)
class Stream:
    """A row of `streams`, in the order of its columns; SQL names none of them elsewhere."""

    number: int
    stream: str
    source: str
    site: str
    instrument: str
    host: str | None = None
    through: int = 0
    head: int = 0
    ended: str | None = None
    why: str | None = None
    final: int | None = None
    chain: bytes = NO_CHAIN
    first_heard: str = ""
    last_heard: str = ""
    ready_epoch: str | None = None
    older: int | None = None
    heard: int = 0
    heard_start: int = 0
    heard_boot: str = ""
    heard_s: float = 0.0
    claims: int = 0
    sealed: int = 0
    sealed_s: float = 0.0
    as_read: tuple[object, ...] = ()  # what seldom changes, as it is in the row

    @property
    def silent(self) -> bool:
        """Whether nothing was heard of it for 60 s; in another boot of the machine nothing was."""
        return self.silent_at(clock.monotonic_s())

    def silent_at(self, now_s: float) -> bool:
        """The same at a moment of the monotonic clock."""
        return self.heard_boot != clock.boot() or not 0 <= now_s - self.heard_s <= SILENT_S

    @property
    def end(self) -> str:
        """The word for how it ended, with the sentence of the fault where one is known."""
        return f"{self.ended} ({self.why})" if self.why else str(self.ended)


class Life(NamedTuple):
    """Which record this is, in which life of it, and how often it was started."""

    store: str
    epoch: str
    start: int


_COLUMNS = [f.name for f in fields(Stream)][:-1]
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM streams"
_NEVER = ("number", "stream", "source", "site", "instrument", "first_heard")
_ALWAYS = ("through", "head", "chain", "last_heard", "heard", "heard_s")
_SELDOM = tuple(name for name in _COLUMNS if name not in (*_NEVER, *_ALWAYS))
_seldom = attrgetter(*_SELDOM)


def life(connection: sqlite3.Connection) -> Life:
    """What the store says of itself."""
    return Life(*connection.execute("SELECT store, epoch, start FROM identity").fetchone())


_count = count(1)


def next_heard(life: Life) -> int:
    """A number that is higher than every earlier one: of this start by counting, of earlier starts by the start."""
    return life.start << 32 | next(_count)


def named(connection: sqlite3.Connection, stream: str) -> Stream | None:
    """A stream by its id."""
    row = connection.execute(f"{_SELECT} WHERE stream = ?", (stream,)).fetchone()
    return Stream(*row) if row else None


def every(connection: sqlite3.Connection) -> list[Stream]:
    """All streams, in the order in which they were first heard."""
    return [Stream(*row) for row in connection.execute(f"{_SELECT} ORDER BY number")]


def known(connection: sqlite3.Connection, streams: Iterable[str]) -> dict[str, Stream]:
    """Those of these streams that the store has, by id: one statement for all."""
    found: dict[str, Stream] = {}
    for ids in in_sizes(list(dict.fromkeys(streams))):
        marks = ",".join("?" * len(ids))
        for row in connection.execute(f"{_SELECT} WHERE stream IN ({marks})", ids):
            stream = found[row[1]] = Stream(*row)
            stream.as_read = _seldom(stream)
    return found


def at_hand(connection: sqlite3.Connection, streams: Iterable[str]) -> dict[str, Stream]:
    """The same within a transaction, and others: what the last one left is not read again."""
    found: dict[str, Stream] = derived.take(connection) or {}
    found.update(known(connection, [each for each in streams if each not in found]))
    return found


def left(connection: sqlite3.Connection, at_hand: dict[str, Stream]) -> derived.Left:
    """What a transaction that has kept all that it changed leaves of these; of too many it leaves none."""
    return derived.Left.of(connection, at_hand if len(at_hand) <= MOST_LEFT else None)


def add(connection: sqlite3.Connection, stream: Stream) -> None:
    """Insert a stream that is new; its number is given here."""
    marks = ",".join("?" * (len(_COLUMNS) - 1))
    values = astuple(stream)[1:-1]
    cursor = connection.execute(f"INSERT INTO streams ({', '.join(_COLUMNS[1:])}) VALUES ({marks})", values)
    stream.number = int(cursor.lastrowid or 0)


def too_many(connection: sqlite3.Connection, instrument: str) -> str | None:
    """Why no new stream of an instrument is taken, or None. Its source keeps what it has, and sends it again."""
    (last,) = connection.execute("SELECT max(number) FROM streams").fetchone()
    if (last or 0) >= MOST:
        return f"for a new stream, and the store has {MOST} already"
    if (last or 0) < MOST_OF_INSTRUMENT:
        return None
    (of_it,) = connection.execute("SELECT count(*) FROM streams WHERE instrument = ?", (instrument,)).fetchone()
    return (
        f"for a new stream, and its instrument has {MOST_OF_INSTRUMENT} already"
        if of_it >= MOST_OF_INSTRUMENT
        else None
    )


def keep(connection: sqlite3.Connection, streams: Iterable[Stream]) -> None:
    """Write what a transaction changed: one statement for what changes with every message, of all streams, and one more
    for what seldom does, of those of which it did (14 against 4 µs a stream were measured)."""
    listed = list(streams)
    _update(connection, listed, _ALWAYS)
    changed = [each for each in listed if _seldom(each) != each.as_read]
    _update(connection, changed, _SELDOM)
    for each in changed:
        each.as_read = _seldom(each)


def _update(connection: sqlite3.Connection, streams: Sequence[Stream], names: tuple[str, ...]) -> None:
    picked = attrgetter(*names, "number")
    update_rows(connection, "streams", names, "number", [picked(each) for each in streams])


def newest_of(connection: sqlite3.Connection, instrument: str) -> Stream | None:
    """The stream of an instrument that was heard last, by the count of what was heard."""
    row = connection.execute(f"{_SELECT} WHERE instrument = ? ORDER BY heard DESC LIMIT 1", (instrument,)).fetchone()
    return Stream(*row) if row else None


def open_of(connection: sqlite3.Connection, instrument: str) -> list[Stream]:
    """The streams of an instrument that have not ended."""
    rows = connection.execute(f"{_SELECT} WHERE instrument = ? AND ended IS NULL", (instrument,))
    return [Stream(*row) for row in rows]


def untold(connection: sqlite3.Connection) -> list[str]:
    """Ids of streams of which more is confirmed than was told as session events."""
    rows = connection.execute(
        "SELECT s.stream FROM streams s LEFT JOIN told t ON t.subject = s.stream"
        " WHERE s.through > coalesce(t.through, 0) ORDER BY s.number"
    )
    return [stream for (stream,) in rows]
