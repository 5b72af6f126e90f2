"""What becomes of an identity after it is known: updates (ADT^A08, A31), two patients that were taken for one (A37), a
mistyped one put right. Nothing is overwritten: each is a further version, and the older ones can be looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.patients import Identity, Patients
from acquire.procedure.documents.patients import current, known_row, merge_of
from acquire.store import audit
from acquire.store.database import transaction


def update(connection: sqlite3.Connection, patients: Patients, told: Identity, who: str, reason: str) -> str:
    """Take what a registration says anew of a patient who is known here, inside the caller's transaction; in ids only.

    Of others nothing is kept: whoever has no order here is nobody's business. Raises Refused: identifiers of several
    patients, or another name and another date of birth at once, which is another person.
    """
    found = list(dict.fromkeys(current(connection, each) for each in patients.known(told.identifiers)))
    if not found:
        return "nobody here is known by these identifiers: there is nothing to update"
    if len(found) > 1:
        raise Refused("The identifiers of the update belong to several patients here; nothing was updated.")
    patient = found[0]
    before = _identity(patients, patient)
    other_name = bool(told.name and before.name) and told.name.casefold() != before.name.casefold()
    other_day = bool(told.birth_date and before.birth_date) and told.birth_date != before.birth_date
    if other_name and other_day:
        raise Refused(
            f"Patient {patient} is known here with another name and another date of birth: is it the same person?"
            " Nothing was taken; a mistyped identity is put right by acquire patients correct."
        )
    return _kept(connection, patients, patient, before.with_more(told), who, "identity updated", reason)


def correct(
    connection: sqlite3.Connection, patients: Patients, patient: str, right: Identity, who: str, confirmed_by: str,
    reason: str,
) -> str:  # fmt: skip
    """Put a mistyped identity right: the number, where one of this authority was known, takes the place of that one.

    Two people, and why; raises Refused without, for one person, and for a number that is another patient's.
    """
    if not reason.strip():
        raise Refused("Say why: --reason.")
    if who.casefold() == confirmed_by.casefold():
        raise Refused("An identity is put right by two people.")
    for other in patients.known(right.identifiers):
        if current(connection, other) != patient:
            raise Refused(
                f"That number is of patient {current(connection, other)} here: where the two are one, a merge says so."
            )
    before = _identity(patients, patient)
    replaced = {each.authority.casefold() for each in right.identifiers}
    kept = [each for each in before.identifiers if each.authority.casefold() not in replaced]
    new = Identity(
        (*right.identifiers, *kept), right.name or before.name, right.birth_date or before.birth_date,
        right.sex or before.sex,
    )  # fmt: skip
    with transaction(connection), patients.all_or_nothing():
        return _kept(
            connection, patients, patient, new, who, "identity put right", f"{reason} (with {confirmed_by})", exact=True
        )


def separate(
    connection: sqlite3.Connection, patients: Patients, one: Identity, other: Identity, who: str, reason: str
) -> str:
    """Two patients that were one are two again, inside the caller's transaction; in ids only.

    The orders that each had come back to it; one that came in between stays where it is, and is named. Raises Refused
    where the two have an identifier in common.
    """
    if {each.key for each in one.identifiers} & {each.key for each in other.identifiers}:
        raise Refused("The two patients of the message have an identifier in common; nothing was separated.")
    first, second = (patients.known(each.identifiers) for each in (one, other))
    if not first or not second or current(connection, first[0]) != current(connection, second[0]):
        return "the two are no one patient here: there is nothing to separate"
    together = current(connection, first[0])
    apart = next((each for each in (second[0], first[0]) if merge_of(connection, each) is not None), None)
    told = (other if apart is None or apart == second[0] else one).identifiers
    rows: list[audit.Row] = []
    if apart is None:  # the second was known by further identifiers of the first only
        apart = f"p-{uuid4().hex[:12]}"
        rows.append(known_row(apart, *patients.correct(apart, other), who))
    else:
        merged = merge_of(connection, apart)
        rows.append(audit.row("patient_separated", merge=merged, reason=reason, who=who, at=utc_now()))
    theirs = {each.key for each in (*told, *_identity(patients, apart).identifiers)}
    for each in dict.fromkeys((together, *first, *second)):
        if each != apart and (had := patients.identity(each)) is not None:
            left = tuple(i for i in had[1].identifiers if i.key not in theirs)
            if left != had[1].identifiers:
                rows.append(known_row(each, *patients.correct(each, replace(had[1], identifiers=left)), who))
    says = f"patient {apart} is {together} no more"
    if between := _came_between(connection, together, apart):
        says += f"; {', '.join(between)} came while they were one and stay with {together}: enter those of {apart} anew"
    audit.keep(connection, who, "patient separated", apart, rows=rows, new=says, reason=reason)
    return says


@dataclass(frozen=True, slots=True)
class Version:
    """What was known of a patient from a moment on, who told it, and why where it was a change."""

    version: int
    at: str
    who: str
    why: str
    identity: Identity


def versions_of(connection: sqlite3.Connection, patients: Patients, patient: str) -> list[Version]:
    """All that was ever known of a patient, the oldest first."""
    reasons = {}
    for row in connection.execute("SELECT n, what, reason FROM audit WHERE subject = ?", (patient,)):
        reasons[row["n"]] = f"{row['what']}: {row['reason']}" if row["reason"] else row["what"]
    made = audit.entries_of_rows(connection, [patient])
    told = {
        row["version"]: row
        for row in connection.execute("SELECT version, who, at FROM patient_known WHERE patient = ?", (patient,))
    }
    return [
        Version(
            version, told[version]["at"] if version in told else "", told[version]["who"] if version in told else "",
            reasons.get(made.get(("patient_known", (patient, version)), 0), ""), identity,
        )
        for version, identity in patients.history(patient)
    ]  # fmt: skip


def _kept(
    connection: sqlite3.Connection, patients: Patients, patient: str, new: Identity, who: str, what: str, reason: str,
    *, exact: bool = False,
) -> str:  # fmt: skip
    before = patients.identity(patient)
    version, mark = patients.correct(patient, new) if exact else patients.enter(patient, new)
    if before is not None and before[0] == version:
        return f"patient {patient} is known like that already"
    rows = [known_row(patient, version, mark, who)]
    audit.keep(connection, who, what, patient, rows=rows, new=f"v{version}", reason=reason)
    return f"what is known of patient {patient} is v{version} now"


def _came_between(connection: sqlite3.Connection, together: str, apart: str) -> Sequence[str]:
    """The orders that were bound to the one patient after the merge, and that might be of the other."""
    merged = connection.execute(
        "SELECT max(n) AS n FROM audit WHERE what = 'patient merged' AND new = ?",
        (f"patient {apart} is {together} from now on",),
    ).fetchone()["n"]
    if merged is None:
        return []
    rows = connection.execute(
        "SELECT id FROM orders WHERE patient = ? AND audit_entry > ? ORDER BY audit_entry", (together, merged)
    )
    return [str(row["id"]) for row in rows]


def _identity(patients: Patients, patient: str) -> Identity:
    found = patients.identity(patient)
    return Identity() if found is None else found[1]
