"""Risø/DTU readers: BIN (versions 3, 4) and BINX (5 to 8). A TL record is a glow curve, any other a curve of counts.

The file has no time or temperature axis and no dosimeter's id: the axis is computed from what the record says of its
ramp, and sample name and position stand for the id. What a record says twice, byte for byte, is one readout. Known from
an open reader of the manufacturer's structure, and public files of every version but 5 and 7.
"""

from __future__ import annotations

import datetime
import io
import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from struct import Struct, calcsize
from typing import Any, BinaryIO, Literal

from drivers.files.bin_layout import (
    BL_UNITS,
    DERIVED_UP_TO,
    DTYPES,
    IRR_UNITS,
    LAYOUTS,
    LIGHTSOURCES,
    LTYPES,
    ROI,
    Layout,
)
from drivers.files.bin_records import BinRecord, Broken, Other, walk
from drivers.files.format import Format
from drivers.files.records import BadRecord, FileReadings, Piece, Rejected, collected, origin
from drivers.model import Quantity, Verified
from drivers.reading import Axis, Flag, Sample
from drivers.settings import Settings

ElementFrom = Literal["sample-position", "sample", "position"]
TIMED = frozenset({"OSL", "IRSL", "M-IR", "M-VIS", "RIR", "RBR", "POSL", "SGOSL", "RL"})  # LOW and HIGH are seconds
WORDS = {"DTYPE": DTYPES, "LIGHTSOURCE": LIGHTSOURCES, "BL_UNIT": BL_UNITS, "IRR_UNIT": IRR_UNITS}
PRIVATE = frozenset({"USER", "COMMENT", "FNAME"})  # can name a person
IRRADIATED_IN_S = IRR_UNITS.index("s")  # the only unit of version 5 and later
# SEQUENCE, SET and RUN are attributes: they name a list of steps and a step of it, not when it was carried out.
LEFT_OUT = PRIVATE | {"LENGTH", "PREVIOUS", "NPOINTS", "RECTYPE", "TIME", "DATE", "LTYPE"}  # elsewhere in a reading
OF_EACH = frozenset({  # another in most records
    "LENGTH", "PREVIOUS", "NPOINTS", "RECTYPE", "RUN", "SET", "POSITION", "GRAIN", "CURVENO", "MEASTEMP",
    "TIMESINCEIRR",
})  # fmt: skip
COLDEST_C, HOTTEST_C = -50, 1000  # MEASTEMP that was never written is neither
HEAD = 65536
SHORTEST = 15  # bytes that tell a record that is still being written
TWO_DIGIT_YEARS_FROM = 70  # 70 to 99 are 19.., as the manufacturer's first readers are of the eighties


class RisoeOptions(Settings):
    """A BIN file has no dosimeter id of its own: `element_from` says which of its fields stands for it."""

    element_from: ElementFrom = "sample-position"


def detect(data: bytes) -> bool:
    """Whether it begins with a record whose LENGTH goes with its NPOINTS, or with a broken one and then such a one."""
    first, second, *_ = *islice(walk(io.BytesIO(data[:HEAD])), 2), None, None
    if isinstance(first, Broken):
        is_begun = first.cut and len(data) >= SHORTEST and int.from_bytes(data[:2], "little") in LAYOUTS
        return is_begun or isinstance(second, BinRecord)
    return isinstance(first, BinRecord) or (isinstance(first, Other) and first.rectype == ROI)


def parse(name: str, data: bytes, options: RisoeOptions) -> FileReadings:
    """A curve for each record with counts; regions of interest are noted, what is broken or without counts rejected."""
    return collected(name, "risoe-bin", data, stream(name, io.BytesIO(data), options))


def stream(name: str, file: BinaryIO, options: RisoeOptions) -> Iterator[Sample | Rejected | str]:
    """The same, one after the other; of the file a few MB are held."""
    seen: dict[bytes, int] = {}
    for number, found in enumerate(walk(file), start=1):
        if isinstance(found, Other):
            yield _no_curve(number, found)
        elif isinstance(found, Broken):
            yield _broken(f"{name}, record {number}", found)
        else:
            yield _record(name, number, found, options, seen)


def _no_curve(number: int, other: Other) -> str:
    what = f"{other.points} regions of interest" if other.rectype == ROI else f"type {other.rectype}, passed over"
    return f"record {number}: {what}, no readout"


def _broken(where: str, found: Broken) -> Rejected:
    """One that the file ends in grows from save to save: its header names it, so that it is told once."""
    identity = b"unfinished " + found.raw[:64] if found.cut else found.raw
    why = f"{where} (byte {found.offset}, {found.length} bytes): {found.why}."
    flags = (Flag.INCOMPLETE,) if found.cut else ()
    return Rejected(Piece(found.offset, found.raw, identity), why, may_complete=found.cut, flags=flags)


