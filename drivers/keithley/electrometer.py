"""The driver of every SCPI electrometer of this maker: a model adds its words, which are data, and a grammar.

Set-up sends what can change a reading and nothing else: never *RST, :SYST:PRES, a voltage source or a high voltage
unless a setting names it; what other programs leave behind (filters, REL, auto-discharge, trigger and arm layers) is
set. What matters is read back in one message and compared.

Sources: 6517B reference manual, 6514, 6485 and 6487 instruction manuals; the power-on bit of *ESR? is that of IEEE
488.2. What no manual says stands in each model's `assumed`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from drivers.commands import command
from drivers.driver import Driver, WireSettings
from drivers.errors import Declined, LinkDown
from drivers.ieee488 import POWER_ON, parse_error, parse_event_status
from drivers.instrument import Identity
from drivers.keithley import scpi
from drivers.keithley.parsed import Parsed
from drivers.keithley.readings import Readings
from drivers.keithley.scpi import Setting, Terminator
from drivers.reading import Sample
from drivers.settings import NoParameters, Settings

SETTING_S = 0.2  # a pause other clients make after each setting; the serial line tells nobody when one is done
POLL_S = 0.25  # how often a buffer that fills is looked at
CYCLES_PER_PLC, LINE_HZ = 8.0, 50.0  # a conversion took 3 to 6 power line cycles a PLC in captures
QUEUE_DEPTH = 12  # the error queue is ten deep


class KeithleySettings(WireSettings):
    """range_si: full scale in the function's SI unit, left out for autorange. nplc: power line cycles a conversion.

    buffer_points: the instrument collects so many readings in its own buffer before they are read out; left out, each
    is asked for by itself. average: so many conversions make a reading, "repeat" takes them anew for each, "moving"
    keeps the last ones; average_window_percent: a moving average begins anew on a reading further away, in % of range.
    median: rank of the median filter, of 2 rank + 1 conversions. lowest_range_si, highest_range_si: autorange stays
    between them. trigger_delay_s: before each conversion. timer_s: of a buffer, from one conversion to the next.
    """

    range_si: float | None = Field(None, gt=0)
    nplc: float = Field(1.0, ge=0.01, le=10)
    terminator: Terminator = "LF"
    poll_interval_s: float = Field(0.0, ge=0, le=60)
    buffer_points: int | None = Field(None, ge=2, le=2500)
    average: int | None = Field(None, ge=2, le=100)
    average_mode: Literal["repeat", "moving"] = "repeat"
    average_window_percent: float | None = Field(None, ge=0, le=105)
    median: int | None = Field(None, ge=1, le=5)
    lowest_range_si: float | None = Field(None, gt=0)
    highest_range_si: float | None = Field(None, gt=0)
    trigger_delay_s: float = Field(0.0, ge=0, le=999.9999)
    timer_s: float | None = Field(None, ge=0.001, le=99999.999)

    @model_validator(mode="before")
    @classmethod
    def _look_now_and_then(cls, given: Any) -> Any:
        """A buffer that fills is not asked without a pause: the instrument has to measure meanwhile."""
        buffered = isinstance(given, dict) and given.get("buffer_points") is not None
        return {"poll_interval_s": POLL_S, **given} if buffered else given

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.timer_s is not None and self.buffer_points is None:
            raise ValueError("timer_s paces the filling of the buffer: give buffer_points as well, or leave it out")
        if self.average is None and self.average_window_percent is not None:
            raise ValueError("average_window_percent is of the average: give average as well, or leave it out")
        low, high = self.lowest_range_si, self.highest_range_si
        if low is not None and high is not None and low > high:
            raise ValueError(f"lowest_range_si ({low:g}) must not be above highest_range_si ({high:g})")
        return self


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
    filters        what stands before :AVER and :MED, the averaging and the median filter
    states         further queries whose answers are stated with the settings, by name
    reaches        what a range reaches, in decades below it, by quantity; of the others 2.1
    largest        what the largest range reaches, by quantity, where the reading does not tell its range by itself
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
    largest: Mapping[str, float]
    filters: str = ":SENS"
    reaches: Mapping[str, float] = field(default_factory=dict)


S = TypeVar("S", bound=KeithleySettings)


class ScpiElectrometer(Driver[S], Generic[S]):
    """One reading a take. Subclasses give `words` and `parse`; `quantity` is what it is set to measure."""

    words: ClassVar[Words]
    line_faults: ClassVar[range] = scpi.LINE_FAULTS

    def __init__(self, wire: Any, settings: S) -> None:
        super().__init__(wire, settings)
        self.quantity = str(getattr(settings, "function", next(iter(self.words.functions))))
        self._range_si = settings.range_si
        self._end = scpi.TERMINATORS[settings.terminator]
        self.readings = Readings(self.words.functions, settings.nplc, self.words.reaches)
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
        self._absent = frozenset()
        self.readings.begin(self.quantity)
        settings = self._settings()
        refused = await self._refused_of(["*CLS", *(each.command for each in settings)])
        absent = {s.header for s in settings if s.leftover and _is_unknown(refused.get(s.command, ()))}
        if serious := {c: said for c, said in refused.items() if c.split(" ")[0] not in absent}:
            raise Declined(f"{self.wire.name} refused {named(serious)}.")
        self._absent = frozenset(absent)

    async def read_back(self) -> Mapping[str, Any]:
        """In one message. Raises Declined, naming the setting that is not as it was set; Garbled, ReplyTimeout."""
        self.readings.in_force, self.readings.range_set = {}, self._range_si
        asked = [each for each in self._settings() if each.asked and each.header not in self._absent]
        queries = [f"{each.header}?" for each in asked] + [f"{header}?" for header in self.words.states.values()]
        answers = await self.ask(";".join(queries), lambda line: scpi.parse_answers(line, len(queries)))
        for setting, answer in zip(asked, answers, strict=False):
            if not setting.agrees(answer):
                raise Declined(f"{self.wire.name} says {answer} to {setting.header}; {setting.value} was set.")
        told = dict(zip((*(each.header for each in asked), *self.words.states), answers, strict=True))
        self.readings.in_force = {name.lstrip(":"): scpi.in_force(answer) for name, answer in told.items()}
        return self.readings.in_force

    async def take(self) -> Sequence[Sample]:
        """One reading. Raises LinkDown after a restart: the instrument is then opened and set up anew."""
        self.raise_if_restarted()
        sample = await self.ask(self.words.read, self.sample, self.converting_s)
        return [(await self.beside())(sample)]

    async def resume(self) -> None:
        """Asks whether power went in the meantime, and why there was no reading; empties what the interruption left.

        Raises LinkDown where its settings are gone or it says why it gives no reading.
        """
        if await self.ask("*ESR?", parse_event_status) & POWER_ON:
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

    @command("zero-correct", "Switch the subtraction of the zero that was last taken", SwitchParameters)
    async def zero_correct(self, p: SwitchParameters) -> Mapping[str, Any]:
        """The command `zero` takes one and switches it on. Raises Declined where the function has none."""
        await self.do(f":SYST:ZCOR {int(p.on)}")
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

    def sample(self, line: bytes) -> Sample:
        """The reading of one string, in its order. Raises Garbled."""
        return self.readings.sample(self.parse(line), line)

    async def beside(self) -> Callable[[Sample], Sample]:
        """Ask what readings just heard do not say of themselves; gives what completes each. Raises Garbled."""
        return lambda sample: sample

    def raise_if_restarted(self) -> None:
        """Raises LinkDown: an instrument that was switched off measures something else."""
        if self.readings.restarted:
            raise LinkDown(f"{self.wire.name} restarted ({self.readings.restarted}): its settings are gone.")

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
            raise Declined(f"{self.wire.name} refused {named(refused)}.")

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

    def chosen(self) -> list[Setting]:
        """What the configuration asks for beyond the model's words; it takes the place of one with the same header."""
        s = self.settings
        ranging = f":SENS:{self._function}:RANG:AUTO"
        limits = [
            Setting(f"{ranging}:{word}", limit, as_range=True)
            for word, limit in (("LLIM", s.lowest_range_si), ("ULIM", s.highest_range_si))
            if limit is not None and self._range_si is None
        ]
        delay = [Setting(":TRIG:DEL", s.trigger_delay_s)] if s.trigger_delay_s else []
        return [*limits, *delay, *self._filters(self._of_function(self.words.filters))]

    def _filters(self, header: str) -> list[Setting]:
        s, found = self.settings, []
        if s.median is not None:
            found += [Setting(f"{header}:MED:RANK", s.median), Setting(f"{header}:MED:STAT", True)]
        if s.average is not None:
            found += [
                Setting(f"{header}:AVER:COUN", s.average),
                Setting(f"{header}:AVER:TCON", "REP" if s.average_mode == "repeat" else "MOV"),
                *self._window(header, s.average_window_percent),
                Setting(f"{header}:AVER:STAT", True),
            ]
        return found

    def _window(self, header: str, percent: float | None) -> list[Setting]:
        if percent is None:
            return [Setting(f"{header}:AVER:ADV", False)]
        return [Setting(f"{header}:AVER:ADV:NTOL", percent), Setting(f"{header}:AVER:ADV", True)]

    @property
    def converting_s(self) -> float:
        """Seconds that a reading takes beyond one of a single power line cycle, at most."""
        s = self.settings
        repeats = (s.average or 1 if s.average_mode == "repeat" else 1) + 2 * (s.median or 0)
        return max(0.0, repeats * s.nplc - 1) * CYCLES_PER_PLC / LINE_HZ + s.trigger_delay_s

    def _settings(self) -> list[Setting]:
        """In the order they are sent."""
        chosen = {each.header: each for each in self.chosen()}
        sent = self._of_the_model()
        known = {each.header for each in sent}
        further = [each for header, each in chosen.items() if header not in known]
        at = len(sent) - len(self.words.last)
        return [
            replace(each, value=chosen[each.header].value, leftover=False) if each.header in chosen else each
            for each in (*sent[:at], *further, *sent[at:])
        ]

    def _of_the_model(self) -> list[Setting]:
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
        if faults := [f"+{number} {text}" for number, text in found if number in self.line_faults]:
            raise LinkDown(
                f"{self.wire.name} did not receive whole what was sent ({'; '.join(faults)}): check baud rate, data"
                " bits, parity, stop bits and the cable."
            )
        return found

    async def _errors(self, more_s: float = 0.0) -> list[tuple[int, str]]:
        found: list[tuple[int, str]] = []
        for _ in range(QUEUE_DEPTH):
            number, text = await self.ask(":SYST:ERR?", parse_error, more_s)
            if number == 0:
                break
            found.append((number, text))
        return found


def named(refused: Mapping[str, Sequence[tuple[int, str]]]) -> str:
    """Commands and what each was refused for, as a part of a sentence."""
    return "; ".join(
        f"'{command}' ({', '.join(f'{number} {text}' for number, text in said)})" for command, said in refused.items()
    )


def _is_unknown(said: Sequence[tuple[int, str]]) -> bool:
    return bool(said) and all(number == scpi.UNDEFINED_HEADER for number, _ in said)
