"""The whole of the readings as JSON lines: streams, then entries in order, then what came in conflict or unreadable."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from typing import Any

import msgspec

from acquire.canonical import parse
from acquire.store.database import identity
from acquire.store.tails import completeness


def export(connection: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """One document a line, each with "row" saying what it is; within one read transaction."""
    connection.execute("BEGIN")
    try:
        store, epoch = identity(connection)
        yield {"row": "store", "store": store, "epoch": epoch}
        streams = connection.execute("SELECT * FROM stream ORDER BY first_heard, stream").fetchall()
        for stream in streams:
            yield {"row": "stream", **dict(stream), "completeness": completeness(connection, stream["stream"])}
            yield from _entries(connection, stream["stream"])
        for row in connection.execute("SELECT * FROM unreadable ORDER BY topic, sha256"):
            yield {"row": "unreadable", **dict(row), "beginning": _text(row["beginning"])}
        for row in connection.execute("SELECT * FROM alarm ORDER BY id"):
            yield {"row": "alarm", **dict(row)}
    finally:
        connection.execute("ROLLBACK")


def _entries(connection: sqlite3.Connection, stream: str) -> Iterator[dict[str, Any]]:
    for row in connection.execute("SELECT * FROM entry WHERE stream = ? ORDER BY seq", (stream,)):
        yield {
            "row": "entry", "stream": stream, "seq": row["seq"], "kind": row["kind"], "status": row["status"],
            "reason": row["reason"], "received_at": row["received_at"], "digest": row["digest"].hex(),
            "body": _content(row["body"]),
        }  # fmt: skip
    for row in connection.execute("SELECT * FROM stand_in WHERE stream = ? ORDER BY seq, digest", (stream,)):
        yield {
            "row": "stand-in", "stream": stream, "seq": row["seq"], "reason": row["reason"],
            "received_at": row["received_at"], "replaced_at": row["replaced_at"], "digest": row["digest"].hex(),
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
