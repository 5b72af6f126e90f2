"""Orders that releases before schema 26 kept: the FHIR file itself, judged then by the rules of then."""

from __future__ import annotations

from datetime import datetime

from acquire.orders.fhir import placer
from acquire.orders.json_text import Table, table, table_of, tables, text
from acquire.orders.need import need_and_effect
from acquire.orders.order import Order
from acquire.orders.resources import Resources
from acquire.patients.identity import Identity


def order_of_before(body: bytes) -> Order:
    """The order of such a file, with what those releases read in it."""
    request = table_of(body)
    name, role = _requester(request)
    reasons = tables(request, "reasonCode")
    notes = " ".join(said.strip() for note in tables(request, "note") if (said := text(note, "text")))
    need, effect = need_and_effect(notes, [said for each in reasons if (said := text(each, "text"))])
    return Order(
        id=_id(request), requester=name, requester_role=role,
        authored_on=datetime.fromisoformat(text(request, "authoredOn") or ""),
        text=text(table(request, "code"), "text") or "", necessity=need or "", effect=effect,
        reasons=tuple(c for each in reasons for coding in tables(each, "coding") if (c := text(coding, "code"))),
        history=tuple(said for each in tables(request, "supportingInfo") if (said := text(each, "display"))),
    )  # fmt: skip


def _id(request: Table) -> str:
    """The first identifier of any kind: such an order is known by it here."""
    placed = [value for each in tables(request, "identifier") if (value := text(each, "value"))]
    return placed[0] if placed else placer(request, Identity())[0]


def _requester(request: Table) -> tuple[str, str | None]:
    led = Resources(request).led(table(request, "requester"), "requester")
    if led is None:
        return "", None
    if led.type != "PractitionerRole" or led.resource is None:
        return led.name.rsplit("/", 1)[-1], None
    person = text(table(led.resource, "practitioner"), "reference") or led.name
    code = next(iter(tables(led.resource, "code")), {})
    role = text(code, "text") or next((c for each in tables(code, "coding") if (c := text(each, "code"))), None)
    return person.removeprefix("Practitioner/"), role
