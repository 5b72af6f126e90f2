"""Who ordered, and for whom, as a FHIR file tells it: the requester with roles, the subject with identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from acquire.orders.json_text import Table, table, tables, text, texts
from acquire.orders.physician import Coding, Physicians
from acquire.orders.problems import NotAnOrder
from acquire.orders.resources import Led, Resources
from acquire.orders.when import NoMoment, span
from acquire.patients.identity import Identifier, Identity

PERSONS = ("Practitioner", "PractitionerRole")
GROUPS = ("Organization", "CareTeam")  # kept as such: they are no physician
REFERENCE = "fhir reference"  # the authority of an identifier that is a reference
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"


@dataclass(frozen=True, slots=True)
class Requester:
    """`role`: what makes him a physician; None where nothing is said of it. `resources`: what was read for it."""

    name: str
    type: str | None
    role: str | None
    resources: tuple[Table, ...] = ()


def requester(of: Resources, physicians: Physicians, now: datetime) -> tuple[Requester | None, list[str]]:
    """Who ordered, and what is wrong with that, one sentence each. Raises NotAnOrder."""
    led = of.led(table(of.request, "requester"), "requester")
    if led is None:
        return None, ["the order names no requester; the treating physician must order the measurement."]
    if led.type in GROUPS:
        return Requester(led.name, led.type, None), []
    if led.type is not None and led.type not in PERSONS:
        return None, [f"the requester is a {led.type[:40]}; only a Practitioner or PractitionerRole can order."]
    person = _person(of, led) if led.type == "PractitionerRole" else led
    found = [led, person] if person is not None and person is not led else [led]
    roles = tuple(each.resource for each in found if each.resource is not None)
    name = (person or led).name
    said = [coding for each in roles for coding in _said_of(each)]
    wrong = _judged(said, physicians) or [why for each in roles for why in _not_now(each, now)]
    return Requester(name, led.type, _title(said) if said and not wrong else None, roles), wrong


def _judged(said: list[Coding], physicians: Physicians) -> list[str]:
    if not said or physicians.is_one(said):
        return []
    shown = "; ".join(dict.fromkeys(c.display or c.code for c in said if c.display or c.code))
    return [f"the requester is '{shown[:120]}'; only the treating physician can order, this stays a draft."]


def subject(of: Resources) -> tuple[Identity, Table | None]:
    """Whom the order is for, and the resource that tells it. Raises NotAnOrder: nobody, or no single patient."""
    reference = table(of.request, "subject")
    led = of.led(reference, "subject")
    if led is None:
        raise NotAnOrder("the order has no subject reference; it must say for which patient it is.")
    if led.type not in (None, "Patient"):
        raise NotAnOrder(f"the subject is a {str(led.type)[:40]}; an order is for one patient.")
    found = _identity(led.resource) if led.resource is not None else Identity()
    return Identity(
        (*found.identifiers, *_by_reference(reference, led)), found.name, found.birth_date, found.sex
    ), led.resource


def _person(of: Resources, role: Led) -> Led | None:
    if role.resource is None:
        return None
    person = of.led(table(role.resource, "practitioner"), "requester.practitioner")
    if person is not None and person.type not in (None, "Practitioner"):
        raise NotAnOrder(f"the practitioner of the requester's role is a {str(person.type)[:40]}.")
    return person


def _said_of(resource: Table) -> Iterator[Coding]:
    """Every code and text of a role, or of a practitioner's qualifications."""
    concepts = tables(resource, "code") if resource.get("resourceType") == "PractitionerRole" else []
    concepts = [*concepts, *(table(each, "code") for each in tables(resource, "qualification"))]
    for concept in concepts:
        for each in tables(concept, "coding"):
            yield Coding(text(each, "system") or "", text(each, "code") or "", text(each, "display") or "")
        if words := text(concept, "text"):
            yield Coding(display=words)


def _title(said: list[Coding]) -> str:
    """How the role is written down: its text, or else the first thing said."""
    texts = [each.display for each in said if each.display and not each.code]
    return next(iter([*texts, *(each.display or each.code for each in said if each.display or each.code)]), "stated")


def _not_now(resource: Table, now: datetime) -> Iterator[str]:
    """Where a role is none any more, or not yet."""
    if resource.get("active") is False:
        yield "the requester's role is not active any more."
    period = table(resource, "period")
    try:
        if (ends := text(period, "end")) and span(ends, now.tzinfo)[1] < now:
            yield "the requester's role has ended."
        if (begins := text(period, "start")) and span(begins, now.tzinfo)[0] > now:
            yield "the requester's role has not begun."
    except NoMoment as error:
        raise NotAnOrder(f"the period of the requester's role cannot be read: {error}.") from error


def _identity(patient: Table) -> Identity:
    names = sorted(tables(patient, "name"), key=lambda each: each.get("use") not in ("official", "usual", None))
    name = ""
    if names:
        given = texts(names[0], "given", joined=True)
        family = text(names[0], "family", joined=True) or ""
        name = text(names[0], "text", joined=True) or " ".join([*given, family]).strip()
    numbers = tuple(
        Identifier(text(each, "system") or "", text(each, "value") or "", _kind(each))
        for each in tables(patient, "identifier")
        if text(each, "value") and each.get("use") != "old"
    )
    return Identity(numbers, name, text(patient, "birthDate") or "", text(patient, "gender") or "")


def _kind(identifier: Table) -> str:
    codes = (text(each, "code") for each in tables(table(identifier, "type"), "coding"))
    return next((each for each in codes if each), "")


def _by_reference(reference: Table, led: Led) -> Iterator[Identifier]:
    """What the reference itself tells: an identifier, or a place on a server; one inside the file tells nothing."""
    logical = table(reference, "identifier")
    if value := text(logical, "value"):
        yield Identifier(text(logical, "system") or "", value, _kind(logical))
    told = text(reference, "reference") or ""
    if "identifier=" in told:
        system, _, value = unquote(told.rpartition("identifier=")[2]).rpartition("|")
        yield Identifier(system, value)
    elif told.startswith("urn:") and led.resource is not None and tables(led.resource, "identifier"):
        return  # a name inside this Bundle; the resource itself tells more
    elif told and not told.startswith("#"):
        found = re.search(r"Patient/([^/?#]+)", told)
        yield Identifier(REFERENCE, found[1] if found else told)
