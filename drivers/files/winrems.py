"""Harshaw 6600 through WinREMS: the ASCII export (.ASC), one comma-separated record of 29 fields a line.

The layout was observed in real files (every one of 640 lines has 29 fields); the names of the fields are inferred.
RCF and ECC that a file carries are kept as what they are and never applied. A number is believed in the form that was
observed and in no other: a comma inside a number would shift every field behind it.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from drivers.files.format import Format
from drivers.files.records import KEPT_OF_STRANGER, BadRecord, FileReadings, Piece, Rejected, new, origin
from drivers.files.text import head, lines
from drivers.model import Quantity, Verified
from drivers.reading import Also, Flag, Sample
from drivers.settings import Settings
from drivers.strict_numbers import clock, decimal, whole

FIELDS = 29
MOST_REJECTED = 1000  # lines of one file
ELEMENTS = 4
ROLES = {"": "sample", "P": "pmt-noise", "R": "reference-light"}
UNITS = {"pC": 1e-12, "nC": 1e-9, "uC": 1e-6, "µC": 1e-6, "μC": 1e-6}  # micro sign, and the Greek letter


@dataclass(frozen=True, slots=True)
class Form:
    """What may stand in a field: a pattern for the whole of it, the same in words, and what is flagged where not."""

    what: str
    pattern: re.Pattern[str]
    flags: tuple[Flag, ...] = ()


def _form(what: str, pattern: str, *flags: Flag) -> Form:
    return Form(what, re.compile(pattern, re.ASCII), flags)


MODEL = _form("a reader model such as M6600", r"M\d+")
COUNT = _form("a number of at most 12 digits without decimals", r"\d{1,12}", Flag.NOT_A_NUMBER)
ACTIVE = _form("0 or 1", r"[01]")
DATE = _form("a date YYYYMMDD", r"\d{8}")
TIME = _form("a time HHMMSS", r"\d{1,6}")
DOSIMETER = _form("the number of a dosimeter", r"[\x21-\x7e]{1,32}")
KIND = _form("blank (dosimeter), P (PMT noise) or R (reference light)", r"|P|R")
RCF = _form("a factor such as 1.000E+0", r"\d{1,6}\.\d{1,6}E[+-]\d{1,2}", Flag.NOT_A_NUMBER)
ECC = _form("a factor such as 1.000", r"\d{1,6}\.\d{1,6}", Flag.NOT_A_NUMBER)
RESPONSE = COUNT
UNIT = _form("a unit; known are pC, nC and uC or µC", "|".join(UNITS))

ALWAYS = {1: MODEL, 4: ACTIVE, 5: ACTIVE, 6: ACTIVE, 7: ACTIVE, 12: DATE, 13: TIME, 14: DOSIMETER, 16: KIND, 29: UNIT}
TRIPLE = (RCF, ECC, RESPONSE)
FIRST_TRIPLE = 17
EVERY = ALWAYS | {2: COUNT, 3: COUNT, 8: COUNT, 9: COUNT, 10: COUNT, 14: COUNT}
EVERY |= {FIRST_TRIPLE + n: TRIPLE[n % 3] for n in range(3 * ELEMENTS)}
EVERY = dict(sorted(EVERY.items()))  # the first that has not its form is told: behind it all are shifted

FIRST_LINE = re.compile(r'^[ \t]*"M\d{1,9}"[ \t]*,', re.ASCII | re.MULTILINE)


def detect(data: bytes) -> bool:
    """Whether a line near the beginning starts as WinREMS lines do: a quoted reader model, a comma."""
    return FIRST_LINE.search(head(data)) is not None


def parse(name: str, data: bytes, options: Settings) -> FileReadings:
    """Every active element of every line is a sample (charge in C); what is no record is rejected with its bytes."""
    found = new(name, "winrems", data)
    for number, (piece, line) in enumerate(lines(data), start=1):
        text = line.strip(" \t\r\n\x1a")
        if not text:
            continue
        try:
            samples = _line(name, piece, text)
        except BadRecord as bad:
            if len(found.rejected) >= MOST_REJECTED:
                found.rejected.append(_rest(name, data, number, piece))
                break
            unfinished = not line.endswith(("\n", "\r"))
            why = f"{name}, line {number} (byte {piece.offset}): {bad}."
            found.rejected.append(Rejected(piece, why, may_complete=unfinished, flags=bad.flags))
            continue
        found.samples += samples
        if not samples:
            found.notes.append(f"line {number}: no element is active")
    return found


def _rest(name: str, data: bytes, number: int, piece: Piece) -> Rejected:
    """A file that is full of something else must not become a reading for each of its lines."""
    why = (
        f"{name}, line {number} (byte {piece.offset}): {MOST_REJECTED} lines before it are none of WinREMS; from here"
        " on nothing is read. Take out what does not belong there."
    )
    return Rejected(Piece(piece.offset, data[piece.offset :], b"the rest of a file"), why, kept=KEPT_OF_STRANGER)


def _line(name: str, piece: Piece, text: str) -> list[Sample]:
    try:
        fields = [each.strip(" ") for each in next(csv.reader([text], skipinitialspace=True, strict=True))]
    except (csv.Error, StopIteration) as error:
        raise BadRecord(f"not a line of comma-separated text ({error})") from error
    if len(fields) < FIELDS:
        raise BadRecord(f"{len(fields)} fields where WinREMS writes {FIELDS}: the line is cut or of another export")
    for field, form in (ALWAYS if len(fields) == FIELDS else EVERY).items():
        _hold(fields, field, form)
    active = [i for i in range(ELEMENTS) if fields[3 + i] == "1"]
    return [_element(name, piece, fields, i) for i in active]


def _hold(fields: list[str], field: int, form: Form) -> str:
    """The text of a field, counted from 1. Raises BadRecord, which says what stands where, when it has not its form."""
    text = fields[field - 1]
    if form.pattern.fullmatch(text):
        return text
    shown = ascii(text if len(text) <= 24 else text[:24] + "...")
    size = f" of {len(text)} characters" if len(text) > 24 else ""
    many = f"; there are {len(fields)} fields where WinREMS writes {FIELDS}: a comma stands in a number"
    raise BadRecord(
        f"field {field} is {shown}{size}, not {form.what}{many if len(fields) > FIELDS else ''}", *form.flags
    )


def _element(name: str, piece: Piece, fields: list[str], index: int) -> Sample:
    first = FIRST_TRIPLE + 3 * index
    rcf, ecc, response = (_hold(fields, first + n, TRIPLE[n]) for n in range(3))
    role = ROLES[fields[15]]
    return Sample(
        quantity="charge",
        unit="C",
        value=whole(response) * UNITS[fields[FIELDS - 1]],
        role=role,
        raw=piece.raw,
        clock=_clock(fields[11], fields[12]),
        element=fields[13] if role == "sample" else None,
        element_index=index + 1,
        reader=f"{fields[0]} {fields[1]}".rstrip(),
        also={"file-rcf": Also(value=decimal(rcf), unit="1"), "file-ecc": Also(value=decimal(ecc), unit="1")},
        origin=origin(name, piece),
        flags=(Flag.NON_CONFORMING,) if len(fields) > FIELDS else (),
    )


def _clock(date: str, time: str) -> str:
    """Reader clock, ISO 8601 without a zone. Raises BadRecord for a day or hour that does not exist."""
    try:
        return clock(f"{date} {time:0>6}", "%Y%m%d %H%M%S")
    except ValueError as error:
        raise BadRecord(f"fields 12 and 13, {date} {time}, are no date and time") from error


WINREMS = Format(
    name="winrems",
    vendor="Thermo Fisher (Harshaw)",
    title="Harshaw 6600 TLD reader, through the ASCII export of WinREMS",
    quantities=(Quantity("charge", "C", "elements"),),
    detect=detect,
    parse=parse,
    verified=(
        Verified("layout of 640 lines of three public export files", "29 fields, roles, active elements", "capture"),
    ),
    assumed=(
        "names of the fields (inferred from their contents)",
        "RCF and ECC in the file are shown, never applied",
        "the response is a number without decimals in every unit",
        "a byte that is not UTF-8 is Latin-1",
        "the reader's clock has no time zone",
    ),
)
