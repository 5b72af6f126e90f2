"""Which orders are of one patient: by ids that mean nothing outside the store, and by merges that are followed.

Both rooms take a message as a whole or not at all. The patients' room commits first; a kill before the store does
leaves an identity there that the store has not named, and the next order of that patient finds it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from uuid import uuid4

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.orders.fhir_people import REFERENCE
from acquire.patients import Identifier, Identity, Patients
from acquire.procedure.documents.beams import patient_key
from acquire.store import audit


def bind_patient(
    connection: sqlite3.Connection, patients: Patients, identity: Identity, order_id: str, who: str
) -> tuple[str, list[audit.Row]]:
    """The patient of an order, and the row that says so, to be made with it. Inside the caller's transaction.

    A subject that nobody else can know (it has no identifier) is a patient of that order alone ("#p-..."). Raises
    Refused: identifiers of two patients, another date of birth than is known.
    """
    found = list(dict.fromkeys(current(connection, each) for each in patients.known(identity.identifiers)))
    if len(found) > 1:
        raise Refused(
            f"The identifiers of the patient of {order_id} belong to {len(found)} patients here ({', '.join(found)}); a"
            " merge must say first that they are one."
        )
    patient = found[0] if found else _without_identity(connection, identity, order_id)
    return patient, enter(connection, patients, patient, identity, who)


def enter(
    connection: sqlite3.Connection, patients: Patients, patient: str, identity: Identity, who: str
) -> list[audit.Row]:
    """What is told of a patient goes to the patients' room; returns the row that names it. Raises Refused."""
    known = patients.identity(patient)
    if known is not None:
        before = known[1]
        if before.birth_date and identity.birth_date and before.birth_date != identity.birth_date:
            raise Refused(
                f"Patient {patient} is known here with another date of birth: is it the same person? Nothing was taken."
            )
        identity = before.with_more(identity)
    version, mark = patients.enter(patient, identity)
    named = connection.execute(
        "SELECT 1 FROM patient_known WHERE patient = ? AND version = ?", (patient, version)
    ).fetchone()
    return [] if named else [known_row(patient, version, mark, who)]


def known_row(patient: str, version: int, mark: str, who: str) -> audit.Row:
    """That a version of an identity was told, to be made."""
    return audit.row("patient_known", patient=patient, version=version, mark=mark, who=who, at=utc_now())


def merge(
    connection: sqlite3.Connection,
    patients: Patients,
    kept: Identity,
    retired: Sequence[Identifier],
    who: str,
    reason: str,
) -> str:
    """Two patients are one from now on, inside the caller's transaction; returns what came of it, in ids only.

    The orders of the retired one are those of the kept one; nothing is overwritten. Where nobody is known by the
    retired identifiers they become further ones of the kept patient, so that an order that still has them finds him.
    """
    stays = list(dict.fromkeys(current(connection, each) for each in patients.known(kept.identifiers)))
    goes = list(dict.fromkeys(current(connection, each) for each in patients.known(retired)))
    if len(stays) > 1 or len(goes) > 1:
        raise Refused("The identifiers of the merge belong to several patients on one side; nothing was merged.")
    patient = (stays or goes or [f"p-{uuid4().hex[:12]}"])[0]
    rows = enter(connection, patients, patient, Identity().with_more(kept).with_more(Identity(tuple(retired))), who)
    says = f"patient {patient} is known by further identifiers"
    if stays and goes and stays != goes:
        rows.append(audit.row("patient_merged", kept=patient, retired=goes[0], reason=reason, who=who, at=utc_now()))
        says = f"patient {goes[0]} is {patient} from now on"
    if rows:
        audit.keep(connection, who, "patient merged", patient, rows=rows, new=says, reason=reason)
    return says


def current(connection: sqlite3.Connection, patient: str) -> str:
    """Under which id a patient is known now, merges followed."""
    seen = {patient}
    while True:
        row = _merge(connection, patient)
        if row is None or row["kept"] in seen:
            return patient
        patient = row["kept"]
        seen.add(patient)


def merge_of(connection: sqlite3.Connection, patient: str) -> int | None:
    """The number of the merge by which a patient is known under another id now; None where there is none."""
    row = _merge(connection, patient)
    return None if row is None else int(row["n"])


def _merge(connection: sqlite3.Connection, patient: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = connection.execute(
        "SELECT n, kept FROM patient_merged WHERE retired = ? AND n NOT IN (SELECT merge FROM patient_separated)"
        " ORDER BY n DESC LIMIT 1",
        (patient,),
    ).fetchone()
    return found


def orders_of_patient(connection: sqlite3.Connection, order_id: str) -> list[str]:
    """The orders of the same patient, this one among them, in the order in which they came."""
    rows = connection.execute(
        "SELECT id, patient FROM orders ORDER BY audit_entry NULLS FIRST, added_at, id"
    ).fetchall()
    known = {row["id"]: patient_key(current(connection, row["patient"])) for row in rows}
    own = known.get(order_id)
    return [each for each, key in known.items() if each == order_id or (own is not None and key == own)]


def _without_identity(connection: sqlite3.Connection, identity: Identity, order_id: str) -> str:
    """The id of a patient of whom the room knows nothing yet."""
    row = connection.execute("SELECT patient FROM orders WHERE id = ?", (order_id,)).fetchone()
    if not identity.identifiers:
        return str(row["patient"]) if row and row["patient"].startswith("#") else f"#p-{uuid4().hex[:12]}"
    references = {each.value for each in identity.identifiers if each.authority == REFERENCE}
    for each in connection.execute("SELECT patient FROM orders ORDER BY audit_entry NULLS FIRST, added_at, id"):
        if patient_key(each["patient"]) in references:  # of a release that kept the reference itself
            return str(each["patient"])
    return f"p-{uuid4().hex[:12]}"
