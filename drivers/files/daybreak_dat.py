"""Daybreak readers: the binary DAT file of TLApplic 3.2 and FLConsole, records of one size back to back.

Little endian; a record has 190 bytes and a number of 8 bytes for each of MAXPT + 1 points, of which the first is not
used. The layout is that of an open reader, and was held against a public file of 56 records. Remarks can name a person
and are left in the bytes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from drivers.files.format import Format
from drivers.files.records import BadRecord, FileReadings, Piece, Rejected, axis, new, origin, total_of
from drivers.model import Quantity, Verified
from drivers.reading import Axis, Flag, Sample
from drivers.settings import Settings

HEAD = 190
START = struct.Struct("<6h6B9d")
NAMES = (
    "NPT", "SPACING", "NRUN", "NDISK", "D1", "MAXPT", "BEFORE_IRRAD", "NORMALIZATION", "TLRUN", "SINGLE_ALIQUOT",
    "NATL", "SEKOND", "BLEACHINGTIME", "RAMPRATE", "GRATE", "BRATE", "ARATE", "GAMMADOSE", "BETADOSE", "ALPHADOSE",
)  # fmt: skip
TEXTS = ("GRUNIT", "BRUNIT", "ARUNIT", "BFILTER", "GSOURCE", "BSOURCE", "ASOURCE")  # 1 + 7 bytes each
TEXTS_AT, SHIFT_AT, DATE_AT, REMARK_AT = 90, 82, 146, 148
BASES_S = (0.01, 0.1, 1.0, 10.0)  # of the first, second, ... stretch of a curve over time
SAID = ("NRUN", "NDISK", "BLEACHINGTIME", "RAMPRATE", "GRATE", "BRATE", "ARATE", "GAMMADOSE", "BETADOSE", "ALPHADOSE")
TL, OSL, ISOTHERMAL = "TL", "OSL", "isothermal TL"
MOST_POINTS = 20_000


@dataclass(frozen=True, slots=True)
class _Record:
    said: dict[str, float]
    raw: bytes

    @property
    def device(self) -> int:
        """What was done: D1 in hundreds."""
        return int(self.said["D1"]) // 100

    @property
    def counts(self) -> list[float]:
        """Points 1 to NPT; element 0 is not used. Raises BadRecord."""
        points = int(self.said["NPT"])
        values = struct.unpack_from(f"<{points}d", self.raw, HEAD + 8)
        if any(not math.isfinite(each) or each < 0 or abs(each) >= 2**53 for each in values):
            raise BadRecord("it has a number that is none of counts", Flag.NOT_A_NUMBER)
        return [int(each) if each.is_integer() else each for each in values]


def detect(data: bytes) -> bool:
    """Whether the first record is of this layout, with its day and texts, and another follows or the file ends."""
    record = _at(data, 0)
    if record is None or len(data) < HEAD or _date(data) is None or not _has_texts(data):
        return False
    size = _size(record)
    second = _at(data, size)
    return len(data) <= size or (second is not None and second.said["MAXPT"] == record.said["MAXPT"])


def _has_texts(data: bytes) -> bool:
    """Whether every text is as long as its field at most."""
    return max(data[TEXTS_AT + 8 * n] for n in range(len(TEXTS))) <= 7 and data[REMARK_AT] <= 41


def parse(name: str, data: bytes, options: Settings) -> FileReadings:
    """A curve for each record of TL, OSL or isothermal TL; what is none is noted, what is not sound rejected."""
    found = new(name, "daybreak-dat", data)
    for number, (offset, raw) in enumerate(_records(data), start=1):
        piece = Piece(offset, raw, raw)
        where = f"{name}, record {number} (byte {offset})"
        record = _at(raw, 0)
        if record is None or len(raw) < _size(record):
            cut = offset + len(raw) == len(data)
            why = "it is cut" if record else "it is not of this layout, and nothing behind it is read"
            flags = (Flag.INCOMPLETE,) if record else ()
            named = Piece(offset, raw, b"unfinished " + raw[:16])
            found.rejected.append(
                Rejected(named, f"{where}: {why}.", may_complete=cut and record is not None, flags=flags)
            )
            continue
        kind = _kind(record.device)
        if kind not in (TL, OSL, ISOTHERMAL):
            found.notes.append(f"record {number}: {kind}, no readout")
            continue
        try:
            found.samples.append(_sample(name, piece, record, kind))
        except BadRecord as bad:
            found.rejected.append(Rejected(piece, f"{where}: {bad}.", flags=bad.flags))
    return found


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each record; the last piece may be none, or part of one."""
    offset = 0
    while offset < len(data):
        record = _at(data, offset)
        size = len(data) - offset if record is None else _size(record)
        yield offset, data[offset : offset + size]
        offset += size


