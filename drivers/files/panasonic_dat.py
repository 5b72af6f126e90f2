"""Panasonic UD-716 and UD-7900 TLD readers: the `.DAT` files of the lines that the listener hears on a wire.

One grammar for both (drivers.panasonic). A dosimeter is two lines, `2` and the `C` that follows; one that stands alone
is rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from pydantic import Field

from drivers.errors import Garbled
from drivers.files.format import Format
from drivers.files.records import KEPT_OF_STRANGER, FileReadings, Piece, Rejected, collected, origin
from drivers.files.text import head, lines
from drivers.model import Quantity, Verified
from drivers.panasonic import records
from drivers.panasonic.pairs import BaseUnit, Pairs
from drivers.plain_words import form
from drivers.reading import Flag, Sample
from drivers.settings import Settings

MOST_REJECTED = 1000  # lines of one file
LINES_BEFORE = 20  # in which one must be a record


class PanasonicOptions(Settings):
    """How the site has set its reader up; without base_unit a reading has the reader's number and no unit."""

    base_unit: BaseUnit | None = Field(None, description="what the site's reader prints in: mSv, mGy or mR")
    unit_number: str | None = Field(
        None,
        pattern=form(r"^[0-9]{3}$", "three digits, such as 001"),
        description="of the reader whose lines these are; those of another are rejected",
    )


def detect(data: bytes) -> bool:
    """Whether one of the first lines is a record line of these readers, in its width and columns."""
    first = (line for line in head(data).splitlines()[:LINES_BEFORE] if line.strip())
    return any(_is_record(line) for line in first)


def _is_record(line: str) -> bool:
    try:
        records.parse(line.encode("latin-1", "replace"))
    except Garbled:
        return False
    return True


def parse(name: str, data: bytes, options: PanasonicOptions) -> FileReadings:
    """The four elements of each dosimeter; a run is noted."""
    return collected(name, "panasonic-dat", data, _read(name, data, Pairs(options.base_unit, options.unit_number)))


def _read(name: str, data: bytes, pairs: Pairs) -> Iterator[Sample | Rejected | str]:
    waiting: Piece | None = None  # a line 2 whose C has not come
    rejected = 0
    for number, (piece, line) in enumerate(lines(data), start=1):
        text, ended = line.rstrip("\r\n\x1a"), line.endswith(("\n", "\r"))
        if not text.strip():
            continue
        is_second = text.startswith("C")
        if waiting is not None and not is_second:
            yield _alone(name, waiting)
        try:
            heard = pairs.hear(text.encode("latin-1", "replace"))
        except Garbled as error:
            if waiting is not None and is_second:
                yield _alone(name, waiting)
            waiting = None
            rejected += 1
            if rejected >= MOST_REJECTED:
                yield _rest(name, data, number, piece)
                return
            yield Rejected(piece, f"{name}, line {number} (byte {piece.offset}): {error}", may_complete=not ended)
            continue
        yield from _given(name, piece, waiting, heard)
        waiting = piece if text.startswith("2") else None
    if waiting is not None:
        yield _alone(name, waiting, is_last=True)


def _given(name: str, piece: Piece, waiting: Piece | None, heard: Iterable[Sample]) -> Iterator[Sample | str]:
    for sample in heard:
        if sample.element is None:
            yield f"byte {piece.offset}: {sample.note}, reader factor {sample.value:g}"
        elif Flag.INCOMPLETE not in sample.flags and waiting is not None:
            pair = Piece(waiting.offset, waiting.raw + piece.raw)
            yield msgspec.structs.replace(sample, origin=origin(name, pair))


def _alone(name: str, piece: Piece, *, is_last: bool = False) -> Rejected:
    why = f"{name}, byte {piece.offset}: the line C that belongs to this line 2 is not there or not believed."
    return Rejected(piece, why, may_complete=is_last, flags=(Flag.INCOMPLETE,))


def _rest(name: str, data: bytes, number: int, piece: Piece) -> Rejected:
    """A file that is full of something else must not become a reading for each of its lines."""
    why = (
        f"{name}, line {number} (byte {piece.offset}): {MOST_REJECTED} lines up to here are none of this reader; from"
        " here on nothing is read. Take out what does not belong there."
    )
    return Rejected(Piece(piece.offset, data[piece.offset :], b"the rest of a file"), why, kept=KEPT_OF_STRANGER)


PANASONIC_DAT = Format(
    name="panasonic-dat",
    vendor="Panasonic",
    title="Panasonic UD-716/UD-7900 TLD readers, through their .DAT files",
    quantities=(
        Quantity("element-reading", "1", "elements"),
        Quantity("dose-equivalent", "Sv", "elements"),
        Quantity("dose", "Gy", "elements"),
        Quantity("exposure", "mR", "elements"),
    ),
    detect=detect,
    parse=parse,
    options=PanasonicOptions,
    verified=(
        Verified("layout of the lines of five public record files", "widths, record types, pairs, numbers", "document"),
    ),
    assumed=(
        "names of the columns (inferred from their contents); columns 21-23 and 47-52 of line 2 are not used",
        "of the four groups of an element in line C only the second is used: it repeats line 2",
        "an element is m x 10^(e-3) in the site's base unit; exponents of 5 and more are not believed",
        "the three digits behind the record type are the reader's unit number",
        "the reader's clock has no time zone",
    ),
)
