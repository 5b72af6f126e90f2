"""Drop folders, the mail server, and what stands in the configuration."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from acquire import event_loop
from acquire.beforehand import anchor_beside_the_store, people_not_known, recipients_without_account
from acquire.broker.cautions import cautions
from acquire.config_instruments import FOLDER, SIMULATOR
from acquire.doctor.case import Case
from acquire.doctor.judging.people import Arrangement, FolderSeen, MailSeen
from acquire.doctor.looking.files import spool_read_only
from acquire.drop_folders import in_the_way
from acquire.mail.sending import NotSent, Sender
from acquire.store.present import has_accounts

MAIL_WITHIN_S = 4.0


def folders(case: Case) -> list[str]:
    """The instruments that are read from folders."""
    return [each.id for each in case.loaded.config.instrument if each.resource.startswith(FOLDER)]


def look_at_folder(case: Case, name: str) -> FolderSeen:
    """A drop folder and its journal, tried; nothing is left behind."""
    return FolderSeen(name, tuple(in_the_way(case.loaded, name)))


def mail_servers(case: Case) -> list[str]:
    """The server over which notices are mailed, HOST:PORT."""
    notices = case.loaded.config.notices
    return [] if notices is None or notices.mail is None else [f"{notices.mail.host}:{notices.mail.port}"]


def look_at_mail(case: Case, where: str) -> MailSeen:
    """Whether it lets us in; no mail is sent."""
    notices = case.loaded.config.notices
    assert notices is not None
    assert notices.mail is not None
    try:
        event_loop.run(Sender(notices.mail, case.loaded.path.parent, MAIL_WITHIN_S).knock())
    except NotSent as error:
        return MailSeen(where, str(error))
    return MailSeen(where, None)


def arrangement(case: Case, _: str = "") -> Arrangement:
    """What stands in the configuration, and whether the store has accounts."""
    instruments = case.loaded.config.instrument
    return Arrangement(
        tuple(each.id for each in instruments if each.resource.startswith(SIMULATOR)),
        tuple(each.id for each in instruments if not each.resource.startswith(SIMULATOR)),
        _has_accounts(case.loaded.store),
        tuple(people_not_known(case.loaded)),
        (*cautions(case.loaded), *anchor_beside_the_store(case.loaded), *recipients_without_account(case.loaded)),
    )


def _has_accounts(store: Path | None) -> bool:
    """Of a store of any version; one that cannot be read is for its own check."""
    if store is None:
        return False
    try:
        with closing(spool_read_only(store)) as connection:
            return has_accounts(connection)
    except sqlite3.Error:
        return False
