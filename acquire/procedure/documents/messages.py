"""What becomes of a message of HL7 v2: all of it is taken, in one transaction, or none. The answer comes after that.

A message that was answered with AA is known by its sender and control id: its repeat, with the same bytes, is answered
alike and changes nothing. No sentence of an answer, and no log, holds anything of the patient but the store's ids.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.orders import Site
from acquire.orders.hl7_answer import Code, answer
from acquire.orders.hl7_message import Message, header_of, message_of
from acquire.orders.hl7_order import KINDS, Wish, wishes
from acquire.orders.hl7_patient import MERGES, OF_ACCOUNTS, SEPARATES, UPDATES, identity_of, merges_of, separated_of
from acquire.orders.problems import NotAnOrder
from acquire.orders.request import judged
from acquire.patients import Patients, PatientsError
from acquire.procedure.documents.cancelled import put_cancellation
from acquire.procedure.documents.order import Original, copied_need, put_change, put_order
from acquire.procedure.documents.patient_changes import separate, update
from acquire.procedure.documents.patients import merge
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.present import here

Allowed = Callable[[str, str], bool]  # sending application and facility


@dataclass(frozen=True, slots=True)
class Answered:
    """What a message was answered: `body` are the bytes of the ACK. `sender` is empty where nobody could be told."""

    code: Code
    says: str
    body: bytes
    sender: str = ""
    control_id: str = ""
    is_repeat: bool = False


class _Rejected(Exception):
    """Refused for what it is, not for what it says; `error` is of HL7 table 0357."""

    def __init__(self, says: str, error: str = "207") -> None:
        super().__init__(says)
        self.error = error


def receive(
    connection: sqlite3.Connection,
    patients: Patients,
    body: bytes,
    site: Site,
    allowed: Allowed | None = None,
    *,
    by: str | None = None,
) -> Answered:
    """Take a message, or say in one answer why not. Raises sqlite3.Error, PatientsError where it cannot be kept now.

    `by`: the person who brings it as a file. Without one it is the sending program's, as the listener let it in.
    """
    header = header_of(body)
    sender, control_id = "", ""
    try:
        message = message_of(body)
        sender, control_id = _sender(message), message.control_id
        _must_be_ours(message, allowed)
        who = by or f"hl7 {sender}"
        with here(*([] if by else [who])):
            says, is_repeat = _take(connection, patients, message, body, site, who)
    except _Rejected as reason:
        return _answered("AR", str(reason), header, sender, control_id, reason.error)
    except NotAnOrder as reason:
        unread = not control_id
        return _answered("AR" if unread else "AE", _joined(reason.sentences), header, sender, control_id)
    except PatientsError:
        raise
    except Refused as reason:
        return _answered("AE", _joined(reason.sentences), header, sender, control_id)
    done = answer(header, "AA", says)
    return Answered("AA", says, done, sender, control_id, is_repeat)


def cannot_be_kept(body: bytes) -> Answered:
    """The answer where the store cannot keep anything now: it is to be sent again."""
    return _answered("AR", "It cannot be kept now; send it again.", header_of(body), "", "")


def _answered(
    code: Code, says: str, header: Message | None, sender: str, control_id: str, error: str = "207"
) -> Answered:
    return Answered(code, says, answer(header, code, says, error=error), sender, control_id)


def _joined(sentences: Iterable[str]) -> str:
    return " ".join(each[:1].upper() + each[1:] for each in sentences)


def _sender(message: Message) -> str:
    """Who sent it, as the audit trail has it."""
    application, facility = message.sender
    named = f"{application}@{facility}" if facility else application
    if not application or not named.isascii() or not named.isprintable() or len(named) > 80:
        raise _Rejected("The message does not name its sender (MSH-3) in plain characters.", "101")
    return named


def _must_be_ours(message: Message, allowed: Allowed | None) -> None:
    """Raises _Rejected for a message that is not for this listener at all."""
    if not message.control_id:
        raise _Rejected("The message has no control id (MSH-10).", "101")
    if allowed is not None and not allowed(*message.sender):
        raise _Rejected(f"{_sender(message)} is no sender that is configured here.")
    if (processing := message.header.text(11)) != "P":
        raise _Rejected(f"Processing id '{processing[:10]}' (MSH-11): only P is taken, no training.", "202")
    if not message.header.text(12).startswith("2."):
        raise _Rejected(f"Version '{message.header.text(12)[:10]}' (MSH-12): messages of HL7 v2 are read.", "203")
    code, event = message.kind
    followed = MERGES | UPDATES | SEPARATES
    if (code, event) not in KINDS and not (code == "ADT" and event in followed | OF_ACCOUNTS):
        known = ", ".join([*("^".join(each) for each in KINDS), *(f"ADT^{each}" for each in sorted(followed))])
        raise _Rejected(f"{code[:10]}^{event[:10]} is not taken here; {known} are.", "200")


def _take(
    connection: sqlite3.Connection, patients: Patients, message: Message, body: bytes, site: Site, who: str
) -> tuple[str, bool]:
    """What was done, in ids only, and whether it was a repeat. Raises Refused, NotAnOrder."""
    sender, mark = _sender(message), patients.mark(body)
    wanted = wishes(message, site) if message.kind in KINDS else []
    if wrong := [each for wish in wanted if wish.request for each in judged(wish.request.order, datetime.now(UTC))]:
        raise NotAnOrder(*wrong)
    with transaction(connection), patients.all_or_nothing():
        known = connection.execute(
            "SELECT mark, says FROM message_taken WHERE sender = ? AND control_id = ?", (sender, message.control_id)
        ).fetchone()
        if known is not None:
            if known["mark"] == mark:
                return known["says"], True
            raise Refused(
                f"Message {message.control_id} came before with another content; give it a control id of its own."
            )
        done = [_do(connection, patients, wish, Original(f"{message.control_id}.hl7", body), who) for wish in wanted]
        if not done:
            done = _of_patients(connection, patients, message, who)
        says = _joined(f"{each}." for each in done or ["accounts are not kept here: there is nothing to follow"])
        row = audit.row(
            "message_taken", sender=sender, control_id=message.control_id, mark=mark, says=says, at=utc_now()
        )
        audit.keep(connection, who, "message taken", message.control_id, rows=[row], new=says)
    return says, False


def _of_patients(connection: sqlite3.Connection, patients: Patients, message: Message, who: str) -> list[str]:
    """What a message about patients changes, in ids only. Raises Refused, NotAnOrder."""
    event = message.kind[1]
    reason = f"ADT^{event} {message.control_id}"
    if event in MERGES:
        return [merge(connection, patients, each.kept, each.retired, who, reason) for each in merges_of(message)]
    if event in SEPARATES:
        return [separate(connection, patients, *separated_of(message), who, reason)]
    if event in UPDATES:
        return [update(connection, patients, identity_of(message), who, reason)]
    return []


def _do(connection: sqlite3.Connection, patients: Patients, wish: Wish, original: Original, who: str) -> str:
    if wish.request is None:
        put_cancellation(connection, wish.order_id, who, wish.reason)
        return f"order {wish.order_id} is cancelled"
    if wish.asked == "change":
        order = put_change(connection, patients, wish.request, original, who, wish.reason)
    else:
        order = put_order(connection, patients, wish.request, original, who)
    notice = copied_need(connection, order)
    return f"order {order.id} v{order.version} is in the store" + (f"; {notice.rstrip('.')}" if notice else "")
