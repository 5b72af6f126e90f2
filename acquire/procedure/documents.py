"""The bytes of the files that people gave us, kept once under their SHA-256 and never changed."""

from __future__ import annotations

import hashlib
import sqlite3

from acquire.canonical import utc_now
from acquire.errors import Refused


def keep(connection: sqlite3.Connection, kind: str, name: str, body: bytes) -> str:
    """Keep a file's bytes inside the caller's transaction; returns their SHA-256 (hex)."""
    sha256 = hashlib.sha256(body).hexdigest()
    connection.execute(
        "INSERT INTO document VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", (sha256, kind, name, body, utc_now())
    )
    return sha256


def fetch(connection: sqlite3.Connection, sha256: str) -> tuple[str, bytes]:
    """(name, bytes) of a kept file. Raises Refused when it is not there."""
    row = connection.execute("SELECT name, body FROM document WHERE sha256 = ?", (sha256,)).fetchone()
    if row is None:
        raise Refused(f"The store holds no document {sha256[:16]}.")
    return str(row["name"]), bytes(row["body"])
