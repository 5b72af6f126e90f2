"""What the source knows of each of its streams, and the words of its protocol (docs/noloss.md, sections 1, 2 and 5)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from acquire.spool.journal import StreamRow


@dataclass(frozen=True, slots=True)
class Limits:
    """Section 5. All may be configured."""

    batch_entries: int = 500
    batch_bytes: int = 128 * 1024
    stream_messages: int = 6
    source_messages: int = 64
    source_bytes: int = 8 * 1024 * 1024
    first_resend_s: float = 0.5
    longest_resend_s: float = 10.0  # also how long an original that is sent again is waited for
    streams_resending: int = 8
    heartbeat_s: float = 30.0


class NextMessage(NamedTuple):
    """Send this next: entries from `first` on, as many as the batch holds; or, without `entries`, the bare question.

    With `replace`, send nothing: the one entry at `first` is refused on its way and must be withheld (rule 8). With
    `original`, the one entry at `first` is the withheld original, instead of its stand-in (rule 10).
    """

    stream: Stream
    first: int
    entries: bool
    most: int
    replace: bool = False
    original: bool = False


@dataclass(slots=True)
class Flight:
    """A message that has been sent and not yet answered by a watermark at or above `last`."""

    first: int
    last: int
    size: int
    at: float
    batch: int = 0  # the batch it was a part of; 0: a message of its own

    @property
    def question(self) -> bool:
        """An empty message: answered by any answer."""
        return self.last < self.first


class Effect(NamedTuple):
    """What the publisher must do because of an answer.

    "pair", "epoch", "receded", "alarm" or "through"; "original": the store has the original at `seq`; "withhold again":
    it was refused on its way once more.
    """

    what: str
    text: str = ""
    stream: Stream | None = None
    seq: int = 0


@dataclass(slots=True)
class Stream:
    """One stream as the source sees it."""

    number: int
    stream: str
    instrument: str
    head: int
    oldest: int
    ended: str | None
    through: int
    end_heard: bool
    floor: int = 0
    queried: bool = False  # the question of the current query has been sent ...
    answered: bool = False  # ... and answered
    told: int = -1  # highest through answered under the current query: what a prune pass may believe
    end_in_query: bool = False  # every message under this query tells the end: any answer to it has heard the end
    sent: int = 0  # highest seq sent under this query
    store_ahead: bool = False  # the store knows more of it than the spool (rule 5d) ...
    shown: int = 0  # ... then each query has one message, and its answer proves that this seq was heard
    flights: deque[Flight] = field(default_factory=deque)
    tries: int = 0  # resends without progress under this query
    last_sent: float = 0.0
    turn: int = 0  # the source's count of messages when this stream sent its last: round robin
    # Rule 8, about the message right behind the watermark. Kept from query to query: a broker that cuts the connection
    # on it would otherwise get it for ever.
    front: int = 0  # entries in it
    fails: int = 0  # times it got no progress although the store answered
    most: int = 0  # entries a message may have because it was halved; 0 is the full batch ...
    narrow_until: int = 0  # ... up to this seq
    asked_anew: bool = False
    answered_meanwhile: bool = False  # an answer without progress came since the last resend
    probe: bool = False  # ask the bare question behind a resend: is it the message, or the way?
    give_up: bool = False
    source: str | None = None  # of a salvaged stream
    why: str | None = None  # the sentence of the fault that ended it
    batched: bool = False  # the store knows it and takes batches: it said so on this connection
    # Rule 10: withheld originals on their way back, by seq.
    originals: list[int] = field(default_factory=list)  # to be sent
    resent: list[int] = field(default_factory=list)  # the store has them, in this epoch
    original: int | None = None  # the one message of this query holds it: its answer proves that it was heard
    original_lost: bool = False  # it got no answer; whether the way is open, the bare question shows
    original_fails: int = 0  # times it got no answer although the bare question did
    queued: tuple[bool, bool, int, int] | None = None  # its place in the register's queue

    @classmethod
    def of(cls, row: StreamRow, epoch: str | None) -> Stream:
        """From the spool's file; what was confirmed in another epoch counts for nothing."""
        through = row.through if row.epoch == epoch else 0
        heard = bool(row.end_heard) and row.epoch == epoch
        made = cls(row.number, row.stream, row.instrument, row.head, row.oldest, row.ended, through, heard)
        made.source, made.why = row.source, row.why
        made.originals, made.resent = list(row.resend), list(row.resent)
        return made

    @property
    def settled(self) -> bool:
        """Confirmed to its end as far as there is one, with nothing to be sent again: nothing to ask."""
        return self.through >= self.head and (self.ended is None or self.end_heard) and not self.originals

    @property
    def original_due(self) -> bool:
        """Whether an original can be sent now: its stand-in is confirmed, and the last attempt is settled."""
        due = bool(self.originals) and self.originals[0] <= self.through
        return due and self.original is None and not self.original_lost

    @property
    def showing(self) -> bool:
        """Whether the one message of a query holds entries instead of the bare question."""
        return self.store_ahead and self.through < self.head

    def begin_query(self, *, ask: bool) -> None:
        """Rule 3: earlier answers no longer count; what was under way may be gone."""
        self.floor = self.through
        self.queried = self.answered = not ask
        self.told = -1
        self.shown = 0
        self.end_in_query = self.ended is not None
        self.original = None
        self.original = self.originals[0] if ask and self.original_due else None
        self.probe = self.answered_meanwhile = False
        self.go_back()

    def go_back(self) -> None:
        """Forget what is under way and go on from the watermark."""
        self.sent = self.through
        self.flights.clear()
        self.tries = 0

    def forget(self) -> None:
        """A new epoch: nothing is confirmed (rule 5c)."""
        self.through = 0
        self.end_heard = self.store_ahead = self.batched = False
        self.fails = self.most = self.narrow_until = 0
        self.asked_anew = self.give_up = False
        self.originals = sorted({*self.originals, *self.resent})
        self.resent.clear()
        self.original, self.original_lost, self.original_fails = None, False, 0

    def progressed(self) -> None:
        """The watermark moved: whatever stood behind it was no obstacle."""
        self.fails = 0
        self.give_up = self.answered_meanwhile = False
        if self.through >= self.narrow_until:
            self.most, self.asked_anew = 0, False

    def halve(self) -> None:
        """Rule 8: send half as much, until what was refused has gone through in pieces."""
        self.narrow_until = max(self.narrow_until, self.through + self.front)
        self.most = max(1, self.front // 2)
