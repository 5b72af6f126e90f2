"""The whole of the readings as JSON lines: streams, then entries in order, then what came in conflict or unreadable."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec

from acquire.canonical import digest, parse
from acquire.store.database import identity, one_moment
from acquire.store.entries import HIGHEST, between, lost_between
from acquire.store.tails import completeness

_STREAMS = "SELECT v.* FROM stream v JOIN streams s USING (stream) ORDER BY s.number"


def export(connection: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """One document a line, each with "row" saying what it is; within one read transaction."""
    with one_moment(connection):
        store, epoch = identity(connection)
        yield {"row": "store", "store": store, "epoch": epoch}
        for row in connection.execute(_STREAMS).fetchall():
            yield {"row": "stream", **dict(row), "completeness": completeness(connection, row["stream"])}
            yield from _entries(connection, row["stream"])
        for row in connection.execute("SELECT * FROM unreadable ORDER BY topic, sha256"):
            yield {"row": "unreadable", **dict(row), "beginning": _text(row["beginning"])}
        for row in connection.execute("SELECT * FROM alarm ORDER BY id"):
            yield {"row": "alarm", **dict(row)}


def _entries(connection: sqlite3.Connection, stream: str) -> Iterator[dict[str, Any]]:
    for entry in between(connection, stream, 1, HIGHEST):
        yield {
            "row": "entry", "stream": stream, "seq": entry.seq, "kind": entry.kind, "status": entry.status,
            "reason": entry.reason, "received_at": entry.received_at, "digest": entry.digest,
            "body": _content(entry.body),
        }  # fmt: skip
    for gone in lost_between(connection, stream, 1, HIGHEST):
        yield {"row": "lost", "stream": stream, "first": gone.first, "last": gone.last, "reason": gone.reason}
    for row in connection.execute("SELECT * FROM stand_in WHERE stream = ? ORDER BY seq, replaced_at", (stream,)):
        yield {
            "row": "stand-in", "stream": stream, "seq": row["seq"], "reason": row["reason"],
            "received_at": row["received_at"], "replaced_at": row["replaced_at"], "digest": digest(row["body"]).hex(),
            "body": _content(row["body"]),
        }  # fmt: skip
    for row in connection.execute("SELECT * FROM conflict WHERE stream = ? ORDER BY seq, digest", (stream,)):
        yield {
            "row": "conflict", "stream": stream, "seq": row["seq"], "received_at": row["received_at"],
            "digest": row["digest"].hex(), "body": _content(row["body"]),
        }  # fmt: skip


def _content(body: bytes) -> Any:
    """A body as it was canonical JSON; the text or base64 of what is not."""
    try:
        return parse(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _text(body)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(body).decode()}"
