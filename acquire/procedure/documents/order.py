"""The orders of the store, in versions: read, kept, changed, and read again. The old version always stays.

What the store keeps is the order's content, without the patient. The bytes as they came, which may hold a name or a
record number, and the identity go to the patients' room; the store has their marks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from acquire.canonical import utc_now
from acquire.errors import FileProblem, Refused
from acquire.orders import Order, Request, Site, read_request
from acquire.orders.need import MANY, wording
from acquire.orders.order import is_content, of_body
from acquire.patients import Patients, PatientsFile, beside
from acquire.procedure.documents import kept
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.fhir_of_before import order_of_before
from acquire.procedure.documents.known_requester import held_against_accounts
from acquire.procedure.documents.patients import bind_patient, current
from acquire.procedure.documents.routine_work import is_routine, opened
from acquire.store import audit
from acquire.store.database import transaction

__all__ = ["FileProblem", "Order", "add_order", "change_order", "get_order", "list_orders", "read_order"]


@dataclass(frozen=True, slots=True)
class Original:
    """What an order came as: the name of the file or message, and its bytes."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class OrderVersion:
    """When a version of an order came in, from whom, and why it was changed."""

    version: int
    at: str
    who: str
    reason: str | None
    sha256: str


def read_order(body: bytes, name: str, now: datetime | None = None, site: Site | None = None) -> Order:
    """Parse and judge one file, FHIR or a form, as of `now` (UTC).

    Raises FileProblem with one sentence for each thing that is wrong.
    """
    return read_request(body, name, now, site).order


def add_order(
    connection: sqlite3.Connection,
    body: bytes,
    name: str,
    who: str,
    *,
    patients: Patients | None = None,
    site: Site | None = None,
) -> Order:
    """Read, then keep the order and, apart from it, the patient. What says the same again changes nothing.

    `patients`: the room of identities, by default the file beside the store. Raises FileProblem, PatientsError, or
    Refused: the same id came before with another content or for another patient.
    """
    request = read_request(body, name, site=site)
    with _room(connection, patients) as room, transaction(connection), room.all_or_nothing():
        return put_order(connection, room, request, Original(name, body), who)


def change_order(
    connection: sqlite3.Connection,
    body: bytes,
    name: str,
    who: str,
    reason: str,
    *,
    patients: Patients | None = None,
    site: Site | None = None,
) -> Order:
    """A new version of an order that is here, with the reason; its plan is to be confirmed against it.

    Raises FileProblem, PatientsError, or Refused: no such order, cancelled, no reason, for another patient, a draft in
    the place of an order.
    """
    if not reason.strip():
        raise Refused("Say why the order is changed.")
    request = read_request(body, name, site=site)
    with _room(connection, patients) as room, transaction(connection), room.all_or_nothing():
        return put_change(connection, room, request, Original(name, body), who, reason)


def put_order(
    connection: sqlite3.Connection, patients: Patients, request: Request, original: Original, who: str
) -> Order:
    """`add_order` of what was read, inside the caller's transaction."""
    order = held_against_accounts(connection, request).order
    known = versions_of(connection, order.id)
    patient, rows = bind_patient(connection, patients, request.identity, order.id, who)
    if known:
        _must_be_of(connection, order.id, patient)
        same = (kept.name_of(order.body()), kept.name_of(original.body))  # before schema 26 the file itself was kept
        if any(each.sha256 in same for each in known):
            _must_stand(connection, order.id)
            return get_order(connection, order.id)
        raise Refused(
            f"Order {order.id} is here with another content; what was changed comes in as a change (acquire order"
            " change), or as an order of its own."
        )
    sha256, file = kept.to_keep(connection, "order", f"{order.id}.json", order.body())
    now = utc_now()
    rows += [
        *file, audit.row("orders", id=order.id, sha256=sha256, patient=patient, added_at=now, added_by=who),
        _version(order, 1, sha256, patients, original, who, now, None),
    ]  # fmt: skip
    audit.keep(connection, who, "draft added" if order.draft else "order added", order.id, rows=rows, new=sha256)
    return order.of(patient, 1)


def put_change(
    connection: sqlite3.Connection, patients: Patients, request: Request, original: Original, who: str, reason: str
) -> Order:
    """`change_order` of what was read, inside the caller's transaction."""
    order = held_against_accounts(connection, request).order
    before = get_order(connection, order.id)
    _must_stand(connection, order.id)
    patient, rows = bind_patient(connection, patients, request.identity, order.id, who)
    _must_be_of(connection, order.id, patient)
    if order.draft and before.draft is None:
        raise Refused(f"Order {order.id} is a physician's, and the change is none: {order.draft}.")
    sha256, file = kept.to_keep(connection, "order", f"{order.id}-v{before.version + 1}.json", order.body())
    if versions_of(connection, order.id)[-1].sha256 == sha256:
        return before
    version = before.version + 1
    rows += [*file, _version(order, version, sha256, patients, original, who, utc_now(), reason)]
    audit.keep(
        connection, who, "order changed", order.id, rows=rows, old=f"v{before.version}", new=f"v{version} {sha256}",
        reason=reason,
    )  # fmt: skip
    return order.of(patient, version)


