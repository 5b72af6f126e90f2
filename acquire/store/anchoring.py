"""The service's anchors: appended to the configured file, told on the bus, whenever the audit trail grew.

Neither ever stops the service. A file that cannot be written, or whose last line the store does not hold, is an alarm.
The file is meant to lie on another disk or machine, so it is written by a thread that nothing waits for.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from acquire.bus.client import Connection
from acquire.bus.names import Topics
from acquire.canonical import canonical
from acquire.log import Log
from acquire.store.alarms import raise_alarm
from acquire.store.anchors import Anchor, against, anchor, parsed
from acquire.store.database import transaction

log = Log("anchor")

LOOK_EVERY_S = 1.0  # the command line writes into the same store and cannot ring here
APART_S = 60.0  # between two anchors
SEALS_APART_S = 3600.0  # the same where nothing but the streams grew
WRITTEN_WITHIN_S = 30.0
LONGEST_LINE = 1024

OnThread = Callable[[Callable[[sqlite3.Connection], None]], Awaitable[None]]


class Due:
    """Whether an anchor is to be put down: the audit trail grew since the last one, or an hour of readings came."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: Anchor | None = None
        self._at = 0.0

    def is_due(self, now: Anchor) -> bool:
        """The first one is."""
        if self._last is None:
            return True
        apart = APART_S if now.audit != self._last.audit else SEALS_APART_S
        grew = (now.audit, now.seal) != (self._last.audit, self._last.seal)
        return grew and self._clock() - self._at >= apart

    def done(self, now: Anchor) -> None:
        """This one was put down."""
        self._last, self._at = now, self._clock()


class Anchoring:
    """`keep` and `tell` run until cancelled; what they need of the store is done on its thread."""

    def __init__(self, topics: Topics, file: Path | None) -> None:
        self._topics = topics
        self._file = file
        self._trouble: str | None = None

    async def tell(self, connection: Connection, on_thread: OnThread) -> None:
        """The retained topic. Raises BusError when the broker is lost."""
        due = Due()
        while True:
            found = await _now(on_thread)
            if found is not None and due.is_due(found):
                message = canonical({"schema": "anchor/1", **found.plain})
                await connection.hand_over(self._topics.anchor, message, _told, retain=True)
                due.done(found)
            await asyncio.sleep(LOOK_EVERY_S)

    async def keep(self, on_thread: OnThread) -> None:
        """The file, where one is configured."""
        if self._file is None:
            return
        due, held = Due(), False
        while True:
            found = await _now(on_thread)
            if found is not None and due.is_due(found):
                held = held or await self._hold_last(self._file, on_thread)
                if await self._append(self._file, found, on_thread):
                    due.done(found)
                else:
                    await asyncio.sleep(APART_S)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _hold_last(self, file: Path, on_thread: OnThread) -> bool:
        """What an earlier run wrote last must still be in the chains; once a run."""
        last = await _beside(lambda: last_line(file))
        if isinstance(last, BaseException):
            return False
        found = parsed(last) if last else None
        if isinstance(found, Anchor):
            await _on(on_thread, lambda connection: _say_what_does_not_hold(connection, file, found))
        return True

    async def _append(self, file: Path, found: Anchor, on_thread: OnThread) -> bool:
        error = await _beside(lambda: append(file, found.line))
        if not isinstance(error, BaseException):
            if self._trouble is not None:
                log.info("the anchor file is written again", file=str(file))
            self._trouble = None
            return True
        why = error.strerror if isinstance(error, OSError) else str(error)
        sentence = f"The anchor file {file} cannot be written: {why}. Make room, or name another one; all else goes on."
        if why != self._trouble:
            self._trouble = why
            log.warning("the anchor file cannot be written", file=str(file), why=why)
            await _on(on_thread, lambda connection: _alarm(connection, str(file), sentence))
        return False


def append(file: Path, line: bytes) -> None:
    """Add a line and make it durable; a line that a power cut tore before it stays, ended. Raises OSError."""
    torn = bool(before := last_line(file)) and not before.endswith(b"\n")
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, b"\n" + line if torn else line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def last_line(file: Path) -> bytes:
    """The last line of a file with its line end if it has one, b"" where there is no file. Raises OSError."""
    if not file.exists():
        return b""
    with file.open("rb") as opened:
        opened.seek(max(0, opened.seek(0, os.SEEK_END) - LONGEST_LINE))
        return next(iter(opened.read().splitlines(keepends=True)[-1:]), b"")


def _say_what_does_not_hold(connection: sqlite3.Connection, file: Path, last: Anchor) -> None:
    for _, sentence in against(connection, last):
        log.error("the store is not the one that was anchored", file=str(file), why=sentence)
        _alarm(connection, str(file), f"The last line of the anchor file {file} does not hold: {sentence}")


def _alarm(connection: sqlite3.Connection, file: str, sentence: str) -> None:
    with transaction(connection):
        raise_alarm(connection, "anchor", file, sentence)


async def _now(on_thread: OnThread) -> Anchor | None:
    """The store's anchor now; None while it cannot be read."""
    found: list[Anchor] = []
    await _on(on_thread, lambda connection: found.append(anchor(connection)))
    return found[0] if found else None


async def _on(on_thread: OnThread, work: Callable[[sqlite3.Connection], None]) -> None:
    """On the store's thread; a store that cannot do it now says so elsewhere, with every commit."""
    try:
        await on_thread(work)
    except sqlite3.Error as error:
        log.debug("the store could not be asked", why=str(error))


async def _beside(work: Callable[[], bytes | None]) -> bytes | BaseException | None:
    """Do it on a thread that is left behind if it hangs (a network file system): its result, or what it raised."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bytes | BaseException | None] = loop.create_future()

    def finish(result: bytes | BaseException | None) -> None:
        if not done.done():
            done.set_result(result)

    def run() -> None:
        try:
            result: bytes | BaseException | None = work()
        except OSError as error:
            result = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, result)

    threading.Thread(target=run, name="anchor", daemon=True).start()
    try:
        async with asyncio.timeout(WRITTEN_WITHIN_S):
            return await done
    except TimeoutError:
        return OSError(0, f"it does not answer within {WRITTEN_WITHIN_S:.0f} s")


def _told(error: BaseException | None) -> None:
    if error is not None:
        log.debug("the anchor was not taken by the broker", why=str(error))
