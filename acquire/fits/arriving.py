"""Fits every curve that arrives, beside the path of readings.

The store is asked once a second for a few curves that need a fit; a process at the lowest priority fits them one by
one, and they are kept in one transaction. So a commit waits for no fit, no more than a few curves are held at a time,
and a restart begins where the store says. The process is begun with the first curve, and ended when there was none for
a while.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from acquire.fits.kept import Curve, is_there, keep
from acquire.fits.materials import Known, Materials
from acquire.fits.running import FitFailed, FitProcess
from acquire.fits.search import Search
from acquire.log import Log
from acquire.once import Once

log = Log("fits")
T = TypeVar("T")

LOOK_EVERY_S = 1.0
IDLE_S = 30.0  # without a curve: the process holds 90 MB
TRIES = 2  # of a curve at which the process ended
AGAIN_S = 5.0  # after what could not be done


class UseStore(Protocol):
    """What is done with the store's connection, on the store's thread. Raises sqlite3.Error."""

    def __call__(self, work: Callable[[sqlite3.Connection], T]) -> Awaitable[T]: ...


class Fitter:
    """`run` fits until it is cancelled."""

    def __init__(self, use: UseStore, process: FitProcess | None = None, look_every_s: float = LOOK_EVERY_S) -> None:
        self._use = use
        self._process = process or FitProcess()
        self._look_every_s = look_every_s
        self._materials = Materials()
        self._search = Search(self._materials)
        self._failed: dict[object, int] = {}  # by the key of a curve, or an inventory: how often
        self._faults = Once()
        self._busy_at = 0.0

    async def run(self) -> None:
        """Until cancelled. What cannot be done now, is tried again."""
        try:
            while True:
                worked = await self._guarded()
                if not worked:
                    await self._rest()
        finally:
            await self._process.close()

    async def _guarded(self) -> bool:
        """Whether there may be more to do at once."""
        try:
            worked = await self._read_inventory() or await self._fit_some()
        except (sqlite3.Error, OSError, FitFailed) as error:  # no store now, no process to be had
            if self._faults.is_new(str(error)):
                log.warning("fits of curves wait", why=str(error))
            self._search.begin_anew()
            await asyncio.sleep(AGAIN_S * self._look_every_s)
            return False
        if self._faults.is_over():
            log.info("curves are fitted again")
        return worked

    async def _rest(self) -> None:
        if self._process.is_running and time.monotonic() - self._busy_at > IDLE_S:
            await self._process.close()
        await asyncio.sleep(self._look_every_s)

    async def _read_inventory(self) -> bool:
        unread = await self._use(self._materials.unread) if self._search.met_glow else None
        if unread is None:
            return False
        sha256, name, body = unread
        found = await self._elements(sha256, name, body)
        if found is None:
            return True
        self._materials.read(sha256, [Known(*each) for each in found])
        self._search.begin_anew()  # a curve may have come before anybody knew of what it is
        self._busy_at = time.monotonic()
        return True

    async def _elements(self, sha256: str, name: str, body: bytes) -> list[list[Any]] | None:
        """None: later, in a new process; nothing of an inventory at which two of them ended."""
        try:
            return await self._process.elements(name, body)
        except FitFailed as error:
            return [] if self._is_given_up(sha256, f"The inventory {name} could not be read: {error}") else None

    async def _fit_some(self) -> bool:
        found = await self._use(self._search.next)
        made = [(curve, fit) for curve in found.curves if (fit := await self._fit(curve)) is not None]
        if made:
            self._busy_at = time.monotonic()
            new = await self._use(lambda connection: keep(connection, [m for m in made if is_there(connection, m[0])]))
            log.debug("curves fitted", curves=new)
        return found.goes_on

    async def _fit(self, curve: Curve) -> dict[str, Any] | None:
        """The fit, or the sentence why a curve at which the process ended twice has none. None: later, in a new one."""
        try:
            return await self._process.fit(curve.preset, curve.name, curve.body)
        except FitFailed as error:
            where = f"Entry {curve.seq} of stream {curve.stream} could not be fitted: {error}"
            if self._is_given_up(curve.key, where):
                return {"name": curve.name, "refused": str(error), "warnings": []}
            self._search.begin_anew()
            return None

    def _is_given_up(self, what: object, sentence: str) -> bool:
        """Whether it has failed so often that it is not tried again."""
        self._failed[what] = tried = self._failed.get(what, 0) + 1
        log.warning(sentence)
        return tried >= TRIES