def get_order(connection: sqlite3.Connection, order_id: str, version: int | None = None) -> Order:
    """An order of the store, or routine work that has none; the newest version unless one is named. Raises Refused."""
    row = connection.execute("SELECT patient FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        raise Refused(f"There is no order {order_id}; add its file with `acquire order add FILE`.")
    every = versions_of(connection, order_id)
    found = every[-1] if version is None else next((v for v in every if v.version == version), None)
    if found is None:
        raise Refused(f"Order {order_id} has no version {version}; the newest is {every[-1].version}.")
    _, body = kept.fetch(connection, found.sha256)
    if is_routine(connection, order_id):
        order = _routine(body)
    else:
        order = of_body(body) if is_content(body) else order_of_before(body)
    return order.of(row["patient"], found.version)


def list_orders(connection: sqlite3.Connection) -> list[Order]:
    """All orders, oldest first."""
    rows = connection.execute("SELECT id FROM orders ORDER BY audit_entry NULLS FIRST, added_at, id").fetchall()
    return [get_order(connection, row["id"]) for row in rows]


def versions_of(connection: sqlite3.Connection, order_id: str) -> list[OrderVersion]:
    """Every version of an order, oldest first; of one of earlier releases, as it came."""
    rows = connection.execute(
        "SELECT version, at, who, reason, sha256 FROM order_version WHERE order_id = ? ORDER BY version", (order_id,)
    ).fetchall()
    found = [OrderVersion(row["version"], row["at"], row["who"], row["reason"], row["sha256"]) for row in rows]
    if found and found[0].version == 1:
        return found
    first = connection.execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
    before = [] if first is None else [OrderVersion(1, first["added_at"], first["added_by"], None, first["sha256"])]
    return [*before, *found]


def _routine(body: bytes) -> Order:
    """Routine work in the form of an order: nobody's patient, no need, never chargeable."""
    name, purpose, who, at = opened(body)
    return Order(
        id=name, requester=who, requester_role=None, authored_on=at, text=f"routine work: {purpose}", necessity="",
        effect=None, source="routine",
    )  # fmt: skip


def version_at_start(connection: sqlite3.Connection, session_id: str) -> int:
    """Which version of its order a session was started on, by the order of the audit trail."""
    row = connection.execute(
        "SELECT max(v.version) AS version FROM session s JOIN order_version v ON v.order_id = s.order_id"
        " AND v.audit_entry < s.audit_entry WHERE s.id = ?",
        (session_id,),
    ).fetchone()
    return int(row["version"] or 1)


def draft_stop(order: Order) -> Stop | None:
    """The sentence where an order is a draft; None where it is a physician's."""
    if order.draft is None:
        return None
    return Stop(
        "order",
        f"Order {order.id} is a draft: {order.draft}. Nothing is planned, measured or charged on it; the physician's"
        " own order makes it one.",
    )


def copied_need(connection: sqlite3.Connection, order: Order) -> str | None:
    """A notice where many orders state the need in the same words; None where they do not."""
    (number,) = connection.execute(
        "SELECT count(DISTINCT order_id) FROM order_version WHERE wording = ?", (wording(order.necessity),)
    ).fetchone()
    if number < MANY:
        return None
    return (
        f"The need of {order.id} is word for word that of {number} orders here: a text for all patients, or a standing"
        " order, states no need of this one."
    )


@contextmanager
def _room(connection: sqlite3.Connection, patients: Patients | None) -> Iterator[Patients]:
    """The room of identities that is given, or else the file beside the store, which is not encrypted then."""
    if patients is not None:
        yield patients
        return
    file = next(row["file"] for row in connection.execute("PRAGMA database_list") if row["name"] == "main")
    with PatientsFile(beside(Path(file)) if file else None) as made:
        yield made


def _must_stand(connection: sqlite3.Connection, order_id: str) -> None:
    if connection.execute("SELECT 1 FROM order_cancelled WHERE order_id = ?", (order_id,)).fetchone():
        raise Refused(f"Order {order_id} was cancelled; what is wanted instead is an order of its own.")


def _must_be_of(connection: sqlite3.Connection, order_id: str, patient: str) -> None:
    (stored,) = connection.execute("SELECT patient FROM orders WHERE id = ?", (order_id,)).fetchone()
    if current(connection, stored) != patient:
        raise Refused(f"Order {order_id} is here for another patient; one order is of one patient, for ever.")


def _version(
    order: Order, version: int, sha256: str, patients: Patients, original: Original, who: str, at: str,
    reason: str | None,
) -> audit.Row:  # fmt: skip
    return audit.row(
        "order_version", order_id=order.id, version=version, sha256=sha256, wording=wording(order.necessity),
        original=patients.keep_original(original.name, original.body), reason=reason, who=who, at=at,
    )  # fmt: skip
