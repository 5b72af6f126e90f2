"""One instrument's life: open, a stream, takes and appends, and again after a lost link.

Between two requests to the instrument there is one turn; takes, commands and markers (acquire.instruments.desk) each
have it whole. So what was asked before a begin marker is appended before it (docs/noloss.md rule 3.2). What a command
leaves in doubt is settled before anything else is asked: the next turn identifies the instrument again.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from acquire.backoff import Chance, pause_s
from acquire.bus.messages import Accepts, State
from acquire.canonical import utc_at
from acquire.instruments.desk import CommandDesk, Epoch
from acquire.instruments.intake import Intake, may_hand_over
from acquire.instruments.measurement import Measurement
from acquire.instruments.status import Status
from acquire.instruments.turns import Turns
from acquire.instruments.within import LETS_GO_S
from acquire.instruments.words import LastWords
from acquire.log import Log
from acquire.spool.journal import SpoolError, SpoolFull
from acquire.spool.recorder import Recorder
from acquire.spool.spool import Spool
from acquire.spool.stream import Stream
from drivers import Identity, Instrument, InstrumentError, LinkDown, Reading, ReplyTimeout

# With five seconds to connect, an instrument that is there again is found within ten.
REOPEN_FLOOR_S, REOPEN_CEILING_S = 0.25, 4.0
TURN_WITHIN_S = 30.0
ROOM_EVERY_S = 1.0
STRETCH_S = 1.0  # how long takes follow each other within one turn


class Runner:
    """Runs one instrument for ever. `make` builds it afresh for each attempt to open it; `chance`: of its back-off."""

    def __init__(
        self, instrument: str, make: Callable[[], Instrument], spool: Spool, recorder: Recorder,
        chance: Chance = random.random,
    ) -> None:  # fmt: skip
        self.instrument = instrument
        self.status = Status(instrument)
        self.opened = 0  # times it was opened and answered as who it is to be
        self._make = make
        self._chance = chance
        self._spool = spool
        self._recorder = recorder
        self._epoch = Epoch()
        self._turns = Turns(instrument)
        self._intake = Intake(recorder)
        self._measurement = Measurement(instrument, spool, recorder)
        self._desk = CommandDesk(
            instrument, self._epoch, self._turns, self._measurement, self._intake, self.status, self._tell_ready
        )
        self._identity: Identity | None = None
        self._words = LastWords()
        self._store_ahead = False
        self._was_ready = False
        self._stopping = asyncio.Event()
        self._log = Log("instrument").bind(instrument=instrument)

    @property
    def state(self) -> State:
        """The instrument's state as it is told on the bus."""
        return self.status.state

    @property
    def appended(self) -> int:
        """Entries of readings since start."""
        return self._intake.appended

    @property
    def unparsed(self) -> int:
        """Those of them that were not understood: bytes that could not be parsed, refusals, rejected records."""
        return self._intake.unparsed

    @property
    def unreadable_files(self) -> int | None:
        """Files of its drop folder that cannot be read now; None for an instrument on a wire, or none open."""
        return None if self._epoch.device is None else self._epoch.device.unreadable_files

    def accepts(self) -> list[Accepts]:
        """What this instrument can be asked to do, and whether it would do so now."""
        return self._desk.accepts()

    async def command(
        self, name: str, parameters: Mapping[str, Any], *, turn_within_s: float = TURN_WITHIN_S
    ) -> Mapping[str, Any]:
        """Carry out one command; waits turn_within_s for its turn. Raises CommandRefused with a plain sentence."""
        return await self._desk.command(name, parameters, turn_within_s)

    async def run(self) -> None:
        """Until stopped or cancelled. A fault of the instrument is told once, when it comes and when it is over."""
        failures = 0
        while not self._stopping.is_set():
            self._was_ready = False
            try:
                await self._live()
            except InstrumentError as error:
                self.status.complain(error)
                self._tell("fault", str(error))
            except SpoolError as error:
                self.status.complain(error)
                self._tell("not-acquiring", str(error))
                await self._wait_for_room()
            except Exception as error:  # a driver may be anybody's; its errors must not end the instrument for good
                self.status.complain(error)
                self._tell("fault", f"An error in the driver ({type(error).__name__}); the log has it.")
            failures = 0 if self._was_ready else failures + 1
            await self._pause(pause_s(failures, REOPEN_FLOOR_S, REOPEN_CEILING_S, self._chance))

    def stop(self) -> None:
        """Finish the exchange under way, append what it gave, close the stream: nothing taken is lost by stopping."""
        self._stopping.set()
        self._turns.nudge()

    def store_is_ahead(self) -> None:
        """The store knows more of the stream than the spool (rule 5d): go on in a new one."""
        self._store_ahead = True

    def begin_anew(self) -> None:
        """The spool has begun a new file: go on in a new stream, at once."""
        self._store_ahead = True
        self._turns.nudge()

    async def _pause(self, seconds: float) -> None:
        if not self._stopping.is_set():
            await self._turns.pause(seconds)

    async def _wait_for_room(self) -> None:
        """Rule 3.9: nothing is asked and the port stays closed until the spool takes entries again."""
        while not self._stopping.is_set() and not await self._spool.has_room():
            await self._pause(ROOM_EVERY_S)

    # --- one connection epoch -----------------------------------------------------------------------------------------

    async def _live(self) -> None:
        device = self._make()
        self._epoch.specs = device.commands()
        try:
            self._identity = await self._turns.watchdog.watch(device.open(), "opening")
            self._epoch.device = device
            self.opened += 1
            while not self._stopping.is_set():
                await self._one_stream(device)
        finally:
            self._words.hear(device)  # before it stands down
            self._epoch.device = None
            self._turns.settle()
            await self._close(device)

    async def _close(self, device: Instrument) -> None:
        try:
            async with asyncio.timeout(LETS_GO_S):
                await device.close()
        except Exception as error:
            self._log.warning("not closed in order", why=f"{type(error).__name__}: {error}")

    async def _one_stream(self, device: Instrument) -> None:
        self._store_ahead = False
        stream = self._epoch.stream = await self._recorder.open_stream(self.instrument)
        self._tell("ready")
        ended, why = "link-lost", None
        try:
            await self._intake.begin(stream)
            clock = asyncio.get_running_loop().time
            while not self._store_ahead and not self._stopping.is_set():
                next_at = clock() + device.poll_interval_s
                async with self._turns.instrument_lock:
                    await self._turn(device, stream)
                self._works()
                await self._pause(next_at - clock())
            ended = "closed"
        except asyncio.CancelledError:
            ended = "closed"
            raise
        except SpoolFull:
            ended = "spool-full"
            raise
        except Exception as error:
            why = str(error) or type(error).__name__
            raise
        finally:
            self._epoch.stream = None
            self._measurement.forget()
            await self._recorder.end_stream(stream, ended, why)
            if ended == "closed" and not self._store_ahead:
                self._tell("stopped")

    def _works(self) -> None:
        """A turn came to its end: only now what was complained of is over. One that opens and then fails backs off."""
        if not self._was_ready and self._identity is not None and self._epoch.device is not None:
            self.status.answers(self._identity, self._epoch.device)
        self._was_ready = True
        self.status.available()

    async def _turn(self, device: Instrument, stream: Stream) -> None:
        """A take, or what must be settled first: nobody knows how many readings a gap after a command holds."""
        if self._turns.doubt is None and may_hand_over(device):
            await self._stretch(device, stream)
        elif self._turns.doubt is None:
            await self._intake.keep(device, stream, await self._given(device, stream))
        else:
            error, since = self._turns.doubt
            if isinstance(error, LinkDown):
                raise error
            await self._recover(device, stream, error, None, since)

    async def _given(self, device: Instrument, stream: Stream) -> Sequence[Reading]:
        """One take; where its reply did not come the gap for it is in the stream, and nothing is given."""
        asked, self._turns.doing = time.time_ns(), "a reading"
        try:
            return await self._turns.watchdog.watch(device.take(), "a reading")
        except ReplyTimeout as error:
            await self._intake.settle()
            await self._recover(device, stream, error, max(1, len(device.channels)), utc_at(asked))
            return ()

    async def _stretch(self, device: Instrument, stream: Stream) -> None:
        """Takes without a pause: the next is asked for while the readings of the one before are being committed.

        All of them are safe before anybody else has a turn, so that nothing is known of this outside (rule 3.2).
        """
        clock = asyncio.get_running_loop().time
        until = clock() + STRETCH_S
        try:
            await self._intake.hand_over(device, stream, await self._given(device, stream))
            while clock() < until and not self._is_wanted():
                await self._intake.hand_over(device, stream, await self._given(device, stream))
        finally:
            await self._intake.settle()

    def _is_wanted(self) -> bool:
        """Whether something else is to be done than to go on taking."""
        return bool(self._turns.wanted or self._turns.doubt or self._store_ahead or self._stopping.is_set())

    async def _recover(
        self, device: Instrument, stream: Stream, error: InstrumentError, missing: int | None, since: str
    ) -> None:
        """What did not come is a gap; nothing is read until the instrument has been identified again.

        Whatever recover() raises ends the stream, and the instrument is opened anew.
        """
        self._turns.recovering("finding its way back to the instrument")
        await self._intake.gap(stream, str(error), missing, since)
        self._log.warning("no reply; draining and identifying again", why=str(error))
        self._tell("fault", str(error))
        await self._turns.watchdog.watch(device.recover(), "recovering")
        self._turns.settle()
        self._tell_ready()

    # --- state ------------------------------------------------------------------------------------------------------

    def _tell_ready(self) -> None:
        if self._epoch.stream is not None and self._turns.recovered:
            self._tell("measuring" if self._measurement.begun else "ready")

    def _tell(self, state: str, why: str | None = None) -> None:
        stream, device = self._epoch.stream, self._epoch.device
        if device is not None:
            self._words.hear(device)
        self.status.tell(
            state, why, identity=self._identity, device=device, stream=stream.stream if stream else None,
            measurement=self._measurement.id, emitted=self.appended, commands=self.accepts(), words=self._words,
        )  # fmt: skip
