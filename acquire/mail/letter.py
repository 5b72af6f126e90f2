"""What a mail about a notice says: ids, point and state, and where to look. No patient, no dose, no free text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.message import EmailMessage

from acquire.config_notices import Recipient
from acquire.procedure.session.notices import Notice


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail that is due: about which notice, to whom, and the how manieth to that recipient (0 the first)."""

    notice: Notice
    recipient: Recipient
    round: int


def message(letter: Letter, sender: str, store: str) -> EmailMessage:
    """The mail. Sent again after a crash it has the same Message-ID, so that a mail program shows it once."""
    notice, recipient = letter.notice, letter.recipient
    made = EmailMessage()
    made["From"], made["To"] = sender, recipient.address
    again = f"Reminder {letter.round}: " if letter.round else ""
    simulated = "SIMULATED " if notice.simulated else ""
    made["Subject"] = f"{simulated}{again}Notice {notice.n}: {notice.cause} at {notice.point} of {notice.session}"
    made["Message-ID"] = f"<{_id(letter, store)}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(_text(letter))
    return made


@dataclass(frozen=True, slots=True)
class CorrectionLetter:
    """One mail that is due: that what a recipient had of a session is replaced by a signed version."""

    session: str
    version: int
    recipient: Recipient


def correction(letter: CorrectionLetter, sender: str, store: str) -> EmailMessage:
    """The mail about a correction; why it was made stands in the record, and not here."""
    made = EmailMessage()
    made["From"], made["To"] = sender, letter.recipient.address
    made["Subject"] = f"Corrected: version {letter.version} of the record of {letter.session}"
    to = hashlib.sha256(letter.recipient.name.encode()).hexdigest()[:12]
    made["Message-ID"] = f"<correction.{letter.session}.{letter.version}.{to}.{store}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    of = letter.session
    made.set_content(
        f"The record of session {of} was corrected: version {letter.version} is signed, and takes the place of the one"
        " before, which you signed, printed, were given or had mail about.\n\nRead there what is other now:\n"
        f"    acquire session versions {of}\n    acquire report {of} -o record.html\n\n"
        "This mail names no patient, and comes once.\n"
    )
    return made


def _id(letter: Letter, store: str) -> str:
    to = hashlib.sha256(letter.recipient.name.encode()).hexdigest()[:12]
    return f"notice.{letter.notice.n}.{letter.round}.{to}.{store}"


def _text(letter: Letter) -> str:
    notice, recipient = letter.notice, letter.recipient
    why = "You stand in: nobody has acknowledged it in time.\n" if recipient.stands_in else ""
    second = ", with a second person" if notice.cause == "ACTION" else ""
    lift = f"acquire hold lift {notice.n} --by {recipient.name} --reason ..."
    hold = (
        f"It holds the next fraction's session until it is lifted{second}:\n    {lift}\n" if notice.is_holding else ""
    )
    return (
        f"{notice.says}.\n{why}{hold}\nLook there:\n    acquire results {notice.session}\n"
        f"    acquire notices list {notice.session}\n\nSay that you have read it:\n"
        f"    acquire notices acknowledge {notice.n} --by {recipient.name}\n\n"
        "This mail names no patient. It comes again until it is acknowledged.\n"
    )
