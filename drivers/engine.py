"""The engine of every instrument that is asked: opening, identity, doubt, read-back, time stamps, raw bytes, faults.

It knows nothing of any model. What a driver could forget is done here, so that no driver can get it wrong: after any
reply that is not understood nothing is believed before the instrument is identified again; what was converted before a
change is set aside, unbelieved; every exception of a driver becomes a sentence, and the bytes it was about are kept.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from drivers.commands import CommandSpec, Done, commands_of
from drivers.driver import Driver, WireSettings
from drivers.errors import (
    Declined,
    DriverFault,
    Garbled,
    InstrumentError,
    LinkDown,
    Misuse,
    ReplyTimeout,
    WrongInstrument,
    fault_of,
    shown,
)
from drivers.instrument import Identity, Instrument, Outcome
from drivers.link import Link
from drivers.model import Model
from drivers.reading import Flag, Reading, Sample
from drivers.settings import Settings
from drivers.stamping import HostClock, readings_of, unparsed
from drivers.trace import Crossing, Trace
from drivers.transport.base import Transport
from drivers.wire import Wire

IDENTIFY_TRIES = 3
READ_BACK_TRIES = 2  # one damaged reply must not leave it unknown what is in force
QUIET_S = 0.2  # a line is drained when it has been quiet for so long
STAND_DOWN_S = 2.0
REFUSALS = 5  # so many refusals of a reading in a row, and the instrument is opened and set up anew


class WiredInstrument(Instrument):
    """A model's driver on one transport."""

    def __init__(
        self, model: Model, resource: str, settings: WireSettings, transport: Transport, trace: Trace | None = None
    ) -> None:
        super().__init__(model, resource)
        self.settings = settings
        self._clock = HostClock()
        self.identity: Identity | None = None
        kind: type[Driver[Any]] = model.driver
        self._link = Link(transport, name=resource, between=kind.between, trace=trace)
        self._wire = Wire(self._link, settings.timeout_s)
        with self._minding("making the driver of"):
            self._driver: Driver[Any] = kind(self._wire, settings)
        self._in_force: Mapping[str, Any] = {}
        self._cut_short: str | None = None  # a command whose end is not known, outside of a measurement
        self._kept: list[Reading] = []  # what was heard and could not be given yet

    @property
    def poll_interval_s(self) -> float:
        """As configured."""
        return self.settings.poll_interval_s

    @property
    def measures(self) -> str:
        """What the driver says it is set to give. Raises DriverFault where it fails to say."""
        with self._minding("asking for the quantity of"):
            return self._driver.measures or super().measures

    @property
    def channels(self) -> tuple[str, ...]:
        """What the driver says is in use. Raises DriverFault where it fails to say."""
        with self._minding("asking for the channels of"):
            own = self._driver.channels
        return super().channels if own is None else own

    @property
    def settings_in_force(self) -> Mapping[str, Any]:
        """As the instrument said when it was last read back."""
        return self._in_force

    async def open(self) -> Identity:
        """Open, identify, set up, read back, set aside what is stale; on failure the port is free again.

        Raises LinkDown, ReplyTimeout, WrongInstrument, Declined, Garbled, DriverFault.
        """
        with self._minding("making the driver of"):
            self._driver = self.model.driver(self._wire, self.settings)
        self._refusals = 0
        self._cut_short = None
        self._kept.clear()
        self._clock.begin()
        ready = False
        try:
            await self._link.open()
            self.identity = await self._identified_anew()
            with self._minding("setting up"):
                await self._driver.set_up()
            await self._read_back()
            await self._set_aside("it was set up")
            ready = True
        finally:
            if not ready:
                await self._link.close()
        return self.identity

    async def ask_identity(self) -> Identity:
        """Open, ask what it is, and close again: nothing is set. Raises as `open` does."""
        try:
            await self._link.open()
            return await self._identified_anew()
        finally:
            await self._link.close()

    async def take(self) -> Sequence[Reading]:
        """One exchange. What was not understood, refused or set aside is a reading of kind "unparsed".

        Raises ReplyTimeout, and LinkDown also where the instrument refuses five times in a row.
        """
        return await self._sampled(self._driver.take)

    async def flush(self) -> Sequence[Reading]:
        """What belongs before the marker that follows. Raises as `take` does."""
        return await self._sampled(self._driver.flush)

    async def recover(self) -> Identity:
        """Drain, identify, and see that it is the same unit, set as it was.

        Raises WrongInstrument, ReplyTimeout while it is not understood, LinkDown where its settings are lost or a
        command that changes them was cut short.
        """
        with self._link.recovering():
            now = await self._identify()
            if self.identity is not None and now.serial != self.identity.serial:
                raise WrongInstrument(f"Serial number {now.serial} answers where {self.identity.serial} was.")
            if self._cut_short is not None:
                raise LinkDown(
                    f"{self._cut_short} was cut short on {self.resource}: how it is set now is not known; it is opened"
                    " and set up anew."
                )
            try:
                with self._minding("finding the way back to"):
                    await self._driver.resume()
            except Declined as error:
                raise LinkDown(f"{self.resource} is not set any more as it was: {error}", error.raw) from error
            except (Garbled, DriverFault) as error:
                raise ReplyTimeout(f"{self.resource} is not understood yet: {error}", error.raw) from error
        return now

    async def close(self) -> None:
        """Stand down where the line is sound, and release the port."""
        with suppress(Exception):  # on a line that is closed or in doubt nothing is sent
            async with asyncio.timeout(STAND_DOWN_S):
                await self._driver.stand_down()
        await self._link.close()

    def last_words(self) -> tuple[Crossing | None, Crossing | None]:
        """As its trace has them."""
        return self._link.trace.last_request(), self._link.trace.last_reply()

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
        given = spec.parameters.from_request(parameters)
        try:
            return await self._carried_out(name, spec, given)
        except Declined:
            self._cut_short = None
            await self._after_refusal()
            raise
        except Misuse:  # nothing was asked of it
            self._cut_short = None
            raise

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _carried_out(self, name: str, spec: CommandSpec, given: Settings) -> Outcome:
        self._wire.heard.clear()
        self._cut_short = None if spec.passive or spec.while_measuring else name
        with self._minding(f"carrying out {name} on"):
            gave = await getattr(self._driver, spec.method)(given)
            done = gave if isinstance(gave, Done) else Done(dict(gave or {}))
            self._kept += self._readings_of(done.samples)
        self._cut_short = None
        if not spec.passive:
            await self._read_back()
            await self._set_aside(name)
        return Outcome(done.result, self._given_out())

    @contextmanager
    def _minding(self, doing: str) -> Iterator[None]:
        """Around all that a driver does and gives. Raises InstrumentError only: any other exception as DriverFault."""
        try:
            yield
        except InstrumentError:
            raise
        except Exception as error:
            self._link.doubt()
            raise fault_of(error, f"{doing} {self.resource}", self._raw()) from error

    async def _identified_anew(self) -> Identity:
        """A line in doubt is believed again."""
        with self._link.recovering():
            return await self._identify()

    async def _after_refusal(self) -> None:
        """A line that refuses may have come unasked, and the true reply be on the way: it must not answer the next."""
        with suppress(InstrumentError):  # the doubt then stays, and recover() says why
            await self._identified_anew()

    async def _identify(self) -> Identity:
        """On a drained line; a late reply in the place of the answer is thrown away and the question asked again."""
        for attempt in range(IDENTIFY_TRIES):
            await self._link.drain(QUIET_S)
            try:
                with self._minding("identifying"):
                    found = await self._driver.identify()
                    self._check(found)
            except (Garbled, ReplyTimeout, Declined, DriverFault) as error:
                if attempt < IDENTIFY_TRIES - 1:
                    continue
                if isinstance(error, ReplyTimeout | DriverFault):
                    raise
                raise WrongInstrument(
                    f"A {self.model.title} was expected on {self.resource}; '{shown(error.raw)}' answers: connect the"
                    " right instrument, or correct model or resource.",
                    error.raw,
                ) from error
            return found
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _check(self, found: Identity) -> None:
        if not re.fullmatch(self.model.answers, found.model):
            raise WrongInstrument(
                f"A {self.model.title} is configured on {self.resource}; a {found.model} answers: connect the right"
                " instrument, or correct model or resource.",
                found.raw,
            )
        wanted = self.settings.expected_serial
        if wanted is not None and found.serial != wanted:
            raise WrongInstrument(
                f"Serial number {wanted} is configured on {self.resource}; {found.serial or 'no number'} answers:"
                " connect the right unit, or correct expected_serial."
            )

    async def _read_back(self) -> None:
        """What it does not answer is asked once more when it was identified; its state then shows nothing."""
        self._in_force = {}
        for _ in range(READ_BACK_TRIES):
            try:
                with self._minding("reading settings back from"):
                    self._in_force = dict(await self._driver.read_back())
            except (Garbled, ReplyTimeout):
                await self._identified_anew()
            else:
                return

    async def _set_aside(self, change: str) -> None:
        """What the instrument may have converted before a change goes into the stream unbelieved, with its bytes."""
        for _ in range(self._driver.stale):
            self._wire.heard.clear()
            said: InstrumentError | None = None
            try:
                with self._minding("reading"):
                    await self._driver.take()
            except (Garbled, Declined) as error:
                said = error
            why = f"Set aside: it may have been converted before {change}."
            self._kept += [self._unparsed(raw, why, Flag.STALE) for raw in self._heard(said)]
            if said is not None:
                await self._identified_anew()

    def _given_out(self) -> list[Reading]:
        kept, self._kept = self._kept, []
        return kept

    def _keep(self, error: InstrumentError) -> None:
        """The bytes that an error is about, to be given out unbelieved."""
        if raw := self._raw(error):
            self._kept.append(self._unparsed(raw, str(error)))

    async def _sampled(self, work: Callable[[], Awaitable[Sequence[Sample]]]) -> Sequence[Reading]:
        self._wire.heard.clear()
        try:
            with self._minding("reading"):
                self._kept += self._readings_of(await work())
        except (Garbled, DriverFault) as error:
            self._link.doubt()
            self._kept.append(self._unparsed(self._raw(error), str(error)))
        except Declined as error:
            self._refusals += 1
            if self._refusals >= REFUSALS:
                raise LinkDown(f"{error} It did so {REFUSALS} times; it is opened anew.", error.raw) from error
            self._kept.append(self._unparsed(self._raw(error), str(error)))
            await self._after_refusal()
        except (LinkDown, ReplyTimeout) as error:
            self._keep(error)
            raise
        else:
            self._refusals = 0
        return self._given_out()

    def _readings_of(self, samples: Sequence[Sample]) -> list[Reading]:
        return readings_of(self.model, self.channels, samples, self._raw(), self._clock)

    def _unparsed(self, raw: bytes, why: str, *flags: Flag) -> Reading:
        return unparsed(self.model, raw, why, *flags, clock=self._clock)

    def _heard(self, error: InstrumentError | None = None) -> list[bytes]:
        """All that was heard for one piece of work, and what an error says was heard beyond it."""
        heard = list(self._wire.heard)
        return heard if error is None or error.raw in b"\n".join(heard) else [*heard, error.raw]

    def _raw(self, error: InstrumentError | None = None) -> bytes:
        return b"\n".join(self._heard(error))
