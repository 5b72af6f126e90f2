"""The source's side of the no-loss protocol, pure: no I/O, no clock of its own (docs/noloss.md, section 3).

It decides which message is to be sent next and what an answer means. The publisher carries its decisions out. Section
and rule numbers in the comments are those of docs/noloss.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from uuid import uuid4

from acquire.spool.journal import StreamRow
from acquire.spool.register import Register
from acquire.spool.stream import Effect, Flight, Limits, NextMessage, Stream

__all__ = ["Effect", "Flight", "Limits", "NextMessage", "Source", "Stream"]

FAILS_BEFORE_ASKING = 3
FAILS_BEFORE_GIVING_UP = 10
ORIGINAL_FAILS = 3
BATCHES_LOST = 3  # while single messages got through: then no batch is sent ...
NO_BATCHES_FOR_S = 60.0  # ... for so long
PART_ENTRIES = 20  # a stream with more of them waiting fills a message of its own


class Source:
    """The state of one source. Time is the monotonic clock in seconds, passed in as `now`."""

    def __init__(
        self,
        source: str,
        store: str | None,
        epoch: str | None,
        rows: Iterable[StreamRow],
        limits: Limits | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
        host: str | None = None,
        aside: Callable[[str, str | None], int] = lambda instrument, epoch: 0,
    ) -> None:
        self.source = source
        self.host = host  # the level under which batches are sent, "" for the host without a name; None: never
        self.store = store
        self.epoch = epoch
        self.limits = limits or Limits()
        self._register = Register((Stream.of(row, epoch) for row in rows), self.limits)
        self._new_id = new_id
        self._aside = aside  # (instrument, epoch): its streams in files put aside, as far as not confirmed
        self.confirmed: Counter[str] = Counter()  # entries by instrument; after a new epoch the same ones again
        self._turn = 0
        self._flights = 0
        self._bytes = 0
        self._batches = 0
        self._lost_batches: set[int] = set()
        self._no_batches_before = 0.0
        self._answer_s = 0.0  # smoothed answer time
        self._resend_from = self._heartbeat_from = 0.0  # before these moments nothing is due: nothing is looked through
        self.new_query()

    @property
    def streams(self) -> dict[str, Stream]:
        """Every stream the spool holds, by its id."""
        return self._register.by_id

    @property
    def all_settled(self) -> bool:
        """Whether the store has confirmed every stream to its end."""
        return self._register.all_settled

    @property
    def quiet(self) -> bool:
        """Whether next() has nothing to say until something happens or its time is up."""
        return self._register.quiet

    def waiting(self) -> list[Stream]:
        """The streams with entries that the store has not confirmed, in the order they were made."""
        return self._register.waiting()

    # --- what the instruments' side reports -------------------------------------------------------------------------

    def opened(self, row: StreamRow) -> Stream:
        """A new stream was opened in the spool."""
        stream = Stream.of(row, self.epoch)
        stream.queried = stream.answered = True  # new to the store as well: there is nothing to ask about
        self._heartbeat_from = 0.0
        self._register.add(stream)
        return stream

    def appended(self, number: int, head: int) -> str:
        """Entries up to `head` of the stream of this number are committed in the spool (rule 3.2); its id."""
        s = self._register.number(number)
        s.head = max(s.head, head)
        self._register.went_on(s)
        return s.stream

    def ended(self, stream: str, ended: str, why: str | None = None) -> None:
        """The stream has ended (section 1); `why` is the sentence of the fault, where one ended it."""
        s = self.streams[stream]
        if s.ended is None:
            s.ended, s.why = ended, why
        self._register.file(s)

    def pruned(self, stream: str, oldest: int) -> None:
        """The spool no longer holds what is below `oldest` (rule 3.7)."""
        self.streams[stream].oldest = oldest

    def forgotten(self, stream: str) -> None:
        """The spool no longer keeps the row of a settled, empty stream."""
        s = self.streams[stream]
        self._land_all(s)
        self._register.remove(s)

    def resend(self, stream: str, seqs: Iterable[int]) -> None:
        """Rule 10: a person wants these withheld originals sent again. What is on its way already stays so."""
        s = self.streams[stream]
        new = sorted({*seqs} - {*s.originals, *s.resent})
        if new:
            s.originals = sorted([*s.originals, *new])
            s.original_fails = 0
            self._register.file(s)

    def originals_dropped(self, seqs: Mapping[int, tuple[int, ...]]) -> None:
        """The spool no longer holds these originals, by stream number: the retention is over (rule 3.10)."""
        for s in self.streams.values():
            s.resent = [seq for seq in s.resent if seq not in seqs.get(s.number, ())]

    # --- questions --------------------------------------------------------------------------------------------------

    def new_query(self, *, every_stream: bool = False, also: Iterable[Stream] = ()) -> None:
        """Rule 3: at start, on every connection, on a change of epoch, in a prune pass, and to tell an end.

        Earlier answers no longer count: an answer copies only the query, so only under a query that began after the end
        does every answer prove that the end was heard.
        """
        self.query = self._new_id()
        self._flights = self._bytes = 0
        self._register.begin_query(every_stream=every_stream, also=tuple(also))

    def connected(self) -> None:
        """The broker connection is new: what was under way may be gone (rule 3.3), and another store may answer."""
        for s in self.streams.values():
            s.batched = False
        self._lost_batches.clear()
        self.new_query()

    def begin_pass(self, streams: Iterable[str]) -> str:
        """Rule 7: a new query that asks these streams too; returns it. What is answered under it is in Stream.told."""
        self.new_query(also=[self.streams[each] for each in streams if each in self.streams])
        return self.query

    def unconfirmed_streams(self, stream: Stream) -> int:
        """`older` of section 2: streams of this instrument, its newest apart, that are not confirmed to their end, and
        those of files put aside."""
        return self._register.unconfirmed_streams(stream) + self._aside(stream.instrument, self.epoch)

    # --- sending ----------------------------------------------------------------------------------------------------

    def next(self, now: float) -> NextMessage | None:
        """The message to send now (rules 3.4 and 3.6), or None. Call sent() after sending it."""
        if any(s.through >= s.head for s in self._register.untold.values()):
            self.new_query()
        if any(s.original_due and s.answered for s in self._register.withholding.values()):
            self.new_query()
        resend = self._resend(now)
        if resend is not None:
            return resend
        if self._flights < self.limits.source_messages and self._bytes < self.limits.source_bytes:
            s = self._register.next_in_turn(self._turn % 2 == 0)
            if s is not None:  # rule 4: first the question of a new query, then entries
                if s.original is not None and not s.queried:
                    return NextMessage(s, s.original, entries=True, most=1, original=True)
                return self._question(s) if s.probe or (not s.queried and not s.showing) else self._entries(s)
        return self._heartbeat(now)

    def begin_batch(self, message: NextMessage, now: float) -> int:
        """The number of a new batch that `message` can be the first part of; 0: it goes alone (section 2)."""
        if (
            self.host is None
            or now < self._no_batches_before
            or message.replace
            or not self._may_be_part(message.stream)
        ):
            return 0
        self._batches += 1
        return self._batches

    def next_part(self) -> NextMessage | None:
        """A further message that is in its turn and may be a part of the batch begun."""
        if self._bytes >= self.limits.source_bytes:
            return None
        s = self._register.next_live()
        if s is None or not self._may_be_part(s):
            return None
        return self._question(s) if not s.queried else self._entries(s)

    def _may_be_part(self, s: Stream) -> bool:
        """A live stream that the store knows, with nothing in doubt: what is sent again goes alone (rules 6 and 8)."""
        plain = s.ended is None and not s.store_ahead and not s.originals and not s.probe and not s.give_up
        return s.batched and plain and s.tries == 0 and s.most == 0 and s.head - s.sent <= PART_ENTRIES

    def went_alone(self, s: Stream) -> None:
        """The batch begun with its message had no other part, so it went as a message of its own."""
        if s.flights and s.flights[-1].batch:
            s.flights[-1].batch = 0
            self._flights += 1

    def sent(self, message: NextMessage, count: int, size: int, now: float, *, batch: int = 0) -> None:
        """`count` entries of `size` bytes from message.first on went out under the current query, in this batch or
        alone.
        """
        s = message.stream
        self._turn += 1
        s.turn = self._turn
        s.queried = True
        s.last_sent = now
        if not message.entries:
            s.probe = False
            if not s.answered:
                self._fly(s, Flight(s.head + 1, s.head, 0, now, batch))
        elif message.original:
            self._fly(s, Flight(message.first, message.first, size, now))
        elif s.flights and s.flights[0].first == message.first:  # a resend
            s.flights[0].at = now
            self._flights += s.flights[0].batch > 0
            s.flights[0].batch = 0
            s.probe = not s.store_ahead
        else:
            last = message.first + count - 1
            if s.sent == s.through:
                s.front = count
            if s.store_ahead:
                s.shown, s.sent = last, s.head
            s.sent = max(s.sent, last)
            self._fly(s, Flight(message.first, last, size, now, batch))
        self._register.went_on(s)

    def broke(self, message: NextMessage) -> None:
        """The connection was lost on this very message: it may be what the broker will not have (rule 8)."""
        s = message.stream
        if message.original:
            s.original_lost = s.original == message.first
        elif message.entries and s.flights and s.flights[0].first == message.first:
            self._fail(s)

    def replaced(self, message: NextMessage) -> None:
        """The entry was withheld (rule 3.8); its stand-in is sent in its place."""
        s = message.stream
        s.fails, s.give_up = 0, False
        self._go_back(s)

    def wait_s(self, now: float) -> float:
        """Seconds until next() may have something to say although nothing happened meanwhile."""
        return max(0.0, min(self._resend_from, self._heartbeat_from, now + self.limits.heartbeat_s) - now)

    def _fly(self, s: Stream, flight: Flight) -> None:
        s.flights.append(flight)
        if flight.at + self.limits.first_resend_s < self._resend_from:  # no timer is shorter
            self._resend_from = min(self._resend_from, flight.at + self._timer(s))
        self._flights += flight.batch == 0
        self._bytes += flight.size

    def _land(self, flight: Flight) -> None:
        self._flights -= flight.batch == 0
        self._bytes -= flight.size

    def _land_all(self, s: Stream) -> None:
        for flight in s.flights:
            self._land(flight)
        s.flights.clear()

    def _go_back(self, s: Stream) -> None:
        self._land_all(s)
        s.go_back()
        self._register.file(s)

    def _question(self, s: Stream) -> NextMessage:
        return NextMessage(s, s.head + 1, entries=False, most=0)

    def _entries(self, s: Stream) -> NextMessage:
        first = max(s.sent + 1, s.oldest)
        if s.give_up and s.sent == s.through:
            return NextMessage(s, first, entries=True, most=1, replace=True)
        # Not above the head: the spool may already hold more than this side has been told of.
        return NextMessage(s, first, entries=True, most=min(s.most or self.limits.batch_entries, s.head - first + 1))

    def _timer(self, s: Stream) -> float:
        if s.original is not None:
            return self.limits.longest_resend_s
        first = max(self.limits.first_resend_s, 4 * self._answer_s)
        return float(min(first * 2**s.tries, self.limits.longest_resend_s))

    def _resend(self, now: float) -> NextMessage | None:
        """Rule 6: the oldest unanswered message of a stream, that one only, its timer doubled."""
        if now < self._resend_from:
            return None
        due = [(s.flights[0].at + self._timer(s), s) for s in self._register.flying.values()]
        late = [s for at, s in due if at <= now]
        self._resend_from = min((at for at, _ in due), default=now + self.limits.first_resend_s)
        if not late:
            return None
        resending = sum(1 for s in self._register.flying.values() if s.tries)
        for s in late:
            if s.tries or resending < self.limits.streams_resending:
                return self._once_more(s)
        return None

    def _once_more(self, s: Stream) -> NextMessage | None:
        flight = s.flights[0]
        if s.original is not None:  # whether it is the original or the way, the bare question shows
            s.original_lost = True
            self.new_query(also=[s])
            return None
        s.tries += 1
        if flight.batch:
            self._lost_batches.add(flight.batch)
        if flight.question:
            self._land(s.flights.popleft())
            return self._question(s)
        if s.answered_meanwhile:  # the store heard the question behind it, and not this
            s.answered_meanwhile = False
            if self._fail(s):
                return self._question(s) if not s.queried else self._entries(s)
        return NextMessage(s, flight.first, entries=True, most=flight.last - flight.first + 1)

    def _fail(self, s: Stream) -> bool:
        """Rule 8: ask anew, halve, or give up; whether what is under way has been called back."""
        s.fails += 1
        if s.fails == FAILS_BEFORE_ASKING and not s.asked_anew:  # the store may have gone back unsaid
            s.asked_anew = True
            self.new_query()
        elif s.front > 1 and s.fails > FAILS_BEFORE_ASKING:
            s.halve()
            s.fails = FAILS_BEFORE_ASKING if s.most > 1 else 0
            self._go_back(s)
        elif s.fails >= FAILS_BEFORE_GIVING_UP:
            s.give_up = True
            self._go_back(s)
        else:
            return False
        return True

    def _heartbeat(self, now: float) -> NextMessage | None:
        """With nothing under way it is a new query as well, so that a store put back by hand shows in the floor."""
        if now < self._heartbeat_from:
            return None
        newest = self._register.newest.values()
        for s in newest:
            if now - s.last_sent >= self.limits.heartbeat_s and not s.flights:
                if not self._flights:
                    self.new_query(also=[s])
                return self._question(s)
        every = self.limits.heartbeat_s
        due = (max(s.last_sent + every, now + self.limits.first_resend_s) for s in newest)
        self._heartbeat_from = min(due, default=now + every)
        return None

    # --- answers ----------------------------------------------------------------------------------------------------

    def answer(
        self, stream: str, through: int, store: str, epoch: str, query: str, now: float, *, batches: bool = False
    ) -> list[Effect]:
        """What an answer means: rule 5, in its order. `batches`: this store takes them."""
        s = self.streams.get(stream)
        if query != self.query or s is None:  # a
            return []
        if store == self.store:
            s.batched = batches and s.source is None
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
        if through > s.head or s.store_ahead:  # d
            return self._step_aside(s, through, now)
        self._note_answer(s, through, now)  # e
        return [Effect("through", stream=s), *self._note_original(s)]

    def _step_aside(self, s: Stream, through: int, now: float) -> list[Effect]:
        """Rule 5d. What is above our watermark may be other content under a seq the store has: it is shown to the
        store, which keeps it as a conflict, before it counts as confirmed.
        """
        effects = []
        if not s.store_ahead:
            effects += [
                Effect("receded", stream=s),
                Effect("alarm", f"the store knows {through} entries of stream {s.stream}, the spool {s.head}.", s),
            ]
            if s.ended is None:
                s.ended, s.why = "receded", effects[-1].text
            s.store_ahead = True
            self._register.file(s)
            if s.through < s.head:
                self.new_query()
                return effects
        self._note_answer(s, max(s.through, s.shown), now)
        if s.through < s.head:
            self.new_query()
        return [*effects, Effect("through", stream=s), *self._note_original(s)]

    def _note_original(self, s: Stream) -> list[Effect]:
        """Rule 10: the query's one message of the stream held the original, so that any answer to it has heard it."""
        if s.original is not None:
            seq, s.original, s.original_fails = s.original, None, 0
            s.originals.remove(seq)
            s.resent = sorted([*s.resent, seq])
            self._register.file(s)
            return [Effect("original", stream=s, seq=seq)]
        if s.original_lost:
            s.original_lost = False
            s.original_fails += 1
            if s.original_fails >= ORIGINAL_FAILS:
                return [self.give_up_original(s)]
        return []

    def give_up_original(self, s: Stream) -> Effect:
        """The first of the stream's originals does not get through: it waits for a person again (rule 3.10)."""
        seq, s.original, s.original_lost, s.original_fails = s.originals.pop(0), None, False, 0
        self._register.file(s)
        return Effect("withhold again", stream=s, seq=seq)

    def _forget(self, epoch: str) -> None:
        self.epoch = epoch
        for s in self.streams.values():
            s.forget()
        self.new_query(every_stream=True)

    def _note_answer(self, s: Stream, through: int, now: float) -> None:
        s.answered = True
        s.end_heard = s.end_heard or s.end_in_query
        s.told = max(s.told, through)
        moved = through - s.through
        if moved > 0:
            self.confirmed[s.instrument] += moved
            s.through = through
            s.sent = max(s.sent, through)
        flights = s.flights
        while flights and (flights[0].last <= s.through or flights[0].question):
            flight = flights.popleft()
            self._land(flight)
            if s.tries == 0:
                self._time(now - flight.at)
            elif flight.question:
                s.tries = 0
        if moved <= 0:
            s.answered_meanwhile = s.tries > 0
        else:
            s.progressed()
            if s.tries:  # something had been lost: go on from the watermark
                self._doubt_batches(now)
                self._land_all(s)
                s.go_back()
        self._register.went_on(s)

    def heard_batch(self) -> None:
        """A batch was answered: that way is open."""
        self._lost_batches.clear()

    def _doubt_batches(self, now: float) -> None:
        """Single messages get through and batches do not: the broker's rules may not know of them yet."""
        if len(self._lost_batches) >= BATCHES_LOST:
            self._lost_batches.clear()
            self._no_batches_before = now + NO_BATCHES_FOR_S

    def _time(self, taken: float) -> None:
        self._answer_s = taken if self._answer_s == 0.0 else 0.875 * self._answer_s + 0.125 * taken
