"""A FHIR ServiceRequest of R4 or R5, alone or the one order of a Bundle, read into an Order.

R5 differs in what is used here by `code` and `reason`, which are CodeableReference (`concept` inside). What may change
the meaning of the whole and is not understood is refused, as FHIR has it: implicitRules, modifierExtension (R4,
2.4.1.1), doNotPerform.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any

from acquire.orders.fhir_people import requester, subject
from acquire.orders.json_text import Table, table, table_of, tables, text, texts, true, walk
from acquire.orders.need import need_and_effect
from acquire.orders.order import SPECIAL_DOSIMETRY, Order
from acquire.orders.problems import NotAnOrder
from acquire.orders.request import Request, Site
from acquire.orders.resources import Resources
from acquire.orders.when import NoMoment, moment, span
from acquire.patients.identity import Identity

CPT = ("http://www.ama-assn.org/go/cpt", "urn:oid:2.16.840.1.113883.6.12")
_ENDED = ("revoked", "completed", "entered-in-error")
_RECORD_NUMBERS = re.compile(r"(?<![a-z])(?:mrn|patients?|ssn|record-?numbers?)(?![a-z])", re.IGNORECASE)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def read(body: bytes, site: Site, now: datetime) -> tuple[Request | None, list[str]]:
    """An order and the patient's identity, and every reason not to take it. Raises NotAnOrder."""
    document = table_of(body)
    of = Resources(document)
    request = of.request
    identity, patient = subject(of)
    who, wrong_people = requester(of, site.physicians, now)
    resources = (patient, *(who.resources if who else ()))
    problems = [*_modifiers(document, of, resources), *_status(request), *_code(request)]
    order_id, unusable = placer(request, identity)
    problems += [*unusable, *wrong_people]
    authored, undated = _authored(request, site.zone)
    problems += undated
    need, effect = need_and_effect(_notes(request), list(_reason_texts(request)))
    if not need:
        problems.append("the order gives no need; write it as reasonCode text or as a note 'Necessity: ...'.")
    first, last = _occurrence(request, site.zone)
    if who is None or authored is None:
        return None, problems
    concept = _concept(table(request, "code"))
    order = Order(
        id=order_id, requester=who.name, requester_role=who.role, requester_type=who.type, authored_on=authored,
        text=text(concept, "text", "code.") or "", necessity=need or "", effect=effect,
        reasons=tuple(_reason_codes(request)), history=tuple(_history(request)), not_before=first, not_after=last,
    )  # fmt: skip
    return Request(order, identity), problems


def placer(request: Table, patient: Identity) -> tuple[str, list[str]]:
    """The order's id: the placer's number, else one of no stated kind, else the resource's id; no record number."""
    numbers = [each for each in tables(request, "identifier") if text(each, "value") and each.get("use") != "old"]
    placed = [text(each, "value") or "" for each in numbers if "PLAC" in _kinds(each)]
    plain = [
        text(each, "value") or "" for each in numbers if not table(each, "type") and not _of_patient(each, patient)
    ]
    found = next(iter([*placed, *plain]), None) or text(request, "id") or ""
    if placed and len(set(placed)) > 1:
        return found, ["the order has several placer numbers (PLAC); it needs exactly one."]
    if any(found == each.value for each in patient.identifiers):
        return "", ["the order has the patient's own number for its number; it needs one of the order (PLAC)."]
    if _ID.fullmatch(found):
        return found, []
    return found, [
        f"the order's id '{found[:80]}' cannot be used; 1 to 64 letters, digits, '.', '_' or '-' can."
        if found
        else "the order has no number of its own: an identifier of type PLAC, or an id."
    ]


def _of_patient(identifier: Table, patient: Identity) -> bool:
    """Whether a number of no stated kind is of the patient: by the system of one of his, or by what its system says."""
    system = text(identifier, "system") or ""
    return system in {each.authority for each in patient.identifiers} or bool(_RECORD_NUMBERS.search(system))


def _modifiers(document: Table, of: Resources, used: Iterable[Table | None]) -> Iterator[str]:
    """What changes the meaning of the whole and is not understood here, in all that was read."""
    if true(of.request, "doNotPerform"):
        yield "doNotPerform is true: it says that the measurement is not to be done."
    own = {key: value for key, value in of.request.items() if key != "contained"}
    for each in (own, *(resource for resource in used if resource is not None)):
        yield from _unknown(str(each.get("resourceType")), walk(each))
    if document is not of.request:  # its entries that were not read mean nothing here
        yield from _unknown("Bundle", ((0, key, value) for key, value in document.items()))


