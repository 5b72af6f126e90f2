"""What an entry is, before it becomes a row: stored, or refused with a reason and its body as it came (rule 4.3)."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from pydantic import TypeAdapter, ValidationError

from acquire.bus.messages import Entry
from acquire.bus.quick import is_canonical, reading_entry
from acquire.canonical import canonical, digest

_entries = TypeAdapter(Entry)
_any = msgspec.json.Decoder()


class Row(NamedTuple):
    """An entry as the store will hold it, in the order of its columns between stream and received_at.

    `body` is canonical unless it was refused as invalid.
    """

    seq: int
    kind: str
    status: str
    reason: str | None
    body: bytes
    digest: bytes
    element: str | None
    measurement: str | None


def judge(seq: int, raw: bytes) -> Row:
    """Nearly every entry is a good reading, and is told so quickly; every other one goes the way that gives reasons."""
    try:
        quick = reading_entry.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _in_full(seq, raw)
    if quick.kind == "unparsed":
        return _in_full(seq, raw)
    body = raw if is_canonical(quick, raw) else canonical(_any.decode(raw))
    return Row(seq, quick.kind, "stored", None, body, digest(body), quick.element, None)


def _in_full(seq: int, raw: bytes) -> Row:
    try:
        value = _any.decode(raw)
        body = canonical(value)
        entry = _entries.validate_json(body, strict=True)
    except (ValidationError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return Row(seq, "invalid", "refused", _reason(error), raw, digest(raw), None, None)
    kind = entry.kind
    if kind in ("withheld", "gap"):
        return Row(seq, kind, "refused", value["reason"], body, digest(body), None, None)
    if kind == "unparsed":
        return Row(seq, kind, "refused", value.get("note") or "unparsable reply", body, digest(body), None, None)
    measurement = str(value["measurement"]) if kind == "marker" else None
    return Row(seq, kind, "stored", None, body, digest(body), value.get("element"), measurement)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:300]
    return str(error)[:300]