def _record(
    name: str, number: int, record: BinRecord, options: RisoeOptions, seen: dict[bytes, int]
) -> Sample | Rejected:
    piece = Piece(record.offset, record.raw, record.identity)
    where = origin(name, piece)
    try:
        _refuse_again(str(where["sha256"]), number, seen)
        return _sample(where, record, options)
    except BadRecord as bad:
        return Rejected(piece, f"{name}, record {number} (byte {record.offset}): {bad}.", flags=bad.flags)


def _refuse_again(sha256: str, number: int, seen: dict[bytes, int]) -> None:
    before = seen.setdefault(bytes.fromhex(sha256)[:16], number)
    if before != number:
        raise BadRecord(f"it is record {before} once more, byte for byte, and not read twice", Flag.NON_CONFORMING)


def _sample(where: dict[str, str | int], record: BinRecord, options: RisoeOptions) -> Sample:
    said = record.header
    counts = record.counts
    mode = _mode(record.layout, said)
    if not counts:
        raise BadRecord(f"a {mode} record without points", Flag.INCOMPLETE)
    if record.has_negative:
        raise BadRecord(f"it has a count of {min(counts)}, which no counter gives", Flag.NOT_A_NUMBER)
    axes, flags, note = _axes(record.layout, said, mode, len(counts))
    return Sample(
        kind="glow-curve" if mode == "TL" else "curve",
        quantity="counts",
        unit="{counts}",
        value=float(sum(counts)),
        raw=record.raw,
        clock=_clock(said.DATE, said.TIME),
        element=_element(said, options.element_from),
        position=_position(said),
        reader=f"system {said.SYSTEMID}" if said.SYSTEMID else None,
        mode=mode,
        axes=axes | {"signal": Axis(unit="{counts}", values=counts)},
        attributes=_attributes(record, said),
        origin=where,
        flags=flags,
        note=note,
    )


def _mode(layout: Layout, said: Any) -> str:
    number = said.LTYPE
    if number >= len(LTYPES):
        raise BadRecord(f"its LTYPE is {number}; known are 0 to {len(LTYPES) - 1}")
    is_irsl = layout.version == 3 and LTYPES[number] == "OSL" and said.LIGHTSOURCE == 2
    return "IRSL" if is_irsl else LTYPES[number]  # version 3 has no type of its own for it


def _axes(layout: Layout, said: Any, mode: str, points: int) -> tuple[dict[str, Axis], tuple[Flag, ...], str | None]:
    """Temperature of a glow curve, or time, at the end of each channel; with what is to be said of it."""
    if (mode != "TL" and mode not in TIMED) or points > DERIVED_UP_TO:
        return {}, (), None
    ends = low, high, plateau = said.LOW, said.HIGH, said.AN_TEMP
    if not all(map(math.isfinite, ends)):
        raise BadRecord("LOW, HIGH or AN_TEMP is no finite number", Flag.NOT_A_NUMBER)
    if mode != "TL":
        return {"time": _axis("s", ((low, high, points),))}, (), None
    if layout.version == 3:
        return {"temperature": _axis("Cel", ((low, high, points),))}, (), None
    delay, on, off = said.TOLDELAY, said.TOLON, said.TOLOFF
    if (delay, on, off) == (0, 0, 0):
        why = "TOLDELAY, TOLON and TOLOFF are 0: the temperature is a ramp from LOW to HIGH"
        return {"temperature": _axis("Cel", ((low, high, points),))}, (Flag.NON_CONFORMING,), why
    if min(delay, on, off) < 0 or delay + on + off != points:
        why = f"TOLDELAY {delay}, TOLON {on} and TOLOFF {off} are not the {points} points: no temperature is computed"
        return {}, (Flag.NON_CONFORMING, Flag.INCOMPLETE), why
    pieces = (low, plateau, delay), (plateau, plateau, on), (plateau, high, off)
    return {"temperature": _axis("Cel", pieces)}, (), None


@lru_cache(maxsize=16)
def _axis(unit: str, pieces: tuple[tuple[float, float, int], ...]) -> Axis:
    """Ramps one after the other, each with the value at the end of every channel. Records of one disc share theirs."""
    values = tuple(
        round(begin + n * (end - begin) / points, 6) for begin, end, points in pieces for n in range(1, points + 1)
    )
    return Axis(unit=unit, values=values)


def _clock(date: bytes, time: bytes) -> str | None:
    """DATE ddmmyy and TIME hhmmss in ISO 8601, None where they are no moment. An hour of one digit may stand alone."""
    time, day = time.rjust(6, b"0"), _day(date)
    if day is None or len(time) != 6 or not time.isdigit() or time[:2] > b"23" or time[2:4] > b"59" or time[4:] > b"59":
        return None
    text = time.decode()
    return f"{day}T{text[:2]}:{text[2:4]}:{text[4:]}"


