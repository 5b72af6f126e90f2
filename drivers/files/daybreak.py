"""Daybreak readers: the text that FLConsole writes, a block for each operation, with a line for each point.

The grammar was observed in public files of 2015 and 2023. Remarks, notes and paths can name a person and are left in
the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from drivers.files.format import Format
from drivers.files.records import BadRecord, FileReadings, Piece, Rejected, axis, new, origin, total_of
from drivers.files.text import head, lines
from drivers.model import Quantity, Verified
from drivers.reading import Axis, Flag, Sample
from drivers.settings import Settings
from drivers.strict_numbers import clock, decimal, whole

BEGIN = "[NewRecord]"
FIRST = re.compile(r"^\[NewRecord\][ \t]*\r?$", re.MULTILINE)
SAID = re.compile(r"([A-Za-z]+)=(.*)")
POINT = re.compile(r"\d+ *;")
CLOCKS = ("%m/%d/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S")
PREHEAT = "PREHEAT TL"  # it empties the shallow traps before the readout, and is none itself
GLOW = frozenset({"TL", PREHEAT})  # over temperature
TIMED = frozenset({"OSL", "NORM OSL"})  # over time
EXTRA = {"Terr": ("temperature-error", "Cel"), "HV": ("high-voltage", "V")}
OF_FILE = ("ReaderID", "ReaderType", "SingleAliquot")
OF_BLOCK = (
    "Operation", "SampleType", "Disk", "DataType", "MaxTemp", "HoldTime", "RampRate", "SampleTemp", "Power",
    "IrradTime", "IrradDose", "Stopped",
)  # fmt: skip
MOST_POINTS = 20_000


@dataclass(slots=True)
class _Block:
    """What stands between two lines [NewRecord]."""

    offset: int
    raw: list[bytes] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    points: list[str] = field(default_factory=list)
    strange: str = ""
    ended: bool = True  # the last line has its end


def detect(data: bytes) -> bool:
    """Whether a line near the beginning is [NewRecord] and none before it is anything but key=value."""
    text = head(data)
    found = FIRST.search(text)
    if found is None:
        return False
    return all(SAID.fullmatch(line.strip()) for line in text[: found.start()].splitlines() if line.strip())


def parse(name: str, data: bytes, options: Settings) -> FileReadings:
    """A curve for each block with points; one without is noted, one that is not whole or not of its form rejected."""
    found = new(name, "daybreak", data)
    of_file, *blocks = _blocks(data)
    for number, block in enumerate(blocks, start=1):
        piece = Piece(block.offset, b"".join(block.raw))
        try:
            sample = _sample(name, piece, of_file.said, block, is_last=number == len(blocks))
        except ValueError as error:
            bad = error if isinstance(error, BadRecord) else BadRecord(str(error), Flag.NOT_A_NUMBER)
            why = f"{name}, block {number} (byte {block.offset}): {bad}."
            if bad.may_complete:  # it grows: what begins it names it
                piece = Piece(block.offset, piece.raw, b"unfinished " + b"".join(block.raw[:2]))
            found.rejected.append(Rejected(piece, why, bad.may_complete, bad.flags))
            continue
        if sample is None:
            found.notes.append(f"block {number}: {block.said.get('DataType', 'no DataType')}, no readout")
        else:
            found.samples.append(sample)
    return found


def _blocks(data: bytes) -> Iterator[_Block]:
    """The head of the file as a block of its own, and then each block."""
    block = _Block(0)
    for piece, line in lines(data):
        text = line.strip(" \t\r\n\x1a")
        if text == BEGIN:
            yield block
            block = _Block(piece.offset)
        block.raw.append(piece.raw)
        block.ended = line.endswith(("\n", "\r"))
        if found := SAID.fullmatch(text):
            block.said.setdefault(found[1], found[2].strip())
        elif POINT.match(text):
            block.points.append(text)
        elif text not in ("", BEGIN):
            block.strange = block.strange or text
    yield block


def _sample(name: str, piece: Piece, of_file: dict[str, str], block: _Block, *, is_last: bool) -> Sample | None:
    """The readout of a block, None where it has no points. Raises BadRecord, and ValueError for what is no number."""
    said = block.said
    if "Points" not in said and not block.points:
        return None
    _refuse_unlike(block, is_last)
    columns, strange = _columns(block.points)
    if min(columns["signal"]) < 0:
        raise BadRecord(f"it has {min(columns['signal']):g} counts, which no counter gives", Flag.NOT_A_NUMBER)
    kind = said.get("DataType", "")
    note = f"{len(strange)} points are not 'valid' but {', '.join(sorted(set(strange)))!a}" if strange else None
    return Sample(
        kind="glow-curve" if kind in GLOW else "curve",
        quantity="counts",
        unit="{counts}",
        value=total_of(columns["signal"]),
        raw=piece.raw,
        clock=_clock(said.get("Started", "")),
        role="preheat" if kind == PREHEAT else "sample",
        element=f"{of_file.get('Sample', '')}/{said.get('Disk', '')}",
        position=said.get("Disk") or None,
        reader=" ".join(filter(None, (of_file.get("ReaderType"), of_file.get("ReaderID")))) or None,
        mode=kind,
        axes=_axes(kind, columns),
        attributes={key: said[key] for key in OF_BLOCK if said.get(key)}
        | {key: of_file[key] for key in OF_FILE if of_file.get(key)},
        origin=origin(name, piece),
        flags=(Flag.UNKNOWN_STATUS,) if strange else (),
        note=note,
    )


def _refuse_unlike(block: _Block, is_last: bool) -> None:
    if is_last and not block.ended:
        raise BadRecord("its last line has no end and may be cut", Flag.INCOMPLETE, may_complete=True)
    wanted = whole(block.said.get("Points", ""))
    if not 0 < wanted <= MOST_POINTS:
        raise BadRecord(f"it has Points={wanted}; from 1 to {MOST_POINTS} are read", Flag.INCOMPLETE)
    if len(block.points) != wanted:
        why = f"it has {len(block.points)} of {wanted} points"
        raise BadRecord(why, Flag.INCOMPLETE, may_complete=is_last and len(block.points) < wanted)
    if block.strange:
        raise BadRecord(f"it has a line {block.strange[:40]!a}, which is neither key=value nor a point")


def _columns(points: list[str]) -> tuple[dict[str, list[float]], list[str]]:
    """The columns of a block's points, and every word that stands where "valid" belongs. Raises ValueError."""
    columns: dict[str, list[float]] = {"x": [], "signal": []}
    strange = []
    for number, line in enumerate(points):
        index, x, counts, *rest = (each.strip() for each in line.split(";"))
        if whole(index) != number or not rest:
            raise BadRecord(f"its point {line[:40]!a} is not the one numbered {number}")
        columns["x"].append(decimal(x))
        columns["signal"].append(_whole_if_it_is(decimal(counts)))
        if rest[0] != "valid":
            strange.append(rest[0][:20])
        for each in filter(None, rest[1:]):
            what, _, value = each.partition(" ")
            if what not in EXTRA:
                raise BadRecord(f"its point {number} says {each[:40]!a}, which is neither Terr nor HV")
            columns.setdefault(what, []).append(decimal(value.strip()))
    return columns, strange


