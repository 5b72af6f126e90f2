"""Orders in a message of HL7 v2: OMG^O19, and the older ORM^O01 (2.5.1, chapter 4), read as FHIR ones are.

    OBR-4 the service (CPT), OBR-31 its reason, OBR-13 clinical information, NTE "Necessity: ..." and "Result decides:"
    ORC-1 what is asked, ORC-2 the placer's number, ORC-9 when, ORC-12 by whom (XCN-7 the degree), TQ1-7/8 from, until

The number of the placer is the order's id; a record number never is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from acquire.orders.hl7_message import Message, Segment
from acquire.orders.hl7_patient import identity_of
from acquire.orders.need import need_and_effect
from acquire.orders.order import SPECIAL_DOSIMETRY, Order
from acquire.orders.physician import V2_DEGREE, Coding
from acquire.orders.problems import NotAnOrder
from acquire.orders.request import Request, Site
from acquire.orders.when import NoMoment, v2_moment, v2_zone
from acquire.printable import hidden_in

KINDS = (("OMG", "O19"), ("ORM", "O01"))
MOST_ORDERS = 20  # of a message
CPT = ("C4", "CPT", "CPT4", "CPT-4", "C5")  # HL7 table 0396 and what is seen in its place
Asked = Literal["new", "change", "cancel"]
CONTROL: dict[str, Asked] = {"NW": "new", "XO": "change", "RP": "change", "CA": "cancel", "DC": "cancel"}
_ORDER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OVER = ("CA", "DC", "CM", "ER", "RP")  # ORC-5, HL7 table 0038: not a status in which anything is to be done


@dataclass(frozen=True, slots=True)
class Wish:
    """What a message asks of one order. `request` is None where it is cancelled; `reason` in the sender's words."""

    asked: Asked
    order_id: str
    reason: str
    request: Request | None


def wishes(message: Message, site: Site) -> list[Wish]:
    """What the message asks, order by order. Raises NotAnOrder with every reason not to take it."""
    groups = list(_groups(message))
    if not groups:
        raise NotAnOrder("the message holds no order (ORC).")
    if len(groups) > MOST_ORDERS:
        raise NotAnOrder(f"the message holds {len(groups)} orders; at most {MOST_ORDERS} are taken at once.")
    found, problems = [], []
    for n, group in enumerate(groups, start=1):
        try:
            found.append(_wish(message, group, site))
        except NotAnOrder as error:
            problems += [f"order {n}: {each}" if len(groups) > 1 else each for each in error.sentences]
    if problems:
        raise NotAnOrder(*problems)
    if len({each.order_id for each in found}) != len(found):
        raise NotAnOrder("one order stands twice in the message.")
    return found


def _groups(message: Message) -> Iterator[list[Segment]]:
    """The segments of each order, from its ORC on."""
    group: list[Segment] = []
    for each in message.segments:
        if each.name == "ORC":
            if group:
                yield group
            group = [each]
        elif group:
            group.append(each)
    if group:
        yield group


def _wish(message: Message, group: list[Segment], site: Site) -> Wish:
    orc, control = group[0], group[0].text(1)
    asked = CONTROL.get(control)
    if asked is None:
        known = ", ".join(CONTROL)
        raise NotAnOrder(f"ORC-1 is '{control[:10]}'; {known} are taken here.")
    services = [each for each in group if each.name == "OBR"]
    obr = services[0] if services else None
    order_id = orc.text(2) or (obr.text(2) if obr else "")
    problems = []
    if not _ORDER_ID.fullmatch(order_id):
        problems.append(
            f"the placer's number '{order_id[:80]}' (ORC-2) cannot be used; 1 to 64 letters, digits, '.', '_', '-' can."
        )
    if obr is not None and obr.text(2) and obr.text(2) != order_id:
        problems.append("ORC-2 and OBR-2 name two orders.")
    reason = (
        orc.text(16, 2) or orc.text(16) or f"{control} from {' '.join(filter(None, message.sender)) or 'the sender'}"
    )
    if asked == "cancel":
        if problems:
            raise NotAnOrder(*problems)
        return Wish(asked, order_id, reason, None)
    if obr is None or len(services) > 1:
        raise NotAnOrder(*problems, f"order {order_id} has {len(services)} services (OBR); it needs exactly one.")
    request, wrong = _request(message, group, obr, order_id, site)
    if problems or wrong or request is None:
        raise NotAnOrder(*problems, *wrong)
    return Wish(asked, order_id, reason, request)


