"""Harshaw 6600 through WinREMS: the ASCII export (.ASC), one comma-separated record of 29 fields a line.

The layout was observed in real files (every one of 640 lines has 29 fields); the names of the fields are inferred.
RCF and ECC that a file carries are kept as what they are and never applied.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from drivers.driver import DriverInfo, Verified
from drivers.files.folder import DropFolder
from drivers.files.records import FileReadings, Piece, Rejected, new, now, origin
from drivers.reading import Also, Flag, Reading

FIELDS = 29
FIRST_TRIPLE = 16  # field 17, counted from 0
ELEMENTS = 4
ROLES = {"": "sample", "P": "pmt-noise", "R": "reference-light"}
UNITS = {"pC": ("C", 1e-12), "nC": ("C", 1e-9), "uC": ("C", 1e-6), "µC": ("C", 1e-6)}


class _Bad(ValueError):
    """A line that is not of this format; the text says why."""


def parse_winrems(name: str, data: bytes) -> FileReadings:
    """Every active element of every line is a reading (charge in C); what is no record is rejected with its bytes."""
    found = new(name, "winrems", data)
    for piece in _lines(data):
        text = piece.raw.strip(b"\r\n\x1a ")
        if not text:
            continue
        try:
            found.readings.extend(_line(name, piece, text))
        except _Bad as bad:
            unfinished = not piece.raw.endswith(b"\n")
            why = f"{name}, byte {piece.offset}: {bad}"
            found.rejected.append(Rejected(piece, why, later=unfinished))
    return found


def _lines(data: bytes) -> Iterator[Piece]:
    offset = 0
    for line in data.splitlines(keepends=True):
        yield Piece(offset, line)
        offset += len(line)


def _line(name: str, piece: Piece, text: bytes) -> list[Reading]:
    try:
        fields = next(csv.reader([text.decode("utf-8")], skipinitialspace=True, strict=True))
    except (UnicodeDecodeError, csv.Error, StopIteration) as error:
        raise _Bad("not a line of comma-separated text.") from error
    if len(fields) < FIELDS:
        raise _Bad(f"{len(fields)} fields where WinREMS writes {FIELDS}: the line is cut or of another export.")
    if not (fields[0].startswith("M") and fields[0][1:].isdigit()):
        raise _Bad(f"field 1 is {fields[0]!r}, not a reader model such as M6600.")
    role = ROLES.get(fields[15].strip())
    if role is None:
        raise _Bad(f"field 16 is {fields[15]!r}; known are blank (dosimeter), P (PMT noise) and R (reference light).")
    if fields[-1] not in UNITS:
        raise _Bad(f"the unit {fields[-1]!r} is not known; known are {', '.join(UNITS)}.")
    active = [fields[3 + i] == "1" for i in range(ELEMENTS)]
    return [_element(name, piece, fields, i, role) for i in range(ELEMENTS) if active[i]]


def _element(name: str, piece: Piece, fields: list[str], index: int, role: str) -> Reading:
    rcf, ecc, response = fields[FIRST_TRIPLE + 3 * index : FIRST_TRIPLE + 3 * index + 3]
    unit, scale = UNITS[fields[-1]]
    try:
        clock = datetime.strptime(f"{fields[11]} {fields[12]:0>6}", "%Y%m%d %H%M%S").isoformat()
        value = int(response)
        also = {"file-rcf": Also(value=float(rcf), unit="1"), "file-ecc": Also(value=float(ecc), unit="1")}
    except ValueError as error:
        raise _Bad(f"a date, response or factor of element {index + 1} is not a number.") from error
    stamp, monotonic_s = now()
    return Reading(
        kind="scalar",
        quantity="charge",
        unit=unit,
        value=value * scale,
        role=role,
        raw=piece.raw,
        time=stamp,
        monotonic_s=monotonic_s,
        clock=clock,
        element=fields[13].strip() if role == "sample" else None,
        element_index=index + 1,
        also=also,
        origin=origin(name, piece),
        flags=(Flag.NON_CONFORMING,) if len(fields) > FIELDS else (),
    )


class WinRems(DropFolder):
    """Watches the folder into which WinREMS exports."""

    info: ClassVar[DriverInfo] = DriverInfo(
        model="winrems",
        vendor="Thermo Fisher (Harshaw)",
        title="Harshaw 6600 TLD reader, through the ASCII export of WinREMS",
        transports=("dir:PATH",),
        quantities=("charge",),
        verified=(Verified("layout of 640 lines of three public export files", "29 fields, roles, active elements"),),
        assumed=(
            "names of the fields (inferred from their contents)",
            "RCF and ECC in the file are shown, never applied",
            "the reader's clock has no time zone",
        ),
    )
    sniffed = "winrems"

    def parse(self, name: str, data: bytes) -> FileReadings:
        """As parse_winrems."""
        return parse_winrems(name, data)
