"""One instrument's life: open, a stream, polls and appends, markers between polls, and again after a lost link.

Between two requests to the instrument there is one turn; polls, driver commands and markers each take it whole. So
what was asked before a begin marker is appended before it (docs/noloss.md rule 3.2). What a command leaves in doubt is
settled before anything else is asked: the next turn identifies the instrument again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any
from uuid import uuid4

import structlog
from pydantic import ValidationError

from acquire.bus.messages import Accepts, State
from acquire.canonical import utc_now
from acquire.instruments.entries import LARGEST_BODY, gap_body, marker_body, reading_body
from acquire.instruments.marks import MARKS, Begin, End
from acquire.instruments.within import LETS_GO_S, comes_back, within
from acquire.spool.journal import SpoolError, SpoolFull
from acquire.spool.recorder import Recorder
from acquire.spool.source import Stream
from acquire.spool.spool import Spool
from drivers import CommandSpec, Driver, Identity, InstrumentError, LinkDown, Misuse, Reading, Refused, ReplyTimeout

REOPEN_S = (0.5, 1.0, 2.0, 5.0)
TURN_WITHIN_S = 30.0
ROOM_EVERY_S = 1.0


class CommandRefused(Exception):
    """A command was not carried out: one plain sentence."""


class Runner:
    """Runs one driver for ever. `make` builds a fresh driver for each attempt to open it."""

    def __init__(self, instrument: str, make: Callable[[], Driver], spool: Spool, publisher: Recorder) -> None:
        self.instrument = instrument
        self.appended = 0
        self.state = State(state="starting", since=utc_now())
        self.state_changed = asyncio.Event()
        self._make = make
        self._spool = spool
        self._publisher = publisher
        self._turn = asyncio.Lock()
        self._driver: Driver | None = None
        self._identity: Identity | None = None
        self._stream: Stream | None = None
        self._measurement: str | None = None
        self._begun: Begin | None = None
        self._new_stream = False
        self._full_since: str | None = None
        self._missed = 0  # readings that came while the spool was full and will not come again
        self._specs: Mapping[str, CommandSpec] = {}
        self._doing = "nothing"
        self._doubt: tuple[InstrumentError, str] | None = None
        self._sound = asyncio.Event()  # no recovery is owed or under way
        self._sound.set()
        self._was_ready = False
        self._told: type[Exception] | None = None
        self._nudged = asyncio.Event()
        self._stopping = asyncio.Event()
        self.run_id = uuid4()
        self._log = structlog.get_logger("instrument").bind(instrument=instrument)

    async def run(self) -> None:
        """Until stopped or cancelled. A fault of the instrument is told once, when it comes and when it is over."""
        failures = 0
        while not self._stopping.is_set():
            self._was_ready = False
            try:
                await self._live()
            except InstrumentError as error:
                self._complain(error)
                self._tell("fault", str(error))
            except SpoolError as error:
                self._complain(error)
                self._tell("not-acquiring", str(error))
                await self._wait_for_room()
            except Exception as error:  # a driver may be anybody's; its errors must not end the instrument for good
                self._complain(error)
                self._tell("fault", f"An error in the driver ({type(error).__name__}); the log has it.")
            failures = 0 if self._was_ready else failures + 1
            await self._pause(REOPEN_S[min(failures, len(REOPEN_S) - 1)])

    def stop(self) -> None:
        """Finish the exchange under way, append what it gave, close the stream: nothing taken is lost by stopping."""
        self._stopping.set()
        self._nudged.set()

    def _complain(self, error: Exception) -> None:
        """Once for each kind of error until the instrument is ready again."""
        if self._told is not type(error):
            ours = isinstance(error, InstrumentError)
            self._log.warning("not available", why=str(error), exc_info=None if ours else error)
        self._told = type(error)

    async def _pause(self, seconds: float) -> None:
        if not self._stopping.is_set():
            self._nudged.clear()
        if self._doubt is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._nudged.wait()

    async def _wait_for_room(self) -> None:
        """Rule 3.9: nothing is asked and the port stays closed until the spool takes entries again."""
        while not self._stopping.is_set() and not await self._spool.has_room():
            await self._pause(ROOM_EVERY_S)

    def receded(self) -> None:
        """The store knows more of the stream than the spool (rule 5d): go on in a new one."""
        self._new_stream = True

    # --- one connection epoch -----------------------------------------------------------------------------------------

    async def _live(self) -> None:
        driver = self._make()
        self._specs = type(driver).commands()
        try:
            self._identity = await comes_back(driver.open(), self.instrument, "opening")
            self._driver = driver
            while not self._stopping.is_set():
                await self._one_stream(driver)
        finally:
            self._driver = self._doubt = None
            self._sound.set()
            await self._close(driver)

    async def _close(self, driver: Driver) -> None:
        try:
            async with asyncio.timeout(LETS_GO_S):
                await driver.close()
        except Exception as error:
            self._log.warning("not closed in order", why=f"{type(error).__name__}: {error}")

    async def _one_stream(self, driver: Driver) -> None:
        self._new_stream = False
        stream = self._stream = await self._publisher.open_stream(self.instrument)
        self._was_ready = True
        if self._told is not None:
            self._told = None
            self._log.info("available again")
        self._tell("ready")
        ended = "link-lost"
        try:
            await self._tell_of_gap(stream)
            while not self._new_stream and not self._stopping.is_set():
                async with self._turn:
                    if self._doubt is None:
                        await self._poll(driver, stream)
                    else:
                        await self._settle(driver, stream, *self._doubt)
                await self._pause(driver.poll_interval_s)
            ended = "closed"
        except asyncio.CancelledError:
            ended = "closed"
            raise
        except SpoolFull:
            ended = "spool-full"
            self._full_since = self._full_since or utc_now()
            await self._end_measurement(stream)
            raise
        finally:
            self._stream = self._measurement = self._begun = None
            await self._publisher.end_stream(stream, ended)
            if ended == "closed" and not self._new_stream:
                self._tell("stopped")

    async def _tell_of_gap(self, stream: Stream) -> None:
        """What came while the spool was full stands first in the next stream."""
        if self._full_since is not None:
            await self._publisher.append(stream, [(gap_body("spool full", self._missed, self._full_since), None)])
            self._full_since, self._missed = None, 0

    async def _end_measurement(self, stream: Stream) -> None:
        """The end marker of a measurement that a full spool ends, from the reserve."""
        if self._measurement is not None and self._begun is not None:
            body = marker_body("end", self._measurement, self._begun.session, self._begun.step)
            try:
                await self._publisher.append(stream, [(body, self._measurement)], urgent=True)
            except SpoolError as error:
                self._log.warning("the end marker could not be written", why=str(error))

    async def _poll(self, driver: Driver, stream: Stream) -> None:
        asked, self._doing = utc_now(), "a reading"
        try:
            readings = await comes_back(driver.poll(), self.instrument, "a reading")
        except ReplyTimeout as error:
            await self._recover(driver, stream, gap_body(str(error), 1, asked), str(error))
            return
        confirm = getattr(driver, "confirm", None)
        before = self.appended
        try:
            await self._append(stream, readings)
        except SpoolFull:
            if confirm is None:  # unconfirmed ones will come again
                self._missed += len(readings) - (self.appended - before)
            raise
        if readings and confirm is not None:
            await confirm()

    async def _settle(self, driver: Driver, stream: Stream, error: InstrumentError, since: str) -> None:
        """After a command that left the line in doubt. No reading was asked for: nobody knows what the gap holds."""
        if isinstance(error, LinkDown):
            raise error
        await self._recover(driver, stream, gap_body(str(error), None, since), str(error))

    async def _recover(self, driver: Driver, stream: Stream, gap: bytes, why: str) -> None:
        """What did not come is a gap; nothing is read until the instrument has been identified again.

        Whatever recover() raises ends the stream, and the instrument is opened anew.
        """
        self._sound.clear()
        self._doing = "finding its way back to the instrument"
        await self._publisher.append(stream, [(gap, None)])
        self._log.warning("no reply; draining and identifying again", why=why)
        self._tell("fault", why)
        await comes_back(driver.recover(), self.instrument, "recovering")
        self._doubt = None
        self._sound.set()
        self._tell("measuring" if self._measurement else "ready")

    async def _append(self, stream: Stream, readings: Sequence[Reading]) -> None:
        """What one poll gave, in one commit; only what is too large to be sent is withheld one by one."""
        bodies = [reading_body(reading) for reading in readings]
        for too_large, run in groupby(bodies, lambda body: len(body) > LARGEST_BODY):
            group = list(run)
            if too_large:
                for body in group:
                    await self._publisher.withhold(stream, body, f"larger than {LARGEST_BODY} bytes")
            else:
                await self._publisher.append(stream, [(body, None) for body in group])
            self.appended += len(group)

    # --- commands ---------------------------------------------------------------------------------------------------

    def accepts(self) -> list[Accepts]:
        """What this instrument can be asked to do, and whether it would do so now."""
        ready = self._driver is not None and self._stream is not None and self._sound.is_set()
        measuring = self._measurement is not None
        marks = [
            Accepts(
                name="begin", title="Begin a measurement here", parameters=Begin.model_json_schema(),
                now=ready and not measuring,
            ),
            Accepts(
                name="end", title="End the measurement", parameters=End.model_json_schema(), while_measuring=True,
                now=ready and measuring,
            ),
        ]  # fmt: skip
        return marks + [
            Accepts(
                name=spec.name, title=spec.title, parameters=spec.parameters.model_json_schema(),
                while_measuring=spec.while_measuring, within_s=spec.within_s, now=ready and self._allows(spec),
            )
            for spec in self._specs.values()
        ]  # fmt: skip

    def _allows(self, spec: CommandSpec) -> bool:
        """A step that is under way allows what belongs to it, and what cannot change what it measures."""
        if self._measurement is None or spec.while_measuring:
            return True
        return self._begun is not None and spec.name in self._begun.allows

    async def command(
        self, name: str, parameters: Mapping[str, Any], *, turn_within_s: float = TURN_WITHIN_S
    ) -> Mapping[str, Any]:
        """Carry out one command; waits turn_within_s for its turn. Raises CommandRefused with a plain sentence."""
        if self._specs and name not in self._specs and name not in MARKS:
            raise CommandRefused(f"{self.instrument} has no command '{name[:64]}'; it has {self._names()}.")
        await self._take_turn(turn_within_s)
        try:
            driver, stream = self._driver, self._stream
            if driver is None or stream is None:
                raise CommandRefused(f"{self.instrument} is not ready: {self.state.why or f'{self.state.state}.'}")
            self._doing = name
            if name in MARKS:
                return await self._mark(stream, name, (Begin if name == "begin" else End).from_request(parameters))
            return await self._carry_out(driver, self._specs[name], parameters)
        except (Refused, Misuse) as error:
            raise CommandRefused(str(error)) from error
        except ValidationError as error:
            raise CommandRefused(_first_problem(self.instrument, name, error)) from error
        except SpoolError as error:
            raise CommandRefused(f"{self.instrument} cannot {name}: {error}") from error
        finally:
            self._turn.release()

    def _names(self) -> str:
        return ", ".join([*sorted(self._specs), *MARKS])

    async def _take_turn(self, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                while True:
                    await self._sound.wait()
                    await self._turn.acquire()
                    if self._sound.is_set():
                        return
                    self._turn.release()
        except TimeoutError as error:
            raise CommandRefused(
                f"{self.instrument} was busy with {self._doing} for {within_s:g} s; nothing was done, ask again."
            ) from error

    async def _carry_out(self, driver: Driver, spec: CommandSpec, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Held to its time. Whatever leaves the line in doubt is settled by the next turn, before the next reading."""
        if not self._allows(spec):
            raise CommandRefused(self._not_while_measuring(spec.name))
        since = utc_now()
        try:
            return await within(driver.run_command(spec.name, parameters), spec.within_s)
        except (Refused, Misuse, ValidationError):
            raise
        except InstrumentError as error:
            doubt = error
        except Exception as error:
            self._log.exception("error in the driver", command=spec.name)
            doubt = ReplyTimeout(f"It ended in an error of its driver ({type(error).__name__}); the log has it.")
        if self._driver is driver:
            self._doubt = (doubt, since)
            self._sound.clear()
            self._nudged.set()
        raise CommandRefused(
            f"{self.instrument}, {spec.name}: {doubt} It may have been done or not; look before asking again."
        ) from doubt

    def _not_while_measuring(self, name: str) -> str:
        step = f"step {self._begun.step} of session {self._begun.session}, " if self._begun else ""
        allowed = ", ".join([*(n for n, s in sorted(self._specs.items()) if self._allows(s)), "end"])
        return (
            f"{self.instrument} is measuring ({step}measurement {self._measurement}), which does not allow {name};"
            f" until its end it takes {allowed}."
        )

    async def _mark(self, stream: Stream, mark: str, asked: End) -> dict[str, Any]:
        """Append a marker, once: the same measurement id again gets the same answer, from the spool."""
        measurement = str(asked.measurement)
        earlier = await self._spool.markers(measurement)
        same = next((m for m in earlier if m.mark == mark), None)
        if same is not None and (same.ended is None or any(m.mark == "end" for m in earlier)):
            return {"stream": same.stream, "seq": same.seq}
        if any(m.ended is not None for m in earlier):
            raise CommandRefused(f"Measurement {measurement} was interrupted; begin a new attempt.")
        if mark == "begin" and self._measurement is not None:
            raise CommandRefused(f"{self.instrument} is in measurement {self._measurement}; end that first.")
        if mark == "end" and self._measurement != measurement:
            raise CommandRefused(f"Measurement {measurement} is not under way on {self.instrument}.")
        if isinstance(asked, Begin) and (unknown := sorted(set(asked.allows) - set(self._specs))):
            raise CommandRefused(f"{self.instrument} has no command '{unknown[0]}' to allow; it has {self._names()}.")
        if self._stream is not stream:
            raise CommandRefused(f"{self.instrument} is not ready: its stream has just ended.")
        body = marker_body(mark, measurement, asked.session, asked.step)
        seq = await self._publisher.append(stream, [(body, measurement)], urgent=mark == "end")
        if self._stream is stream:
            self._begun = asked if isinstance(asked, Begin) else None
            self._measurement = measurement if mark == "begin" else None
            self._tell("measuring" if self._measurement else "ready")
        return {"stream": stream.stream, "seq": seq}

    # --- state ------------------------------------------------------------------------------------------------------

    def _tell(self, state: str, why: str | None = None) -> None:
        who = self._identity
        self.state = State.model_validate(
            {
                "state": state,
                "since": utc_now(),
                "why": why,
                "model": who.model if who else None,
                "serial": who.serial if who else None,
                "firmware": who.firmware if who else None,
                "stream": self._stream.stream if self._stream else None,
                "measurement": self._measurement,
                "emitted": self.appended,
                "run": self.run_id,
                "commands": self.accepts(),
            }
        )
        self.state_changed.set()


def _first_problem(instrument: str, name: str, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "parameters"
    return f"{instrument} cannot {name}: {where}: {first['msg']}."
