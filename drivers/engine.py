"""The engine of every instrument that is asked: opening, identity, doubt, read-back, time stamps, raw bytes, faults.

It knows nothing of any model. What a driver could forget is done here, so that no driver can get it wrong: after any
reply that is not understood nothing is believed before the instrument is identified again; what was converted before a
change is set aside, unbelieved; every exception of a driver becomes a sentence, and the bytes it was about are kept.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from pydantic import ValidationError

from drivers.commands import CommandSpec, Done, commands_of
from drivers.driver import Driver, WireSettings
from drivers.errors import (
    DriverFault,
    Garbled,
    InstrumentError,
    LinkDown,
    Refused,
    ReplyTimeout,
    WrongInstrument,
    fault_of,
    shown,
)
from drivers.instrument import Identity, Instrument, Outcome
from drivers.link import Link
from drivers.model import Model
from drivers.reading import Flag, Reading, Sample
from drivers.stamping import readings_of, unparsed
from drivers.trace import Trace
from drivers.transport.base import Transport
from drivers.wire import Wire

IDENTIFY_TRIES = 3
QUIET_S = 0.2  # a line is drained when it has been quiet for so long
STAND_DOWN_S = 2.0
REFUSALS = 5  # so many refusals of a reading in a row, and the instrument is opened and set up anew
T = TypeVar("T")


class WiredInstrument(Instrument):
    """A model's driver on one transport."""

    def __init__(
        self, model: Model, resource: str, settings: WireSettings, transport: Transport, trace: Trace | None = None
    ) -> None:
        super().__init__(model, resource)
        self.settings = settings
        self.identity: Identity | None = None
        kind: type[Driver[Any]] = model.driver
        self._link = Link(transport, name=resource, between=kind.between, trace=trace)
        self._wire = Wire(self._link, settings.timeout_s)
        self._driver: Driver[Any] = kind(self._wire, settings)
        self._in_force: Mapping[str, Any] = {}
        self._refusals = 0
        self._aside: list[Reading] = []  # converted before a change: kept with their bytes, not believed

    @property
    def poll_interval_s(self) -> float:
        """As it is configured."""
        return self.settings.poll_interval_s

    @property
    def measures(self) -> str:
        """What the driver says it is set to give."""
        return self._driver.measures or super().measures

    @property
    def channels(self) -> tuple[str, ...]:
        """What the driver says is in use."""
        own = self._driver.channels
        return super().channels if own is None else own

    @property
    def settings_in_force(self) -> Mapping[str, Any]:
        """As the instrument said when it was last read back."""
        return self._in_force

    async def open(self) -> Identity:
        """Open, identify, set up, read back, set aside what is stale; on failure the port is free again."""
        self._driver = self.model.driver(self._wire, self.settings)
        self._refusals = 0
        self._aside.clear()
        ready = False
        try:
            await self._link.open()
            with self._link.recovering():
                self.identity = await self._identify()
            await self._guarded(self._driver.set_up(), "setting up")
            await self._read_back()
            await self._set_aside("it was set up")
            ready = True
        finally:
            if not ready:
                await self._link.close()
        return self.identity

    async def take(self) -> Sequence[Reading]:
        """One exchange. What was not understood, refused or set aside is a reading of kind "unparsed"."""
        return await self._sampled(self._driver.take())

    async def flush(self) -> Sequence[Reading]:
        """What belongs before the marker that follows."""
        return await self._sampled(self._driver.flush())

    async def recover(self) -> Identity:
        """Drain, identify, and see that it is the same unit, set as it was."""
        with self._link.recovering():
            now = await self._identify()
            if self.identity is not None and now.serial != self.identity.serial:
                raise WrongInstrument(f"Serial number {now.serial} answers where {self.identity.serial} was.")
            try:
                await self._guarded(self._driver.resume(), "finding its way back")
            except (Garbled, DriverFault) as error:
                raise ReplyTimeout(f"{self.resource} is not understood yet: {error}", error.raw) from error
        return now

    async def close(self) -> None:
        """Stand down where the line is sound, and release the port."""
        if self.identity is not None and not self._link.in_doubt:
            with suppress(Exception):
                async with asyncio.timeout(STAND_DOWN_S):
                    await self._driver.stand_down()
        await self._link.close()

    def commands(self) -> Mapping[str, CommandSpec]:
        """Those that the driver declares."""
        return commands_of(type(self._driver))

    async def run_command(self, name: str, parameters: Mapping[str, Any]) -> Outcome:
        """Run one; afterwards settings are read back and stale samples set aside, unless it is passive.

        Raises Misuse for an unknown one, pydantic.ValidationError for wrong parameters, and what the driver raises.
        """
        spec = self.commands().get(name)
        if spec is None:
            return await super().run_command(name, parameters)
        self._wire.heard.clear()
        method = getattr(self._driver, spec.method)
        gave = await self._guarded(method(spec.parameters.from_request(parameters)), f"carrying out {name}")
        done = gave if isinstance(gave, Done) else Done(gave or {})
        readings = readings_of(self.model, self.channels, done.samples, self._raw())
        if not spec.passive:
            await self._read_back()
            await self._set_aside(name)
        return Outcome(done.result, [*readings, *self._put_aside()])

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _guarded(self, work: Awaitable[T], doing: str) -> T:
        """A driver's work. Raises InstrumentError and ValidationError only: any other exception as DriverFault."""
        try:
            return await work
        except (InstrumentError, ValidationError):
            raise
        except Exception as error:
            self._link.doubt()
            raise fault_of(error, f"{doing} {self.resource}", self._raw()) from error

    async def _identify(self) -> Identity:
        """On a drained line; a late reply in the place of the answer is thrown away and the question asked again."""
        for attempt in range(IDENTIFY_TRIES):
            await self._link.drain(QUIET_S)
            try:
                found = await self._guarded(self._driver.identify(), "identifying")
                self._check(found)
            except (Garbled, ReplyTimeout, Refused, DriverFault) as error:
                if attempt < IDENTIFY_TRIES - 1:
                    continue
                if isinstance(error, ReplyTimeout | DriverFault):
                    raise
                raise WrongInstrument(
                    f"A {self.model.title} was expected on {self.resource}; '{shown(error.raw)}' answers.", error.raw
                ) from error
            return found
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _check(self, found: Identity) -> None:
        if not re.fullmatch(self.model.answers, found.model):
            raise WrongInstrument(
                f"A {self.model.title} is configured on {self.resource}; a {found.model} answers.", found.raw
            )
        wanted = self.settings.expected_serial
        if wanted is not None and found.serial != wanted:
            raise WrongInstrument(
                f"Serial number {wanted} is configured on {self.resource}; {found.serial or 'no number'} answers."
            )

    async def _read_back(self) -> None:
        """Where it does not answer what it is set to, it is identified again; its state then shows nothing."""
        self._in_force = {}
        try:
            self._in_force = await self._guarded(self._driver.read_back(), "reading settings back from")
        except (Garbled, ReplyTimeout):
            with self._link.recovering():
                await self._identify()

    async def _set_aside(self, change: str) -> None:
        """What the instrument may have converted before a change goes into the stream unbelieved, with its bytes."""
        for _ in range(self._driver.stale):
            self._wire.heard.clear()
            with suppress(Garbled, Refused):
                await self._guarded(self._driver.take(), "reading")
            self._aside += [
                unparsed(self.model, raw, f"Set aside: it may have been converted before {change}.", Flag.STALE)
                for raw in self._wire.heard
            ]

    def _put_aside(self) -> list[Reading]:
        aside, self._aside = self._aside, []
        return aside

    async def _sampled(self, work: Awaitable[Sequence[Sample]]) -> Sequence[Reading]:
        self._wire.heard.clear()
        try:
            samples = await self._guarded(work, "reading")
        except (Garbled, DriverFault) as error:
            self._link.doubt()
            return [unparsed(self.model, error.raw or self._raw(), str(error))]
        except Refused as error:
            self._refusals += 1
            if self._refusals >= REFUSALS:
                raise LinkDown(f"{error} It did so {REFUSALS} times; it is opened anew.", error.raw) from error
            return [unparsed(self.model, error.raw or self._raw(), str(error))]
        self._refusals = 0
        return [*self._put_aside(), *readings_of(self.model, self.channels, samples, self._raw())]

    def _raw(self) -> bytes:
        return b"\n".join(self._wire.heard)
