"""The physician's order: a FHIR ServiceRequest (R4) for special dosimetry, code 77331.

Checked first against the R4B models of `fhir.resources`: R4B changed nothing in ServiceRequest that R4 files use, so an
R4 file passes. Then against what the code asks for: an active order of a treating physician, dated, with the need in
words. The patient stands in the store as the opaque reference of the file and nowhere else.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.practitionerrole import PractitionerRole
from fhir.resources.R4B.servicerequest import ServiceRequest
from pydantic import ValidationError

from acquire.canonical import utc_now
from acquire.errors import FileProblem, Refused
from acquire.procedure.documents import kept
from acquire.procedure.documents.routine_work import is_routine, opened
from acquire.store import audit
from acquire.store.database import transaction
from drivers.plain_words import plain

CPT = "http://www.ama-assn.org/go/cpt"
SPECIAL_DOSIMETRY = "77331"
_NEED = re.compile(r"necessity:", re.IGNORECASE)
_EFFECT = re.compile(r"\b(?:result\s{1,9})?decides\b:?", re.IGNORECASE)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PHYSICIAN = re.compile(r"\bdoctor\b|physician|oncologist", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Order:
    """An accepted order. `lacks` names what the record will still miss; `patient` stays in the store."""

    id: str
    requester: str
    requester_role: str | None
    authored_on: datetime
    text: str
    necessity: str
    effect: str | None
    reasons: tuple[str, ...]
    history: tuple[str, ...]
    patient: str
    lacks: tuple[str, ...]


def read_order(body: bytes, name: str, now: datetime | None = None) -> Order:
    """Parse and judge one file, a FHIR R4 ServiceRequest, as of `now` (UTC).

    Raises FileProblem with one sentence for each thing that is wrong.
    """
    try:
        request = ServiceRequest.model_validate_json(body)
    except ValidationError as error:
        raise FileProblem(*(_fhir_sentence(name, e["loc"], plain(e)) for e in error.errors())) from error
    except Exception as error:  # the library's own: a resource type that is none, nested too deep, a date that is none
        why = f"{type(error).__name__}: {error}"[:200]
        raise FileProblem(f"{name}: it cannot be read as FHIR ServiceRequest (R4) ({why}).") from error
    problems = [f"{name}: {problem}" for problem in _problems(request, now or datetime.now(UTC))]
    if problems:
        raise FileProblem(*problems)
    return _order(request)


def add_order(connection: sqlite3.Connection, body: bytes, name: str, who: str) -> Order:
    """Read, then keep the order with its bytes. The same bytes again change nothing.

    Raises FileProblem, or Refused when the same id came before with another content.
    """
    order = read_order(body, name)
    with transaction(connection):
        sha256, file = kept.to_keep(connection, "order", name, body)
        known = connection.execute("SELECT sha256 FROM orders WHERE id = ?", (order.id,)).fetchone()
        if known is not None and known["sha256"] == sha256:
            return order
        if known is not None:
            raise Refused(f"Order {order.id} is here with another content; a changed order needs an id of its own.")
        added = audit.row("orders", id=order.id, sha256=sha256, patient=order.patient, added_at=utc_now(), added_by=who)
        audit.keep(connection, who, "order added", order.id, rows=[*file, added], new=sha256)
    return order


def get_order(connection: sqlite3.Connection, order_id: str) -> Order:
    """An order of the store, or routine work that has none, read again from its bytes. Raises Refused."""
    row = connection.execute("SELECT sha256 FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        raise Refused(f"There is no order {order_id}; add its file with `acquire order add FILE`.")
    _, body = kept.fetch(connection, row["sha256"])
    if is_routine(connection, order_id):
        return _routine(body)
    return _order(ServiceRequest.model_validate_json(body))


def list_orders(connection: sqlite3.Connection) -> list[Order]:
    """All orders, oldest first."""
    rows = connection.execute("SELECT id FROM orders ORDER BY audit_entry NULLS FIRST, added_at, id").fetchall()
    return [get_order(connection, row["id"]) for row in rows]


def _routine(body: bytes) -> Order:
    """Routine work in the form of an order: nobody's patient, no need, never chargeable."""
    name, purpose, who, at = opened(body)
    return Order(
        id=name, requester=who, requester_role=None, authored_on=at, text=f"routine work: {purpose}", necessity="",
        effect=None, reasons=(), history=(), patient="", lacks=(),
    )  # fmt: skip


def _fhir_sentence(name: str, where: tuple[int | str, ...], message: str) -> str:
    place = ".".join(str(part) for part in where) or "the file"
    return f"{name}: {place} is not as FHIR ServiceRequest (R4) has it: {message}."


