"""What an entry is, before it becomes a row: stored, or refused with a reason and its body as it came (rule 4.3).

An entry whose checksum says that it was altered on the way is no row at all: its source sends it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
from pydantic import TypeAdapter, ValidationError

from acquire.bus.codec import encode_reading, reading_decoder
from acquire.bus.messages import Entry
from acquire.bus.noloss import Part, Readings
from acquire.canonical import canonical
from acquire.checksum import checksum, seed
from acquire.store.entries import KIND, REFUSED, STORED, Row
from acquire.store.texts import flaw, flaw_of_reading
from drivers.plain_words import plain

_entries = TypeAdapter(Entry)
_any = msgspec.json.Decoder()

UNPARSED = KIND["unparsed"]
LONGEST_REASON = 300  # characters
ALTERNATIVES = ("str", "int", "float", "bool")  # of which a value may be one: no key that somebody wrote

_row = partial(tuple.__new__, Row)  # what Row() does, at a third of the time


class Place(NamedTuple):
    """Where the entries of a part go: their stream, by id and number, and the row of `received`."""

    stream: str
    number: int
    received: int


class Said(NamedTuple):
    """A part as it was decoded, and how to come by its entries as they came.

    `ends_so`: whether the message ended in these bytes, where that can be said: then nothing else was in the entries.
    """

    part: Readings | Part
    decoded: bool
    as_they_came: Callable[[], Sequence[bytes]]
    ends_so: Callable[[bytes], bool] | None = None


def judge_all(said: Said, place: Place) -> list[Row]:
    """The rows of a part (rule 4.3), without those that were altered on the way."""
    rows = _valid_rows(said, place) if said.decoded else None
    if rows is not None:
        return rows
    stated, of, rows = said.part.checksums, seed(place.stream), []
    for n, raw in enumerate(said.as_they_came()):
        seq = said.part.first_seq + n
        row = judge(place, seq, raw)
        if stated is None or stated[n] in (row.checksum, checksum(of, seq, raw)):
            rows.append(row)
    return rows


def _valid_rows(said: Said, place: Place) -> list[Row] | None:
    """All at once, where the entries came in canonical form and without anything unknown: then their checksums are
    those of the bytes that they are encoded to or, where none were sent, the message ends in these bytes. None where
    they did not, or where one of them says itself that it was not understood.
    """
    part, number, received, of = said.part, place.number, place.received, seed(place.stream)
    rows: list[Row] = []
    for seq, reading in enumerate(part.readings, part.first_seq):
        kind, element = KIND[reading.kind], reading.element
        if kind == UNPARSED or flaw_of_reading(reading.time, reading.clock, element, reading.channel) is not None:
            return None
        body = encode_reading(reading)
        check = crc32(body, (of + seq) & 0xFFFFFFFF)
        rows.append(_row((number, seq, kind, STORED, None, body, check, element, None, received)))
    if part.checksums is not None:
        return rows if part.checksums == [row[6] for row in rows] else None
    entries = b",".join([row[5] for row in rows])
    return rows if said.ends_so is not None and said.ends_so(b'"readings":[%b]}' % entries) else None


def judge(place: Place, seq: int, raw: bytes) -> Row:
    """Nearly every entry is a good reading, and is told so quickly; every other one goes the way that gives reasons."""
    try:
        reading = reading_decoder.decode(raw)
        body = canonical(_any.decode(raw))  # what the reading's own keys pass over may still be no text
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _in_full(place, seq, raw)
    if reading.kind == "unparsed" or flaw(msgspec.structs.asdict(reading)) is not None:
        return _in_full(place, seq, raw)
    return _made(place, seq, KIND[reading.kind], body, element=reading.element)


def _made(
    place: Place, seq: int, kind: int, body: bytes, status: int = STORED, reason: str | None = None, **names: Any
) -> Row:
    check = checksum(seed(place.stream), seq, body)
    element, measurement = names.get("element"), names.get("measurement")
    return Row(place.number, seq, kind, status, reason, body, check, element, measurement, place.received)


def _in_full(place: Place, seq: int, raw: bytes) -> Row:
    try:
        value = _any.decode(raw)
        body = canonical(value)
        entry = _entries.validate_json(body, strict=True)
    except (ValidationError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return _made(place, seq, KIND["invalid"], raw, REFUSED, _reason(error))
    status, reason, measurement = STORED, None, None
    if entry.kind in ("withheld", "gap"):
        status, reason = REFUSED, value["reason"]
    elif entry.kind == "unparsed":
        status, reason = REFUSED, value.get("note") or "unparsable reply"
    elif entry.kind == "marker":
        measurement = str(value["measurement"])
    if status == STORED and (why := flaw(value)) is not None:
        return _made(place, seq, KIND["invalid"], raw, REFUSED, why)
    element = value.get("element") if status == STORED else None
    return _made(place, seq, KIND[entry.kind], body, status, reason, element=element, measurement=measurement)


def _reason(error: Exception) -> str:
    """Why it is no entry, in words: where, what is wrong, what is allowed."""
    match error:
        case ValidationError():
            first = error.errors(include_url=False)[0]
            at = ".".join(str(part) for part in first["loc"] if part not in ALTERNATIVES)
            return f"{at or 'the entry'}: {plain(first)}"[:LONGEST_REASON]
        case RecursionError():
            return "it is no JSON that can be read: brackets stand too deep in brackets"
        case UnicodeError():
            return "it is no JSON that can be read: it holds what is no character"
    return f"it is no JSON that can be read: {error}"[:LONGEST_REASON]
