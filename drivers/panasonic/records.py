"""The record lines of a Panasonic UD-716/UD-7900, pure: a line's bytes in, facts out.

Observed in five public files of such lines (173 lines, the widths constant): `1` (69 characters) opens a run, `2` (69)
is a dosimeter, `C` (90) follows each `2`. The names of the columns are inferred; columns whose meaning nobody published
are checked for their form and not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Garbled
from drivers.strict_numbers import clock, decimal, whole

ELEMENTS = 4
LARGEST_EXPONENT = 4  # of those observed
_MOMENT = r"(?P<clock>[0-9]{10})"
_UNIT = r"(?P<unit>[0-9]{3})(?P<number>[0-9]{3}) "
_GROUPS = r"([0-9]{16})"
_RUN = re.compile(
    rf"1{_UNIT}{_MOMENT}  [0-9]{{4}}0000(?P<factor>[0-9]{{4}})[0-9]{{8}}(?P<count>[0-9]{{6}})  DE00Y[0-9]{{8}} {{8}}"
)
_DOSIMETER = re.compile(
    rf"2{_UNIT}{_MOMENT}(?P<position>[0-9]{{2}})[0-9]{{3}}(?P<dosimeter>[0-9]{{7}})(?P<elements>[0-9]{{16}})"
    r"[0-9]{6}(?P<factor>[0-9]{4}) Y[0-9]{3} {8}"
)
_SECOND = re.compile(rf"C{_MOMENT}{_GROUPS} {_GROUPS} {_GROUPS} {_GROUPS} {{12}}")
_LINES = {"1": (_RUN, 69), "2": (_DOSIMETER, 69), "C": (_SECOND, 90)}


@dataclass(frozen=True, slots=True)
class Run:
    """A line `1`: the reader's unit number, the line's own number, its clock (ISO 8601), factor, readings so far."""

    unit: str
    number: int
    clock: str
    factor: float
    count: int


@dataclass(frozen=True, slots=True)
class Dosimeter:
    """A line `2`. elements: as written, an exponent digit and three of mantissa; position: in the magazine."""

    line: bytes
    unit: str
    number: int
    clock: str
    position: int
    dosimeter: str
    elements: tuple[str, ...]
    factor: float


@dataclass(frozen=True, slots=True)
class Second:
    """A line `C`: the same elements, as it writes them."""

    line: bytes
    clock: str
    elements: tuple[str, ...]


def parse(line: bytes) -> Run | Dosimeter | Second:
    """One record line without its end. Raises Garbled, saying what is not of the form."""
    text = line.decode("latin-1")
    form, width = _LINES.get(text[:1], (None, 0))
    if form is None:
        raise Garbled("Not a line of this reader: those begin with 1, 2 or C.", line)
    if len(text) != width:
        raise Garbled(f"A line {text[0]} of this reader has {width} characters, this one {len(text)}.", line)
    found = form.fullmatch(text)
    if found is None:
        raise Garbled(f"A line {text[0]} whose columns are not of the form that was observed.", line)
    if text[0] == "C":
        return Second(line, _clock(line, found["clock"]), tuple(each[4:8] for each in found.groups()[1:]))
    unit, number, factor = found["unit"], whole(found["number"]), whole(found["factor"]) / 1000
    if text[0] == "1":
        return Run(unit, number, _clock(line, found["clock"]), factor, whole(found["count"]))
    elements = tuple(found["elements"][4 * n : 4 * n + 4] for n in range(ELEMENTS))
    return Dosimeter(
        line, unit, number, _clock(line, found["clock"]), whole(found["position"]), found["dosimeter"], elements, factor
    )


def value_of(element: str, power: int = 0) -> float | None:
    """m x 10^(e-3) of an exponent digit and three digits of mantissa, times 10^power.

    None beyond the exponents that were observed.
    """
    exponent, mantissa = whole(element[0]), element[1:]
    return decimal(f"{mantissa}E{exponent - 3 + power}") if exponent <= LARGEST_EXPONENT else None


def lines_between(before: int, after: int) -> int:
    """How many line numbers lie between the one that was due and the one that came; they go round after 100."""
    return (after - before) % 100


def _clock(line: bytes, text: str) -> str:
    try:
        return clock(text, "%y%m%d%H%M")
    except ValueError as error:
        raise Garbled(f"{text} is no date and time (YYMMDDHHMM).", line) from error
