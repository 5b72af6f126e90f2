"""The bytes of the files that people gave us, kept once under their SHA-256 and never changed."""

from __future__ import annotations

import hashlib
import sqlite3

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.store import audit

File = tuple[str, bytes]
"""A file that somebody gave us: its name and its bytes."""


def name_of(body: bytes) -> str:
    """The SHA-256 (hex) under which a file's bytes are kept."""
    return hashlib.sha256(body).hexdigest()


def to_keep(connection: sqlite3.Connection, kind: str, name: str, body: bytes) -> tuple[str, list[audit.Row]]:
    """SHA-256 (hex) of a file's bytes, and the row to be made of them: none where the same bytes are here."""
    sha256 = name_of(body)
    if connection.execute("SELECT 1 FROM document WHERE sha256 = ?", (sha256,)).fetchone():
        return sha256, []
    return sha256, [audit.row("document", sha256=sha256, kind=kind, name=name, body=body, added_at=utc_now())]


def fetch(connection: sqlite3.Connection, sha256: str) -> File:
    """(name, bytes) of a kept file. Raises Refused when it is not there."""
    row = connection.execute("SELECT name, body FROM document WHERE sha256 = ?", (sha256,)).fetchone()
    if row is None:
        raise Refused(f"The store holds no document {sha256[:16]}.")
    return str(row["name"]), bytes(row["body"])
