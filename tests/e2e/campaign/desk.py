"""Begins and ends measurements over the bus throughout, and asks now and then whether a session could be closed."""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
from collections import Counter as Tally
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from uuid import uuid4

from acquire.bus.client import BusError
from acquire.bus.instrument_client import InstrumentClient, NotDone
from acquire.store.attribution import outstanding
from campaign.counter import Counter
from campaign.faults import Faults
from campaign.house import House

NEVER = 2**62


@dataclass
class Measurement:
    """The truth about one: what its instrument had given before and after it was begun and ended.

    Readings after `before_begin` and up to `after_end` may belong to it; those after `after_begin` and up to
    `before_end` do, where both markers were answered and nothing came between.
    """

    id: str
    instrument: str
    before_begin: int
    after_begin: int | None = None
    before_end: int | None = None
    after_end: int = NEVER


@dataclass
class Desk:
    """A person, or several, with one client."""

    house: House
    faults: Faults
    seed: int
    measurements: list[Measurement] = field(default_factory=list)
    refused: Tally[str] = field(default_factory=Tally)  # why nothing was begun or ended
    asked: int = 0
    could_close: int = 0
    wrongly: list[str] = field(default_factory=list)

    async def measure(self, commands: InstrumentClient, name: str, enough: Callable[[], bool]) -> None:
        """One instrument: begin, wait, end, wait, and so on."""
        chance = random.Random(f"{self.seed} {name}")
        counter = self.house.counters[name]
        while not enough():
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            one = Measurement(str(uuid4()), name, counter.given)
            self.measurements.append(one)
            if await self._mark(commands, "begin", one):
                one.after_begin = counter.given
            await asyncio.sleep(chance.uniform(0.3, 2.0))
            await self._end(commands, one, counter)

    async def _end(self, commands: InstrumentClient, one: Measurement, counter: Counter) -> None:
        given = counter.given
        if await self._mark(commands, "end", one):
            one.before_end, one.after_end = given, counter.given

    async def _mark(self, commands: InstrumentClient, what: str, one: Measurement) -> bool:
        asked = {"measurement": one.id, "session": "s-1", "step": "irradiate"}
        try:
            await commands.command(one.instrument, what, asked)
        except (NotDone, BusError) as error:
            self.refused[f"{what}: {re.sub(f'{one.instrument}|{one.id}', 'it', str(error)).split(',')[0][:60]}"] += 1
            return False
        return True

    async def close(self, enough: Callable[[], bool]) -> None:
        """Rule 4.10: wherever closing would be allowed, nothing may be outstanding."""
        while not enough():
            await asyncio.sleep(0.25)
            self.ask_to_close()

    def ask_to_close(self) -> None:
        """Ask once. What was appended to old streams before the store's start must be there if it says yes."""
        starts, due = self.faults.store_starts, dict(self.faults.due)
        ids = [m.id for m in self.measurements if m.after_begin is not None and m.after_end != NEVER][-5:]
        try:
            with closing(sqlite3.connect(f"file:{self.house.store_file}?mode=ro", uri=True, timeout=10)) as db:
                db.row_factory = sqlite3.Row
                missing = outstanding(db, sorted(self.house.counters), ids)
                through = dict(db.execute("SELECT stream, through FROM stream").fetchall())
        except sqlite3.Error:
            return
        if starts != self.faults.store_starts:
            return
        self.asked += 1
        if missing:
            return
        self.could_close += 1
        for stream, head in due.items():
            if through.get(stream, 0) < head:
                self.wrongly.append(f"closing was possible with {through.get(stream, 0)} of {head} of stream {stream}")
