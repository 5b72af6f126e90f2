"""The text export "Research (Cts/Temp.) Glow Curve", as saved or converted to CSV: counts over temperature.

The layouts were observed in 836 public files of one laboratory, which fit a Rexon UL-320; the vendor is not named in
them. The head's file name can name a person and is left in the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

from drivers.files.format import Format
from drivers.files.records import BadRecord, FileReadings, Piece, Rejected, axis, new, origin, total_of
from drivers.files.text import head, lines
from drivers.model import Quantity, Verified
from drivers.reading import Axis, Flag, Sample
from drivers.settings import Settings
from drivers.strict_numbers import clock, decimal

TITLE = "Research (Cts/Temp.) Glow Curve"
FLAT = "barcode,time,temp,count"
NAMES = {
    "sample no.": "number", "barcode": "barcode", "time": "time", "temperature": "temperature", "temp": "temperature",
    "counts": "counts", "count": "counts",
}  # fmt: skip
COUNTS = re.compile(r"(\d{1,12})(?:\.0{1,3})?", re.ASCII)  # a converted file may have them as 2.0
DATE = re.compile(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M", re.ASCII)
RATE = re.compile(r"Sampling Rate is +(\d{1,3}) Data Points per Second", re.ASCII)
NUMBER = re.compile(r"(\d{1,9})$", re.ASCII)
MOST_HEAD = 20  # lines


@dataclass(slots=True)
class _Curve:
    """The rows of one sample number and barcode."""

    offset: int
    raw: list[bytes] = field(default_factory=list)
    columns: dict[str, list[float]] = field(default_factory=dict)


def detect(data: bytes) -> bool:
    """Whether it begins with the export's title, or with the heading of its flat form."""
    first = head(data).partition("\n")[0]
    return first.startswith(TITLE) or first.strip().lower() == FLAT


def parse(name: str, data: bytes, options: Settings) -> FileReadings:
    """A glow curve for each sample number and barcode; a file in which a line is not of its table gives none."""
    found = new(name, "research-glow", data)
    try:
        said, curves = _table(data)
    except BadRecord as bad:
        found.rejected.append(Rejected(Piece(0, data), f"{name}{bad}.", bad.may_complete, bad.flags))
        return found
    for (number, barcode), curve in curves.items():
        piece = Piece(0, data) if len(curves) == 1 else Piece(curve.offset, b"".join(curve.raw))
        found.samples.append(_sample(name, piece, barcode, curve, said | {"sampleNumber": number}))
    return found


def _table(data: bytes) -> tuple[dict[str, str], dict[tuple[str, str], _Curve]]:
    """What the head says, and the curves. Raises BadRecord."""
    rows = lines(data)
    said, columns, tab = _head(rows)
    curves: dict[tuple[str, str], _Curve] = {}
    for number, (piece, line) in enumerate(rows, start=1):
        text = line.strip("\r\n\x1a")
        if not text.strip(" \t,"):
            continue
        try:
            _row(curves, piece, [each.strip() for each in text.split(tab)], columns)
        except ValueError as error:
            flags = error.flags if isinstance(error, BadRecord) else (Flag.NOT_A_NUMBER,)
            where = f", row {number} of its table (byte {piece.offset}): {error}"
            raise BadRecord(where, *flags, may_complete=not line.endswith(("\n", "\r"))) from error
    if not curves:
        raise BadRecord(" has a heading and no rows", Flag.INCOMPLETE, may_complete=True)
    return said, curves


def _head(rows: Iterator[tuple[Piece, str]]) -> tuple[dict[str, str], dict[str, int], str]:
    """The lines before the table, up to its heading: what they say, the place of each column, what stands between."""
    said: dict[str, str] = {}
    for _, (_, line) in zip(range(MOST_HEAD), rows, strict=False):
        text = line.strip("\r\n")
        tab = "\t" if "\t" in text else ","
        columns = _columns([each.strip().lower() for each in text.split(tab)])
        if columns is not None:
            if "counts" not in columns:  # some write that word into a line of its own
                columns["counts"] = _wrapped(next(rows, None), text.split(tab))
            return said, columns, tab
        said |= _said(text.strip(" ,"))
    raise BadRecord(f" has no heading with Temperature in its first {MOST_HEAD} lines", may_complete=True)


