"""Where the signing of a session stands: which version, what is signed of it, and what came in since.

Signed bytes never change. Whatever is written about the session after a version's first signature makes the record that
is printed from then on an unsigned draft of the next version; it becomes that by an amendment with its reason.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from acquire.canonical import parse
from acquire.procedure.session.closing import asks_for_amendment
from acquire.procedure.session.session import Session
from acquire.procedure.signing.rows import (
    Amendment,
    Meaning,
    Signature,
    Words,
    WordsOf,
    amendments_of,
    rendition_of,
    signatures_of,
    words_of,
)

OURS = (
    "signed",
    "rendition kept",
    "PDF kept",
    "words written",
    "amended",
    "record given",
    "record looked at",
    "correction told",
    "notice",
)
"""What audit entries about a session say that change nothing of what was measured."""


@dataclass(frozen=True, slots=True)
class Coming:
    """A signature of a session's open version that is not written yet, for the record that will be kept with it."""

    session: str
    signature: Signature


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest version: its words and signatures, and each change since the first of these, in a sentence."""

    version: int
    words: Mapping[WordsOf, Words]
    signatures: tuple[Signature, ...]
    amendments: tuple[Amendment, ...]
    changes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether what was signed is still all there is."""
        return bool(self.signatures) and not self.changes

    @property
    def is_signed(self) -> bool:
        """Whether the version is whole: reviewed, and interpreted and decided."""
        return self.holds and self.by("interpretation") is not None

    def by(self, meaning: Meaning) -> Signature | None:
        """The last signature with a meaning."""
        return next((each for each in reversed(self.signatures) if each.meaning == meaning), None)


def standing(connection: sqlite3.Connection, session: Session, coming: Coming | None = None) -> Standing:
    """Of a session, now; or as it will be with a signature that is about to be written."""
    amended = amendments_of(connection, session.id)
    version = amended[-1].version if amended else 1
    signed = signatures_of(connection, session.id, version)
    if coming is not None and coming.session == session.id:
        signed.append(coming.signature)
    return Standing(
        version, words_of(connection, session.id, version), tuple(signed), tuple(amended),
        tuple(_changes(connection, session, version, signed[0].audit_entry)) if signed else (),
    )  # fmt: skip


def _changes(connection: sqlite3.Connection, session: Session, version: int, since: int) -> list[str]:
    """What was written about a session after an audit entry, whether its order was cancelled, and what came late."""
    about = (
        "a.subject = :session OR substr(a.subject, 1, length(:session) + 1) = :session || ' '"
        " OR a.subject IN (SELECT measurement FROM attempt WHERE session = :session)"
    )
    rows = connection.execute(
        f"SELECT a.what, a.who, a.at FROM audit a WHERE a.n > :since AND a.what NOT IN ({_quoted(OURS)}) AND ({about}"
        " OR (a.subject = :order AND a.what = 'order cancelled')) ORDER BY a.n",
        {"session": session.id, "order": session.order_id, "since": since},
    )
    said = [f"{row['what'].capitalize()} by {row['who']} at {row['at']}." for row in rows]
    signed = rendition_of(connection, session.id, version)
    known = parse(signed[0])["asks_for_amendment"] if signed else []  # none before the first signature is written
    return said + [each for each in asks_for_amendment(connection, session) if signed and each not in known]


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{each}'" for each in words)
