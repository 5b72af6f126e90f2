"""Lines of a Panasonic UD-716/UD-7900 put together, heard or read in a file: two of them are a dosimeter. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal

from drivers.errors import Garbled
from drivers.panasonic import records
from drivers.panasonic.records import Dosimeter, Run, Second
from drivers.reading import Also, Flag, Sample

REMEMBERED = 500  # lines 1 and 2; one that comes again is a copy
BaseUnit = Literal["mSv", "mGy", "mR"]
# what the site has its reader print: quantity, UCUM unit, and how much of that one of the reader's units is
UNITS: dict[BaseUnit | None, tuple[str, str, int]] = {
    None: ("element-reading", "1", 0), "mSv": ("dose-equivalent", "Sv", -3), "mGy": ("dose", "Gy", -3),
    "mR": ("exposure", "mR", 0),
}  # fmt: skip


class Pairs:
    """One reader's lines in their order; `hear` gives a dosimeter's elements with the second of its two lines."""

    def __init__(self, base_unit: BaseUnit | None = None, unit_number: str | None = None) -> None:
        self._base_unit = base_unit
        self._unit_number = unit_number
        self._waiting: Dosimeter | None = None
        self._factor: float | None = None  # of the run
        self._of_run: str | None = None  # what names it; None: its line 1 did not come, or may have been missed since
        self._due: int | None = None  # number of the next line
        self._heard: deque[bytes] = deque(maxlen=REMEMBERED)

    def hear(self, message: bytes) -> Sequence[Sample]:
        """The samples of one line. Raises Garbled for what is none, is another reader's, came before or has no pair."""
        record = records.parse(message)
        if isinstance(record, Second):
            return self._paired(record)
        self._check_unit(record, message)
        if message in self._heard:
            raise Garbled("The same line came before; every line of a run has a number of its own.", message)
        without = self.quiet()
        self._heard.append(message)
        if isinstance(record, Run):
            self._factor, self._due = record.factor, record.number + 1
            self._of_run = f"{record.unit} {record.count}"
            return [*without, self._run(record, message)]
        self._waiting = record
        return without

    def quiet(self) -> Sequence[Sample]:
        """A dosimeter whose second line did not come: its elements without numbers."""
        first, self._waiting = self._waiting, None
        if first is None:
            return ()
        self._missing(first)
        why = "the line C that belongs to this line 2 did not come, or was not understood; its numbers are not believed"
        return [
            self._sample(first, first.line, n, None, (Flag.INCOMPLETE,), why) for n in range(1, records.ELEMENTS + 1)
        ]

    def _check_unit(self, record: Run | Dosimeter, message: bytes) -> None:
        wanted = self._unit_number
        if wanted is not None and record.unit != wanted:
            raise Garbled(f"The line is of reader unit {record.unit}; {wanted} is configured here.", message)

    def _run(self, run: Run, message: bytes) -> Sample:
        return Sample(
            quantity="reader-factor", unit="1", value=run.factor, clock=run.clock, raw=message, run=self._of_run,
            reader=f"unit {run.unit}",
            also={"readings-so-far": Also(unit="1", value=run.count), "line": Also(unit="1", value=run.number)},
            note="a run begins",
        )  # fmt: skip

    def _paired(self, second: Second) -> Sequence[Sample]:
        first = self._waiting
        if first is None:
            raise Garbled("A line C without the line 2 it belongs to.", second.line)
        if first.clock != second.clock:
            raise Garbled(f"A line C of {second.clock}; the line 2 before it is of {first.clock}.", second.line)
        self._waiting = None
        missing = self._missing(first)
        raw = first.line + b"\n" + second.line
        return [self._element(first, second, raw, n, missing) for n in range(1, records.ELEMENTS + 1)]

    def _missing(self, first: Dosimeter) -> str | None:
        """The sentence where the reader's own numbering shows that lines are missing."""
        due, self._due = self._due, first.number + 2
        count = 0 if due is None else records.lines_between(due, first.number)
        if count:  # a line 1 may have been among them
            self._of_run = None
        return f"by the reader's count {count} lines before it did not come or were not understood" if count else None

    def _element(self, first: Dosimeter, second: Second, raw: bytes, number: int, missing: str | None) -> Sample:
        said, again = first.elements[number - 1], second.elements[number - 1]
        value = records.value_of(said)
        if said != again:
            why = f"line 2 says {said} and line C {again}: neither is believed"
            return self._sample(first, raw, number, None, (Flag.NOT_A_NUMBER,), why)
        if value is None:
            why = f"{said} has an exponent that was never observed; what it means is not known"
            return self._sample(first, raw, number, None, (Flag.OUT_OF_LIMIT,), why)
        return self._sample(first, raw, number, said, self._flags(first), missing)

    def _flags(self, first: Dosimeter) -> tuple[Flag, ...]:
        """In all that was observed a dosimeter has the factor of its run."""
        return (Flag.NON_CONFORMING,) if self._factor not in (None, first.factor) else ()

    def _sample(
        self, first: Dosimeter, raw: bytes, number: int, said: str | None, flags: tuple[Flag, ...], note: str | None
    ) -> Sample:
        quantity, unit, power = UNITS[self._base_unit]
        value = None if said is None else records.value_of(said, power)
        also = {"position": first.position, "line": first.number, "reader-factor": first.factor}
        return Sample(
            quantity=quantity, unit=unit, value=value, element=first.dosimeter, element_index=number, clock=first.clock,
            raw=raw, flags=flags, note=note, also={name: Also(unit="1", value=each) for name, each in also.items()},
            position=str(first.position), run=self._of_run, reader=f"unit {first.unit}",
        )  # fmt: skip
