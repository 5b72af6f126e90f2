"""A store that knows people: accounts with passwords made quickly, and tokens for commands of a test."""

from __future__ import annotations

import os
import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

from argon2 import PasswordHasher

from acquire.canonical import canonical, utc_now
from acquire.people import Account, Role, add_account, get_account, here, log_in
from acquire.store import audit
from acquire.store.database import identity, transaction

ADMINISTRATOR = Account("AD-1", "Ada Strator", (Role.ADMINISTRATOR,))
STAFF = (
    Account("RO-1", "Rosa Oncol", (Role.PHYSICIAN,)),
    Account("RO-2", "Rolf Other", (Role.PHYSICIAN,)),
    Account("MP-1", "Mary Phys", (Role.PHYSICIST,)),
    Account("MP-2", "Milo Phys", (Role.PHYSICIST,)),
    Account("MD-1", "Dora Dosim", (Role.DOSIMETRIST,)),
    Account("RT-1", "Theo Thera", (Role.THERAPIST,)),
    Account("AU-1", "Aud Itor", (Role.AUDITOR,)),
)


def password_of(account: str) -> str:
    """What each of them has as a password."""
    return f"own words of {account.replace('-', '')}"


_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # a test tries many passwords


def staffed(connection: sqlite3.Connection, *staff: Account) -> None:
    """Accounts of an administrator and of everybody, each with a password of its own (`password_of`)."""
    add_account(connection, ADMINISTRATOR, _QUICK.hash(password_of(ADMINISTRATOR.id)), None)
    for each in staff or STAFF:
        with here(ADMINISTRATOR.id):
            add_account(connection, each, _QUICK.hash("of the administrator"), ADMINISTRATOR.id)
        own = audit.row("account_password", account=each.id, n=2, hash=_QUICK.hash(password_of(each.id)), who=each.id,
                        at=utc_now())  # fmt: skip
        with here(each.id), transaction(connection):
            audit.keep(connection, each.id, "password set", each.id, rows=[own])


def everybody() -> AbstractContextManager[None]:
    """All of them are here, as if each had logged in: for what a test lets people do without the door."""
    return here(ADMINISTRATOR.id, *(each.id for each in STAFF))


def logged_in(connection: sqlite3.Connection, account: str, folder: Path) -> dict[str, str]:
    """The environment of commands of somebody who is logged in."""
    file = folder / f"login-{account}"
    token = log_in(connection, get_account(connection, account))
    file.write_bytes(canonical({"store": identity(connection)[0], "token": token}))
    file.chmod(0o600)
    return {**os.environ, "ACQUIRE_LOGIN": str(file)}


def password_file(account: str, folder: Path) -> str:
    """A file with somebody's password, by its path."""
    file = folder / f"password-{account}"
    file.write_text(password_of(account) + "\n")
    return str(file)
