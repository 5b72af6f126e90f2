"""The driver of every SCPI electrometer of this maker: a model adds its words, which are data, and a grammar.

Set-up sends what can change a reading and nothing else: never *RST, :SYST:PRES, a voltage source or a high voltage
unless a setting names it; what other programs leave behind (filters, REL, auto-discharge, trigger and arm layers) is
set. What matters is read back in one message and compared.

Sources: 6517B reference manual, 6514, 6485 and 6487 instruction manuals; the power-on bit of *ESR? is that of IEEE
488.2. What no manual says stands in each model's `assumed`.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import Field

from drivers.commands import command
from drivers.driver import Driver, WireSettings
from drivers.errors import Declined, Garbled, LinkDown
from drivers.instrument import Identity
from drivers.keithley import scpi
from drivers.keithley.parsed import Parsed
from drivers.keithley.reply_order import out_of_order
from drivers.keithley.scpi import Setting, Terminator
from drivers.reading import Also, Flag, Sample
from drivers.settings import NoParameters, Settings

SETTING_S = 0.2  # a pause other clients make after each setting; the serial line tells nobody when one is done
QUEUE_DEPTH = 12  # the error queue is ten deep
RECENT = 16  # replies among which a duplicate is looked for
OVER = 2.1  # times a decade: what a range reaches at most (6514 and 6517B manuals, :RANGe[:UPPer])
CLOCK_WRAPS_S = 99999.0  # the numeric family's time stamp begins anew after 99999.99 s (6514 manual)


class KeithleySettings(WireSettings):
    """range_si: full scale in the function's SI unit, left out for autorange. nplc: power line cycles a conversion."""

    range_si: float | None = Field(None, gt=0)
    nplc: float = Field(1.0, ge=0.01, le=10)
    terminator: Terminator = "LF"
    poll_interval_s: float = Field(0.0, ge=0, le=60)


class RangeParameters(Settings):
    """range_si null takes autorange."""

    range_si: float | None = Field(None, gt=0)


