"""Who a message of HL7 v2 is of (PID), and merges of patients (ADT; 2.5.1, chapter 3).

Followed are merges of patient ids (A18, A34, A36, A40, A47), their end (A37) and updates of identities (A08, A31).
A35 merges accounts, which are not kept here, and is answered as taken with nothing to follow. Movements are not taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from acquire.orders.hl7_message import Message, Segment, message_of
from acquire.orders.problems import NotAnOrder
from acquire.patients.identity import Identifier, Identity

MERGES = frozenset(("A18", "A34", "A36", "A40", "A47"))
UPDATES = frozenset(("A08", "A31"))
SEPARATES = frozenset(("A37",))
OF_ACCOUNTS = frozenset(("A35",))
MOST_MERGES = 50  # of a message


@dataclass(frozen=True, slots=True)
class Merge:
    """The patient that stays, and the identifiers that are retired."""

    kept: Identity
    retired: tuple[Identifier, ...]


def identity_of(message: Message) -> Identity:
    """The patient of an order or an update. Raises NotAnOrder: none, several, or one without a record number."""
    found = list(message.named("PID"))
    if len(found) != 1:
        raise NotAnOrder(f"the message is of {len(found)} patients (PID); it is of one.")
    return _identity(message, found[0])


def merges_of(message: Message) -> list[Merge]:
    """Every merge of a message. Raises NotAnOrder."""
    found: list[Merge] = []
    pid: Segment | None = None
    for each in message.named("PID", "MRG"):
        if each.name == "PID":
            pid = each
        elif pid is not None:
            retired = tuple(_identifiers(message, each, 1))
            if not retired:
                raise NotAnOrder("a merge names no identifier that is retired (MRG-1).")
            found.append(Merge(_identity(message, pid), retired))
    if not found:
        raise NotAnOrder("the message holds no merge (PID followed by MRG).")
    if len(found) > MOST_MERGES:
        raise NotAnOrder(f"the message holds {len(found)} merges; at most {MOST_MERGES} are taken at once.")
    return found


def separated_of(message: Message) -> tuple[Identity, Identity]:
    """The two patients that are no one (2.5.1, 3.3.37). Raises NotAnOrder."""
    found = list(message.named("PID"))
    if len(found) != 2:
        raise NotAnOrder(f"the message is of {len(found)} patients (PID); an unlink is of two.")
    return _identity(message, found[0]), _identity(message, found[1])


def _identity(message: Message, pid: Segment) -> Identity:
    numbers = tuple(_identifiers(message, pid, 3))
    if not numbers:
        raise NotAnOrder("the patient has no identifier (PID-3); it cannot be told whose the order is.")
    born = pid.text(7)[:8]
    names = [part for part in (pid.text(5, 2), pid.text(5, 1)) if part]
    iso = f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == 8 and born.isdecimal() else ""
    return Identity(numbers, " ".join(names), iso, pid.text(8))


def _identifiers(message: Message, segment: Segment, n: int) -> list[Identifier]:
    """The numbers of a field (CX): with the authority that gave them out, or else the facility that sent them."""
    found = []
    for each in segment.repetitions(n):
        value = segment.of(each, 1)
        authority = segment.of(each, 4) or segment.of(each, 4, 2) or f"facility {message.sender[1]}".strip()
        if value:
            found.append(Identifier(authority, value, segment.of(each, 5)))
    return found


_TELLING = {"PID": (2, 3, 4, 5, 6, 7, 9, 18, 19), "MRG": (1, 2, 4, 7)}  # numbers, names, day of birth
_WORD = re.compile(r"[^\W_]{2,}")


def without_identity(says: str, body: bytes) -> str:
    """A sentence about a message that may quote it, with each word covered that the message says of its patient.

    Fields are shifted, and names typed where numbers belong; what the store keeps must hold none of it all the same.
    """
    try:
        words = {each.casefold() for each in _told_of(message_of(body))}
    except NotAnOrder:
        return says  # nothing but its header was looked at
    return _WORD.sub(lambda found: "***" if found[0].casefold() in words else found[0], says)


def _told_of(message: Message) -> Iterator[str]:
    for each in message.named(*_TELLING):
        for n in _TELLING[each.name]:
            for said in each.repetitions(n):
                own = said if n not in (2, 3, 4, 18) else each.by.component.join(said.split(each.by.component)[:1])
                yield from _WORD.findall(each.unescaped(own))
