"""What the store told is put into the spool's file now and then; what a crash loses of it is asked again at the start.

A disk that takes nothing is no reason to stop: it is written when there is room.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial

from acquire.log import Log
from acquire.once import Once
from acquire.spool import aside, originals
from acquire.spool.journal import Journal, SpoolError
from acquire.spool.source import Source
from acquire.spool.spool import Spool
from acquire.spool.stream import Stream

log = Log("publisher")

EVERY_S = 1.0


class Told:
    """Of one source: watermarks that moved, and what must be written in its order (pairing, epoch, originals)."""

    def __init__(self, spool: Spool, source: Source) -> None:
        self._spool = spool
        self._source = source
        self._moved: set[str] = set()
        self._in_order: list[Callable[[Journal], None]] = []
        self._written_at = 0.0
        self._writing = asyncio.Lock()
        self._faults = Once()

    @property
    def due(self) -> bool:
        """Whether it is to be written now."""
        return bool(self._in_order) or (bool(self._moved) and time.monotonic() - self._written_at >= EVERY_S)

    def moved(self, s: Stream) -> None:
        """The store's watermark of this stream, or its word that it heard the end."""
        self._moved.add(s.stream)

    def paired(self, store: str) -> None:
        """The first store that ever answered (rule 5b)."""
        self._in_order.append(partial(Journal.pair, store=store))

    def new_epoch(self, epoch: str) -> None:
        """The store began a new life, or went back (rule 5c)."""
        self._in_order.append(partial(_new_epoch, epoch=epoch, uptime_s=self._spool.uptime_s()))

    def aside(self, streams: Iterable[Stream], epoch: str | None) -> None:
        """What the store had told of streams whose file was put aside before that was written down there."""
        marks = [(s.stream, s.through) for s in streams]
        self._in_order.append(partial(_aside_confirmed, marks=marks, epoch=epoch))

    def original_sent(self, s: Stream, seq: int) -> None:
        """The store has the withheld original (rule 3.10)."""
        self._in_order.append(partial(_original_sent, number=s.number, seq=seq, uptime_s=self._spool.uptime_s()))

    def withheld_again(self, s: Stream, seq: int, reason: str) -> None:
        """The original was refused on its way once more."""
        self._in_order.append(partial(_withheld_again, number=s.number, seq=seq, reason=reason))

    async def write_down(self) -> None:
        """Write all of it; what the spool does not take now stays for the next time."""
        async with self._writing:
            moved, self._moved = self._moved, set()
            streams = [self._source.streams[each] for each in moved if each in self._source.streams]
            marks = [(s.number, s.through, s.end_heard) for s in streams]
            self._written_at = time.monotonic()
            epoch, uptime_s = self._source.epoch, self._spool.uptime_s()
            try:
                while self._in_order:
                    await self._spool.call(self._in_order[0])
                    del self._in_order[0]
                await self._spool.call(lambda j: j.confirm(marks, epoch, uptime_s))
            except SpoolError as error:
                self._moved |= moved
                if self._faults.is_new(str(error)):
                    log.warning("what is confirmed could not be written down", why=str(error))
            else:
                if self._faults.is_over():
                    log.info("what is confirmed is written down again")


def _new_epoch(journal: Journal, epoch: str, uptime_s: float) -> None:
    if journal.new_epoch(epoch, uptime_s):
        text = (
            "two stores: the epoch changed twice within an hour, so two stores of one record seem to answer."
            " Nothing is pruned until a day has passed without another change; stop one of them."
        )
        log.error(text)
        journal.alarm("two stores", "store", text)


def _aside_confirmed(journal: Journal, marks: list[tuple[str, int]], epoch: str | None) -> None:
    with journal.writing() as db:
        aside.confirmed(db, marks, epoch)
    journal.look_aside()


def _original_sent(journal: Journal, number: int, seq: int, uptime_s: float) -> None:
    with journal.writing() as db:
        originals.confirm(db, number, seq, uptime_s)


def _withheld_again(journal: Journal, number: int, seq: int, reason: str) -> None:
    with journal.writing() as db:
        originals.withhold_again(db, number, seq, reason)