def _unknown(kind: str, parts: Iterable[tuple[int, str, Any]]) -> Iterator[str]:
    urls: dict[str, None] = {}
    for _, key, value in parts:
        if key == "implicitRules" and value:
            yield f"the {kind} follows implicitRules, which are not known here; send it without."
        if key == "modifierExtension" and isinstance(value, dict):
            urls[str(value.get("url"))[:80]] = None
    if urls:
        named = ", ".join(urls)
        yield f"the {kind} has a modifierExtension that is not known here ({named}); it may mean the contrary."


def _status(request: Table) -> Iterator[str]:
    status, intent = text(request, "status"), text(request, "intent")
    if status != "active":
        ended = " One that is here already is ended with `acquire order cancel`." if status in _ENDED else ""
        yield f"the order's status is '{status}'; only an 'active' order can be measured.{ended}"
    if intent != "order":
        yield f"the intent is '{intent}'; only an 'order' can be measured, not a proposal or a plan."


def _code(request: Table) -> Iterator[str]:
    codes = [
        text(c, "code") for c in tables(_concept(table(request, "code")), "coding", "code.") if c.get("system") in CPT
    ]
    if SPECIAL_DOSIMETRY not in codes:
        said = f"asks for {', '.join(map(str, codes))}" if codes else "has no CPT code"
        yield f"the order {said}; special dosimetry is {SPECIAL_DOSIMETRY} in system {CPT[0]}."


def _authored(request: Table, zone: tzinfo | None) -> tuple[datetime | None, list[str]]:
    said = text(request, "authoredOn")
    if said is None:
        return None, ["the order has no authoredOn; it must be dated before the measurement."]
    try:
        return moment(said, zone), []
    except NoMoment as error:
        return None, [f"authoredOn '{said[:40]}': {error}."]


def _occurrence(request: Table, zone: tzinfo | None) -> tuple[datetime | None, datetime | None]:
    """Within which time the measurement is asked for. Raises NotAnOrder for a time that cannot be read."""
    period, timing = table(request, "occurrencePeriod"), table(request, "occurrenceTiming")
    bounds = table(table(timing, "repeat"), "boundsPeriod")
    events = texts(timing, "event", "occurrenceTiming.")
    one = text(request, "occurrenceDateTime")
    if sum(map(bool, (one, period, timing))) > 1:
        raise NotAnOrder("the order states its occurrence in several ways (occurrence...); it needs one.")
    starts = [text(period, "start"), text(bounds, "start"), min(events, default=None)]
    ends = [text(period, "end"), text(bounds, "end"), max(events, default=None)]
    try:
        begin = next((span(each, zone)[0] for each in starts if each), None)
        end = next((span(each, zone)[1] for each in ends if each), None)
        if one is not None:  # an appointment: its day, since it may move within that
            begin, end = span(one[:10], zone)
    except NoMoment as error:
        raise NotAnOrder(f"the time of the occurrence cannot be read: {error}.") from error
    if begin is not None and end is not None and end < begin:
        raise NotAnOrder("the occurrence ends before it begins.")
    return begin, end


def _concept(code: Table) -> Table:
    """A CodeableConcept, of R4, or inside the CodeableReference of R5."""
    return table(code, "concept") or code


def _kinds(identifier: Table) -> set[str]:
    return {code for each in tables(table(identifier, "type"), "coding") if (code := text(each, "code"))}


def _notes(request: Table) -> str:
    return " ".join(said.strip() for note in tables(request, "note") if (said := text(note, "text", "note.")))


def _reasons(request: Table) -> list[Table]:
    return [*tables(request, "reasonCode"), *(table(each, "concept") for each in tables(request, "reason"))]


def _reason_texts(request: Table) -> Iterator[str]:
    yield from (said for each in _reasons(request) if (said := text(each, "text", "reason.")))


def _reason_codes(request: Table) -> Iterator[str]:
    for reason in _reasons(request):
        yield from (code for each in tables(reason, "coding") if (code := text(each, "code", "reason.")))


def _history(request: Table) -> Iterator[str]:
    """R4: a reference with its display; R5: a concept, or such a reference inside."""
    for each in tables(request, "supportingInfo"):
        inner = each["reference"] if isinstance(each.get("reference"), dict) else each
        if said := text(inner, "display", "supportingInfo.") or text(table(each, "concept"), "text", "supportingInfo."):
            yield said