def _request(
    message: Message, group: list[Segment], obr: Segment, order_id: str, site: Site
) -> tuple[Request | None, list[str]]:
    orc, wrong = group[0], []
    codes = [obr.text(4, n) for n in (1, 4) if obr.text(4, n + 2).upper() in CPT]
    if SPECIAL_DOSIMETRY not in codes:
        said = f"asks for {', '.join(codes)}" if codes else "has no CPT code"
        wrong.append(f"the order {said}; special dosimetry is {SPECIAL_DOSIMETRY} of C4 (OBR-4).")
    if (status := orc.text(5)) in _OVER:
        wrong.append(f"the order's status (ORC-5) is '{status}'; nothing is to be done of it.")
    name, role, of_people = _requester(orc, obr, site)
    wrong += of_people
    authored, first, last = _moments(group, zone_of(message) or site.zone, wrong)
    notes = " ".join(each.words(3) for each in group if each.name == "NTE")
    reasons = [words for each in obr.repetitions(31) if (words := obr.of(each, 2) or obr.of(each, 1))]
    need, effect = need_and_effect(notes, reasons)
    if not need:
        wrong.append("the order gives no need; write it as OBR-31 or as a note (NTE) 'Necessity: ...'.")
    history = [said for said in (obr.words(13), *_history(group)) if said]
    for shown in (need, effect, name, role, *history):
        if shown and (found := hidden_in(shown, keep="\n\t")):
            wrong.append(f"a text of the order holds {found}, which nobody sees; send it without.")
            break
    if authored is None:
        return None, wrong
    order = Order(
        id=order_id, requester=name, requester_role=role, requester_type="Practitioner", authored_on=authored,
        text=obr.text(4, 2), necessity=need or "", effect=effect,
        reasons=tuple(c for each in group if each.name == "DG1" and (c := each.text(3))),
        history=tuple(history), not_before=first, not_after=last, source="hl7",
    )  # fmt: skip
    identity = identity_of(message)
    if any(order_id == each.value for each in identity.identifiers):
        wrong.append(
            "the order has the patient's own number (PID-3) for its number (ORC-2); it needs one of the order."
        )
    return Request(order, identity), wrong


def _requester(orc: Segment, obr: Segment, site: Site) -> tuple[str, str | None, list[str]]:
    """(id, what makes him a physician, what is wrong): the ordering provider of ORC-12, or of OBR-16."""
    of, n = (orc, 12) if orc.raw(12) else (obr, 16)
    name = of.text(n)
    if not name:
        return "", None, ["no ordering provider has an id (ORC-12); the treating physician must order the measurement."]
    degree = ", ".join(dict.fromkeys(said for each in of.repetitions(n) if (said := of.of(each, 7))))
    degrees = [each for each in re.split(r"[ ,;/]+", degree.replace(".", "")) if each]
    if not degrees:
        return name, None, []
    if site.physicians.is_one(Coding(V2_DEGREE, each.upper()) for each in degrees):
        return name, degree, []
    said = f"the ordering provider is '{degree[:40]}' (XCN-7)"
    return name, None, [f"{said}; only the treating physician can order, this stays a draft."]


def zone_of(message: Message) -> tzinfo | None:
    """The offset of MSH-7: that of every time of the message that states none (2.5.1, 2.14.9.7). None without it."""
    return v2_zone(message.header.text(7))


def _moments(
    group: list[Segment], zone: tzinfo | None, wrong: list[str]
) -> tuple[datetime | None, datetime | None, datetime | None]:
    """When it was ordered (ORC-9), and from and until when it asks for the measurement (TQ1-7, TQ1-8)."""
    tq1 = next((each for each in group if each.name == "TQ1"), None)
    places = [("ORC-9", group[0].text(9))]
    places += [] if tq1 is None else [("TQ1-7", tq1.text(7)), ("TQ1-8", tq1.text(8))]
    found: list[datetime | None] = []
    for place, said in places:
        try:
            found.append(v2_moment(said, zone) if said else None)
        except NoMoment as error:
            wrong.append(f"{place} '{said[:30]}': {error}.")
            found.append(None)
    if not places[0][1]:
        wrong.append("the order has no time (ORC-9); it must be dated before the measurement.")
    found += [None] * (3 - len(found))
    return found[0], found[1], found[2]


def _history(group: list[Segment]) -> Iterator[str]:
    for each in group:
        if each.name == "NTE" and (said := each.words(3)).lower().startswith("history:"):
            yield said[len("history:") :].strip()
