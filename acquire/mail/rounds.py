"""When mail about a notice is due: pure, from how long it has waited and what was done already.

The first ones are told at once, the stand-ins after the site's time; all are reminded until their role has
acknowledged. A reminder that was missed while the service did not run is not sent twice over: only the newest is due.
"""

from __future__ import annotations

from collections.abc import Iterator

from acquire.config_notices import NoticesConfig, Recipient
from acquire.mail.letter import Letter
from acquire.procedure.session.notices import Notice, Role


def due_letters(notice: Notice, waited_s: float, config: NoticesConfig) -> Iterator[Letter]:
    """The mails that are due now and are not sent."""
    for recipient in config.recipient:
        round = _round(recipient, waited_s, config)
        if recipient.role in notice.waits_for and round >= 0 and _last(notice, recipient) < round:
            yield Letter(notice, recipient, round)


def due_stand_ins(notice: Notice, waited_s: float, config: NoticesConfig) -> Iterator[Role]:
    """The roles whose stand-ins are to be told from now on."""
    told = {each.role for each in notice.marks if each.what == "stand-in"}
    for role in notice.waits_for:
        there = any(each.role == role and each.stands_in for each in config.recipient)
        if there and role not in told and waited_s >= 60 * config.stand_in_after_min:
            yield role


def _round(recipient: Recipient, waited_s: float, config: NoticesConfig) -> int:
    """0 from when somebody is told first, then counted by the reminders; below 0 before that."""
    since_s = waited_s - (60 * config.stand_in_after_min if recipient.stands_in else 0.0)
    return int(since_s // (60 * config.remind_every_min))


def _last(notice: Notice, recipient: Recipient) -> int:
    sent = [each.round for each in notice.marks if each.what == "mailed" and each.name == recipient.name]
    return max((each for each in sent if each is not None), default=-1)
