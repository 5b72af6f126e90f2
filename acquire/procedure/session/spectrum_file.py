"""The file with the spectrum of a point, as a person gave it to a session."""

from __future__ import annotations

import sqlite3
from typing import Any

from acquire.canonical import utc_now
from acquire.dosimetry import DosimetryError
from acquire.errors import Refused
from acquire.procedure.documents import kept
from acquire.procedure.methods.spectrum import read
from acquire.store import audit
from acquire.store.database import transaction


def attach_spectrum(
    connection: sqlite3.Connection, session_id: str, point: Any, name: str, body: bytes, who: str
) -> None:
    """Keep a spectrum file for a point. Raises Refused where it cannot be read as planned."""
    if point.spectrum is None:
        raise Refused(f"Point {point.id} has method '{point.method}'; it takes no spectrum file.")
    try:
        read(point.spectrum, body)
    except DosimetryError as wrong:
        raise Refused(f"{name}: {wrong}") from wrong
    with transaction(connection):
        sha256, file = kept.to_keep(connection, "spectrum", name, body)
        given = audit.row("spectrum_file", session=session_id, point=point.id, sha256=sha256, at=utc_now(), who=who)
        new = f"{point.id} {name} {sha256}"
        audit.keep(connection, who, "spectrum", session_id, rows=[*file, given], new=new)


def spectrum_file(connection: sqlite3.Connection, session_id: str, point: str) -> str | None:
    """SHA-256 of the file that counts for a point."""
    row = connection.execute(
        "SELECT sha256 FROM spectrum_file WHERE session = ? AND point = ? ORDER BY n DESC LIMIT 1", (session_id, point)
    ).fetchone()
    return str(row["sha256"]) if row else None
