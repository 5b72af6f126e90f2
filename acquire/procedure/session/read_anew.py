"""Two people say that a file of a reader counts as it was taken again: its columns were described wrongly before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from acquire.canonical import parse, utc_now
from acquire.errors import Refused
from acquire.procedure.documents.people import two_people
from acquire.procedure.readouts.read_anew import At, in_place_of
from acquire.procedure.session.session import Session
from acquire.store import audit, entries
from acquire.store.database import transaction
from acquire.store.entries import decoded
from acquire.sums import added

Record = tuple[str, int]  # SHA-256 of a record's bytes, and its place in the file


def read_anew(
    connection: sqlite3.Connection, session: Session, reader: str, file: str, who: str, confirmed_by: str, reason: str
) -> tuple[int, list[str]]:
    """What was taken last of each record of a file counts in the place of what was taken before; returns how many, and
    the sessions whose results were made of the earlier readings, to be calculated again.

    Raises Refused for one person twice, no reason, a reader that the session does not have, and where nothing of the
    file was taken again, or not all of it.
    """
    two_people("That a file counts as it was taken again is stated", who, confirmed_by, reason)
    if all(each.id != reader for each in session.inventory.instrument):
        raise Refused(f"Session {session.id} has no reader {reader}.")
    with transaction(connection):
        known, of = in_place_of(connection, reader), _records(connection, reader, file)
        instead = {old: places[-1] for places in of.values() for old in places[:-1] if old not in known}
        if not instead:
            raise Refused(
                f"Nothing of {file} was taken again on {reader}: correct its settings, begin the service anew, and ask"
                f" for it (acquire command {reader} read-again file={file})."
            )
        if once := added(len(places) == 1 for places in of.values()):
            raise Refused(f"{once} of {len(of)} readings of {file} were not taken again; nothing was changed.")
        others = _made_of(connection, set(instead))
        at = utc_now()
        rows = [
            audit.row(
                "read_anew", session=session.id, reader=reader, file=file, stream=old[0], seq=old[1], by_stream=new[0],
                by_seq=new[1], reason=reason, who=who, confirmed_by=confirmed_by, at=at,
            )
            for old, new in instead.items()
        ]  # fmt: skip
        said = f"{len(rows)} of {file} on {reader}"
        audit.keep(connection, who, "file read anew", session.id, rows=rows, new=said, reason=reason)
        for other in others:
            if other != session.id:
                audit.keep(connection, who, "file read anew", other, new=f"{said}, in session {session.id}")
    return len(rows), others


def _records(connection: sqlite3.Connection, reader: str, file: str) -> dict[Record, list[At]]:
    """Where each record of a file was stored, in the order in which it was taken."""
    found: dict[Record, list[At]] = {}
    for stream, body in _readings(connection, reader):
        origin = body.get("origin") or {}
        if origin.get("file") == file and origin.get("offset") is not None and body["kind"] != "unparsed":
            found.setdefault((origin["sha256"], origin["offset"]), []).append((stream, body["seq"]))
    return found


def _readings(connection: sqlite3.Connection, reader: str) -> Iterator[tuple[str, dict[str, Any]]]:
    first = connection.execute(
        "SELECT stream FROM streams WHERE instrument = ? ORDER BY number LIMIT 1", (reader,)
    ).fetchone()
    if first is None:
        return
    for stream, _, entry in entries.of_instrument(connection, reader, first["stream"], -1, before=False):
        if entry.status == "stored":
            yield stream, {**decoded(stream, entry), "seq": entry.seq}


def _made_of(connection: sqlite3.Connection, gone: set[At]) -> list[str]:
    """The sessions whose newest results were made of any of these readings."""
    rows = connection.execute(
        "SELECT session, selection FROM result r WHERE version = (SELECT max(version) FROM result o WHERE o.session ="
        " r.session AND o.point = r.point) ORDER BY session"
    ).fetchall()
    found: dict[str, None] = {}
    for row in rows:
        refs = (ref for of in parse(row["selection"])["readings"].values() for ref in of)
        if any((ref["stream"], ref["seq"]) in gone for ref in refs):
            found[row["session"]] = None
    return list(found)
