"""The spool's async face: one thread owns the journal, appends that wait together are committed together.

An idle spool commits one entry at once; one that many streams append to gathers them for some milliseconds (Pace), and
a loaded one commits whatever came while it was at work (docs/noloss.md rule 3.2 allows groups of up to 20 ms).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from acquire.spool.disk_budget import DEFAULT_LIMIT, RESERVE
from acquire.spool.entries import Appended, Held, all_held
from acquire.spool.health import Health
from acquire.spool.journal import Journal, MarkerAt, SpoolError, StreamRow
from acquire.spool.pace import Pace

T = TypeVar("T")
Bodies = Sequence[tuple[bytes, str | None]]

MAX_GROUP = 5000  # entries in one commit
AT_ONCE = 100  # entries that are worth a commit of their own


Told = Callable[[int, int, Sequence[Held]], None]


@dataclass(slots=True)
class _Append:
    number: int
    bodies: Bodies
    urgent: bool
    done: asyncio.Future[int]


_Group = list[_Append]


@dataclass(slots=True)
class _Call:
    run: Callable[[Journal], None]


class Spool:
    """Open with `await Spool.open(path)`, close with `await close()`; used from the event loop it was opened in.

    Whatever goes to the journal raises as it does there: SpoolFull where there is no room, SpoolError for the rest.
    """

    def __init__(self, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        self._journal = journal
        self._loop = loop
        self._queue: queue.SimpleQueue[_Group | _Call | None] = queue.SimpleQueue()
        self._pace = Pace()
        self._gathered: _Group = []
        self._waiting: asyncio.TimerHandle | None = None
        self.on_appended: Told = lambda number, first, entries: None  # told of every entry once it is committed
        self.on_ended_late: Callable[[int, str, str | None], None] = lambda number, ended, why: None
        self.on_begun_anew: list[Callable[[], None]] = []  # told when a new file was begun beside the running
        self._health = Health(journal)
        journal.on_ended = lambda *said: self._soon(lambda: self.on_ended_late(*said))
        journal.on_begun_anew = lambda said: self._soon(self._begun_anew)
        self._begun = time.monotonic() - journal.uptime_s
        self._thread = threading.Thread(target=self._work, name="spool")
        self._thread.start()

    @classmethod
    async def open(cls, path: Path, *, limit: int = DEFAULT_LIMIT, reserve: int = RESERVE) -> Spool:
        """Take the lock, check the file, end what an earlier run left open. Raises SpoolError.

        limit, reserve: bytes (rule 3.9).
        """
        journal = await asyncio.to_thread(lambda: Journal(path, limit=limit, reserve=reserve))
        return cls(journal, asyncio.get_running_loop())

    @property
    def path(self) -> Path:
        """Its file."""
        return self._journal.path

    @property
    def source(self) -> str:
        """The id of this spool, made with its file."""
        return self._journal.source

    @property
    def store(self) -> str | None:
        """The store it is paired with (rule 3.5)."""
        return self._journal.store

    @property
    def epoch(self) -> str | None:
        """The store epoch last learned."""
        return self._journal.epoch

    @property
    def moved_aside(self) -> Path | None:
        """Where a damaged spool file was put at start, to be salvaged by a person."""
        return self._journal.moved_aside

    def streams_aside(self, instrument: str, epoch: str | None) -> int:
        """How many streams of files put aside the store may not have to their end, in its epoch; a person must act."""
        return self._journal.aside.streams_of(instrument, epoch)

    @property
    def trouble(self) -> str | None:
        """Why nothing is taken now; None while entries are."""
        full = self._journal.budget.full
        return None if full is None else f"spool full: {full}."

    @property
    def notice(self) -> str | None:
        """What people must know of this spool although entries are taken; None: nothing."""
        return self._health.notice

    @property
    def streams_ended(self) -> bool:
        """Whether the streams of the file that was put aside last could be ended in it, with `crash`."""
        return self._journal.streams_ended

    def uptime_s(self) -> float:
        """Seconds this spool has been run, over all starts, by the monotonic clock."""
        return time.monotonic() - self._begun

    def append(self, number: int, bodies: Bodies, *, urgent: bool = False) -> asyncio.Future[int]:
        """Append (body, measurement of a marker or None) entries; the future has the first seq once they are committed.

        `urgent` ones (end markers) may use the reserve (rule 3.9). The future raises SpoolFull when there is no room,
        SpoolError for a stream that has ended. Cancelling takes no entries back: on_appended is told of them anyhow.
        """
        done: asyncio.Future[int] = self._loop.create_future()
        self._gathered.append(_Append(number, bodies, urgent, done))
        now = self._loop.time()
        due = self._pace.due(now, number)
        if urgent or due <= now or len(bodies) >= AT_ONCE or len(self._gathered) >= AT_ONCE:
            due = now
        if self._waiting is None or due < self._waiting.when():
            if self._waiting is not None:
                self._waiting.cancel()
            self._waiting = self._loop.call_at(due, self._hand_over)
        return done

    def _hand_over(self) -> None:
        """What was gathered goes to the spool's thread."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self._gathered:
            self._pace.handed_over(self._loop.time())
            self._queue.put(self._gathered)
            self._gathered = []

    async def call(self, run: Callable[[Journal], T]) -> T:
        """Run a journal operation in the spool's thread, in order with the appends before it.

        Raises what `run` raises.
        """
        done: asyncio.Future[T] = self._loop.create_future()

        def work(journal: Journal) -> None:
            try:
                result = self._health.run(run)
            except Exception as error:
                self._finish(done, error=error)
            else:
                self._finish(done, result=result)

        self._hand_over()
        self._queue.put(_Call(work))
        return await done

    async def look(self) -> None:
        """To be called every second: whether the file is sound, lies where it did, and can be written again."""
        done: asyncio.Future[None] = self._loop.create_future()

        def work(journal: Journal) -> None:
            self._health.look()
            self._finish(done)

        self._queue.put(_Call(work))
        await done

    async def streams(self) -> list[StreamRow]:
        """All streams held, in the order they were made."""
        return await self.call(Journal.streams)

    async def open_stream(self, instrument: str) -> StreamRow:
        """A new stream for an instrument (docs/noloss.md section 1)."""
        return await self.call(lambda j: j.open_stream(instrument))

    async def end_stream(self, number: int, ended: str, why: str | None = None) -> None:
        """End a stream (docs/noloss.md section 1), once, with the sentence of the fault where one ended it."""
        await self.call(lambda j: j.end_stream(number, ended, why))
        self._pace.ended(number)

    async def withhold(self, number: int, body: bytes, reason: str) -> int:
        """Keep an original that cannot be sent; returns the seq its stand-in took (rule 3.8)."""
        return await self.call(lambda j: j.withhold(number, body, reason))

    async def read(self, number: int, first: int, max_entries: int, max_bytes: int) -> list[Held]:
        """Entries from seq `first` on, at most so many entries and bytes, but always one where `first` is held."""
        return await self.call(lambda j: j.read(number, first, max_entries, max_bytes))

    async def has_room(self) -> bool:
        """Whether entries are taken, or taken again (rule 3.9)."""
        return await self.call(Journal.has_room)

    async def markers(self, measurement: str) -> list[MarkerAt]:
        """Where the markers of a measurement lie, in any stream."""
        return await self.call(lambda j: j.markers(measurement))

    async def close(self) -> None:
        """Finish what is queued, close the file, let go of the lock."""
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._health.close()
        self._journal.close()

    def _begun_anew(self) -> None:
        for each in self.on_begun_anew:
            each()

    def _soon(self, tell: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(tell)

    # --- the spool's thread ---------------------------------------------------------------------------------------

    def _work(self) -> None:
        item = self._queue.get()
        while item is not None:
            if isinstance(item, _Call):
                item.run(self._journal)
                item = self._queue.get()
            else:
                item = self._commit(item)

    def _commit(self, first: _Group) -> _Group | _Call | None:
        """Commit `first` with every group waiting right behind it; return the item that is next in turn."""
        group, size = list(first), _entries(first)
        following: _Group | _Call | None = None
        taken = False
        with contextlib.suppress(queue.Empty):
            while size < MAX_GROUP:
                following = self._queue.get_nowait()
                taken = True
                if not isinstance(following, list):
                    break
                group += following
                size += _entries(following)
                taken = False
        self._commit_group(group)
        return following if taken else self._queue.get()

    def _commit_group(self, group: _Group) -> None:
        try:
            groups = [(a.number, a.bodies) for a in group]
            urgent = all(a.urgent for a in group)
            appended = self._health.run(lambda journal: journal.append(groups, urgent=urgent))
        except Exception as error:
            if len(group) > 1 and isinstance(error, SpoolError):
                for append in group:  # one may be for an ended stream, one may be urgent: each by itself
                    self._commit_group([append])
                return
            for append in group:
                self._finish(append.done, error=error)
            return
        self._loop.call_soon_threadsafe(self._tell, group, appended)
        self._health.glance()

    def _tell(self, group: _Group, appended: list[Appended]) -> None:
        """Whether or not anybody still waits for it: what is committed is to be sent."""
        for append, (first, checksums) in zip(group, appended, strict=True):
            self.on_appended(append.number, first, all_held(append.bodies, checksums))
            if not append.done.done():
                append.done.set_result(first)

    def _finish(self, done: asyncio.Future[T], *, result: T | None = None, error: Exception | None = None) -> None:
        def finish() -> None:
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]  # None is a T where there is no error

        self._loop.call_soon_threadsafe(finish)


def _entries(group: _Group) -> int:
    return sum(len(append.bodies) for append in group)
