"""What was written, signed, amended and given away of a session, as it stands in the store."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

WordsOf = Literal["review", "interpretation", "decision"]
Meaning = Literal["review", "interpretation"]
Choice = Literal["unchanged", "adjusted", "re-planned"]


@dataclass(frozen=True, slots=True)
class Words:
    """The physicist's opinion, the physician's interpretation, or the decision on the plan with its `choice`."""

    what: WordsOf
    choice: Choice | None
    words: str
    who: str
    at: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed what, as it is printed. `record_sha256` is of what was shown; times are UTC, and local with offset."""

    version: int
    n: int
    account: str
    name: str
    role: str
    meaning: Meaning
    covering_for: str | None
    record_sha256: str
    at: str
    local_at: str
    audit_entry: int


@dataclass(frozen=True, slots=True)
class Amendment:
    """Why there is a version after the one before."""

    version: int
    reason: str
    who: str
    at: str


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Who was given what; `version` is None for an unsigned draft."""

    version: int | None
    sha256: str
    format: str
    recipient: str
    who: str
    at: str


def words_of(connection: sqlite3.Connection, session: str, version: int) -> dict[WordsOf, Words]:
    """The newest words of each kind of a version."""
    rows = connection.execute(
        "SELECT what, choice, words, who, at FROM signed_words WHERE session = ? AND version = ? ORDER BY n",
        (session, version),
    )
    return {row["what"]: Words(**dict(row)) for row in rows}


def signatures_of(connection: sqlite3.Connection, session: str, version: int | None = None) -> list[Signature]:
    """The signatures of a version, or of all, in their order."""
    asked = ", ".join(Signature.__slots__)
    rows = connection.execute(
        f"SELECT {asked} FROM signature WHERE session = ?1 AND (?2 IS NULL OR version = ?2) ORDER BY version, n",
        (session, version),
    )
    return [Signature(**dict(row)) for row in rows]


def amendments_of(connection: sqlite3.Connection, session: str) -> list[Amendment]:
    """Every version after the first, oldest first."""
    rows = connection.execute(
        "SELECT version, reason, who, at FROM amendment WHERE session = ? ORDER BY version", (session,)
    )
    return [Amendment(**dict(row)) for row in rows]


def disclosures_of(connection: sqlite3.Connection, session: str) -> list[Disclosure]:
    """Who was given what, oldest first."""
    rows = connection.execute(
        "SELECT version, sha256, format, recipient, who, at FROM disclosure WHERE session = ? ORDER BY n", (session,)
    )
    return [Disclosure(**dict(row)) for row in rows]


def rendition_of(connection: sqlite3.Connection, session: str, version: int) -> tuple[bytes, bytes] | None:
    """(canonical JSON, HTML) of a version with its last signature; None where it was never signed."""
    row = connection.execute(
        "SELECT j.body AS json, h.body AS html FROM rendition r JOIN document j ON j.sha256 = r.json"
        " JOIN document h ON h.sha256 = r.html WHERE r.session = ? AND r.version = ? ORDER BY r.n DESC LIMIT 1",
        (session, version),
    ).fetchone()
    return None if row is None else (bytes(row["json"]), bytes(row["html"]))


def pdf_of(connection: sqlite3.Connection, session: str, version: int) -> bytes | None:
    """The PDF that was kept of a version with its last signature; None where none was."""
    row = connection.execute(
        "SELECT d.body FROM rendition r JOIN rendition_pdf p USING (session, version, n)"
        " JOIN document d ON d.sha256 = p.pdf WHERE r.session = ?1 AND r.version = ?2"
        " AND r.n = (SELECT max(n) FROM rendition WHERE session = ?1 AND version = ?2)",
        (session, version),
    ).fetchone()
    return None if row is None else bytes(row["body"])
