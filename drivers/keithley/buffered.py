"""Acquisition through the instrument's own buffer, so that the wire is not the limit.

The instrument fills its buffer by its own trigger model and stops; its measurement event register says that it is full;
it is read out whole, and the next filling begins. Nothing is converted between two fillings, so nothing is lost or
doubled there, and a command or a marker stops the filling and reads out what is in it first.

A reply that is not understood is asked for again while the instrument still holds it; its bytes are kept each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic

from msgspec.structs import replace as with_other

from drivers.errors import Declined, Garbled
from drivers.keithley import scpi
from drivers.keithley.electrometer import S, ScpiElectrometer, named
from drivers.keithley.parsed import Parsed
from drivers.keithley.scpi import Setting
from drivers.keithley.trace_words import BUFFER_FULL, IDLE, OVERLAP_S, Trace, check_stamps, offset, split
from drivers.reading import Flag, Sample

START = (":TRAC:CLE", ":TRAC:FEED:CONT NEXT", ":INIT")
TRIES = 3  # to read the same buffer out
LOOKS = 20  # polls after which it is asked whether it still measures
BITS_PER_BYTE = 10  # of a serial line, with start and stop bit

Stored = tuple[bytes, Parsed | Garbled]


class BufferingElectrometer(ScpiElectrometer[S], Generic[S]):
    """With the setting buffer_points its readings come through its buffer; without it one by one, as before."""

    trace: ClassVar[Trace]

    def __init__(self, wire: Any, settings: S) -> None:
        super().__init__(wire, settings)
        self.points = settings.buffer_points
        if self.points is not None:
            self.stale = 0  # each filling begins after every change
        self._filling = False  # readings may be stored that were not read out
        self._interrupted = False  # nobody knows how far the last exchange came
        self._tries = self._polls = 0
        self._until_s: float | None = None  # the running clock at the last reading that was given
        self._waiting: list[Sample] = []  # read out before a command

    @property
    def width(self) -> int:
        """Fields of one reading in the buffer's reply."""
        return self.trace.width

    async def set_up(self) -> None:
        """Reads out first what the buffer holds."""
        await self.hold()
        self._until_s = None
        await super().set_up()

    async def take(self) -> Sequence[Sample]:
        """Buffered: all readings of a full buffer, nothing while it fills. Raises Declined where it cannot begin."""
        if self.points is None:
            return await super().take()
        self.raise_if_restarted()
        if self._waiting:
            return self._given()
        if not self._filling:
            await self._start(self.points)
        if self._interrupted or await self._came_to_rest():
            return await self._stopped()
        if await self._is_full(self.points):
            return await self._read_out(self.points)
        return ()

    async def flush(self) -> Sequence[Sample]:
        """What is in the buffer belongs before the marker; what is not understood now never comes after it."""
        if self.points is None:
            return await super().flush()
        try:
            stored = await self._stopped() if self._filling else ()
        except Garbled:
            self._filling = False
            raise
        return [*self._given(), *stored]

    async def resume(self) -> None:
        """The instrument may have gone on filling, or never begun: what it holds is read out next."""
        await super().resume()
        self._interrupted = self._filling

    async def do(self, *commands: str) -> None:
        """Reads out first what was stored before the change."""
        await self.hold()
        await super().do(*commands)

    async def hold(self) -> None:
        """Stop filling and keep what is stored, to be given with the next take. Raises Garbled, ReplyTimeout."""
        if self._filling:
            self._waiting += await self._stopped()

    def chosen(self) -> list[Setting]:
        """With a buffer: so many conversions, and then rest."""
        points = self.settings.buffer_points
        if points is None:
            return super().chosen()
        once = [Setting(header, value) for header, value in self.trace.instead]
        stored = [*self.trace.settings, Setting(":TRAC:POIN", points)]
        return [*super().chosen(), *self.trace.paced(self.settings.timer_s, points), *once, *stored]

    # --- inside -----------------------------------------------------------------------------------------------------

    def _given(self) -> list[Sample]:
        waiting, self._waiting = self._waiting, []
        return waiting

    async def _start(self, points: int) -> None:
        """From then on readings may be stored, whatever becomes of the answer."""
        await self.send(":ABOR")  # on a line in doubt nothing is sent, and nothing begins
        self._filling, self._interrupted, self._tries, self._polls = True, False, 0, 0
        if refused := await self._refused_of(START):
            self._filling = False
            raise Declined(f"{self.wire.name} cannot fill its buffer with {points} readings: {named(refused)}.")

    async def _is_full(self, points: int) -> bool:
        """The event may be of the filling before: the number stored must say the same."""
        if not await self.ask(":STAT:MEAS?", scpi.parse_register) & BUFFER_FULL:
            return False
        return await self._number_stored() == points

    async def _number_stored(self) -> int:
        """Raises Garbled for more than the buffer was made for: the time-out would be as long as that many take."""
        most = self.points or 0

        def number(said: bytes) -> int:
            found = scpi.parse_register(said)
            if found > most:
                raise Garbled(f"{found} readings are said to be in a buffer of {most}.", said)
            return found

        stored: int = await self.ask(":TRAC:POIN:ACT?", number)
        return stored

    async def _came_to_rest(self) -> bool:
        """Now and then: somebody at the front panel may have stopped it."""
        self._polls += 1
        if self._polls % LOOKS:
            return False
        return bool(await self.ask(":STAT:OPER:COND?", scpi.parse_register) & IDLE)

    async def _stopped(self) -> Sequence[Sample]:
        """What it holds, wherever it stands; the conversion under way is given up."""
        await self.send(":ABOR")
        count = await self._number_stored()
        self._interrupted = False
        if count == 0:
            self._filling = False
            return ()
        return await self._read_out(count)

    async def _read_out(self, count: int) -> list[Sample]:
        """All that is stored, on the instrument's running clock. Raises Garbled: it is asked for again then."""
        self._tries += 1
        self._filling = self._tries < TRIES
        more_s = count * self.trace.size * BITS_PER_BYTE / self.settings.serial.baud_rate
        line, stored = await self.ask(":TRAC:DATA?", lambda data: (data, self._taken_apart(data, count)), more_s)
        numbers = any(isinstance(each, Parsed) and each.value is not None for _, each in stored)
        newest = await self.ask(":SENS:DATA?", lambda said: (said, self.parse(said))) if numbers else None
        beside = await self.beside()
        begun_s = self._joined(stored[-1][1], newest, line) if newest else None
        self._filling = False
        return [beside(self._stored_sample(text, each, begun_s)) for text, each in stored]

    def _taken_apart(self, line: bytes, count: int) -> list[Stored]:
        """One that is not understood is asked for again; the last time it is kept as bytes among the others."""
        found: list[Stored] = []
        for text in split(line, self.width, count):
            try:
                found.append((text, self.parse(text)))
            except Garbled as error:
                if self._filling:
                    raise Garbled(str(error), line) from error
                found.append((text, error))
        check_stamps([each for _, each in found], line)
        return found

    def _joined(self, stored: Parsed | Garbled, newest: tuple[bytes, Parsed], line: bytes) -> float | None:
        """The running clock at the buffer's first reading, by the newest reading, which is the last one stored.

        Raises Garbled where the newest reading, or one of the buffer, has been given before.
        """
        said, last = newest
        begun_s, before = offset(stored, last), self._until_s
        if begun_s is not None and before is not None and begun_s + OVERLAP_S < before <= (last.elapsed_s or 0.0):
            raise Garbled("Readings of this buffer have come before.", line)
        self.readings.at_rest(last, said)
        self._until_s = last.elapsed_s
        return begun_s

    def _stored_sample(self, text: bytes, parsed: Parsed | Garbled, begun_s: float | None) -> Sample:
        if isinstance(parsed, Garbled):
            unit = self.words.functions[self.quantity][1]
            return Sample(
                kind="unparsed", quantity=self.quantity, unit=unit, flags=(Flag.UNPARSED,), raw=text, note=str(parsed)
            )
        made = self.readings.stored(parsed, text)
        if begun_s is None or parsed.elapsed_s is None:
            return with_other(made, elapsed_s=None)
        return with_other(made, elapsed_s=round(begun_s + parsed.elapsed_s, 6))
