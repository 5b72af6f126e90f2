"""Helios OSL readers (zero-rad): the `.osl` text of one readout, a heading, a row for each point, and what was set.

The layout is that of the public sample of the R package Luminescence (inst/extdata of 1.2.0), which its importer reads
by the heading's names and without units; nothing says in what unit J is, so it is given without one.
"""

from __future__ import annotations

import re

from drivers.files.format import Format
from drivers.files.records import BadRecord, FileReadings, Piece, Rejected, axis, new, origin, total_of, unended
from drivers.files.text import head, lines
from drivers.model import Quantity, Verified
from drivers.reading import Flag, Sample
from drivers.settings import Settings
from drivers.strict_numbers import decimal, whole

HEADING = ("Index", "t[s]", "J", "Jcorr", "Jphd", "dt[s]", "T[K]", "ILed[A]")
COLUMNS = {  # of the heading: the axis, its unit
    "t[s]": ("time", "s"), "J": ("signal", "1"), "Jcorr": ("signal-corrected", "1"), "Jphd": ("photodiode", "1"),
    "ILed[A]": ("led-current", "A"),
}  # fmt: skip
CELL = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,6})?")
ROW = re.compile(r"\d{1,8} *,")
SAID = re.compile(r'"([A-Za-z ]{1,40}): ?([^"]{0,80})"')
LAST = "Helios version"  # of the settings
FREE = re.compile(r'"[^"]*"')  # a line in quotes without a key: somebody's words, left in the bytes
MOST_POINTS = 100_000
BEGINNING = 140  # bytes: the heading and the first point


def detect(data: bytes) -> bool:
    """Whether the first line is the heading."""
    return _cells(head(data).partition("\n")[0]) == HEADING


def parse(name: str, data: bytes, options: Settings) -> FileReadings:
    """The decay of the file, which holds one; a file that is not whole or not of its form is rejected."""
    found = new(name, "helios", data)
    try:
        found.samples.append(_sample(name, data))
    except ValueError as error:
        bad = error if isinstance(error, BadRecord) else BadRecord(str(error), Flag.NOT_A_NUMBER)
        begins = b"unfinished " + data[:BEGINNING]  # it grows: what begins it names it
        piece = Piece(0, data, begins if bad.may_complete else None)
        found.rejected.append(Rejected(piece, f"{name}: {bad}.", bad.may_complete, bad.flags))
    return found


def _sample(name: str, data: bytes) -> Sample:
    rows: list[list[float]] = []
    said: dict[str, str] = {}
    kept: list[bytes] = []  # what the readout says, without somebody's words
    for number, (piece, line) in enumerate(lines(data), start=1):
        text = line.strip(" \t\r\n\x1a")
        if not line.endswith(("\n", "\r")):
            raise BadRecord("its last line has no end and may be cut", Flag.INCOMPLETE, may_complete=True)
        if number == 1 or not text:
            continue
        if ROW.match(text) and not said:
            rows.append(_row(text, len(rows), number))
            kept.append(unended(piece.raw))
        elif key := SAID.fullmatch(text):
            said[key[1]] = key[2].strip()
            kept.append(unended(piece.raw))
        elif not FREE.fullmatch(text):
            raise BadRecord(f"line {number} is {text[:40]!a}, neither a point nor a setting")
    if LAST not in said:
        raise BadRecord("the settings behind its points are not there yet", Flag.INCOMPLETE, may_complete=True)
    if not 0 < len(rows) <= MOST_POINTS:
        raise BadRecord(f"it has {len(rows)} points; from 1 to {MOST_POINTS} are read", Flag.INCOMPLETE)
    return _of(name, Piece(0, data, b"\n".join(kept)), rows, said)


def _row(text: str, index: int, number: int) -> list[float]:
    """Raises BadRecord, and ValueError for what is no number."""
    cells = _cells(text)
    if len(cells) != len(HEADING) or whole(cells[0]) != index:
        raise BadRecord(f"line {number} is {text[:40]!a}, not the point {index} with {len(HEADING)} cells")
    if strange := next((cell for cell in cells if not CELL.fullmatch(cell)), None):
        raise BadRecord(f"line {number} has {strange[:40]!a} where a number belongs", Flag.NOT_A_NUMBER)
    return [decimal(cell) for cell in cells]


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip(' "\r') for cell in line.split(","))


def _of(name: str, piece: Piece, rows: list[list[float]], said: dict[str, str]) -> Sample:
    columns = {key: [row[place] for row in rows] for place, key in enumerate(HEADING)}
    if any(b <= a for a, b in zip(columns["t[s]"], columns["t[s]"][1:], strict=False)):
        raise BadRecord("its times do not grow")
    axes = {called: axis(unit, columns[key]) for key, (called, unit) in COLUMNS.items()}
    if any(columns["T[K]"]):  # 0 K all along: it was not measured
        axes["temperature"] = axis("K", columns["T[K]"])
    constant = said.get("Mode", "").startswith("CW") and said.get("LED AC amplitude", "0 [A]").startswith("0 ")
    return Sample(
        kind="curve",
        quantity="osl-signal",
        unit="1",
        value=total_of(columns["J"]),
        raw=piece.raw,
        mode="OSL" if constant else said.get("Mode") or None,
        axes=axes,
        attributes={key.replace(" ", "-").lower(): value for key, value in said.items() if value},
        origin=origin(name, piece),
        note="The file names no dosimeter, and no unit of its signal J.",
    )


HELIOS = Format(
    name="helios",
    vendor="zero-rad",
    title="Helios OSL reader, through its .osl files",
    quantities=(Quantity("osl-signal", "1", "elements"),),
    detect=detect,
    parse=parse,
    verified=(Verified("one public file of a reader (99 points)", "heading, points, settings behind them", "capture"),),
    assumed=(
        "J, Jcorr and Jphd have no unit here, since nothing says it; no dose is made of them",
        "t is the end of a point's interval (the first is dt)",
        "a temperature of 0 K all along was not measured",
        "Mode CW without an alternating current through the LED is constant light",
        "Helios version is the last of the settings; a line in quotes without a key is somebody's words, and not shown",
        "Samples is how many were asked for, not how many there are (1000 beside 99 in the public file)",
    ),
)
