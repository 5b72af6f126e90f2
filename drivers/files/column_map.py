"""Tables of readers whose export nobody has described (microSTAR and its like): the configuration names the columns.

Such a file cannot be recognised by its content, so it is read only where this format is named. Nothing is guessed: a
number without a unit is refused, and a cell that is not in the form that was told rejects its line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator, model_validator

from drivers.files.format import Format
from drivers.files.records import BadRecord, FileReadings, Piece, Rejected, axis, new, origin, total_of
from drivers.files.text import head, lines
from drivers.model import Quantity, Verified
from drivers.reading import Also, Axis, Flag, Sample
from drivers.settings import Settings
from drivers.strict_numbers import clock, decimal

# Units a value may be in: quantity, the UCUM unit it is given in, and how many of that one of these is.
UNITS = {
    "{counts}": ("counts", "{counts}", 1.0),
    "C": ("charge", "C", 1.0), "uC": ("charge", "C", 1e-6), "nC": ("charge", "C", 1e-9), "pC": ("charge", "C", 1e-12),
    "Gy": ("dose", "Gy", 1.0), "cGy": ("dose", "Gy", 1e-2), "mGy": ("dose", "Gy", 1e-3), "uGy": ("dose", "Gy", 1e-6),
}  # fmt: skip
Unit = Literal["{counts}", "C", "uC", "nC", "pC", "Gy", "cGy", "mGy", "uGy"]
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
FEWEST_CHANNELS = 3  # of a curve
LINES_BEFORE = 50  # in which the heading is looked for
MOST_REJECTED = 1000  # lines of one file
NAMED = re.compile(r"\s*([a-z][a-z0-9-]*)\s*=\s*(.*\S)\s*", re.ASCII)


class ColumnMapOptions(Settings):
    """Which columns say what. `also` and `attributes` name several, with semicolons: drk=DRK {counts}; led=LED 1."""

    element: str = Field(min_length=1, description="the column with the dosimeter's id")
    value: str = Field("", description="the column with what was read")
    curve: str = Field("", description="instead of value, a curve in one line: first column .. last column")
    temperature_c: str = Field("", description="of the first and last channel of the curve, in °C: 50 .. 300")
    unit: Unit = Field(description="of the value; counts, charge and dose are kept apart by it")
    clock: str = Field("", description="the column with the reader's date and time")
    clock_format: str = Field("", description="of the clock, as strptime has it: %Y-%m-%d %H:%M:%S")
    position: str = Field("", description="the column with the place in the reader")
    run: str = Field("", description="the column that names the reader's run; no two runs may have one name")
    also: str = Field("", description="further numbers: name=column unit; ...")
    attributes: str = Field("", description="texts to keep: name=column; ... nothing that can name a person")
    delimiter: Literal["comma", "semicolon", "tab"] = "comma"
    decimal_sign: Literal["point", "comma"] = "point"

    @field_validator("also", "attributes")
    @classmethod
    def _is_a_list(cls, text: str) -> str:
        for each in filter(str.strip, text.split(";")):
            if not NAMED.fullmatch(each):
                raise ValueError(f"'{each.strip()}' is not name=column with a name of a-z, 0-9 and -")
        return text

    @field_validator("also")
    @classmethod
    def _has_units(cls, text: str) -> str:
        for name, said in _named(text):
            if not said.rpartition(" ")[0].strip():
                raise ValueError(
                    f"'{name}={said}' has no unit; write name=column unit, with 1 for a number without one"
                )
        return text

    @field_validator("curve", "temperature_c")
    @classmethod
    def _has_two_ends(cls, text: str) -> str:
        if text and not all(_ends(text)):
            raise ValueError(f"'{text}' is not first .. last")
        return text

    @field_validator("temperature_c")
    @classmethod
    def _rises(cls, text: str) -> str:
        if text and not decimal(_ends(text)[0]) < decimal(_ends(text)[1]):
            raise ValueError(f"'{text}' does not rise; write the temperatures of first and last channel, 50 .. 300")
        return text

    @model_validator(mode="after")
    def _one_signal(self) -> ColumnMapOptions:
        if bool(self.value) == bool(self.curve):
            raise ValueError("name either value or curve")
        if self.temperature_c and not self.curve:
            raise ValueError("temperature_c belongs to a curve")
        return self

    @model_validator(mode="after")
    def _clock_has_a_form(self) -> ColumnMapOptions:
        if bool(self.clock) != bool(self.clock_format):
            raise ValueError("clock and clock_format belong together")
        if self.decimal_sign == "comma" and self.delimiter == "comma":
            raise ValueError("a comma cannot be both between cells and in numbers")
        return self

    @property
    def also_columns(self) -> dict[str, tuple[str, str]]:
        """Name of each further number: its column and its unit."""
        parts = ((name, said.rpartition(" ")) for name, said in _named(self.also))
        return {name: (column.strip(), unit) for name, (column, _, unit) in parts}

    @property
    def columns(self) -> list[str]:
        """All that the heading must have."""
        signal = [self.value] if self.value else [*_ends(self.curve)]
        named = [self.element, *signal, *filter(None, (self.clock, self.position, self.run))]
        return [*named, *(column for column, _ in self.also_columns.values()), *dict(_named(self.attributes)).values()]


def _ends(text: str) -> tuple[str, str]:
    first, _, last = text.partition(" .. ")
    return first.strip(), last.strip()


def _named(text: str) -> Iterator[tuple[str, str]]:
    for each in text.split(";"):
        if found := NAMED.fullmatch(each):
            yield found[1], found[2]


def detect(data: bytes) -> bool:
    """Whether it is text at all; which table it is, only the configuration knows."""
    text = head(data)
    return bool(text) and "\0" not in text


def parse(name: str, data: bytes, options: ColumnMapOptions) -> FileReadings:
    """A sample for each line below the heading; what is not as it was told is rejected with its bytes."""
    found = new(name, "column-map", data)
    rows = lines(data)
    try:
        heading = _heading(rows, options)
    except BadRecord as bad:
        found.rejected.append(Rejected(Piece(0, data), f"{name} {bad}.", may_complete=True))
        return found
    for piece, line in rows:
        if not line.strip(" \t\r\n\x1a"):
            continue
        try:
            found.samples.append(_row(name, piece, line, heading, options))
        except BadRecord as bad:
            why = f"{name}, byte {piece.offset}: {bad}."
            found.rejected.append(Rejected(piece, why, not line.endswith(("\n", "\r")), bad.flags))
            if len(found.rejected) >= MOST_REJECTED:
                found.notes.append(f"after {MOST_REJECTED} lines that are not of the table nothing more is read")
                break
    return found


def _cells(line: str, options: ColumnMapOptions) -> list[str]:
    try:
        delimiter = DELIMITERS[options.delimiter]
        return [each.strip() for each in next(csv.reader([line.rstrip("\r\n\x1a")], delimiter=delimiter, strict=True))]
    except (csv.Error, StopIteration) as error:
        raise BadRecord(f"it is no line of {options.delimiter}-separated text ({error})") from error


def _heading(rows: Iterator[tuple[Piece, str]], options: ColumnMapOptions) -> list[str]:
    """The names of the columns. Raises BadRecord where no line has all that were told, or one of them twice."""
    for _, (_, line) in zip(range(LINES_BEFORE), rows, strict=False):
        cells = _cells(line, options) if line.strip() else []
        if set(options.columns) <= set(cells):
            twice = next((each for each in options.columns if cells.count(each) > 1), None)
            if twice is not None:
                raise BadRecord(f"has two columns '{twice}'")
            return cells
    raise BadRecord(f"has in its first {LINES_BEFORE} lines no heading with the columns {', '.join(options.columns)}")


def _row(name: str, piece: Piece, line: str, heading: list[str], options: ColumnMapOptions) -> Sample:
    cells = _cells(line, options)
    if len(cells) != len(heading):
        raise BadRecord(f"{len(cells)} cells where the heading has {len(heading)}", Flag.INCOMPLETE)
    row = dict(zip(heading, cells, strict=True))
    _refuse_cut(line, row, heading[-1], options)
    quantity, unit, one = UNITS[options.unit]
    if not row[options.element]:
        raise BadRecord(f"its '{options.element}' is empty", Flag.INCOMPLETE)
    signal = [_number(row, column, options) * one for column in _signal(heading, options)]
    return Sample(
        kind="glow-curve" if options.curve else "scalar",
        quantity=quantity,
        unit=unit,
        value=total_of(signal) if options.curve else signal[0],
        axes=_axes(signal, unit, options) if options.curve else {},
        raw=piece.raw,
        clock=_clock(row, options),
        element=row[options.element],
        position=row.get(options.position) or None,
        run=row.get(options.run) or None,
        also={
            key: Also(value=_number(row, column, options), unit=said)
            for key, (column, said) in options.also_columns.items()
        },
        attributes={key: row[column] for key, column in _named(options.attributes) if row[column]},
        origin=origin(name, piece),
    )


def _signal(heading: list[str], options: ColumnMapOptions) -> list[str]:
    """The columns that hold what was read. Raises BadRecord."""
    if not options.curve:
        return [options.value]
    first, last = (heading.index(each) for each in _ends(options.curve))
    columns = heading[first : last + 1]
    if len(columns) < FEWEST_CHANNELS or len(set(columns)) < len(columns):
        raise BadRecord(
            f"from '{heading[first]}' to '{heading[last]}' there is no run of {FEWEST_CHANNELS} columns or more"
        )
    return columns


def _axes(signal: list[float], unit: str, options: ColumnMapOptions) -> dict[str, Axis]:
    axes = {"signal": axis(unit, signal)}
    if options.temperature_c:
        low, high = (decimal(each) for each in _ends(options.temperature_c))
        step = (high - low) / (len(signal) - 1)
        axes["temperature"] = axis("Cel", [low + step * n for n in range(len(signal))])
    return axes


def _refuse_cut(line: str, row: dict[str, str], last: str, options: ColumnMapOptions) -> None:
    """A number at the end of a line that has no end may be part of a longer one."""
    if last in options.columns and not line.endswith(("\n", "\r")):
        raise BadRecord(f"the line has no end, so that its '{last}' {row[last][:24]!a} may be cut", Flag.INCOMPLETE)


def _number(row: dict[str, str], column: str, options: ColumnMapOptions) -> float:
    text = row[column]
    if options.decimal_sign == "comma":
        text = "?" if "." in text else text.replace(",", ".")
    try:
        return decimal(text)
    except ValueError as error:
        what = f"a number with a decimal {options.decimal_sign}"
        raise BadRecord(f"its '{column}' is {row[column][:24]!a}, not {what}", Flag.NOT_A_NUMBER) from error


def _clock(row: dict[str, str], options: ColumnMapOptions) -> str | None:
    if not options.clock:
        return None
    try:
        return clock(row[options.clock], options.clock_format)
    except ValueError as error:
        raise BadRecord(f"its '{options.clock}' is {row[options.clock][:40]!a}, not {options.clock_format}") from error


COLUMN_MAP = Format(
    name="column-map",
    vendor="any",
    title="Tables of TLD and OSL readers (microSTAR and others): the configuration names the columns",
    quantities=tuple(
        Quantity(name, unit, "elements") for name, unit in (("counts", "{counts}"), ("charge", "C"), ("dose", "Gy"))
    ),
    detect=detect,
    parse=parse,
    options=ColumnMapOptions,
    sniffed=False,
    verified=(Verified("tables that the tests write", "columns, units, what is refused", "simulator"),),
    assumed=(
        "everything that is not configured: no such export was seen",
        "the channels of a curve were heated evenly from the first temperature to the last that are configured",
        "the reader's clock has no time zone",
    ),
)
