"""Accounts: who people are to the store. A change is a new version of the account; the newest counts.

The first account is an administrator, made by whoever owns the store's file. From then on nothing is written in a name
that was only typed (acquire.store.present).
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from acquire.canonical import canonical, parse, utc_now
from acquire.duties import ALONE, Role
from acquire.errors import Refused
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.present import PROGRAM, has_accounts

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
MOST_CHARACTERS = 200  # of a printed name, and of a name in orders
MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Account:
    """One account as it stands: `name` is printed beside signatures, `known_as` how orders name this person."""

    id: str
    name: str
    roles: tuple[Role, ...]
    known_as: tuple[str, ...] = ()
    state: Literal["active", "locked"] = "active"
    version: int = 1

    def has(self, role: Role) -> bool:
        """Whether this is one of the account's roles."""
        return role in self.roles


def add_account(
    connection: sqlite3.Connection, account: Account, password_hash: str | None, who: str | None,
    also: Callable[[], Sequence[audit.Row]] = tuple,
) -> None:  # fmt: skip
    """Make an account. `who` is None for the first one, which must be an administrator; without a password its person
    logs in at a provider. `also` gives rows that are made with it, inside the transaction.

    Raises Refused: the id cannot be used or is taken in any spelling, the name is somebody's, roles that do not go
    together, or no first one any more.
    """
    made = replace(account, roles=_fitting(account.roles), name=account.name.strip(), version=1)
    _must_be_sound(made)
    with transaction(connection):
        if (who is None) == has_accounts(connection):
            raise Refused("The first account makes itself; every later one is made by an administrator who logged in.")
        if who is None and not made.has(Role.ADMINISTRATOR):
            raise Refused("The first account is an administrator's (--role administrator), who then makes the others.")
        for other in every_account(connection):
            if _folded(other.id) == _folded(made.id):
                raise Refused(f"There is an account {other.id} already.")
            if _folded(other.name) == _folded(made.name):
                raise Refused(f"{other.id} is {other.name} already: one person has one account.")
            if shared := {*map(_folded, made.known_as)} & {*map(_folded, (other.id, *other.known_as))}:
                raise Refused(f"Orders already mean {other.id} by {', '.join(sorted(shared))}.")
        by = made.id if who is None else who
        password = [
            audit.row("account_password", account=made.id, n=1, hash=each, who=by, at=utc_now())
            for each in [password_hash]
            if each is not None
        ]
        _keep(connection, made, by, "account made", None, *password, *also())


def change(
    connection: sqlite3.Connection,
    account_id: str,
    who: str,
    *,
    roles: Sequence[Role] | None = None,
    state: Literal["active", "locked"] | None = None,
    reason: str,
) -> Account:
    """Other roles, or locked and unlocked; returns the account as it is now.

    Raises Refused without a reason, or where nobody would be left to keep accounts.
    """
    if not reason.strip():
        raise Refused("Say why: --reason.")
    with transaction(connection):
        now = get_account(connection, account_id)
        new = replace(
            now, roles=now.roles if roles is None else _fitting(roles), state=state or now.state,
            version=now.version + 1,
        )  # fmt: skip
        after = [new if each.id == new.id else each for each in every_account(connection)]
        if not any(each.state == "active" and each.has(Role.ADMINISTRATOR) for each in after):
            raise Refused(f"Nobody would be left to keep accounts: {new.id} is the last administrator.")
        ended = log_ins_ended(connection, new.id) if new.state == "locked" else []
        _keep(connection, new, who, "account changed", reason, *ended)
    return new


def log_ins_ended(connection: sqlite3.Connection, account: str | None = None) -> list[audit.Row]:
    """The rows that end every log-in of an account, or of everybody."""
    open_ones = (
        "SELECT n FROM log_in WHERE n NOT IN (SELECT log_in FROM log_in_ended) AND (?1 IS NULL OR account = ?1)"
        " ORDER BY n"
    )
    found = connection.execute(open_ones, (account,)).fetchall()
    return [audit.row("log_in_ended", log_in=row["n"], at=utc_now()) for row in found]


def get_account(connection: sqlite3.Connection, account_id: str) -> Account:
    """An account as it stands, by its id in any spelling. Raises Refused where there is none."""
    found = next((each for each in every_account(connection) if _folded(each.id) == _folded(account_id)), None)
    if found is None:
        raise Refused(f"There is no account {account_id}.")
    return found


def every_account(connection: sqlite3.Connection) -> list[Account]:
    """All accounts as they stand, in order of their making."""
    newest = "SELECT max(version) FROM account o WHERE o.id = a.id"
    rows = connection.execute(f"SELECT * FROM account a WHERE version = ({newest})").fetchall()
    first = {
        r["id"]: r["audit_entry"] for r in connection.execute("SELECT id, audit_entry FROM account WHERE version = 1")
    }
    return sorted(map(_account, rows), key=lambda each: first[each.id])


def _account(row: Any) -> Account:
    roles = tuple(Role(each) for each in parse(row["roles"].encode()))
    known_as = tuple(parse(row["known_as"].encode()))
    return Account(row["id"], row["name"], roles, known_as, row["state"], row["version"])


def _keep(
    connection: sqlite3.Connection, account: Account, who: str, what: str, reason: str | None, *more: audit.Row
) -> None:
    new = f"{account.name}, {', '.join(account.roles)}, {account.state}"
    audit.keep(connection, who, what, account.id, rows=[row_of(account, who, reason), *more], new=new, reason=reason)


def row_of(account: Account, who: str, reason: str | None) -> audit.Row:
    """A version of an account, to be made."""
    return audit.row(
        "account", id=account.id, version=account.version, name=account.name, roles=canonical(account.roles).decode(),
        known_as=canonical(account.known_as).decode(), state=account.state, reason=reason, who=who, at=utc_now(),
    )  # fmt: skip


def _must_be_sound(account: Account) -> None:
    if not _ID.fullmatch(account.id) or _folded(account.id) == PROGRAM:
        raise Refused(
            f"'{account.id}' cannot be an account: 1 to 40 letters a-z, digits, '.', '_' or '-', beginning with a"
            f" letter or digit, and not '{PROGRAM}'."
        )
    if not 0 < len(account.name) <= MOST_CHARACTERS:
        raise Refused(f"Say the person's name as it is to be printed (--name), up to {MOST_CHARACTERS} characters.")
    if len(account.known_as) > MOST_NAMES or not all(0 < len(each) <= MOST_CHARACTERS for each in account.known_as):
        raise Refused(f"--known-as takes up to {MOST_NAMES} names of up to {MOST_CHARACTERS} characters.")


def _fitting(roles: Sequence[Role]) -> tuple[Role, ...]:
    """The roles in the order of the table. Raises Refused where they do not go together."""
    kept = tuple(each for each in Role if each in roles)
    if not kept:
        raise Refused(f"An account has at least one role: {', '.join(Role)}.")
    if len(kept) > 1 and (alone := [each for each in kept if each in ALONE]):
        raise Refused(f"The role {alone[0]} goes with no other: who keeps accounts or audits does nothing else.")
    if {Role.PHYSICIAN, Role.PHYSICIST} <= {*kept}:
        raise Refused("One person is not both physician and physicist: the one reviews what the other interprets.")
    return kept


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
