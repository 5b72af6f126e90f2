"""A recording of a wire, read: docs/capture-format.md says what stands in it.

What was asked and what came after it are put together as exchanges; what came before anything was asked, or from an
instrument that speaks by itself, is an exchange without a request.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LARGEST = 64 * 1024 * 1024
VERSION = 1


@dataclass
class Exchange:
    """A request, and the pieces that came until the next one: seconds after the request's last byte, and bytes."""

    line: int
    request: bytes
    replies: list[tuple[float, bytes]] = field(default_factory=list)


def read_recording(path: Path) -> list[Exchange]:
    """The exchanges of a file, in order. Raises ValueError in one sentence that names file and line."""
    body = path.read_bytes()
    if len(body) > LARGEST:
        raise ValueError(f"{path}: {len(body)} bytes; a recording has {LARGEST} at most.")
    lines = [(n, each) for n, each in enumerate(body.split(b"\n"), start=1) if each.strip()]
    if not lines or _object(path, *lines[0]).get("capture") != VERSION:
        raise ValueError(f'{path}, line 1: no recording of this kind: it begins with {{"capture": {VERSION}}}.')
    found: list[Exchange] = []
    asked_at = since = 0.0
    for number, text in lines[1:]:
        entry = _object(path, number, text)
        since = _time(path, number, entry, since)
        if "event" in entry:
            continue
        data = _data(path, number, entry)
        if entry.get("from") == "host":
            _asked(found, number, data)
            asked_at = since
        else:
            found = found or [Exchange(number, b"")]
            found[-1].replies.append((since - asked_at, data))
    return found


def _asked(found: list[Exchange], number: int, data: bytes) -> None:
    """A request may have been written in pieces."""
    if found and found[-1].request and not found[-1].replies and not found[-1].request.endswith((b"\r", b"\n")):
        found[-1].request += data
    else:
        found.append(Exchange(number, data))


def _object(path: Path, number: int, text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}, line {number}: not JSON.") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}, line {number}: not a JSON object.")  # noqa: TRY004 - the file is wrong
    return found


def _time(path: Path, number: int, entry: dict[str, Any], last: float) -> float:
    t = entry.get("t")
    if isinstance(t, bool) or not isinstance(t, int | float) or not last <= t < 1e9:
        raise ValueError(f"{path}, line {number}, t: seconds since the beginning are expected, {last:g} or later.")
    return float(t)


def _data(path: Path, number: int, entry: dict[str, Any]) -> bytes:
    if entry.get("from") not in ("host", "instrument"):
        raise ValueError(f"{path}, line {number}, from: allowed are host and instrument.")
    text, coded = entry.get("text"), entry.get("base64")
    try:
        if isinstance(text, str) and coded is None:
            return text.encode("ascii")
        if isinstance(coded, str) and text is None:
            return base64.b64decode(coded, validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError(f"{path}, line {number}: the bytes are not as they must be: {error}.") from error
    raise ValueError(f"{path}, line {number}: it needs either text (ASCII) or base64.")