@lru_cache(maxsize=16)
def _day(date: bytes) -> str | None:
    """ddmmyy in ISO 8601, None where it is no day."""
    if len(date) != 6 or not date.isdigit():
        return None
    year = int(date[4:])
    year += 1900 if year >= TWO_DIGIT_YEARS_FROM else 2000
    with suppress(ValueError):
        return datetime.date(year, int(date[2:4]), int(date[:2])).isoformat()
    return None


def _element(said: Any, element_from: ElementFrom) -> str:
    sample = str(said.SAMPLE.decode("latin-1").strip())
    if element_from == "sample":
        return sample
    position = _position(said)
    return position if element_from == "position" else f"{sample}/{position}"


def _position(said: Any) -> str:
    return str(said.POSITION) + (f"/{said.GRAIN}" if said.GRAIN else "")


def _attributes(record: BinRecord, said: Any) -> dict[str, str]:
    """Every field that says something. Never who measured, a comment or a path: those can name a person."""
    told: dict[str, str] = {}
    for part in _told(record.layout.version):
        if isinstance(part, _Stretch):
            told.update(_texts(part, record.raw[part.begin : part.end]))
        elif (value := said[part.index]) and (text := part.as_text(value)):
            told[part.name] = text
    return told


@dataclass(frozen=True, slots=True)
class _Field:
    """A field that is looked at in every record: a text, or a number that is another in most."""

    index: int
    name: str
    as_text: Callable[[Any], str]


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """Neighbouring numbers that say how was measured: the same in many records, and written out once for them."""

    begin: int
    end: int
    struct: Struct
    as_text: tuple[tuple[str, Callable[[Any], str]] | None, ...]


@lru_cache(maxsize=256)
def _texts(stretch: _Stretch, data: bytes) -> dict[str, str]:
    """What a stretch with these bytes says."""
    told = zip(stretch.as_text, stretch.struct.unpack(data), strict=True)
    return {
        field[0]: text for field, value in told if field and (value or field[0] in WORDS) and (text := field[1](value))
    }


@cache
def _told(version: int) -> tuple[_Field | _Stretch, ...]:
    """What is shown of a version, in the order of its header."""
    layout = LAYOUTS[version]
    parts: list[_Field | _Stretch] = []
    together: list[str] = []
    for index, (name, code) in enumerate((*layout.codes.items(), ("", "p"))):
        if not code.endswith("p") and name not in OF_EACH:
            together.append(name)
            continue
        if any(each not in LEFT_OUT for each in together):
            parts.append(_stretch(layout, together))
        together = []
        if name and name not in LEFT_OUT:
            parts.append(_Field(index, name, _writer(name, code)))
    return tuple(parts)


def _stretch(layout: Layout, names: list[str]) -> _Stretch:
    code, at = "<", layout.offsets[names[0]]
    begin = at
    for name in names:  # with the reserves between them
        code += f"{layout.offsets[name] - at}x{layout.codes[name]}"
        at = layout.offsets[name] + calcsize(f"<{layout.codes[name]}")
    as_text = (None if name in LEFT_OUT else (name, _writer(name, layout.codes[name])) for name in names)
    return _Stretch(begin, at, Struct(code), tuple(as_text))


def _writer(name: str, code: str) -> Callable[[Any], str]:
    if name in WORDS:
        words = WORDS[name]
        return lambda value: words[value] if value < len(words) else str(value)
    if code.endswith("p"):
        return lambda value: str(value.decode("latin-1").strip())
    if code == "f":
        return lambda value: f"{value:.7g}" if math.isfinite(value) else ""
    if name == "MEASTEMP":
        return lambda value: str(value) if COLDEST_C <= value <= HOTTEST_C else ""
    return str


RISOE_BIN = Format(
    name="risoe-bin",
    vendor="DTU (Risø)",
    title="Risø DA-15 and DA-20 TL/OSL readers, through BIN and BINX files",
    quantities=(Quantity("counts", "{counts}", "elements"),),
    detect=detect,
    parse=parse,
    stream=stream,
    options=RisoeOptions,
    verified=(
        Verified("three public files of readers, versions 3 and 6, of 751 records", "records, sums, maxima", "capture"),
        Verified(
            "public samples of an open reader, versions 3, 4, 6 and 8", "records, regions, what is broken", "capture"
        ),
    ),
    assumed=(
        "the file names no dosimeter: sample name, position and grain stand for it",
        "LOW and HIGH are seconds in every record of light stimulation and RL; of TOL, TRPOSL, USER and XRF no axis",
        "temperatures are those of the programmed ramp: the file has no measured ones",
        "records that are the same in all but PREVIOUS are one readout",
        "years of two digits are 1970 to 2069; the reader's clock has no time zone",
        "texts are Latin-1",
        "BG and NORM are shown, never applied",
    ),
)
