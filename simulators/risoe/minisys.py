"""A Risø/DTU reader behind its MiniSys controller: the commands of public debug logs, in the time they took there.

What the logs do not show, framing, acknowledge, refusals and a query of the temperature, is set by options; the values
they have without one are those that the published research of these logs proposes. All of it is named in `ASSUMED`.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields

from simulators.clock import Clock
from simulators.instrument import Clear, Instrument, LineFramer, Reply, Request, Session, State
from simulators.model import WireModel
from simulators.risoe.plate import ROOM_C, Counter, Plate, SampleChip

ASSUMED = (
    "a line ends with CR; > on a line of its own says that a command was carried out; counts come before it",
    "a refusal is ? and a word: SYNTAX, RANGE, MODE, LIFT; which of them the real reader has is not known",
    "a command that comes while another is carried out waits",
    "a ramp takes 5 s beyond its rate from a cold plate, and 0.6 s from a hot one",
    "samples are LiF:Mg,Ti; their curves do not move with the heating rate, and sizes and noise are invented",
)
POSITIONS = 48
MAX_REQUEST = 80
COLD_C = 60.0
SOURCE_MGY_PER_S = 100.0
INTEGER, DECIMAL = r"([0-9]{1,5})", r"([0-9]{1,5}\.[0-9]{2})"
FORMS = {
    "MD": INTEGER, "CA": "", "LV": "(ON)", "TR": "", "PS": INTEGER, "BP": INTEGER, "BI": INTEGER, "LU": "", "LD": "",
    "TL": rf"{INTEGER} {DECIMAL} {INTEGER} {INTEGER}", "ST": rf"{INTEGER}(?: ([0-9]{{1,2}}(?:\.[0-9]{{1,2}})?))?",
    "PA": INTEGER, "IR SET": INTEGER, "OS": rf"([BIN]) ([0-9]{{1,5}}(?:\.[0-9]{{2}})?) {INTEGER}", "NO": "", "NC": "",
}  # fmt: skip
ENDS = {"cr": b"\r", "lf": b"\n", "crlf": b"\r\n"}
Gave = list[int] | float | None


@dataclass(frozen=True)
class MinisysOptions:
    """terminator: cr, lf or crlf. echo, ready, refusal: of the framing. temperature_query: none without it.

    dose_mgy: of every sample at the start.
    """

    terminator: str = "cr"
    echo: bool = False
    ready: str = ">"
    refusal: str = "?"
    temperature_query: str | None = None
    dose_mgy: float = 1.0

    def __post_init__(self) -> None:
        if self.terminator not in ENDS:
            raise ValueError(f"terminator {self.terminator!r} is not allowed; it is {', '.join(ENDS)}")


class Refused(Exception):
    """The reader says no; the message is its word."""


class Minisys(Instrument):
    """One reader with 48 positions, each with a chip."""

    model = "risoe-da-20"

    def __init__(self, clock: Clock, seed: int, options: MinisysOptions) -> None:
        super().__init__(clock, seed)
        self.options = options
        self.terminator = ENDS[options.terminator]
        self.chips = [SampleChip(options.dose_mgy) for _ in range(POSITIONS + 1)]
        self.is_another = self.lifted = False
        self.plate = Plate()
        self.refuses: str | None = None
        self.received: list[str] = []
        self._counter = Counter(f"{seed}/risoe")
        self._random = random.Random(f"{seed}/risoe times")
        self.power_cycle()

    def power_cycle(self) -> None:
        """The heater is off; the sample that was lifted stays lifted."""
        self.mode: int | None = None
        self.under_source: int | None = None
        self.source_open = False
        self.supply = self.nitrogen = False
        self.position: int | None = None
        self.power = 0
        self.plate.off(self.clock.now())

    def open_session(self) -> Session:
        return MinisysSession(self)

    async def carry_out(self, request: str) -> Gave:
        """Do what a line says, in its time: counts of a measurement, a temperature, or nothing. Raises Refused."""
        self.received.append(request)
        if self.refuses is not None:
            word, self.refuses = self.refuses, None
            raise Refused(word)
        if request == self.options.temperature_query:
            return self.plate.at(self.clock.now())
        name, given = self._understood(request)
        if name in ("TR", "PS", "BP", "BI", "TL", "OS") and self.mode is None:
            raise Refused("MODE")
        does: dict[str, Callable[..., Awaitable[Gave]]] = {
            "MD": self._set_mode, "CA": self._clear, "LV": self._supply, "TR": self._reference, "PS": self._turn,
            "BP": self._to_source, "BI": self._irradiate, "LU": self._up, "LD": self._down, "TL": self._heat,
            "ST": self._set_temperature, "PA": self._pause, "IR SET": self._set_power, "OS": self._stimulate,
            "NO": self._open_nitrogen, "NC": self._close_nitrogen,
        }  # fmt: skip
        return await does[name](*given)

    def _understood(self, request: str) -> tuple[str, tuple[str | None, ...]]:
        for name, form in FORMS.items():
            if found := re.fullmatch(f"{name} {form}" if form else name, request):
                return name, found.groups()
        raise Refused("SYNTAX")

    async def _lasts(self, seconds: float) -> None:
        await self.clock.sleep_until(self.clock.now() + seconds)

    # --- session, turntable, lift, valve ------------------------------------------------------------------------------

    async def _set_mode(self, mode: str) -> None:
        await self._lasts(0.5)
        self.mode = int(mode)

    async def _clear(self) -> None:
        """Takes no time that a log would show."""

    async def _supply(self, on: str) -> None:
        await self._lasts(0.5)
        self.supply = True

    async def _reference(self) -> None:
        self._must_be_down()
        await self._lasts(self._random.uniform(11, 16))
        self.position = 1

    async def _turn(self, to: str) -> None:
        self._must_be_down()
        position = within(to, 1, POSITIONS)
        await self._lasts(0.5 if position == self.position else 4.0)
        self.position = position

    async def _to_source(self, what: str) -> None:
        self._must_be_down()
        position = within(what, 1, POSITIONS)
        await self._lasts(20.0)
        self.under_source, self.position = position, None

    async def _irradiate(self, seconds: str) -> None:
        if self.under_source is None:
            raise Refused("POSITION")
        self.source_open = True
        await self._lasts(int(seconds))
        self.source_open = False
        self.chips[self.under_source].irradiate(SOURCE_MGY_PER_S * int(seconds))

    async def _up(self) -> None:
        await self._lasts(self._random.uniform(3, 4))
        self.lifted = True

    async def _down(self) -> None:
        await self._lasts(self._random.uniform(0.5, 4))
        self.lifted = False

    async def _open_nitrogen(self) -> None:
        await self._lasts(0.5)
        self.nitrogen = True

    async def _close_nitrogen(self) -> None:
        await self._lasts(0.5)
        self.nitrogen = False

    async def _pause(self, seconds: str) -> None:
        await self._lasts(int(seconds) + 0.9)

    # --- heat and light ----------------------------------------------------------------------------------------------

    async def _heat(self, end: str, rate: str, points: str, hold: str) -> list[int]:
        chip, end_c, channels = self._chip(), within(end, 30, 700), within(points, 1, 9999)
        if not 0.1 <= float(rate) <= 10:
            raise Refused("RANGE")
        low_c = self.plate.at(self.clock.now())
        await self._ramped(end_c, float(rate), hold=int(hold) > 0)
        edges = [low_c + n * (end_c - low_c) / channels for n in range(channels + 1)]
        found = [self._counter.count(chip.glow(a, b), abs(b - a) / float(rate)) for a, b in itertools.pairwise(edges)]
        chip.emptied_c = max(chip.emptied_c, end_c)
        return found

    async def _ramped(self, end_c: float, rate: float, *, hold: bool) -> None:
        """A ramp of the plate and the time it takes."""
        now = self.clock.now()
        low_c = self.plate.at(now)
        self.plate.ramp(now, end_c, rate, hold=hold)
        await self._lasts(abs(end_c - low_c) / rate + (5.0 if low_c < COLD_C else 0.6))

    async def _set_temperature(self, to: str, rate: str | None) -> None:
        if rate is None:
            if int(to) != 0:
                raise Refused("SYNTAX")
            self.plate.off(self.clock.now())
            await self._lasts(0.5)
            return
        await self._ramped(within(to, 30, 700), float(rate), hold=True)

    async def _set_power(self, percent: str) -> None:
        power = within(percent, 0, 100)
        await self._lasts(0.5)
        self.power = power

    async def _stimulate(self, source: str, seconds: str, points: str) -> list[int]:
        chip, lasts_s, channels = self._chip(), float(seconds), within(points, 1, 9999)
        await self._lasts(lasts_s + 0.9)
        width_s, light = lasts_s / channels, 0.0 if source == "N" else self.power / 100
        found = [
            self._counter.count(light * chip.osl(n * width_s, (n + 1) * width_s), width_s) for n in range(channels)
        ]
        chip.lit_s += light * lasts_s
        return found

    def _must_be_down(self) -> None:
        if self.lifted:
            raise Refused("LIFT")

    def _chip(self) -> SampleChip:
        """The one that is lifted."""
        if not self.lifted or self.position is None:
            raise Refused("LIFT")
        return self.chips[self.position]

    # --- what the faults need to know -----------------------------------------------------------------------------

    @property
    def banner(self) -> bytes:
        return b""

    def is_identification(self, request: bytes) -> bool:
        """Nothing else is harmless."""
        return request == b"ST 0"

    def become(self, other: str) -> None:
        """Another device answers something else; another reader nothing that would tell it from this one."""
        self.is_another = other == "device"

    def front_panel(self, what: str | None = None) -> None:
        """Somebody turns the nitrogen tap; "range" is another word for it, for a reader without ranges."""
        if what not in (None, "nitrogen", "range"):
            raise ValueError(f"nobody can turn {what!r} on {self.model}; there is nitrogen")
        self.nitrogen = not self.nitrogen

    def busy(self) -> bytes:
        return self.options.refusal.encode() + b"BUSY" + self.terminator

    def stray_line(self) -> bytes:
        return b"LID OPEN" + self.terminator

    def sentinels(self, reply: bytes) -> list[bytes]:
        """The reply with something else in the place of its second count."""
        words = reply.split(b" ", 2)
        special = (b"-1", b"NAN", b"1E5", b"+12", b"", b"12.5", b"99999999999")
        return [b" ".join([words[0], each, *words[2:]]) for each in special]

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {
            "dose": self._give_dose,
            "refuses": lambda value: setattr(self, "refuses", None if value is None else str(value)),
            "lifted": lambda value: setattr(self, "lifted", bool(value)),
        }

    def _give_dose(self, value: object) -> None:
        """{"position": 1 to 48, "dose_mgy": ...}"""
        if not isinstance(value, dict) or value.keys() != {"position", "dose_mgy"}:
            raise ValueError("a dose is given as position and dose_mgy")
        self.chips[int(value["position"])].irradiate(float(value["dose_mgy"]))

    def state(self) -> State:
        now = self.clock.now()
        return {
            "model": self.model, "emitted": self.emitted, "position": self.position, "lifted": self.lifted,
            "nitrogen": self.nitrogen, "heated": self.plate.at(now) > ROOM_C + 1, "source_open": self.source_open,
            "time_s": now,
        }  # fmt: skip


class MinisysSession(Session):
    """One line in, its lines out when it has been carried out."""

    def __init__(self, reader: Minisys) -> None:
        self._reader, self._framer = reader, LineFramer(MAX_REQUEST)

    def feed(self, data: bytes) -> list[Request | Clear]:
        return self._framer.feed(data)

    async def answer(self, request: bytes) -> Reply | None:
        reader, options = self._reader, self._reader.options
        if reader.is_another:
            return Reply(b"OK" + reader.terminator)
        lines = [request] if options.echo else []
        gave: Gave = None
        try:
            gave = await reader.carry_out(request.decode("latin-1"))
        except Refused as error:
            lines.append(f"{options.refusal}{error}".encode())
        else:
            if isinstance(gave, list):
                lines.append(" ".join(map(str, gave)).encode())
            elif gave is not None:
                lines.append(f"{gave:.1f}".encode())
            lines.append(options.ready.encode())
        return Reply(b"".join(each + reader.terminator for each in lines), measurement=isinstance(gave, list))


def within(text: str, low: int, high: int) -> int:
    """A whole number of a command. Raises Refused."""
    if not low <= int(text) <= high:
        raise Refused("RANGE")
    return int(text)


MODEL = WireModel(
    model=Minisys.model,
    title="Risø/DTU DA-15/DA-20 TL and OSL reader (MiniSys controller)",
    assumed=ASSUMED,
    options=tuple(each.name for each in fields(MinisysOptions)),
    make=lambda clock, seed, options: Minisys(clock, seed, MinisysOptions(**options)),
)
