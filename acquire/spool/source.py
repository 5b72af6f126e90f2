"""The source's side of the no-loss protocol, pure: no I/O, no clock of its own (docs/noloss.md, section 3).

It decides which message is to be sent next and what an answer means. The publisher carries its decisions out. Section
and rule numbers in the comments are those of docs/noloss.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import uuid4

from acquire.canonical import canonical
from acquire.spool.journal import StreamRow

TRIES_BEFORE_ASKING = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """Section 5. All may be configured."""

    batch_entries: int = 500
    batch_bytes: int = 64 * 1024
    stream_messages: int = 6
    source_messages: int = 64
    source_bytes: int = 8 * 1024 * 1024
    first_resend_s: float = 0.5
    longest_resend_s: float = 10.0
    streams_resending: int = 8
    heartbeat_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Turn:
    """Send this next: entries from `first` on, as many as the batch holds; or, without `entries`, the bare question."""

    stream: Stream
    first: int
    entries: bool
    most: int


@dataclass(slots=True)
class Flight:
    """A message that has been sent and not yet answered by a watermark at or above `last`."""

    first: int
    last: int
    size: int
    at: float

    @property
    def question(self) -> bool:
        """An empty message: answered by any answer."""
        return self.last < self.first


@dataclass(slots=True)
class Stream:
    """What the source knows of one of its streams."""

    number: int
    stream: str
    instrument: str
    head: int
    oldest: int
    ended: str | None
    through: int
    end_heard: bool
    floor: int = 0
    asked: bool = False  # the question of the current ask has been sent ...
    answered: bool = False  # ... and answered
    end_in_ask: bool = False  # every message under this ask tells the end: any answer to it has heard the end
    sent: int = 0  # highest seq sent under this ask
    flights: deque[Flight] = field(default_factory=deque)
    tries: int = 0  # resends without progress
    last_sent: float = 0.0

    @classmethod
    def of(cls, row: StreamRow, epoch: str | None) -> Stream:
        """From the spool's file; what was confirmed in another epoch counts for nothing."""
        through = row.through if row.epoch == epoch else 0
        heard = bool(row.end_heard) and row.epoch == epoch
        return cls(row.number, row.stream, row.instrument, row.head, row.oldest, row.ended, through, heard)

    @property
    def settled(self) -> bool:
        """Confirmed to its end as far as there is one: nothing to ask."""
        return self.through >= self.head and (self.ended is None or self.end_heard)


@dataclass(frozen=True, slots=True)
class Effect:
    """What the publisher must do because of an answer: "pair", "epoch", "receded", "alarm" or "through"."""

    what: str
    text: str = ""
    stream: Stream | None = None


