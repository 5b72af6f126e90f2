"""What an entry is, before it becomes a row: stored, or refused with a reason and its body as it came (rule 4.3)."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import msgspec
from pydantic import TypeAdapter, ValidationError

from acquire.bus.codec import encode_reading, reading_decoder
from acquire.bus.messages import Entry
from acquire.canonical import canonical, digest
from acquire.store.envelope import RawBatch, ValidBatch, as_it_came
from acquire.store.texts import flaw, flaw_of_reading

_entries = TypeAdapter(Entry)
_any = msgspec.json.Decoder()


class Row(NamedTuple):
    """An entry as the store will hold it, in the order of its table. `body` is canonical unless refused as invalid."""

    stream: str
    seq: int
    kind: str
    status: str
    reason: str | None
    body: bytes
    digest: bytes
    element: str | None
    measurement: str | None
    received_at: str


_row = partial(tuple.__new__, Row)  # what Row() does, at a third of the time


def judge_all(envelope: ValidBatch | RawBatch, payload: bytes, now: str) -> list[Row]:
    """The rows of a message (rule 4.3). `payload` is what the envelope was decoded from."""
    rows = _valid_rows(envelope, payload, now) if isinstance(envelope, ValidBatch) else None
    if rows is not None:
        return rows
    entries = envelope.readings if isinstance(envelope, RawBatch) else as_it_came(payload)
    return [judge(envelope.stream, seq, bytes(raw), now) for seq, raw in enumerate(entries, envelope.first_seq)]


def _valid_rows(envelope: ValidBatch, payload: bytes, now: str) -> list[Row] | None:
    """All at once, where the entries came in canonical form and without anything unknown: then it ends in the bytes
    that they are encoded to. None where they did not, or where one of them says itself that it was not understood.
    """
    bodies = [encode_reading(reading) for reading in envelope.readings]
    if not payload.endswith(b'"readings":[%b]}' % b",".join(bodies)):
        return None
    if any(flaw_of_reading(r.time, r.clock, r.element, r.channel) is not None for r in envelope.readings):
        return None
    stream = envelope.stream
    rows: list[Row] = [
        _row((stream, seq, reading.kind, "stored", None, body, digest(body), reading.element, None, now))
        for seq, reading, body in zip(range(envelope.first_seq, envelope.first_seq + len(bodies)),
                                      envelope.readings, bodies, strict=True)
    ]  # fmt: skip
    return None if any(row.kind == "unparsed" for row in rows) else rows


def judge(stream: str, seq: int, raw: bytes, now: str) -> Row:
    """Nearly every entry is a good reading, and is told so quickly; every other one goes the way that gives reasons."""
    try:
        reading = reading_decoder.decode(raw)
        body = canonical(_any.decode(raw))  # what the reading's own keys pass over may still be no text
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _in_full(stream, seq, raw, now)
    if reading.kind == "unparsed" or flaw(msgspec.structs.asdict(reading)) is not None:
        return _in_full(stream, seq, raw, now)
    return Row(stream, seq, reading.kind, "stored", None, body, digest(body), reading.element, None, now)


def _in_full(stream: str, seq: int, raw: bytes, now: str) -> Row:
    try:
        value = _any.decode(raw)
        body = canonical(value)
        entry = _entries.validate_json(body, strict=True)
    except (ValidationError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return Row(stream, seq, "invalid", "refused", _reason(error), raw, digest(raw), None, None, now)
    kind, status, reason, measurement = entry.kind, "stored", None, None
    if kind in ("withheld", "gap"):
        status, reason = "refused", value["reason"]
    elif kind == "unparsed":
        status, reason = "refused", value.get("note") or "unparsable reply"
    elif kind == "marker":
        measurement = str(value["measurement"])
    if status == "stored" and (why := flaw(value)) is not None:
        return Row(stream, seq, "invalid", "refused", why, raw, digest(raw), None, None, now)
    element = value.get("element") if status == "stored" else None
    return Row(stream, seq, kind, status, reason, body, digest(body), element, measurement, now)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:300]
    return str(error)[:300]