def _columns(names: list[str]) -> dict[str, int] | None:
    columns = {meant: n for n, each in enumerate(names) if (meant := _meant(each))}
    return columns if "temperature" in columns else None


def _meant(heading: str) -> str:
    """Which column a heading means, empty where it is none of those read; "time ( .5s)" says the interval."""
    return "time" if heading.startswith("time (") else NAMES.get(heading, "")


def _wrapped(row: tuple[Piece, str] | None, heading: list[str]) -> int:
    if row is None or row[1].strip(" \t,\r\n") != "Counts" or heading[-1].strip():
        raise BadRecord(" has no column Counts beside Temperature")
    return len(heading) - 1


def _said(text: str) -> dict[str, str]:
    if text.startswith("File Name:"):
        number = NUMBER.search(text)
        return {"fileNumber": number[1]} if number else {}
    if text.startswith("Date & Time:"):
        return {"clock": text.removeprefix("Date & Time:").strip()}
    rate = RATE.fullmatch(text)
    return {"samplingRate": f"{rate[1]} Hz"} if rate else {}


def _row(curves: dict[tuple[str, str], _Curve], piece: Piece, cells: list[str], columns: Mapping[str, int]) -> None:
    """Put a row where it belongs. Raises ValueError."""
    if len(cells) <= max(columns.values()):
        raise BadRecord(f"{len(cells)} cells where {max(columns.values()) + 1} belong", Flag.INCOMPLETE)
    key = tuple(cells[columns[name]] if name in columns else "" for name in ("number", "barcode"))
    curve = curves.setdefault((key[0], key[1]), _Curve(piece.offset))
    counts = COUNTS.fullmatch(cells[columns["counts"]])
    if counts is None:
        raise BadRecord(f"{cells[columns['counts']][:40]!a} is no number of counts", Flag.NOT_A_NUMBER)
    curve.raw.append(piece.raw)
    curve.columns.setdefault("signal", []).append(int(counts[1]))
    for name in ("temperature", "time"):
        if name in columns:
            curve.columns.setdefault(name, []).append(decimal(cells[columns[name]]))
    times = curve.columns.get("time", [])[-2:]
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise BadRecord(f"the time goes back from {times[0]:g} to {times[1]:g} s: this is another readout")


def _sample(name: str, piece: Piece, barcode: str, curve: _Curve, said: dict[str, str]) -> Sample:
    units = {"time": "s", "temperature": "Cel", "signal": "{counts}"}
    axes: dict[str, Axis] = {key: axis(units[key], curve.columns[key]) for key in units if key in curve.columns}
    return Sample(
        kind="glow-curve",
        quantity="counts",
        unit="{counts}",
        value=total_of(curve.columns["signal"]),
        raw=piece.raw,
        clock=_clock(said.get("clock", "")),
        element=barcode or None,
        mode="TL",
        axes=axes,
        attributes={key: text for key, text in said.items() if text and key != "clock"},
        origin=origin(name, piece),
    )


def _clock(text: str) -> str | None:
    if not DATE.fullmatch(text):
        return None
    with suppress(ValueError):
        return clock(text, "%m/%d/%Y %I:%M:%S %p")
    return None


RESEARCH_GLOW = Format(
    name="research-glow",
    vendor="Rexon (inferred)",
    title='TLD reader in research mode, through the text export "Research (Cts/Temp.) Glow Curve"',
    quantities=(Quantity("counts", "{counts}", "elements"),),
    detect=detect,
    parse=parse,
    verified=(Verified("836 public files of one laboratory, in six layouts", "heads, curves, barcodes", "capture"),),
    assumed=(
        "the vendor: a Rexon UL-320 fits, the files do not say",
        "dates are month/day/year; the reader's clock has no time zone",
        "temperatures are degrees Celsius, times seconds",
        "a file is written at once: a curve says nowhere where it ends",
        "a file without a barcode names no dosimeter",
    ),
)
