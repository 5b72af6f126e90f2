"""One instrument's life: open, a stream, polls and appends, markers between polls, and again after a lost link.

Between two requests to the instrument there is one turn; polls, driver commands and markers each take it whole. So
what was asked before a begin marker is appended before it (docs/noloss.md rule 3.2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from pydantic import ValidationError

from acquire.bus.messages import Accepts, State
from acquire.canonical import utc_now
from acquire.instruments.entries import LARGEST_BODY, gap_body, marker_body, reading_body
from acquire.spool.journal import SpoolError
from acquire.spool.publisher import Publisher
from acquire.spool.source import Stream
from acquire.spool.spool import Spool
from drivers import Driver, Identity, InstrumentError, Reading, ReplyTimeout
from drivers.driver import Settings

REOPEN_S = (0.5, 1.0, 2.0, 5.0)


class CommandRefused(Exception):
    """A command was not carried out: one plain sentence."""


class Mark(Settings):
    """Parameters of begin and end."""

    measurement: str
    session: str
    step: str


class Runner:
    """Runs one driver for ever. `make` builds a fresh driver for each attempt to open it."""

    def __init__(self, instrument: str, make: Callable[[], Driver], spool: Spool, publisher: Publisher) -> None:
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
        self._new_stream = False
        self._stopping = asyncio.Event()
        self._log = structlog.get_logger("instrument").bind(instrument=instrument)

    async def run(self) -> None:
        """Until stopped or cancelled. A fault of the instrument is told once, when it comes and when it is over."""
        failures = 0
        while not self._stopping.is_set():
            try:
                await self._live()
            except InstrumentError as error:
                failures = 0 if self.state.state in ("ready", "measuring") else failures + 1
                if failures <= 1:
                    self._log.warning("not available", why=str(error))
                self._tell("fault", str(error))
            except SpoolError as error:
                self._log.exception("cannot append")
                self._tell("not-acquiring", str(error))
            await self._pause(REOPEN_S[min(failures, len(REOPEN_S) - 1)])

    def stop(self) -> None:
        """Finish the exchange under way, append what it gave, close the stream: nothing taken is lost by stopping."""
        self._stopping.set()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def receded(self) -> None:
        """The store knows more of the stream than the spool (rule 5d): go on in a new one."""
        self._new_stream = True

    # --- one connection epoch -----------------------------------------------------------------------------------------

    async def _live(self) -> None:
        driver = self._make()
        try:
            self._identity = await driver.open()
            self._driver = driver
            while not self._stopping.is_set():
                await self._one_stream(driver)
        finally:
            self._driver = None
            await driver.close()

    async def _one_stream(self, driver: Driver) -> None:
        self._new_stream = False
        stream = self._stream = await self._publisher.open_stream(self.instrument)
        self._tell("ready")
        ended = "link-lost"
        try:
            while not self._new_stream and not self._stopping.is_set():
                async with self._turn:
                    await self._poll(driver, stream)
                await self._pause(driver.poll_interval_s)
            ended = "closed"
        except asyncio.CancelledError:
            ended = "closed"
            raise
        finally:
            self._stream = self._measurement = None
            await self._publisher.end_stream(stream, ended)
            self._tell("stopped")

    async def _poll(self, driver: Driver, stream: Stream) -> None:
        asked = utc_now()
        try:
            readings = await driver.poll()
        except ReplyTimeout as error:
            await self._recover(driver, stream, str(error), asked)
            return
        for reading in readings:
            await self._append(stream, reading)
        confirm = getattr(driver, "confirm", None)
        if readings and confirm is not None:
            await confirm()

    async def _recover(self, driver: Driver, stream: Stream, why: str, since: str) -> None:
        """The reading that did not come is a gap; nothing is read until the instrument has been identified again."""
        await self._publisher.append(stream, [(gap_body(why, 1, since), None)])
        self._log.warning("no reply; draining and identifying again", why=why)
        await driver.recover()

    async def _append(self, stream: Stream, reading: Reading) -> None:
        body = reading_body(reading)
        if len(body) > LARGEST_BODY:
            await self._publisher.withhold(stream, body, f"larger than {LARGEST_BODY} bytes")
        else:
            await self._publisher.append(stream, [(body, None)])
        self.appended += 1

    # --- commands ---------------------------------------------------------------------------------------------------

    def accepts(self) -> list[Accepts]:
        """What this instrument can be asked to do."""
        marks = [
            Accepts(name="begin", title="Begin a measurement here", parameters=Mark.model_json_schema()),
            Accepts(name="end", title="End the measurement", parameters=Mark.model_json_schema()),
        ]
        specs = type(self._driver).commands().values() if self._driver else ()
        return marks + [
            Accepts(name=spec.name, title=spec.title, parameters=spec.parameters.model_json_schema()) for spec in specs
        ]

    async def command(self, name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry out one command. Raises CommandRefused with a plain sentence."""
        async with self._turn:
            driver, stream = self._driver, self._stream
            if driver is None or stream is None:
                raise CommandRefused(f"{self.instrument} is not ready: {self.state.why or self.state.state}.")
            try:
                if name in ("begin", "end"):
                    return await self._mark(stream, name, Mark.model_validate(dict(parameters)))
                return await driver.run_command(name, parameters)
            except ValidationError as error:
                raise CommandRefused(_first_problem(self.instrument, name, error)) from error
            except ReplyTimeout as error:
                await self._recover(driver, stream, str(error), utc_now())
                raise CommandRefused(f"{self.instrument} did not answer to {name}: {error}") from error
            except InstrumentError as error:
                raise CommandRefused(str(error)) from error

    async def _mark(self, stream: Stream, mark: str, asked: Mark) -> dict[str, Any]:
        """Append a marker, once: the same measurement id again gets the same answer."""
        for earlier in await self._spool.markers(asked.measurement):
            if earlier.mark == mark and (mark == "end" or earlier.ended is None):
                return {"stream": earlier.stream, "seq": earlier.seq}
            if mark == "begin" or earlier.stream != stream.stream:
                raise CommandRefused(f"Measurement {asked.measurement} was interrupted; begin a new attempt.")
        if mark == "begin" and self._measurement is not None:
            raise CommandRefused(f"{self.instrument} is in measurement {self._measurement}; end that first.")
        if mark == "end" and self._measurement != asked.measurement:
            raise CommandRefused(f"Measurement {asked.measurement} is not under way on {self.instrument}.")
        body = marker_body(mark, asked.measurement, asked.session, asked.step)
        seq = await self._publisher.append(stream, [(body, asked.measurement)])
        self._measurement = asked.measurement if mark == "begin" else None
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
                "commands": self.accepts(),
            }
        )
        self.state_changed.set()


def _first_problem(instrument: str, name: str, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "parameters"
    return f"{instrument} cannot {name}: {where}: {first['msg']}."
