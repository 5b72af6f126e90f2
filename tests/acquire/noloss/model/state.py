"""What source, store and network hold: values, compared and hashed as a whole.

A body is a number: the index of the item in the scenario's script, plus STAND_IN for the stand-in of a damaged entry,
ALTERED for a body with a flipped bit, FORGED for one that no source of this house ever had.
"""

from __future__ import annotations

from typing import NamedTuple

STAND_IN, ALTERED, FORGED = 100, 200, 300

OPEN, CLOSED, CRASH, RESTORED, DECLARED = "", "closed", "crash", "restored", "declared"
TAIL_KNOWN = (CLOSED, CRASH)

Key = tuple[int, int]  # stream, seq
Answer = tuple[int, int, int]  # stream, through, epoch


def item_of(body: int) -> int:
    """The item of the script that a body is, stands for, or was."""
    return body % 100


class Held(NamedTuple):
    """A stream in a spool. `ages` are days since each seq was confirmed; `pruned` is oldest - 1; `told` is what was
    answered in this prune pass, `floor` what was confirmed when the current question was made (rule 3.3)."""

    number: int
    instrument: int
    bodies: tuple[int, ...] = ()
    pruned: int = 0
    ended: str = OPEN
    through: int = 0
    ages: tuple[int, ...] = ()
    told: int = -1
    floor: int = 0
    salvaged: bool = False
    answered: bool = False  # on this connection and in this epoch; only where there are batches

    @property
    def head(self) -> int:
        return len(self.bodies)

    @property
    def settled(self) -> bool:
        return self.through == len(self.bodies)


class Spool(NamedTuple):
    """The source's file."""

    streams: tuple[Held, ...] = ()
    epoch: int = 0
    pruning: bool = False


class Row(NamedTuple):
    """An entry in the store."""

    stream: int
    seq: int
    body: int
    refused: bool


class Range(NamedTuple):
    """A claimed loss (rule 4.5); `declared` where a person's word made it."""

    stream: int
    first: int
    last: int
    declared: bool = False


class Heard(NamedTuple):
    """What a stream's envelopes said."""

    stream: int
    head: int
    ended: str


class Store(NamedTuple):
    """The store's file. `word` is the store's clock when it last heard a message that says that nothing older is
    outstanding, -1 where the last one heard in this start says otherwise (rule 4.10); `started` is its clock then."""

    rows: frozenset[Row] = frozenset()
    lost: frozenset[Range] = frozenset()
    conflicts: frozenset[tuple[int, int, int]] = frozenset()
    heard: frozenset[Heard] = frozenset()
    epoch: int = 1
    word: int = -1
    started: int = 0


class Appended(NamedTuple):
    """The truth about one entry: what was appended, and in which measurement (index of its begin marker)."""

    stream: int
    seq: int
    item: int
    measurement: int | None


class Truth(NamedTuple):
    """What nobody in the protocol knows and the invariants need."""

    appended: frozenset[Appended] = frozenset()
    hurt: frozenset[Key] = frozenset()  # damaged where they waited
    arrived: frozenset[tuple[int, int, int]] = frozenset()  # (stream, seq, item) that reached this store whole
    excused: frozenset[Key] = frozenset()  # losses that section 7 does not promise to prevent
    due: frozenset[int] = frozenset()  # streams that were not their instrument's newest when the store started


class State(NamedTuple):
    """Everything."""

    spool: Spool
    store: Store
    truth: Truth
    taken: int  # items of the script that were appended
    next_stream: int
    answers: frozenset[Answer]
    work: frozenset[Appended]  # received by workers of the store and not committed
    backups: tuple[tuple[int, Store], ...]  # with their age in days
    copy: Spool | None
    aside: Spool  # a damaged file that was moved aside, and that nobody has dealt with yet
    clock: int  # of the store's host, in days
    left: tuple[int, ...]  # of each fault


def row_at(store: Store, stream: int, seq: int) -> Row | None:
    """The row under a key."""
    for row in store.rows:
        if row.stream == stream and row.seq == seq:
            return row
    return None


def in_range(store: Store, stream: int, seq: int) -> bool:
    """Whether a seq lies in a lost range, with or without an entry."""
    return any(r.stream == stream and r.first <= seq <= r.last for r in store.lost)


def heard_of(store: Store, stream: int) -> Heard | None:
    """What the store has heard of a stream."""
    for heard in store.heard:
        if heard.stream == stream:
            return heard
    return None
