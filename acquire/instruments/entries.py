"""Entries as they go into the spool: canonical bodies of readings, markers and gaps."""

from __future__ import annotations

import msgspec

from acquire.canonical import canonical, utc_now
from drivers import Reading

# The hard limit of a message is 1 MiB (docs/noloss.md section 5); the envelope needs well under 4 KiB of it.
LARGEST_BODY = 1024 * 1024 - 4096


def reading_body(reading: Reading) -> bytes:
    """A reading in the contract's words, as canonical JSON (docs/bus.md, "Readings").

    Its raw bytes as text or, where they are not UTF-8, as base64: so the encoder writes bytes.
    """
    try:
        text = reading.raw.decode()
    except UnicodeDecodeError:
        return canonical(msgspec.structs.replace(reading, raw_encoding="base64"))
    return canonical(msgspec.structs.replace(reading, raw=text))


def marker_body(mark: str, measurement: str, session: str, step: str, channel: str | None = None) -> bytes:
    """Begin or end of a measurement, of one channel where the instrument has several. No person's name is in it.

    Rule 3.2 of docs/noloss.md says when.
    """
    said = {
        "kind": "marker",
        "mark": mark,
        "measurement": measurement,
        "session": session,
        "step": step,
        "time": utc_now(),
    }
    return canonical(said | ({"channel": channel} if channel is not None else {}))


def gap_body(reason: str, count: int | None, since: str) -> bytes:
    """The entry for readings that were not taken (docs/noloss.md section 2); `since` is UTC, ISO 8601."""
    return canonical({"kind": "gap", "reason": reason, "count": count, "from": since, "to": utc_now()})