def _whole_if_it_is(value: float) -> float:
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _axes(kind: str, columns: dict[str, list[float]]) -> dict[str, Axis]:
    axes = {"signal": axis("{counts}", columns["signal"])}
    if kind in GLOW:
        axes["temperature"] = axis("Cel", columns["x"])
    elif kind in TIMED:
        axes["time"] = axis("s", columns["x"])
    for what, (called, unit) in EXTRA.items():
        if len(columns.get(what, ())) == len(columns["signal"]):
            axes[called] = axis(unit, columns[what])
    return axes


def _clock(text: str) -> str | None:
    for form in CLOCKS:
        with suppress(ValueError):
            return clock(text, form)
    return None


DAYBREAK = Format(
    name="daybreak",
    vendor="Daybreak",
    title="Daybreak 1100, 1150 and 2200 TL/OSL readers, through the text of FLConsole",
    quantities=(Quantity("counts", "{counts}", "elements"),),
    detect=detect,
    parse=parse,
    verified=(
        Verified("two public files of readers, of 2015 and 2023", "blocks, points, both kinds of date", "capture"),
    ),
    assumed=(
        "the file names no dosimeter: sample and disk stand for it",
        "dates with slashes are month/day/year; the reader's clock has no time zone",
        "Terr is the heater's temperature error in degrees Celsius, HV the PMT's voltage in V",
        "a word other than valid is shown with the flag unknown-status",
        "of other types of data than TL and OSL the unit of x is not known, and x is not given",
    ),
)
