"""All streams of a source, filed by what they need, so that thousands of old settled streams cost nothing.

Whoever changes a stream files it anew; whoever looks for something to do looks only at those that have it. Who is asked
and sent for is said in docs/noloss.md, rules 3.3 and 3.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from acquire.spool.stream import Limits, Stream

Key = tuple[bool, bool, int, int]


class Register:
    """Streams by id, and those that fly, wait for a turn, or are not settled."""

    def __init__(self, streams: Iterable[Stream], limits: Limits) -> None:
        self.limits = limits
        self.by_id: dict[str, Stream] = {}
        self.newest: dict[str, Stream] = {}  # by instrument
        self.flying: dict[int, Stream] = {}  # with messages under way: never more than the window
        self.untold: dict[int, Stream] = {}  # ended since the current query began
        self.withholding: dict[int, Stream] = {}  # with originals to be sent again
        self._changed: dict[int, Stream] = {}  # since the current query began, or not settled
        self._unsettled: dict[str, set[int]] = {}  # numbers by instrument
        self._by_number: dict[int, Stream] = {}
        self._queues: tuple[list[Key], list[Key]] = ([], [])  # live streams, all others
        for stream in streams:
            self.add(stream)

    def add(self, s: Stream) -> None:
        """A stream that was not known."""
        self.by_id[s.stream] = self._by_number[s.number] = s
        self._unsettled.setdefault(s.instrument, set())
        held = self.newest.get(s.instrument)
        if held is None or held.number < s.number:
            self.newest[s.instrument] = s
        self.file(s)

    def remove(self, s: Stream) -> None:
        """A stream the spool no longer keeps; it must be settled with nothing under way."""
        del self.by_id[s.stream]
        del self._by_number[s.number]
        for index in (self.flying, self.untold, self.withholding, self._changed):
            index.pop(s.number, None)

    def file(self, s: Stream) -> None:
        """File a stream after a change."""
        _keep(self.untold, s, s.ended is not None and not s.end_in_query)
        _keep(self.withholding, s, bool(s.originals))
        self.went_on(s)

    def went_on(self, s: Stream) -> None:
        """The same after a message, an answer or an append, which change neither its end nor its originals."""
        number = s.number
        self._changed[number] = s
        _keep(self.flying, s, bool(s.flights))
        if s.settled:
            self._unsettled[s.instrument].discard(number)
        else:
            self._unsettled[s.instrument].add(number)
        if self._needs_turn(s):
            key = (s.ended is not None, s.queried and not s.probe, s.turn, number)
            if s.queued != key:
                s.queued = key
                heappush(self._queues[key[0]], key)

    def begin_query(self, *, every_stream: bool = False, also: Iterable[Stream] = ()) -> None:
        """A new query (rule 3.3) for every stream that is not settled, for `also`, or for every stream held."""
        queried = {s.number for s in also}
        streams = {s.number: s for s in also} | self._changed
        for s in list(self.by_id.values() if every_stream else streams.values()):
            s.begin_query(ask=every_stream or s.number in queried or not s.settled)
            self.file(s)
        self._changed = {n: s for n, s in self._changed.items() if not s.settled or not s.queried}

    def next_in_turn(self, odd: bool) -> Stream | None:
        """Section 5, "turn": round robin, alternating between live streams and all others."""
        live, others = self._first(0), self._first(1)
        return (live or others) if odd else (others or live)

    def next_live(self) -> Stream | None:
        """The live stream whose turn it is, if one has something to say."""
        return self._first(0)

    def number(self, number: int) -> Stream:
        """The stream of this number in the spool's file."""
        return self._by_number[number]

    def unconfirmed_streams(self, s: Stream) -> int:
        """How many streams of this one's instrument are not settled, its newest not counted unless it was salvaged:
        `older` (docs/noloss.md section 2). The same for each of them: whichever the store heard last, none speaks for
        too few."""
        numbers, newest = self._unsettled[s.instrument], self.newest[s.instrument]
        return len(numbers) - (newest.source is None and newest.number in numbers)

    @property
    def quiet(self) -> bool:
        """Whether no stream waits for its turn; one whose turn is over may still be counted."""
        return not (self._queues[0] or self._queues[1] or self.untold or self.withholding)

    @property
    def all_settled(self) -> bool:
        """Whether the store has confirmed every stream to its end."""
        return not any(self._unsettled.values())

    def waiting(self) -> list[Stream]:
        """The streams with entries that are not confirmed, in the order they were made."""
        numbers = sorted(number for each in self._unsettled.values() for number in each)
        return [s for number in numbers if (s := self._by_number[number]).through < s.head]

    def _needs_turn(self, s: Stream) -> bool:
        if not s.queried or s.probe:
            return True
        return s.sent < s.head and s.answered and s.tries == 0 and len(s.flights) < self.limits.stream_messages

    def _first(self, queue: int) -> Stream | None:
        heap = self._queues[queue]
        while heap:
            s = self._by_number.get(heap[0][3])
            if s is not None and s.queued == heap[0] and self._needs_turn(s) and (s.ended is not None) == bool(queue):
                return s
            key = heappop(heap)
            if s is not None and s.queued == key:
                s.queued = None
        return None


def _keep(index: dict[int, Stream], s: Stream, belongs: bool) -> None:
    if belongs:
        index[s.number] = s
    elif index:
        index.pop(s.number, None)
