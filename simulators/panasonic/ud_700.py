"""A Panasonic UD-716/UD-7900 TLD reader that prints its record lines as it reads, whoever listens.

The lines are those of public record files: `1` opens a magazine, each dosimeter is a `2` and a `C`, and every line
takes the next number of a counter. What they leave open is named in `ASSUMED`.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from simulators.clock import Clock, wall_date
from simulators.instrument import Clear, Instrument, Reply, Request, Session, State
from simulators.model import WireModel

ASSUMED = (
    "a dosimeter takes 30 s; its two lines come together when it has been read, ended by CR LF",
    "what comes in on the line is ignored",
    "groups 1, 3 and 4 of an element, and the columns that nobody explains, are like those seen in files",
    "an element is given in the unit of the site, mSv here",
)
MAGAZINE = 50
Elements = Sequence[float]


@dataclass(frozen=True)
class ReaderOptions:
    """unit: three digits of every line. every_s: simulated seconds a dosimeter takes. endless: it never runs out of
    magazines. factor: the reader's own.
    """

    unit: str = "690"
    every_s: float = 30.0
    endless: bool = False
    factor: float = 0.99

    def __post_init__(self) -> None:
        if not (len(self.unit) == 3 and self.unit.isdigit()):
            raise ValueError(f"unit {self.unit!r} is not allowed; it is three digits")
        if not self.every_s > 0:
            raise ValueError(f"every_s {self.every_s!r} is not allowed; it is above 0")


class Reader(Instrument):
    """The reader. A magazine that is put in (back door `magazine`) is read to its end."""

    model = "panasonic-ud-716"

    def __init__(self, clock: Clock, seed: int, options: ReaderOptions) -> None:
        super().__init__(clock, seed)
        self.options = options
        self.unit = options.unit
        self.heard = 0
        self.number, self.lifetime, self.badge = 19, 38000, 9000000
        self.magazines: deque[list[tuple[str, Elements]]] = deque()
        self._random = random.Random(f"{seed}/panasonic")
        self.power_cycle()

    def power_cycle(self) -> None:
        """The magazines that were waiting are forgotten, and a factor that was set by hand."""
        self.magazines.clear()
        self.factor = self.options.factor

    def open_session(self) -> Session:
        return Deaf(self)

    async def speech(self) -> AsyncIterator[Reply]:
        """Line after line, each when it is due."""
        while True:
            if self.options.endless and not self.magazines:
                self.magazines.append([self._drawn() for _ in range(MAGAZINE)])
            if not self.magazines:
                await self.clock.sleep_until(self.clock.now() + 1.0)
                continue
            yield self._said(self.run_line())
            for position, (badge, elements) in enumerate(self.magazines.popleft(), start=1):
                await self.clock.sleep_until(self.clock.now() + self.options.every_s)
                first, second = self.dosimeter_lines(position, badge, elements)
                yield self._said(first)
                yield self._said(second, measurement=True)

    def run_line(self) -> str:
        """The line `1` at the start of a magazine."""
        level = 2400 + self._random.randrange(-70, 6)
        return (
            f"1{self._counted()} {self._date()}  {level:04d}0000{self._thousandths()}95050500"
            f"{self.lifetime:06d}  DE00Y02330430" + " " * 8
        )

    def dosimeter_lines(self, position: int, badge: str, elements: Elements) -> tuple[str, str]:
        """The lines `2` and `C` of one dosimeter."""
        self.lifetime += 1
        counted, date = self._counted(), self._date()
        written = [exponent_and_mantissa(each) for each in elements]
        first = (
            f"2{counted} {date}{position:02d}{self._random.choice((255, 256, 265, 266, 267))}{badge:0>7}"
            f"{''.join(written)}{self._random.randrange(10):03d}{self._random.randrange(1, 13):03d}"
            f"{self._thousandths()} Y{(100 + position) % 1000:03d}" + " " * 8
        )
        self._counted()  # the line C takes a number too, and does not show it
        groups = [self._groups(n, value, text) for n, (value, text) in enumerate(zip(elements, written, strict=True))]
        return first, f"C{date}" + " ".join(groups) + " " * 12

    def _groups(self, index: int, value: float, text: str) -> str:
        small = min(200, int(20 * self._random.random() + 5 * value))
        second = exponent_and_mantissa(0.8 * value) if index >= 2 and value > 5 else "0000"
        return f"{small:04d}{text}{second}{self._random.randrange(100, 1200):04d}"

    def _drawn(self) -> tuple[str, Elements]:
        self.badge += 1
        return str(self.badge), [round(self._random.uniform(0.1, 9.9), 2) for _ in range(4)]

    def _counted(self) -> str:
        self.number = (self.number + 1) % 100
        return f"{self.unit}1{self.number:02d}"

    def _date(self) -> str:
        return f"{wall_date(self.clock, self.clock.now()):%y%m%d%H%M}"

    def _thousandths(self) -> str:
        return f"{round(1000 * self.factor):04d}"

    def _said(self, line: str, *, measurement: bool = False) -> Reply:
        return Reply(line.encode("ascii") + self.terminator, measurement)

    # --- what the faults need to know -----------------------------------------------------------------------------

    @property
    def banner(self) -> bytes:
        return b"UD-716 READY\r\n"

    def is_identification(self, request: bytes) -> bool:
        return False

    def become(self, other: str) -> None:
        """Another reader has another number in its lines, and nothing else."""
        self.unit = f"{(int(self.unit) + 1) % 1000:03d}"

    def front_panel(self, what: str | None = None) -> None:
        """Somebody sets another reader factor; "range" is another word for it, for a reader without ranges."""
        if what not in (None, "factor", "range"):
            raise ValueError(f"nobody can turn {what!r} on {self.model}; there is factor")
        self.factor = round(self.factor + 0.01, 3)

    def busy(self) -> bytes:
        return b""

    def stray_line(self) -> bytes:
        return b"0 LAMP CHECK\r\n"

    def sentinels(self, reply: bytes) -> list[bytes]:
        """Signs in the place of the second group of a line C's first element."""
        return [reply[:15] + each + reply[19:] for each in (b"----", b"    ", b"****", b"9999", b"1e10")]

    def back_doors(self) -> Mapping[str, Callable[[object], None]]:
        return {"magazine": self._put_in, "factor": lambda value: setattr(self, "factor", float(str(value)))}

    def _put_in(self, magazine: object) -> None:
        """[[badge, [e1, e2, e3, e4]], ...]"""
        if not isinstance(magazine, list) or not magazine or any(len(each[1]) != 4 for each in magazine):
            raise ValueError("a magazine is a list of [badge, [e1, e2, e3, e4]], at least one")
        self.magazines.append([(str(badge), [float(each) for each in elements]) for badge, elements in magazine])

    def state(self) -> State:
        return {
            "model": self.model, "unit": self.unit, "emitted": self.emitted, "heard": self.heard,
            "factor": self.factor, "magazines": len(self.magazines), "time_s": self.clock.now(),
        }  # fmt: skip


class Deaf(Session):
    """Whoever is at the line: what it sends is counted and not understood."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def feed(self, data: bytes) -> list[Request | Clear]:
        self._reader.heard += len(data)
        return []

    async def answer(self, request: bytes) -> Reply | None:
        return None


def exponent_and_mantissa(value: float) -> str:
    """A value as the reader writes it, four digits: exponent e and mantissa m, m x 10^(e-3)."""
    for exponent in range(10):
        mantissa = round(value / 10.0 ** (exponent - 3))
        if mantissa <= 999:
            return f"{exponent}{mantissa:03d}"
    raise ValueError(f"{value!r} is more than the reader can write")


MODEL = WireModel(
    model=Reader.model,
    title="Panasonic UD-716/UD-7900 TLD reader, its printed record lines",
    assumed=ASSUMED,
    options=tuple(each.name for each in fields(ReaderOptions)),
    make=lambda clock, seed, options: Reader(clock, seed, ReaderOptions(**options)),
)
