"""Links: by which subject of which provider a person is known there (OpenID Connect). An administrator makes them.

The newest of an account counts. Who somebody is comes from the provider, what they may do from the account alone.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.people.accounts import Account, every_account, get_account, log_ins_ended
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.present import here

MOST_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Link:
    """An account and whom a provider means by it."""

    account: str
    issuer: str
    subject: str


def links(connection: sqlite3.Connection) -> dict[str, Link]:
    """The link of each account that has one now."""
    newest = "SELECT max(n) FROM account_linked o WHERE o.account = l.account"
    rows = connection.execute(f"SELECT * FROM account_linked l WHERE n = ({newest}) AND subject NOT NULL")
    return {row["account"]: Link(row["account"], row["issuer"], row["subject"]) for row in rows}


def link(
    connection: sqlite3.Connection, account_id: str, issuer: str, subject: str | None, who: str, reason: str
) -> Account:
    """Link an account to a subject, in the place of the one it had; None takes the link away. Its log-ins end.

    Raises Refused: no reason, a subject that cannot be one, or one that is another account's.
    """
    if not reason.strip():
        raise Refused("Say why: --reason.")
    with transaction(connection):
        account = get_account(connection, account_id)
        row = row_of(connection, account.id, issuer, subject, who, reason)
        ended = log_ins_ended(connection, account.id)
        audit.keep(
            connection, who, "account linked", account.id, rows=[row, *ended],
            new=f"{subject} at {issuer}" if subject is not None else "no longer linked", reason=reason,
        )  # fmt: skip
    return account


def row_of(
    connection: sqlite3.Connection, account: str, issuer: str, subject: str | None, who: str, reason: str
) -> audit.Row:
    """A link, to be made. Raises Refused."""
    if subject is not None and not (0 < len(subject) <= MOST_CHARACTERS and subject.isprintable()):
        raise Refused(f"A subject has 1 to {MOST_CHARACTERS} characters, as the provider shows it (--oidc-subject).")
    for each in links(connection).values():
        if (each.issuer, each.subject) == (issuer, subject) and each.account != account:
            raise Refused(f"{each.account} is {subject} at {issuer} already: one person has one account.")
    return audit.row(
        "account_linked", account=account, issuer=issuer, subject=subject, reason=reason, who=who, at=utc_now()
    )


def proved(
    connection: sqlite3.Connection, issuer: str, subject: str, purpose: str, at: str, expected: str | None
) -> Account:
    """The account of whom a provider has just said who it is; `purpose` and when it was shown (`at`) are written down.

    Raises Refused: linked to no account, to another than `expected`, or locked.
    """
    linked = {(each.issuer, each.subject): each.account for each in links(connection).values()}
    found = linked.get((issuer, subject))
    if found is None:
        raise Refused(
            f"{issuer} knows you as {subject}, and no account is linked to that: an administrator links it"
            f" (acquire user link {expected or 'ACCOUNT'} --oidc-subject ...)."
        )
    account = get_account(connection, found)
    if expected is not None and expected.casefold() != account.id.casefold():
        raise Refused(f"Whoever logged in at {issuer} is {account.id} here, not {expected}.")
    if account.state == "locked":
        raise Refused(f"{account.id} is locked; an administrator unlocks it (acquire user unlock {account.id}).")
    with transaction(connection), here(account.id):
        said = f"{purpose}: {issuer}" + (f", shown there at {at}" if at else "")
        audit.keep(connection, account.id, "proved at a provider", account.id, new=said)
    return account


def carried(connection: sqlite3.Connection, replaced: sqlite3.Connection, who: str, why: str) -> list[audit.Row]:
    """The links that differ in the store that a backup replaces, as rows to be made: what was taken away stays so."""
    here_, there = links(connection), links(replaced)
    known = {each.id for each in every_account(replaced)}
    return [
        audit.row("account_linked", **_columns(here_.get(each), there.get(each)), reason=why, who=who, at=utc_now())
        for each in sorted(known & {*here_, *there})
        if here_.get(each) != there.get(each)
    ]


def _columns(here_: Link | None, there: Link | None) -> dict[str, Any]:
    found = there or here_
    assert found is not None
    return {"account": found.account, "issuer": found.issuer, "subject": there.subject if there else None}
