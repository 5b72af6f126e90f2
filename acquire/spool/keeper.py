"""Keeps the spool within its bounds: a prune pass a day, and room made when it runs short (rules 3.7 and 3.9).

A pass asks the store anew about every stream that has something to forget, and forgets only what is answered under
that very question: a store that was put back meanwhile says so, and then nothing is deleted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from acquire.log import Log
from acquire.once import Once
from acquire.spool import originals, pruning
from acquire.spool.journal import Journal, SpoolError
from acquire.spool.publisher import Publisher
from acquire.spool.spool import Spool

log = Log("spool")

DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long and how often. Seconds; ages are by uptime_s."""

    retention_s: float = 14 * DAY_S
    every_s: float = DAY_S
    check_s: float = 5.0
    pass_s: float = 3600.0  # a pass ends after this
    silent_s: float = 10.0  # and when nobody answers for this long
    again_s: float = 15.0  # after one that got nothing


class Keeper:
    """One for each spool; runs beside the publisher."""

    def __init__(self, spool: Spool, publisher: Publisher, keeping: Keeping | None = None) -> None:
        self._spool = spool
        self._publisher = publisher
        self._keeping = keeping or Keeping()
        self._not_before = 0.0  # monotonic: a pass that got nothing is not repeated at once

    async def run(self) -> None:
        """Keeps the spool within its bounds until cancelled; a spool that cannot be used is logged and tried again."""
        faults = Once()
        while True:
            source = self._publisher.source
            try:
                await self.once()
            except SpoolError as error:
                if faults.is_new(str(error)):
                    log.warning("the spool could not be kept", why=str(error))
            except (LookupError, TypeError):
                if source is self._publisher.source:
                    raise
                log.info("a pass was given up: the spool has begun a new file")
            else:
                if faults.is_over():
                    log.info("the spool is kept again")
            await asyncio.sleep(self._keeping.check_s)

    async def once(self) -> None:
        """Does what is due now: writes down, makes room, prunes. Raises SpoolError."""
        short, pruned_at = await self._spool.call(lambda j: (_short(j), pruning.pruned_at(j)))
        await self._publisher.write_down()
        wanted = await self._spool.call(lambda j: originals.to_send(j.db))  # a person may have asked meanwhile
        if wanted:
            self._publisher.resend(wanted)
        if not self._publisher.connected or time.monotonic() < self._not_before:
            return
        if short:
            done = await self.make_room()
        elif self._spool.uptime_s() - pruned_at >= self._keeping.every_s:
            done = await self.prune()
        else:
            return
        if not done:
            self._not_before = time.monotonic() + self._keeping.again_s

    async def prune(self) -> int:
        """The daily pass (rule 3.7); returns how many entries were forgotten.

        First every stream is asked about, also those that have nothing to forget: a store that was put back by hand
        shows where it holds less than it has confirmed.
        """
        age, now = self._keeping.retention_s, self._spool.uptime_s()
        until = time.monotonic() + self._keeping.pass_s
        everything = dict.fromkeys(self._publisher.source.streams, 0)
        if len(await self._query(everything, until)) < len(everything):
            return 0
        old = await self._spool.call(lambda j: pruning.prunable(j, age, now))
        empty = await self._spool.call(lambda j: pruning.forgettable(j, age, now))
        forgotten = 0
        waiting = old | empty
        while waiting and time.monotonic() < until:
            told = await self._query(waiting, until)
            if not told:
                return forgotten
            for stream, through in told.items():
                upto = waiting.pop(stream)
                if stream in empty and through >= upto:
                    await self._forget(stream)
                else:
                    forgotten += await self._prune(stream, min(upto, through))
        dropped = await self._spool.call(lambda j: pruning.note_pass(j, age, now))
        self._publisher.source.originals_dropped(dropped)
        if forgotten:
            log.info("the spool forgot what is confirmed and old", entries=forgotten)
        return forgotten

    async def make_room(self) -> int:
        """Under pressure (rule 3.9): forget confirmed entries, oldest first, however young; returns how many."""
        now = self._spool.uptime_s()
        held = await self._spool.call(lambda j: pruning.journal_of(j, now))
        told = await self._query(held, time.monotonic() + self._keeping.pass_s) if held else {}
        forgotten = 0
        while shortened := await self._spool.call(lambda j: pruning.shorten(j, told, 2 * j.budget.pressure)):
            for stream, oldest in shortened.items():
                forgotten += oldest - self._publisher.source.streams[stream].oldest
                self._publisher.source.pruned(stream, oldest)
        if forgotten:
            age_s = await self._spool.call(lambda j: pruning.journal_age_s(j, now))
            text = f"journal shortened to {age_s / DAY_S:.2f} days: a store restored from an older backup stays short."
            await self._publisher.alarms.tell("journal shortened", "spool", text)
        return forgotten

    async def _query(self, streams: Mapping[str, int], until: float) -> dict[str, int]:
        """One pass: what the store answers of these streams under one query, as far as it comes."""
        source = self._publisher.source
        query = self._publisher.begin_pass(streams)
        told: dict[str, int] = {}
        while len(told) < len(streams) and source.query == query:
            heard = await self._publisher.heard(min(self._keeping.silent_s, until - time.monotonic()))
            if source.query == query:
                told = {s.stream: s.told for s in map(source.streams.__getitem__, streams) if s.told >= 0}
            if not heard:
                break
        return told

    async def _prune(self, stream: str, upto: int) -> int:
        held = self._publisher.source.streams[stream]
        before = held.oldest
        while held.oldest <= upto:
            oldest = await self._spool.call(partial(pruning.prune, stream=stream, upto=upto))
            if oldest == held.oldest:
                break
            self._publisher.source.pruned(stream, oldest)
        return held.oldest - before

    async def _forget(self, stream: str) -> None:
        await self._spool.call(partial(pruning.forget, stream=stream))
        self._publisher.source.forgotten(stream)


def _short(journal: Journal) -> bool:
    return journal.budget.available(journal.db) < journal.budget.pressure