class SwitchParameters(Settings):
    """On or off."""

    on: bool


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of a model. In headers, {f} is the function's own (CHAR, CURR, ...).

    functions      quantity to (SCPI function, UCUM unit)
    read           the query that gives one reading
    elements       what a reading string shall hold, for :FORM:ELEM
    first, last    settings before and after those of the function
    own            settings of the function, beside range and nplc
    only           settings of one function only, by its SCPI name
    zero           commands of a zero, by quantity
    relative       the header of the reference (REL): :ACQ and :STAT stand under it
    states         further queries whose answers are stated with the settings, by name
    """

    functions: Mapping[str, tuple[str, str]]
    read: str
    elements: str
    first: tuple[Setting, ...]
    own: tuple[Setting, ...]
    last: tuple[Setting, ...]
    zero: Mapping[str, tuple[str, ...]]
    relative: str
    only: Mapping[str, tuple[Setting, ...]]
    states: Mapping[str, str]


S = TypeVar("S", bound=KeithleySettings)


class ScpiElectrometer(Driver[S], Generic[S]):
    """One reading a take. Subclasses give `words` and `parse`; `quantity` is what it is set to measure."""

    words: ClassVar[Words]

    def __init__(self, wire: Any, settings: S) -> None:
        super().__init__(wire, settings)
        self.quantity = str(getattr(settings, "function", next(iter(self.words.functions))))
        self._range_si = settings.range_si
        self._end = scpi.TERMINATORS[settings.terminator]
        self._in_force: dict[str, Any] = {}
        self._recent: deque[bytes] = deque(maxlen=RECENT)
        self._last: Parsed | None = None
        self._doubted: Parsed | None = None
        self._restarted = ""
        self._absent: frozenset[str] = frozenset()  # headers this unit does not know

    @abstractmethod
    def parse(self, line: bytes) -> Parsed:
        """One reading string, whole. Raises Garbled."""

    @property
    def measures(self) -> str:
        """The function it is set to."""
        return self.quantity

    async def identify(self) -> Identity:
        """Asks who is there (*IDN?, IEEE 488.2). Raises Garbled, ReplyTimeout, LinkDown."""
        idn = await self.ask("*IDN?", scpi.parse_idn)
        return Identity("Keithley", idn.model, idn.serial, idn.firmware, self.wire.heard[-1])

    async def set_up(self) -> None:
        """Everything that can change a reading, then the errors it made. Raises Declined naming them."""
        self._last, self._doubted, self._restarted, self._absent = None, None, "", frozenset()
        settings = self._settings()
        refused = await self._refused_of(["*CLS", *(each.command for each in settings)])
        absent = {s.header for s in settings if s.leftover and _is_unknown(refused.get(s.command, ()))}
        if serious := {c: said for c, said in refused.items() if c.split(" ")[0] not in absent}:
            raise Declined(f"{self.wire.name} refused {_named(serious)}.")
        self._absent = frozenset(absent)

    async def read_back(self) -> Mapping[str, Any]:
        """In one message. Raises Declined, naming the setting that is not as it was set; Garbled, ReplyTimeout."""
        self._in_force = {}
        asked = [each for each in self._settings() if each.asked and each.header not in self._absent]
        queries = [f"{each.header}?" for each in asked] + [f"{header}?" for header in self.words.states.values()]
        answers = await self.ask(";".join(queries), lambda line: scpi.parse_answers(line, len(queries)))
        for setting, answer in zip(asked, answers, strict=False):
            if not setting.agrees(answer):
                raise Declined(f"{self.wire.name} says {answer} to {setting.header}; {setting.value} was set.")
        told = dict(zip((*(each.header for each in asked), *self.words.states), answers, strict=True))
        self._in_force = {name.lstrip(":"): scpi.in_force(answer) for name, answer in told.items()}
        return self._in_force

    async def take(self) -> Sequence[Sample]:
        """One reading. Raises LinkDown after a restart: the instrument is then opened and set up anew."""
        if self._restarted:
            raise LinkDown(f"{self.wire.name} restarted ({self._restarted}): its settings are gone.")
        return [await self.ask(self.words.read, self._sample)]

    async def resume(self) -> None:
        """Asks whether power went in the meantime, and why there was no reading; empties what the interruption left.

        Raises LinkDown where its settings are gone or it says why it gives no reading.
        """
        if await self.ask("*ESR?", scpi.parse_event_status) & scpi.POWER_ON:
            raise LinkDown(f"{self.wire.name} was switched off and on: its settings are gone.")
        own = [f"+{number} {text}" for number, text in await self._errors() if number > 0]
        await self.send("*CLS")
        if own:  # the negative ones are of SCPI itself, and come of an interruption
            raise LinkDown(f"{self.wire.name} gives no reading: {'; '.join(own)}.")

    # --- commands ---------------------------------------------------------------------------------------------------

    @command("zero", "Zero check on, zero correct where the function has it, zero check off")
    async def zero(self, p: NoParameters) -> Mapping[str, Any]:
        """For charge this discharges the feedback capacitor. Raises Declined."""
        await self.do(*self.words.zero[self.quantity])
        return {"function": self.quantity}

    @command("set-up", "Set the instrument up anew as it is configured")
    async def set_up_anew(self, p: NoParameters) -> Mapping[str, Any]:
        """After a change by hand. Takes zero check through on and off, and so discharges. Raises Declined."""
        await self.set_up()
        return {"function": self.quantity, "range_si": self._range_si}

    @command("zero-check", "Switch zero check", SwitchParameters)
    async def zero_check(self, p: SwitchParameters) -> Mapping[str, Any]:
        """Readings carry no value while it is on. Raises Declined."""
        await self.do(f":SYST:ZCH {int(p.on)}")
        return {"on": p.on}

    @command("range", "Set the range, or autorange", RangeParameters)
    async def range(self, p: RangeParameters) -> Mapping[str, Any]:
        """Full scale in SI units; the settings read back afterwards show the range in force. Raises Declined."""
        try:
            await self.do(*(each.command for each in self._ranging(p.range_si)))
        except Declined:  # a part of it may have been taken: as it was before
            await self.do(*(each.command for each in self._ranging(self._range_si)))
            raise
        self._range_si = p.range_si
        return {"range_si": p.range_si}

    @command("relative", "Switch the instrument's own reference subtraction (REL)", SwitchParameters)
    async def relative(self, p: SwitchParameters) -> Mapping[str, Any]:
        """Readings then carry the flag 'relative'. Raises Declined."""
        header = self._of_function(self.words.relative)
        await self.do(*([f"{header}:ACQ", f"{header}:STAT 1"] if p.on else [f"{header}:STAT 0"]))
        return {"on": p.on}

    @command("errors", "Read and empty the instrument's error queue", while_measuring=True, passive=True)
    async def errors(self, p: NoParameters) -> Mapping[str, Any]:
        """Numbers and texts, oldest first."""
        return {"errors": [f"{number} {text}" for number, text in await self._errors()]}

    # --- for models -------------------------------------------------------------------------------------------------

    async def ask(self, query: str, parse: Any, more_s: float = 0.0) -> Any:
        """Ask one query; see Wire.ask. more_s: time the instrument needs for what was sent before."""
        return await self.wire.ask(
            query.encode("ascii") + self._end, parse, timeout_s=self.settings.timeout_s + more_s
        )  # fmt: skip

    async def send(self, words: str) -> None:
        """Send one message that has no reply."""
        await self.wire.send(words.encode("ascii") + self._end)

    async def do(self, *commands: str) -> None:
        """Send settings, then ask for errors: settings have no reply of their own. Raises Declined, LinkDown."""
        if refused := await self._refused_of(commands):
            raise Declined(f"{self.wire.name} refused {_named(refused)}.")

    # --- inside -----------------------------------------------------------------------------------------------------

    @property
    def _function(self) -> str:
        return self.words.functions[self.quantity][0]

    def _of_function(self, header: str) -> str:
        return header.replace("{f}", self._function)

    def _ranging(self, range_si: float | None) -> list[Setting]:
        header = f":SENS:{self._function}:RANG"
        if range_si is None:
            return [Setting(f"{header}:AUTO", True)]
        return [Setting(f"{header}:AUTO", False), Setting(header, range_si, as_range=True)]

    def _settings(self) -> list[Setting]:
        """In the order they are sent."""
        w = self.words
        own = [replace(each, header=self._of_function(each.header)) for each in w.own]
        nplc = Setting(f":SENS:{self._function}:NPLC", self.settings.nplc)
        elements = Setting(":FORM:ELEM", w.elements, asked=False)  # every reading shows its elements
        return [
            *w.first,
            self._select(),
            *self._ranging(self._range_si),
            nplc,
            *own,
            elements,
            *w.only.get(self._function, ()),
            *w.last,
        ]

    def _select(self) -> Setting:
        return Setting(":SENS:FUNC", f"'{self._function}'")

    async def _refused_of(self, commands: Sequence[str]) -> Mapping[str, Sequence[tuple[int, str]]]:
        """What each command was refused for. After an error each is sent again by itself, to know which it was."""
        found = await self._errors_after(commands)
        if not found or len(commands) == 1:
            return {commands[0]: found} if found else {}
        refused = {each: said for each in commands if (said := await self._errors_after([each]))}
        return refused or {"one of several settings": found}

    async def _errors_after(self, commands: Sequence[str]) -> list[tuple[int, str]]:
        """Send them; the errors they made. Raises LinkDown where they did not arrive whole."""
        for each in commands:
            await self.send(each)
        found = await self._errors(SETTING_S * len(commands))
        if faults := [f"+{number} {text}" for number, text in found if number in scpi.LINE_FAULTS]:
            raise LinkDown(
                f"{self.wire.name} did not receive whole what was sent ({'; '.join(faults)}): check baud rate, data"
                " bits, parity, stop bits and the cable."
            )
        return found

    async def _errors(self, more_s: float = 0.0) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for _ in range(QUEUE_DEPTH):
            number, text = await self.ask(":SYST:ERR?", scpi.parse_error, more_s)
            if number == 0:
                break
            found.append((number, text))
        return found

    def _sample(self, line: bytes) -> Sample:
        parsed = self.parse(line)
        if line in self._recent:
            raise Garbled("A reading that has come before, time stamp and all.", line)
        self._recent.append(line)
        before = self._follows(parsed, line)
        quantity = parsed.quantity or self.quantity
        unit = parsed.unit or self.words.functions[quantity][1]
        notes = [f"further elements: {', '.join(parsed.others)}"] if parsed.others else []
        if quantity != self.quantity:
            notes.append(f"{quantity} came where {self.quantity} was set")
        if self._noticed_restart(before, parsed):
            notes.append(f"restarted: {self._restarted}")
        other = self._other_range(parsed) if quantity == self.quantity else None
        notes += [other] if other else []
        by_hand = quantity != self.quantity or self._restarted or other
        return Sample(
            quantity=quantity, unit=unit, value=parsed.value, raw=line, elapsed_s=parsed.elapsed_s, clock=parsed.clock,
            flags=(*parsed.flags, Flag.CHANGED_BY_HAND) if by_hand else parsed.flags, range=self._range_in_force(),
            also=_further(parsed), note="; ".join(notes) or None,
        )  # fmt: skip

    def _follows(self, parsed: Parsed, line: bytes) -> Parsed | None:
        """The reply that this one follows, None for the first. Raises Garbled where it can follow none.

        One that could not is remembered beside the last good one: where the next fits to it, it was the good one.
        """
        known = [each for each in (self._last, self._doubted) if each is not None]
        wrong = [out_of_order(each, parsed, self.settings.nplc) for each in known]
        if wrong and None not in wrong:
            self._doubted = parsed
            raise Garbled(f"{wrong[0]}: a lost, doubled or damaged reply.", line)
        self._last, self._doubted = parsed, None
        return known[wrong.index(None)] if known else None

    def _range_in_force(self) -> str | None:
        header = f"SENS:{self._function}:RANG"
        if self._in_force.get(f"{header}:AUTO") == 1:
            return "auto"
        found = self._in_force.get(header)
        return f"{found:g}" if isinstance(found, float) else None

    def _other_range(self, parsed: Parsed) -> str | None:
        """A sentence where the number is of another range than the one in force, or beyond it; None where it fits.

        It may be right (somebody changed the range by hand) or one damaged digit: the number is kept, and no
        calculation believes it.
        """
        set_to = self._in_force.get(f"SENS:{self._function}:RANG")
        if self._range_in_force() in (None, "auto") or not isinstance(set_to, float) or not set_to > 0:
            return None
        decade = 10.0 ** math.floor(math.log10(set_to) + 1e-9)
        if parsed.full_scale is not None and not 0.5 < parsed.full_scale / (2 * decade) < 2:
            return f"the number is of the range {parsed.full_scale:g}; {set_to:g} was set"
        most = OVER * decade * (2 if Flag.RELATIVE in parsed.flags else 1)
        if parsed.value is not None and abs(parsed.value) > most * (1 + 1e-9):
            return f"the number is over 105 % of the range {set_to:g} that was set"
        return None

    def _noticed_restart(self, last: Parsed | None, parsed: Parsed) -> bool:
        """The instrument's clock gone back, and its reading number where it has one: its settings are gone then."""
        if last is None or last.elapsed_s is None or parsed.elapsed_s is None or parsed.elapsed_s >= last.elapsed_s:
            return False
        numbered = parsed.reading_number is not None and last.reading_number is not None
        if numbered and (parsed.reading_number or 0) > (last.reading_number or 0):
            return False
        if not numbered and last.elapsed_s > CLOCK_WRAPS_S - 100:
            return False
        self._restarted = f"its clock went from {last.elapsed_s:g} s to {parsed.elapsed_s:g} s"
        return True


def _named(refused: Mapping[str, Sequence[tuple[int, str]]]) -> str:
    return "; ".join(
        f"'{command}' ({', '.join(f'{number} {text}' for number, text in said)})" for command, said in refused.items()
    )


def _is_unknown(said: Sequence[tuple[int, str]]) -> bool:
    return bool(said) and all(number == scpi.UNDEFINED_HEADER for number, _ in said)


def _further(parsed: Parsed) -> dict[str, Also]:
    found = {}
    if parsed.reading_number is not None:
        found["reading-number"] = Also(value=float(parsed.reading_number), unit="1")
    if parsed.source_v is not None:
        found["source-voltage"] = Also(value=parsed.source_v, unit="V")
    return found