class Source:
    """The state of one source. Time is the monotonic clock, passed in."""

    def __init__(
        self,
        source: str,
        store: str | None,
        epoch: str | None,
        rows: Iterable[StreamRow],
        limits: Limits | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self.source = source
        self.store = store
        self.epoch = epoch
        self.limits = limits or Limits()
        self.streams: dict[str, Stream] = {row.stream: Stream.of(row, epoch) for row in rows}
        self._new_id = new_id
        self._turn = 0
        self._flights = 0
        self._bytes = 0
        self._answer_s = 0.0  # smoothed answer time
        self.new_ask()

    # --- what the instruments' side reports -------------------------------------------------------------------------

    def opened(self, row: StreamRow) -> Stream:
        """A new stream was opened in the spool."""
        stream = self.streams[row.stream] = Stream.of(row, self.epoch)
        stream.asked = stream.answered = True  # new to the store as well: there is nothing to ask about
        return stream

    def appended(self, stream: str, head: int) -> None:
        """Entries up to `head` are committed in the spool."""
        self.streams[stream].head = max(self.streams[stream].head, head)

    def ended(self, stream: str, reason: str) -> None:
        """The stream has ended."""
        held = self.streams[stream]
        held.ended = held.ended or reason

    # --- questions --------------------------------------------------------------------------------------------------

    def new_ask(self, *, every_stream: bool = False) -> None:
        """Rule 3: at start, on every connection, on a change of epoch, in a prune pass, and to tell an end.

        Earlier answers no longer count: an answer copies only the ask, so only under an ask that began after the end
        does every answer prove that the end was heard.
        """
        self.ask = self._new_id()
        self._flights = self._bytes = 0
        for s in self.streams.values():
            s.floor = s.through
            s.asked = s.answered = not every_stream and s.settled
            s.end_in_ask = s.ended is not None
            s.sent = s.through
            s.flights.clear()
            s.tries = 0

    def connected(self) -> None:
        """The broker connection is new: what was under way may be gone."""
        self.new_ask()

    def older(self, stream: Stream) -> int:
        """How many earlier streams of this instrument are not confirmed to their end in this epoch."""
        return sum(
            1
            for s in self.streams.values()
            if s.instrument == stream.instrument and s.number < stream.number and not s.settled
        )

    # --- sending ----------------------------------------------------------------------------------------------------

    def next(self, now: float) -> Turn | None:
        """The message to send now, or None. Call sent() after sending it."""
        if any(s.ended is not None and not s.end_in_ask and s.through >= s.head for s in self.streams.values()):
            self.new_ask()
        for s in self.streams.values():  # rule 4: first the questions of a new ask
            if not s.asked:
                return self._question(s)
        resend = self._resend(now)
        if resend is not None:
            return resend
        if self._flights < self.limits.source_messages and self._bytes < self.limits.source_bytes:
            waiting = [s for s in self.streams.values() if self._may_send(s)]
            if waiting:
                return self._entries(self._pick(waiting))
        return self._heartbeat(now)

    def sent(self, turn: Turn, count: int, size: int, now: float) -> None:
        """`count` entries of `size` bytes from turn.first on went out under the current ask."""
        s = turn.stream
        s.asked = True
        s.last_sent = now
        last = turn.first + count - 1
        if not turn.entries:
            if not s.answered:
                self._fly(s, Flight(s.head + 1, s.head, 0, now))
            return
        if s.flights and s.flights[0].first == turn.first:  # a resend
            s.flights[0].at = now
            return
        s.sent = max(s.sent, last)
        self._fly(s, Flight(turn.first, last, size, now))

    def message(self, turn: Turn, bodies: list[bytes]) -> bytes:
        """The readings message: a canonical envelope around bodies sent as they lie in the spool."""
        s = turn.stream
        envelope = {
            "schema": "readings/1",
            "stream": s.stream,
            "first_seq": turn.first,
            "source": self.source,
            "head": s.head,
            "oldest": s.oldest,
            "ended": s.ended,
            "ask": self.ask,
            "epoch": self.epoch,
            "older": self.older(s),
        }
        return canonical(envelope)[:-1] + b',"readings":[' + b",".join(bodies) + b"]}"

    def wait_s(self, now: float) -> float:
        """Seconds until next() may have something to say although nothing happened meanwhile."""
        times = [s.flights[0].at + self._timer(s) for s in self.streams.values() if s.flights]
        times += [s.last_sent + self.limits.heartbeat_s for s in self._newest()]
        return max(0.0, min(times, default=now + self.limits.heartbeat_s) - now)

    def _fly(self, s: Stream, flight: Flight) -> None:
        s.flights.append(flight)
        self._flights += 1
        self._bytes += flight.size

    def _land(self, flight: Flight) -> None:
        self._flights -= 1
        self._bytes -= flight.size

    def _may_send(self, s: Stream) -> bool:
        return s.sent < s.head and s.answered and s.tries == 0 and len(s.flights) < self.limits.stream_messages

    def _pick(self, waiting: list[Stream]) -> Stream:
        """Section 5, "turn": round robin, alternating between live streams and all others."""
        self._turn += 1
        live = [s for s in waiting if s.ended is None]
        others = [s for s in waiting if s.ended is not None]
        group = live if (self._turn % 2 or not others) and live else others
        return min(group, key=lambda s: (s.last_sent, s.number))

    def _question(self, s: Stream) -> Turn:
        return Turn(s, s.head + 1, entries=False, most=0)

    def _entries(self, s: Stream) -> Turn:
        first = max(s.sent + 1, s.oldest)
        # Not above the head: the spool may already hold more than this side has been told of.
        return Turn(s, first, entries=True, most=min(self.limits.batch_entries, s.head - first + 1))

    def _timer(self, s: Stream) -> float:
        first = max(self.limits.first_resend_s, 4 * self._answer_s)
        return float(min(first * 2**s.tries, self.limits.longest_resend_s))

    def _resend(self, now: float) -> Turn | None:
        """Rule 6: the oldest unanswered message of a stream, that one only, its timer doubled."""
        late = [s for s in self.streams.values() if s.flights and s.flights[0].at + self._timer(s) <= now]
        if not late:
            return None
        resending = sum(1 for s in self.streams.values() if s.tries)
        for s in late:
            if s.tries or resending < self.limits.streams_resending:
                s.tries += 1
                flight = s.flights[0]
                if flight.question:
                    self._land(s.flights.popleft())
                    return self._question(s)
                return Turn(s, flight.first, entries=True, most=flight.last - flight.first + 1)
        return None

    def _newest(self) -> list[Stream]:
        newest: dict[str, Stream] = {}
        for s in self.streams.values():
            newest[s.instrument] = s
        return list(newest.values())

    def _heartbeat(self, now: float) -> Turn | None:
        for s in self._newest():
            if now - s.last_sent >= self.limits.heartbeat_s and not s.flights:
                return self._question(s)
        return None

    # --- answers ----------------------------------------------------------------------------------------------------

    def answer(self, stream: str, through: int, store: str, epoch: str, ask: str, now: float) -> list[Effect]:
        """Rule 5, in its order."""
        s = self.streams.get(stream)
        if ask != self.ask or s is None:  # a
            return []
        if self.store is None:  # b
            self.store = store
            return [Effect("pair", store), *self._believe(s, through, epoch, now)]
        if store != self.store:
            text = f"another store answers: {store}; this spool belongs to {self.store}. Nothing it says is believed."
            return [Effect("alarm", text)]
        return self._believe(s, through, epoch, now)

    def _believe(self, s: Stream, through: int, epoch: str, now: float) -> list[Effect]:
        if epoch != self.epoch or through < s.floor:  # c
            effects = [Effect("epoch", epoch)]
            if epoch == self.epoch:
                effects.append(Effect("alarm", f"the store went back to {through} of {s.floor} without saying so."))
            self._forget(epoch)
            return effects
        effects = []
        if through > s.head:  # d
            effects += [
                Effect("receded", stream=s),
                Effect("alarm", f"the store knows {through} entries of stream {s.stream}, the spool {s.head}.", s),
            ]
            s.ended = s.ended or "receded"
            through = s.head
        self._note_answer(s, through, now)  # e
        effects.append(Effect("through", stream=s))
        return effects

    def _forget(self, epoch: str) -> None:
        self.epoch = epoch
        for s in self.streams.values():
            s.through = 0
            s.end_heard = False
        self.new_ask(every_stream=True)

    def _note_answer(self, s: Stream, through: int, now: float) -> None:
        s.answered = True
        s.end_heard = s.end_heard or s.end_in_ask
        moved = through > s.through
        s.through = max(s.through, through)
        s.sent = max(s.sent, s.through)
        while s.flights and (s.flights[0].question or s.flights[0].last <= s.through):
            flight = s.flights.popleft()
            self._land(flight)
            if s.tries == 0:
                self._time(now - flight.at)
            elif flight.question:
                s.tries = 0
        if not moved and s.tries >= TRIES_BEFORE_ASKING:  # it answers and does not move: it may have gone back unsaid
            self.new_ask()
        elif moved and s.tries:  # something had been lost: go on from the watermark
            s.tries = 0
            for flight in s.flights:
                self._land(flight)
            s.flights.clear()
            s.sent = s.through

    def _time(self, taken: float) -> None:
        self._answer_s = taken if self._answer_s == 0.0 else 0.875 * self._answer_s + 0.125 * taken
