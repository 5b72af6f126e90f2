"""Risø/DTU DA-15 and DA-20 readers at their MiniSys controller: glow and decay curves, sample by sample.

A command begins an ordered sequence and returns; takes carry it on, step by step, and say how far it is. Whatever goes
wrong ends the sequence: the heater is switched off (the same ST 0 by which the reader is known), nothing else is sent,
and what was not read is told. Where turntable and lift stand is then not known, and only a person goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from drivers.commands import command
from drivers.driver import Driver
from drivers.errors import Declined, InstrumentError, Misuse, ReplyTimeout
from drivers.instrument import Identity
from drivers.model import Model, Quantity, Verified
from drivers.reading import Sample
from drivers.risoe import words
from drivers.risoe.counts import counts_of, is_late, temperature_of
from drivers.risoe.sequence import COUNTS, UNIT, Cool, Program, Run, Step, steps_of, unfinished
from drivers.risoe.settings import (
    HeatParameters,
    IrradiateParameters,
    LightParameters,
    MinisysSettings,
    NitrogenParameters,
)
from drivers.risoe.words import Answer, Command
from drivers.settings import NoParameters

START = (words.MODE, words.CLEAR, words.SUPPLY, words.RESET_TURNTABLE)
NEXT = "look at the reader, send lower where its sample is lifted, then initialise"
START_WITHIN_S = 120.0
COOLS_WITHIN_S = 900.0


class Minisys(Driver[MinisysSettings]):
    """A reader. Nothing moves before a person has sent `initialise`."""

    def __init__(self, wire: Any, settings: MinisysSettings) -> None:
        super().__init__(wire, settings)
        self._framing = settings.framing
        self._run: Run | None = None
        self._begun_s: float | None = None  # when the present step began, by the loop's clock
        self._told_s = 0.0  # when progress was last told
        self._temperature_c: float | None = None  # of the sample, while it cools
        self._stops = self._initialised = False
        self._heater_may_be_on = False
        self._to_tell: list[Sample] = []

    async def identify(self) -> Identity:
        """Switches the heater off: it has no name and no number, and no command is known to be more harmless."""
        await self._do(words.HEATER_OFF)
        self._heater_may_be_on = False
        return Identity("DTU Nutech", "MiniSys", "", "", self.wire.heard[-1])

    async def take(self) -> Sequence[Sample]:
        """Carries the sequence on until it gave a curve, or says how far it is. Raises what ended it, and says so."""
        if self._heater_may_be_on:
            await self.identify()
        if self._run is None:
            await self.wire.check()
            told, self._to_tell = self._to_tell, []
            return told
        try:
            return await self._carry_on(self._run)
        except InstrumentError as error:
            ended = self._end(self._run)
            self._heater_may_be_on = True
            self._to_tell = [unfinished(f"{ended} The heater was switched off.")]
            raise type(error)(f"{error} {ended}", error.raw) from error

    async def flush(self) -> Sequence[Sample]:
        """Nothing: a sequence is carried on by takes, and no measurement of it lies between markers."""
        return ()

    async def resume(self) -> None:
        """After a doubt nobody knows whether it is still as it was left: a person begins anew."""
        self._initialised = False

    async def stand_down(self) -> None:
        """Switches the heater off, also in the middle of a ramp; does not wait for it."""
        await self.wire.send(words.request(self._framing, words.HEATER_OFF.text))

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("initialise", "Begin a session: the turntable moves", within_s=START_WITHIN_S)
    async def initialise(self, p: NoParameters) -> None:
        """MD 1, CA, LV ON, TR, as every session in the logs begins. Raises Misuse, Declined."""
        self._must_be_free()
        self._to_tell.clear()
        self._initialised = False
        for each in START:
            await self._do(each)
        self._initialised = True

    @command("lower", "Lower the sample, after a sequence that was broken off")
    async def lower(self, p: NoParameters) -> None:
        """LD, which no session begins with: a person has seen that nothing is in its way. Raises Misuse, Declined."""
        self._must_be_free()
        await self._do(words.LIFT_DOWN)

    @command("glow-curve", "Heat samples one after the other and read them", HeatParameters)
    async def glow_curve(self, p: HeatParameters) -> Mapping[str, Any]:
        """Begins it; curves come as readings. Raises Misuse."""
        return self._begin(steps_of(p.program, p.samples, self._cooling()), p.program)

    @command("decay-curve", "Stimulate samples with light one after the other and read them", LightParameters)
    async def decay_curve(self, p: LightParameters) -> Mapping[str, Any]:
        """Begins it; curves come as readings. Raises Misuse."""
        return self._begin(steps_of(p.program, p.samples, self._cooling()), p.program)

    @command("irradiate", "Expose a sample to the beta source", IrradiateParameters)
    async def irradiate(self, p: IrradiateParameters) -> Mapping[str, Any]:
        """BP, then BI, where the setting irradiation allows it. Raises Misuse where it does not."""
        if not self.settings.irradiation:
            raise Misuse(
                f"{self.wire.name} is not allowed to irradiate; a person who may use the source sets"
                " irradiation = true in its configuration."
            )
        does = (words.under_source(p.position), words.irradiate(p.seconds))
        return self._begin([Step(p.position, None, each) for each in does], None)

    @command("nitrogen", "Open or close the nitrogen valve", NitrogenParameters)
    async def nitrogen(self, p: NitrogenParameters) -> Mapping[str, Any]:
        """NO or NC. Raises Misuse, Declined."""
        self._must_be_free()
        await self._do(words.NITROGEN[p.valve])
        return {"valve": p.valve}

    @command("stop", "End the sequence with its present step; heater off", while_measuring=True, passive=True)
    async def stop(self, p: NoParameters) -> Mapping[str, Any]:
        """What is under way is not broken off: whether the reader hears anything then is not known."""
        if self._run is None:
            await self._do(words.HEATER_OFF)
            return {"heater": "off"}
        self._stops = True
        return {"heater": "off after the present step", "not_read": self._run.left()}

    # --- inside -----------------------------------------------------------------------------------------------------

    def _begin(self, steps: Sequence[Step], program: Program | None) -> Mapping[str, Any]:
        self._must_be_free()
        if not self._initialised:
            raise Misuse(f"Where turntable and lift of {self.wire.name} stand is not known: {NEXT}.")
        self._run, self._begun_s, self._stops = Run(steps, program), None, False
        self._told_s = asyncio.get_running_loop().time()
        return {"steps": len(steps), "longest_s": round(sum(each.does.lasts_s for each in steps))}

    def _must_be_free(self) -> None:
        if self._run is not None and (step := self._run.step) is not None:
            raise Misuse(f"{self.wire.name} is at work ({step.where}: {step.does.says}); wait for it, or send stop.")

    def _cooling(self) -> Command | Cool | None:
        """How a sample is let cool before it is lifted."""
        s = self.settings
        if s.temperature_query is not None:
            return Cool(COOLS_WITHIN_S)
        return words.pause(s.cool_s) if s.cool_s else None

    async def _carry_on(self, run: Run) -> Sequence[Sample]:
        now = asyncio.get_running_loop().time
        until = now() + self.settings.progress_every_s
        while (step := run.step) is not None:
            waits = self._begun_s is not None and isinstance(step.does, Command)
            if self._stops and not waits:
                return await self._stopped(run)
            counts = await self._done(step.does, max(0.0, until - now()))
            if counts is None:
                return self._progress(run, now())
            self._begun_s = None
            if (curve := run.done(counts, self.wire.heard[-1])) is not None:
                return [curve]
        self._run = None
        return ()

    async def _done(self, does: Command | Cool, within_s: float) -> tuple[int, ...] | None:
        """The counts of a step that is done, none for most; None while it is under way."""
        now = asyncio.get_running_loop().time()
        begins = self._begun_s is None
        if self._begun_s is None:
            self._begun_s, self._temperature_c = now, None
        if isinstance(does, Cool):
            return await self._cooled(now - self._begun_s)
        if begins:
            request = words.request(self._framing, does.text)
            await self.wire.begin(request, timeout_s=does.lasts_s + self.settings.timeout_s)
        parse = partial(counts_of, self._framing, does)
        return await self.wire.collect(parse, self._answer(does), within_s=within_s)

    async def _cooled(self, waited_s: float) -> tuple[int, ...] | None:
        query, limit_c = self.settings.temperature_query or "", self.settings.cool_below_c
        parse = partial(temperature_of, self._framing, query)
        found_c = await self.wire.ask(
            words.request(self._framing, query), parse, Answer(self._framing, query, gives_data=True)
        )
        if found_c < limit_c:
            return ()
        if waited_s > COOLS_WITHIN_S:
            raise Declined(f"{self.wire.name} is at {found_c:g} Cel after {COOLS_WITHIN_S:g} s, not below {limit_c}.")
        self._temperature_c = found_c
        return None

    def _progress(self, run: Run, now: float) -> Sequence[Sample]:
        if now - self._told_s < self.settings.progress_every_s:
            return ()
        self._told_s = now
        return [run.progress(now - (self._begun_s or now), self._temperature_c)]

    async def _stopped(self, run: Run) -> Sequence[Sample]:
        """A person stopped it between two steps."""
        await self._do(words.HEATER_OFF)
        return [unfinished(f"Stopped by a command. {self._end(run)} The heater was switched off.")]

    def _end(self, run: Run) -> str:
        """It is over before its end: the sentences that say where, and what must be seen to."""
        step = run.step
        self._run, self._begun_s, self._initialised = None, None, False
        where = f"{step.where}, {step.does.says}" if step else "its end"
        left = ", ".join(run.left())
        said = f"The sequence ended at {where};" + (f" not read: {left}." if left else " nothing more was to be read.")
        if run.irradiates:
            said += " Whether the source is shut is not known: go by the reader's own light."
        return f"{said} Where turntable and lift stand is not known: {NEXT}."

    def _answer(self, does: Command) -> Answer:
        return Answer(self._framing, does.text, gives_data=bool(does.points))

    async def _do(self, does: Command) -> None:
        """One command, waited for. Raises Declined, Garbled, ReplyTimeout, LinkDown."""
        request, timeout_s = words.request(self._framing, does.text), does.lasts_s + self.settings.timeout_s
        await self.wire.ask(request, partial(self._nothing, does), self._answer(does), timeout_s=timeout_s)

    def _nothing(self, does: Command, reply: bytes) -> None:
        if is_late(reply):
            raise ReplyTimeout(f"{self.wire.name} was still giving what an earlier command had asked for.", reply)
        counts_of(self._framing, does, reply)


RISOE_DA_20 = Model(
    name="risoe-da-20", vendor="DTU Nutech", title="Risø/DTU DA-15/DA-20 TL and OSL reader (MiniSys controller)",
    transports=("serial", "tcp"), quantities=(Quantity(COUNTS, UNIT, "elements"),),
    settings=MinisysSettings, driver=Minisys, answers="MiniSys",
    verified=(
        Verified("debug logs of controller software 2.20 and 3.24", "commands, arguments, times, order", "document"),
        Verified("the project's own simulator", "sequences, refusals, time-outs, a plug pulled in mid-run, faults"),
    ),
    assumed=(
        "a command ends with CR; the reader says > on a line of its own when it has carried it out (settings)",
        "a refusal is a line that begins with ? in the place of > (setting); no error code is known",
        "115200 Bd, 8 data bits, no parity, 1 stop bit, no flow control; no echo (settings)",
        "counts come before >, as decimal numbers with single blanks between them, with no check sum",
        "what commands mean is inferred from the order in the logs; the logged text is what crosses the wire",
        "a move of the turntable is never longer than finding its reference (16 s)",
        "ST 0 is harmless at any moment: it is how the reader is known, and what is sent after every fault",
        "no query of the sample's temperature is known (setting): without one a fixed time is waited before a lift",
        "temperatures of a glow curve are those that were programmed, from 0 Cel, each channel at its end",
        "the channels of a curve with preheat are shared out by temperature, as one log has them",
    ),
)  # fmt: skip
