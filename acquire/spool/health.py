"""Whether the spool's file is sound and lies where it did, beside a running acquisition; a new one is begun where not.

Damage shows in the check of the whole file, which is made beside the running, and whenever SQLite comes across it. The
streams end, the file is put aside for `acquire spool salvage`, and acquisition goes on in a new one (docs/noloss.md
section 6).
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from acquire.bus.messages import State
from acquire.bus.presence import Presence
from acquire.canonical import utc_now
from acquire.checking import Checks
from acquire.log import Log
from acquire.spool.file import left_aside
from acquire.spool.journal import Journal, SpoolDamaged, SpoolError

if TYPE_CHECKING:
    from acquire.spool.spool import Spool

log = Log("spool")
T = TypeVar("T")

LOOK_EVERY_S = 1.0
WAITING = (
    "What a damaged or removed spool held lies beside the spool ({names}), and the store may not have all of it: until"
    " then no session of these instruments closes by itself. `acquire spool salvage FILE` says what can be read of it,"
    " --adopt sends it; `acquire spool give-up FILE` is for what is to be left."
)
LYING = "The store has what the damaged or removed spool held that lies beside the spool ({names}). Move it elsewhere."
GLANCE_EVERY_S = 0.2  # whether the files are still there, beside commits


class Health:
    """Used on the spool's thread, but for `notice`: what people must know although acquisition goes on, or None."""

    def __init__(self, journal: Journal, clock: Callable[[], float] = time.monotonic) -> None:
        self.notice: str | None = None
        self._journal = journal
        self._checks = Checks(journal.path, clock)
        self._checks.begin()
        self._glanced_at = 0.0
        self._notice()

    def run(self, work: Callable[[Journal], T]) -> T:
        """What `work` does with the journal. Raises SpoolError, and what else it raises that is not SQLite's.

        A disk that cannot be read makes SQLite call a file malformed as well, so a connection opened anew decides.
        """
        try:
            return self._tried(work)
        except SpoolDamaged as error:
            why = error
        try:
            self._tried(Journal.reopen)
            return self._tried(work)
        except SpoolDamaged:
            raise SpoolDamaged(self._begin_anew(str(why.__cause__ or why))) from why

    def _tried(self, work: Callable[[Journal], T]) -> T:
        try:
            return work(self._journal)
        except (sqlite3.Error, OSError) as error:
            raise self._journal.refusal(error) from error

    def glance(self) -> None:
        """Beside the commits: whether the files lie where they did."""
        now = time.monotonic()
        if now - self._glanced_at >= GLANCE_EVERY_S:
            self._glanced_at = now
            with suppress(SpoolError):
                self._look_at_files()

    def look(self) -> None:
        """To be called every second: what has become of the file, and whether a disk that failed works again."""
        with suppress(SpoolError):
            self._look_at_check()
            self._look_at_files()
            self.run(Journal.has_room)
            self.run(Journal.look_aside)
        self._notice()

    def close(self) -> None:
        """Give up the check."""
        self._checks.rest()

    def _look_at_check(self) -> None:
        check = self._checks.ended()
        if check is not None and check.finding is not None:
            self._begin_anew(check.finding)

    def _look_at_files(self) -> None:
        if not self._journal.disk_failed and self._journal.moved():
            self._begin_anew("it was removed or replaced")

    def _begin_anew(self, why: str) -> str:
        self._checks.rest()
        said = self._journal.begin_anew(why)
        self._notice()
        return said

    def _notice(self) -> None:
        aside = self._journal.aside
        waiting = aside.files(self._journal.epoch)
        lying: list[str] = []
        with suppress(OSError):
            names = [each.name for each in left_aside(self._journal.path)]
            lying = [name for name in names if name not in waiting and name not in aside.done]
        said = [WAITING.format(names=", ".join(waiting))] if waiting else []
        said += [LYING.format(names=", ".join(lying))] if lying else []
        self.notice = " ".join(said) or None


class HostState:
    """What the acquisition host says of itself, looked at every second."""

    def __init__(self, spool: Spool, topic: str) -> None:
        self._spool = spool
        self._state = State(state="ready", since=utc_now(), why=spool.notice)
        self.presence = Presence(topic, lambda: self._state)
        self.came_round: Callable[[], None] = lambda: None  # every second, with the spool's thread

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._spool.look()
            self.look()
            self.came_round()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Tell a change of what the spool says."""
        trouble = self._spool.trouble
        state, why = ("not-acquiring", trouble) if trouble else ("ready", self._spool.notice)
        if (state, why) != (self._state.state, self._state.why):
            self._state = State.model_validate({"state": state, "since": utc_now(), "why": why})
            self.presence.changed.set()
