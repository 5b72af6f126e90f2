"""Each signature against the bytes that were kept with it: what it names is what they hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from acquire.canonical import parse
from acquire.procedure.signing.rows import signatures_of
from acquire.procedure.signing.shown import printed, shown_sha256


def verify_signatures(connection: sqlite3.Connection, session: str | None) -> Iterator[str]:
    """A sentence for each signature whose kept record is not the one it names; of one session or of all."""
    asked = "SELECT DISTINCT session FROM signature WHERE ?1 IS NULL OR session = ?1 ORDER BY session"
    for (name,) in connection.execute(asked, (session,)).fetchall():
        for each in signatures_of(connection, name):
            of = f"Signature {each.n} by {each.account} of version {each.version} of session {name}"
            row = connection.execute(
                "SELECT d.body FROM rendition r JOIN document d ON d.sha256 = r.json"
                " WHERE r.session = ? AND r.version = ? AND r.n = ?",
                (name, each.version, each.n),
            ).fetchone()
            if row is None:
                yield f"{of} has no record kept with it."
                continue
            try:
                record = parse(row["body"])
                *before, own = record["signatures"]
                holds = own == printed(each) and shown_sha256({**record, "signatures": before}) == each.record_sha256
            except (ValueError, LookupError, TypeError):
                holds = False
            if not holds:
                yield f"{of}: the record that is kept with it is not the one that it names."
