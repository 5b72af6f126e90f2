"""Signing a record: it is laid out, and one transaction looks whether it is still that, and keeps its bytes with the
signature.

Who may sign what: a physicist reviews, then the physician who ordered (or who covers) interprets and decides. Whoever
measured may not be the only reviewer. A kill on the way leaves no signature, or a whole one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from acquire.canonical import parse, utc
from acquire.duties import Role
from acquire.errors import Refused
from acquire.people import Account
from acquire.procedure.documents import kept
from acquire.procedure.session.session import Session
from acquire.procedure.signing.rows import Meaning, Signature, WordsOf, pdf_of, rendition_of
from acquire.procedure.signing.shown import shown_sha256
from acquire.procedure.signing.standing import Coming, Standing
from acquire.procedure.signing.writing import covers_for, signable
from acquire.record.build import as_json, build
from acquire.record.page import html
from acquire.record.pdf import made_with, pdf
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.present import PROGRAM

ATTEMPTS = 3  # a reading that comes after closing changes no record; a person's entry may
SEEN = 12  # characters of the SHA-256 that are typed from the page, at least


def sign(connection: sqlite3.Connection, session_id: str, account: Account, seen: str) -> Signature:
    """Sign the record whose SHA-256 begins with `seen`, as somebody who has just shown the own password.

    The record is laid out before the transaction, for which readings and everybody else wait; in the transaction it is
    looked at again, and laid out anew where something came meanwhile. Raises Refused: another record than that is there
    now, words are missing or another's, the signature is not this person's to give, or the record comes to no rest.
    """
    for _ in range(ATTEMPTS):
        ready = _laid_out(connection, session_id, account, seen)
        with transaction(connection):
            if _is_still(connection, session_id, account, seen, ready):
                _keep(connection, session_id, ready)
                return ready.signature
    raise Refused(f"The record of {session_id} changes while it is being signed: print it again, and sign it then.")


@dataclass(frozen=True, slots=True)
class _LaidOut:
    """A signature to be written, the record with it, and the files that are kept of that."""

    signature: Signature
    record: Mapping[str, Any]
    files: Mapping[str, bytes]


def _laid_out(connection: sqlite3.Connection, session_id: str, account: Account, seen: str) -> _LaidOut:
    made = _to_be_made(connection, session_id, account, seen)
    record = build(connection, session_id, Coming(session_id, made))
    return _LaidOut(made, record, {"json": as_json(record), "html": html(record).encode()})


def _is_still(connection: sqlite3.Connection, session_id: str, account: Account, seen: str, ready: _LaidOut) -> bool:
    """Whether the record with the signature is the one that was laid out. Its heads of the chains are of that moment:
    what other people do moves them at any time.
    """
    now = _to_be_made(connection, session_id, account, seen)
    made = replace(now, at=ready.signature.at, local_at=ready.signature.local_at)
    record = build(connection, session_id, Coming(session_id, made))
    if _at_rest(record) != _at_rest(ready.record):
        return False
    if shown_sha256({**record, "signatures": record["signatures"][:-1]}) != made.record_sha256:
        raise AssertionError("a signature changes what it signs")
    return True


def _at_rest(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ("integrity", "sha256")}


def _to_be_made(connection: sqlite3.Connection, session_id: str, account: Account, seen: str) -> Signature:
    """The signature that this person may give now to the record that was seen. Raises Refused."""
    session, now = signable(connection, session_id)
    meaning = _meaning(account)
    covering_for = _may_sign(connection, session, now, account, meaning)
    shown = build(connection, session_id)["to_sign"]
    if len(seen.strip()) < SEEN or not shown.startswith(seen.strip().lower()):
        raise Refused(
            f"The record of {session_id} to be signed now begins with {shown[:SEEN]}, not with '{seen}': print it"
            f" (acquire report), read it, and give at least {SEEN} characters of 'to be signed' on it."
        )
    moment = datetime.now(UTC)
    return Signature(
        now.version, len(now.signatures) + 1, account.id, account.name, ", ".join(account.roles), meaning,
        covering_for, shown, utc(moment), moment.astimezone().isoformat(timespec="seconds"),
        audit.head(connection)[0] + 1,
    )  # fmt: skip


def kept_pdf(connection: sqlite3.Connection, session_id: str, version: int) -> bytes:
    """The PDF of a signed version: the bytes that are kept, or made now of the JSON that is, and kept from now on.

    It is made outside of any transaction: laying out pages takes seconds. Raises Refused where there is no such
    version, or where no PDF can be made here.
    """
    found, signed = pdf_of(connection, session_id, version), rendition_of(connection, session_id, version)
    if signed is None:
        raise Refused(f"There is no signed version {version} of {session_id}.")
    if found is not None:
        return found
    record = parse(signed[0])
    made, n = pdf(record), len(record["signatures"])
    name = f"{session_id}-v{version}-{n}.pdf"
    with transaction(connection):
        if pdf_of(connection, session_id, version) is None and rendition_of(connection, session_id, version) == signed:
            sha256, rows = kept.to_keep(connection, "record", name, made)
            values = {"session": session_id, "version": version, "n": n, "pdf": sha256, "made_with": made_with()}
            audit.keep(connection, PROGRAM, "PDF kept", session_id, rows=[*rows, audit.row("rendition_pdf", **values)],
                       new=name)  # fmt: skip
    return kept_pdf(connection, session_id, version)


def _keep(connection: sqlite3.Connection, session_id: str, ready: _LaidOut) -> None:
    made = ready.signature
    values = {name: getattr(made, name) for name in Signature.__slots__ if name != "audit_entry"}
    row = audit.row("signature", session=session_id, **values)
    said = f"{made.meaning} v{made.version} {made.record_sha256}"
    audit.keep(connection, made.account, "signed", session_id, rows=[row], new=said)
    name = f"{session_id}-v{made.version}-{made.n}"
    sha256s, rows = {}, []
    for kind, body in ready.files.items():
        sha256s[kind], more = kept.to_keep(connection, "record", f"{name}.{kind}", body)
        rows += more
    rows.append(audit.row("rendition", session=session_id, version=made.version, n=made.n, **sha256s))
    audit.keep(connection, made.account, "rendition kept", session_id, rows=rows, new=name)


def _meaning(account: Account) -> Meaning:
    if account.has(Role.PHYSICIAN):
        return "interpretation"
    if account.has(Role.PHYSICIST):
        return "review"
    raise Refused(f"{account.id} ({', '.join(account.roles)}) signs no record: physicists and physicians do.")


def _may_sign(
    connection: sqlite3.Connection, session: Session, now: Standing, account: Account, meaning: Meaning
) -> str | None:
    """For whom this person covers, or None. Raises Refused where the signature is not theirs, or not yet."""
    if now.by("interpretation") is not None:
        raise Refused(f"Version {now.version} of {session.id} is signed; acquire session amend opens the next one.")
    if any(each.account == account.id for each in now.signatures):
        raise Refused(f"{account.id} has signed version {now.version} of {session.id} already.")
    if meaning == "review":
        _must_have_written(now, account, "review", "acquire session review")
        return None
    _must_have_written(now, account, "interpretation", "acquire session interpret")
    _must_have_written(now, account, "decision", "acquire session decide")
    if not now.signatures:
        raise Refused(f"The physicist reviews first: version {now.version} of {session.id} is not reviewed yet.")
    measured = who_measured(connection, session)
    if all(each.account in measured for each in now.signatures):
        reviewed = " and ".join(each.account for each in now.signatures)
        raise Refused(f"{reviewed} measured this session: another physicist reviews it before it is interpreted.")
    return covers_for(connection, session, account)


def _must_have_written(now: Standing, account: Account, what: WordsOf, command: str) -> None:
    written = now.words.get(what)
    if written is None:
        raise Refused(f"The {what} of version {now.version} is not written yet ({command}).")
    if written.who != account.id and not (what == "review" and now.signatures):  # a further reviewer agrees with it
        raise Refused(f"The {what} was written by {written.who}: {account.id} signs own words ({command}).")


def who_measured(connection: sqlite3.Connection, session: Session) -> set[str]:
    """Who began or ended a measurement of a session, or placed or removed an element."""
    asked = (
        "SELECT who FROM attempt WHERE session = ?1 UNION SELECT m.who FROM attempt_mark m JOIN attempt a USING"
        " (measurement) WHERE a.session = ?1 UNION SELECT placed_by FROM placement WHERE session = ?1 UNION"
        " SELECT r.removed_by FROM removal r JOIN placement p ON p.id = r.placement WHERE p.session = ?1"
    )
    return {str(row[0]) for row in connection.execute(asked, (session.id,))}