def _problems(request: ServiceRequest, now: datetime) -> Iterator[str]:
    """Every reason not to take this order, in the order a reader would look."""
    if request.status != "active":
        yield f"the order's status is '{request.status}'; only an 'active' order can be measured."
    if request.intent != "order":
        yield f"the intent is '{request.intent}'; only an 'order' can be measured, not a proposal or a plan."
    codes = [c.code for c in _codings(request) if c.system == CPT]
    if SPECIAL_DOSIMETRY not in codes:
        said = f"asks for {', '.join(map(str, codes))}" if codes else "has no CPT code"
        yield f"the order {said}; special dosimetry is {SPECIAL_DOSIMETRY} in system {CPT}."
    if not _ID.fullmatch(_order_id(request)):
        yield f"the order's id '{_order_id(request)}' cannot be used; 1 to 64 letters, digits, '.', '_' or '-' can."
    yield from _who_and_when(request, now)
    if _necessity(request) is None:
        yield "the order gives no need; write it as reasonCode text or as a note 'Necessity: ...'."


def _who_and_when(request: ServiceRequest, now: datetime) -> Iterator[str]:
    if _requester(request) is None:
        yield "the order names no requester; the treating physician must order the measurement."
    role = _role(request)
    if role is not None and not _PHYSICIAN.search(role):
        yield f"the requester is '{role}'; only the treating physician can order, this stays a draft."
    if request.authoredOn is None:
        yield "the order has no authoredOn; it must be dated before the measurement."
    elif not isinstance(request.authoredOn, datetime) or request.authoredOn.tzinfo is None:
        yield "authoredOn has no time of day with zone; write for example 2026-02-02T16:05:00-05:00."
    elif request.authoredOn > now:
        yield f"authoredOn {request.authoredOn.isoformat()} lies in the future."
    if request.subject is None or not request.subject.reference:
        yield "the order has no subject reference; it must say for which patient it is."


def _order(request: ServiceRequest) -> Order:
    necessity, effect, role = _necessity(request), _effect(request), _role(request)
    if request.authoredOn is None or request.subject is None or not request.subject.reference:
        raise FileProblem("The order has no date or no subject.")
    lacks = []
    if effect is None:
        lacks.append("The order does not say what its result decides.")
    if role is None:
        lacks.append("The order does not state that its requester is the treating physician.")
    return Order(
        id=_order_id(request),
        requester=_requester(request) or "",
        requester_role=role,
        authored_on=request.authoredOn,
        text=(request.code.text if request.code else None) or "",
        necessity=necessity or "",
        effect=effect,
        reasons=tuple(_reasons(request)),
        history=tuple(info.display for info in request.supportingInfo or () if info.display),
        patient=request.subject.reference,
        lacks=tuple(lacks),
    )


def _codings(request: ServiceRequest) -> list[Coding]:
    return list((request.code.coding if request.code else None) or ())


def _order_id(request: ServiceRequest) -> str:
    placed = [i.value for i in request.identifier or () if i.value]
    return placed[0] if placed else (request.id or "")


def _requester(request: ServiceRequest) -> str | None:
    """The requester as an id: identifier, else the reference without its type, else the practitioner of the role."""
    who = request.requester
    if who is None:
        return None
    if who.identifier is not None and who.identifier.value:
        return str(who.identifier.value)
    contained = _contained_role(request)
    if contained is not None and contained.practitioner is not None and contained.practitioner.reference:
        return str(contained.practitioner.reference).removeprefix("Practitioner/")
    return str(who.reference).rsplit("/", 1)[-1] if who.reference else None


def _contained_role(request: ServiceRequest) -> PractitionerRole | None:
    wanted = (request.requester.reference or "").removeprefix("#") if request.requester else ""
    contained = (r for r in request.contained or () if isinstance(r, PractitionerRole))
    return next((r for r in contained if r.id == wanted), None)


def _role(request: ServiceRequest) -> str | None:
    role = _contained_role(request)
    if role is None or not role.code:
        return None
    return role.code[0].text or next((c.code for c in role.code[0].coding or () if c.code), None)


def _notes(request: ServiceRequest) -> str:
    return " ".join(note.text.strip() for note in request.note or () if note.text)


def _necessity(request: ServiceRequest) -> str | None:
    """What follows "Necessity:" in a note, up to what the result decides; else the texts of reasonCode."""
    notes = _notes(request)
    need = _NEED.search(notes)
    until = _EFFECT.search(notes, need.end()) if need else None
    stated = notes[need.end() : until.start() if until else None].strip() if need else ""
    words = [r.text for r in request.reasonCode or () if r.text]
    return stated or " ".join(words).strip() or None


def _effect(request: ServiceRequest) -> str | None:
    """What follows "decides" in a note."""
    notes = _notes(request)
    stated = _EFFECT.search(notes)
    return (notes[stated.end() :].strip() or None) if stated else None


def _reasons(request: ServiceRequest) -> Iterator[str]:
    for reason in request.reasonCode or ():
        for coding in reason.coding or ():
            if coding.code:
                yield coding.code