def _size(record: _Record) -> int:
    return HEAD + 8 * (int(record.said["MAXPT"]) + 1)


def _at(data: bytes, offset: int) -> _Record | None:
    """The record that begins there, whole or cut; None where it cannot be one."""
    if offset + START.size > len(data):
        return None
    said = dict(zip(NAMES, START.unpack_from(data, offset), strict=False))
    flags = [said[name] for name in NAMES[6:12]]
    fits = 0 <= said["NPT"] <= said["MAXPT"] and 0 < said["MAXPT"] <= MOST_POINTS and said["D1"] >= 0
    if not fits or said["SPACING"] < 0 or max(flags) > 1 or not all(map(math.isfinite, said.values())):
        return None
    return _Record(said, data[offset : offset + HEAD + 8 * (int(said["MAXPT"]) + 1)])


def _kind(device: int) -> str:
    if device == 0:
        return TL
    for first, last, kind in ((10, 19, "bleach"), (20, 29, OSL), (30, 39, ISOTHERMAL), (100, 199, "irradiation")):
        if first <= device <= last:
            return kind
    return "missing" if device == 200 else f"device {device}, which is not known"


def _sample(name: str, piece: Piece, record: _Record, kind: str) -> Sample:
    counts = record.counts
    if not counts:
        raise BadRecord(f"{kind} without points", Flag.INCOMPLETE)
    return Sample(
        kind="glow-curve" if kind == TL else "curve",
        quantity="counts",
        unit="{counts}",
        value=total_of(counts),
        raw=record.raw,
        clock=_date(record.raw),
        element=str(int(record.said["NDISK"])),
        position=str(int(record.said["NDISK"])),
        mode=kind,
        axes=_axis(record, kind, len(counts)) | {"signal": axis("{counts}", counts)},
        attributes=_attributes(record, kind),
        origin=origin(name, piece),
    )


def _axis(record: _Record, kind: str, points: int) -> dict[str, Axis]:
    """Temperature of TL, SPACING times the number of the point; time of the others, from four stretches."""
    if kind == TL:
        return {"temperature": axis("Cel", [record.said["SPACING"] * n for n in range(1, points + 1)])}
    stretches = record.raw[SHIFT_AT : SHIFT_AT + 4]
    if sum(stretches) != points:
        raise BadRecord(f"its stretches have {sum(stretches)} points, it has {points}", Flag.INCOMPLETE)
    steps = [base for base, number in zip(BASES_S, stretches, strict=True) for _ in range(number)]
    times, now = [], 0.0
    for step in steps:
        now = round(now + step, 2)
        times.append(now)
    return {"time": axis("s", times)}


def _attributes(record: _Record, kind: str) -> dict[str, str]:
    said = {name: f"{record.said[name]:.7g}" for name in SAID if record.said[name]}
    for n, name in enumerate(TEXTS):
        text = record.raw[TEXTS_AT + 8 * n : TEXTS_AT + 8 * n + 8]
        said[name] = text[1 : 1 + min(text[0], 7)].decode("latin-1").strip()
    if kind != TL:
        special = record.raw[SHIFT_AT : SHIFT_AT + 8]
        said["temperature"] = f"{special[4] * 256 + special[7]} Cel"
    return {name: text for name, text in said.items() if text}


def _date(raw: bytes) -> str | None:
    """The day, in ISO 8601; the file has no time of day."""
    (packed,) = struct.unpack_from("<H", raw, DATE_AT)
    year = 1900 + (packed >> 9)
    try:
        return date(year + 128 if year < 1950 else year, packed & 15, packed >> 4 & 31).isoformat()
    except ValueError:
        return None


DAYBREAK_DAT = Format(
    name="daybreak-dat",
    vendor="Daybreak",
    title="Daybreak 1100, 1150 and 2200 TL/OSL readers, through binary DAT files",
    quantities=(Quantity("counts", "{counts}", "elements"),),
    detect=detect,
    parse=parse,
    verified=(Verified("a public file of 56 records", "records, points, time bases", "capture"),),
    assumed=(
        "the disk stands for the dosimeter, which the file does not name",
        "a curve over time ends its channels at the sum of the steps before",
        "a day alone is its clock",
        "texts are Latin-1",
    ),
)
