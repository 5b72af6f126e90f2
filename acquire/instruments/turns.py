"""Whose turn it is at one instrument, and whether its line is in doubt: shared by the loop and by commands."""

from __future__ import annotations

import asyncio

from acquire.instruments.within import Watchdog
from drivers import InstrumentError


class NoTurn(Exception):
    """The instrument was busy with something else for too long: one plain sentence."""


class Turns:
    """One turn at a time. `doubt` holds an error and since when: it is settled before anything else is asked."""

    def __init__(self, instrument: str) -> None:
        self.doing = "nothing"
        self.doubt: tuple[InstrumentError, str] | None = None
        self.wanted = 0  # how many wait for a turn
        self.instrument_lock = asyncio.Lock()
        self.watchdog = Watchdog(instrument)
        self._instrument = instrument
        self._recovered = asyncio.Event()  # no recovery is owed or under way
        self._recovered.set()
        self._pausing: asyncio.Future[None] | None = None

    @property
    def recovered(self) -> bool:
        """Whether no recovery is owed or under way."""
        return self._recovered.is_set()

    def put_in_doubt(self, error: InstrumentError, since: str) -> None:
        """The next turn settles it, before the next reading; `since` is UTC, ISO 8601."""
        self.doubt = (error, since)
        self._recovered.clear()
        self.nudge()

    def recovering(self, doing: str) -> None:
        """A recovery is under way: commands wait for its end."""
        self._recovered.clear()
        self.doing = doing

    def settle(self) -> None:
        """Nothing is in doubt any more, or the instrument is closed."""
        self.doubt = None
        self._recovered.set()

    def nudge(self) -> None:
        """Ends the pause under way, so that the next turn begins at once."""
        if self._pausing is not None and not self._pausing.done():
            self._pausing.set_result(None)

    async def pause(self, seconds: float) -> None:
        """So many seconds, or until nudged; no time at all where something is in doubt."""
        if self.doubt is not None:
            return
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        loop = asyncio.get_running_loop()
        self._pausing = loop.create_future()
        timer = loop.call_later(seconds, self.nudge)
        try:
            await self._pausing
        finally:
            timer.cancel()
            self._pausing = None

    async def take(self, within_s: float) -> None:
        """Wait for a turn when nothing is in doubt; to be given back by instrument_lock.release(). Raises NoTurn."""
        self.wanted += 1
        try:
            async with asyncio.timeout(within_s):
                while True:
                    await self._recovered.wait()
                    await self.instrument_lock.acquire()
                    if self._recovered.is_set():
                        return
                    self.instrument_lock.release()
        except TimeoutError as error:
            raise NoTurn(
                f"{self._instrument} was busy with {self.doing} for {within_s:g} s; nothing was done, ask again."
            ) from error
        finally:
            self.wanted -= 1
