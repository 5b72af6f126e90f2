"""The spool's async face: one thread owns the journal, appends that wait together are committed together.

A commit takes what is waiting and no longer, so an idle spool commits one entry at once and a loaded one commits many
(docs/noloss.md rule 3.2 allows groups of up to 20 ms; nothing here waits to fill a group).
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
from acquire.spool.journal import Journal, MarkerAt, SpoolError, StreamRow

T = TypeVar("T")
Bodies = Sequence[tuple[bytes, str | None]]

MAX_GROUP = 5000  # entries in one commit


@dataclass(slots=True)
class _Append:
    number: int
    bodies: Bodies
    urgent: bool
    done: asyncio.Future[int]


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
        self._queue: queue.SimpleQueue[_Append | _Call | None] = queue.SimpleQueue()
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

    def uptime_s(self) -> float:
        """Seconds this spool has been run, over all starts, by the monotonic clock."""
        return time.monotonic() - self._begun

    def append(self, number: int, bodies: Bodies, *, urgent: bool = False) -> asyncio.Future[int]:
        """Append (body, measurement of a marker or None) entries; the future has the first seq once they are committed.

        `urgent` ones (end markers) may use the reserve (rule 3.9). The future raises SpoolFull when there is no room,
        SpoolError for a stream that has ended. Cancelling takes no entries back: shield the future and watch it.
        """
        done: asyncio.Future[int] = self._loop.create_future()
        self._queue.put(_Append(number, bodies, urgent, done))
        return done

    async def call(self, run: Callable[[Journal], T]) -> T:
        """Run a journal operation in the spool's thread, in order with the appends before it.

        Raises what `run` raises.
        """
        done: asyncio.Future[T] = self._loop.create_future()

        def work(journal: Journal) -> None:
            try:
                result = run(journal)
            except Exception as error:
                self._finish(done, error=error)
            else:
                self._finish(done, result=result)

        self._queue.put(_Call(work))
        return await done

    async def streams(self) -> list[StreamRow]:
        """All streams held, in the order they were made."""
        return await self.call(Journal.streams)

    async def open_stream(self, instrument: str) -> StreamRow:
        """A new stream for an instrument (docs/noloss.md section 1)."""
        return await self.call(lambda j: j.open_stream(instrument))

    async def end_stream(self, number: int, ended: str, why: str | None = None) -> None:
        """End a stream (docs/noloss.md section 1), once, with the sentence of the fault where one ended it."""
        await self.call(lambda j: j.end_stream(number, ended, why))

    async def withhold(self, number: int, body: bytes, reason: str) -> int:
        """Keep an original that cannot be sent; returns the seq its stand-in took (rule 3.8)."""
        return await self.call(lambda j: j.withhold(number, body, reason))

    async def read(self, number: int, first: int, max_entries: int, max_bytes: int) -> list[bytes]:
        """Bodies from seq `first` on, at most so many entries and bytes, but always one where `first` is held."""
        return await self.call(lambda j: j.read(number, first, max_entries, max_bytes))

    async def has_room(self) -> bool:
        """Whether entries are taken, or taken again (rule 3.9)."""
        return await self.call(Journal.has_room)

    async def markers(self, measurement: str) -> list[MarkerAt]:
        """Where the markers of a measurement lie, in any stream."""
        return await self.call(lambda j: j.markers(measurement))

    async def close(self) -> None:
        """Finish what is queued, close the file, let go of the lock."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._journal.close()

    # --- the spool's thread ---------------------------------------------------------------------------------------

    def _work(self) -> None:
        item = self._queue.get()
        while item is not None:
            if isinstance(item, _Call):
                item.run(self._journal)
                item = self._queue.get()
            else:
                item = self._commit(item)

    def _commit(self, first: _Append) -> _Append | _Call | None:
        """Commit `first` with every append waiting right behind it; return the item that is next in turn."""
        group, size = [first], len(first.bodies)
        following: _Append | _Call | None = None
        taken = False
        with contextlib.suppress(queue.Empty):
            while size < MAX_GROUP:
                following = self._queue.get_nowait()
                taken = True
                if not isinstance(following, _Append):
                    break
                group.append(following)
                size += len(following.bodies)
                taken = False
        self._commit_group(group)
        return following if taken else self._queue.get()

    def _commit_group(self, group: list[_Append]) -> None:
        try:
            groups = [(a.number, a.bodies) for a in group]
            firsts = self._journal.append(groups, urgent=all(a.urgent for a in group))
        except Exception as error:
            if len(group) > 1 and isinstance(error, SpoolError):
                for append in group:  # one may be for an ended stream, one may be urgent: each by itself
                    self._commit_group([append])
                return
            for append in group:
                self._finish(append.done, error=error)
            return
        self._loop.call_soon_threadsafe(_resolve, [(a.done, seq) for a, seq in zip(group, firsts, strict=True)])

    def _finish(self, done: asyncio.Future[T], *, result: T | None = None, error: Exception | None = None) -> None:
        def finish() -> None:
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(result)  # type: ignore[arg-type]  # None is a T where there is no error

        self._loop.call_soon_threadsafe(finish)


def _resolve(results: list[tuple[asyncio.Future[int], int]]) -> None:
    for done, seq in results:
        if not done.done():
            done.set_result(seq)
