"""Looking a patient up: for the record, the time-out, a treatment plan; and holding the room against the marks."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from acquire.errors import Refused
from acquire.orders.fhir_people import REFERENCE
from acquire.patients import Identity, Patients
from acquire.people.looks import looked_at_identity
from acquire.procedure.documents.patients import current


def look_up(connection: sqlite3.Connection, patients: Patients, order_id: str, who: str) -> tuple[str, Identity]:
    """The patient of an order; that somebody looked is written down first. Raises Refused."""
    patient = patient_now(connection, order_id)
    looked_at_identity(connection, who, order_id, patient)
    return patient, _known(patients, patient)


def original_of(
    connection: sqlite3.Connection, patients: Patients, order_id: str, who: str, version: int | None = None
) -> tuple[str, bytes]:
    """(name, bytes) of what a version of an order came as; that somebody looked is written down. Raises Refused."""
    patient = patient_now(connection, order_id)
    row = connection.execute(
        "SELECT original FROM order_version WHERE order_id = ?1 AND (?2 IS NULL OR version = ?2)"
        " ORDER BY version DESC LIMIT 1",
        (order_id, version),
    ).fetchone()
    found = patients.original(row["original"]) if row is not None and row["original"] is not None else None
    if found is None:
        raise Refused(f"What order {order_id} came as is not here.")
    looked_at_identity(connection, who, order_id, f"{patient}, as it came")
    return found


class NotThatPatient(Refused):
    """What was read from the patient is of somebody else than the order's: it is kept that this happened."""


def must_be_patient_of(
    connection: sqlite3.Connection, patients: Patients, order_id: str, said: Sequence[str]
) -> list[str]:
    """Hold what was read from the patient against what is held of the order's: the kinds that agreed, two where two are
    held. None are returned where nothing is held to compare with, and nothing was read.

    Raises NotThatPatient for one that is not this patient's, and Refused for too few. No sentence tells what the right
    one would be.
    """
    known = patients.identity(patient_now(connection, order_id))
    theirs = [each for each in known[1].identifiers if each.authority != REFERENCE] if known else []
    held = replace(known[1], identifiers=tuple(theirs)).kinds() if known else []
    if not held:
        if said:
            raise Refused(
                f"No identifiers of the patient of order {order_id} are held here: two people compare them, and say"
                " --identifiers-agree."
            )
        return []
    if not said:
        raise Refused(
            f"Identifiers of the patient of order {order_id} are held here: read two of them from the patient and give"
            " each with --identifier (record number, birth date or name); --identifiers-agree alone compares nothing."
        )
    kinds = [known[1].answers_to(each) for each in said] if known else []
    if wrong := [n for n, kind in enumerate(kinds, start=1) if kind is None]:
        which = " and ".join(f"identifier {n}" for n in wrong)
        raise NotThatPatient(f"Not the patient of order {order_id}: {which} is none of that patient. Do not go on.")
    found = [kind for kind in kinds if kind is not None]
    if len(set(found)) < min(2, len(held)):
        raise Refused("Two identifiers of two kinds are read from the patient: record number, name, birth date.")
    return list(dict.fromkeys(found))


def same_patient(connection: sqlite3.Connection, patients: Patients, order_id: str, number: str) -> bool:
    """Whether the file's patient number is one of the order's patient; False where none is known to compare by.

    Raises Refused where record numbers are known and none is the file's; PatientsError. No number is printed.
    """
    known = patients.identity(patient_now(connection, order_id))
    identifiers = known[1].identifiers if known else ()
    if any(_plain(each.value) == _plain(number) for each in identifiers if _plain(number)):
        return True
    if any(each.authority != REFERENCE for each in identifiers):
        raise Refused(f"The file is of another patient than order {order_id}: it has another record number.")
    return False


def verify_identities(connection: sqlite3.Connection, patients: Patients) -> tuple[int, list[str]]:
    """How many identities are what the store has the mark of, and one sentence for each that is not."""
    here = patients.versions()
    rows = connection.execute("SELECT patient, version, mark FROM patient_known ORDER BY patient, version").fetchall()
    wrong = []
    for row in rows:
        key = (row["patient"], row["version"])
        if key not in here:
            wrong.append(f"What is known of patient {key[0]} (v{key[1]}) is not in the patients' file.")
        elif here[key] != row["mark"]:
            wrong.append(f"What is known of patient {key[0]} (v{key[1]}) was changed in the patients' file.")
    held = len(rows) - len(wrong)
    told = {(row["patient"], row["version"]) for row in rows}
    newest = dict(sorted(here))  # a patient's last version stands last
    wrong += [
        f"What is known of patient {patient} (v{version}) is not named in the store: it was added, or the program ended"
        " before the store had the order that told it."
        for patient, version in newest.items()
        if (patient, version) not in told
    ]
    return held, wrong


def patient_now(connection: sqlite3.Connection, order_id: str) -> str:
    """Under which id the patient of an order is known now. Raises Refused where there is no such order."""
    row = connection.execute("SELECT patient FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        raise Refused(f"There is no order {order_id}; add its file with `acquire order add FILE`.")
    return current(connection, row["patient"])


def _known(patients: Patients, patient: str) -> Identity:
    found = patients.identity(patient)
    if found is None:
        raise Refused(f"Nothing is known of patient {patient} here: the order came without, or from another machine.")
    return found[1]


def _plain(number: str) -> str:
    return "".join(each for each in number.casefold() if each.isalnum())
