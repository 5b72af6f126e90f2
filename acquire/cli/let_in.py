"""Who is let in: the log-in of whoever asks, held against the act, and a second person by the own password."""

from __future__ import annotations

import getpass
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from acquire.bus.tls import Secret, Unusable
from acquire.cli import login_file
from acquire.cli.place import store_path
from acquire.duties import Act
from acquire.errors import Refused
from acquire.people import Account, must_be_allowed, must_be_own, prove, who_holds
from acquire.store.database import StoreError, connect, identity
from acquire.store.present import has_accounts, here
from drivers import Misuse


@contextmanager
def let_in(
    act: Act, given: dict[str, Any], who: str, second: tuple[Path | None, bool], *, needed: bool
) -> Iterator[None]:
    """Put the names of those who are here into what the command was given. `second`: the file of the second person's
    password, and whether they show at the provider who they are. Raises Refused, Misuse."""
    with _accounts(act, given) as connection:
        if connection is None:
            if given[who] is None and needed:
                raise Misuse(f"Say who does this: --{who.replace('_', '-')} (or ACQUIRE_BY), a role id such as MP-1.")
            # A typed name is nobody; only a restore may bring accounts while it runs.
            people = [str(given[who])] if act is Act.KEEP_STORE else []
        else:
            first = person(connection, act, given[who])
            given[who], people = first.id, [first.id]
            if given.get("confirmed_by") is not None:
                other = _second(connection, given, second, act)
                given["confirmed_by"] = other.id
                people.append(other.id)
    with here(*people):
        yield


@contextmanager
def _accounts(act: Act, given: Mapping[str, Any]) -> Iterator[sqlite3.Connection | None]:
    """The store's accounts; None where it has none, or where the command needs no store and names none."""
    path = _store_of(act, given)
    if path is None:
        yield None
        return
    try:
        connection = connect(path)
    except StoreError:
        if act is not Act.KEEP_STORE:
            raise
        yield None  # whoever owns the files restores a store that cannot be opened
        return
    with closing(connection):
        yield connection if has_accounts(connection) else None


def _store_of(act: Act, given: Mapping[str, Any]) -> Path | None:
    config, store = given.get("config"), given.get("store")
    if act is Act.OPERATE and "store" not in given:
        from acquire.config_part import store_place  # noqa: PLC0415

        path = store_place(config).store if config is not None else None
        return path if path is not None and path.exists() else None
    path = store_path(config, store)
    return path if path.exists() or act is not Act.KEEP_STORE else None


def person(connection: sqlite3.Connection, act: Act, named: str | None = None) -> Account:
    """Whoever is logged in here, who may do this. Raises Refused: nobody, another than was named, or not allowed."""
    account = who_holds(connection, log_in_of(connection)).account
    if named is not None and named.casefold() != account.id.casefold():
        raise Refused(f"{account.id} is logged in, not {named}: a name that is typed must be the log-in.")
    must_be_own(connection, account)
    must_be_allowed(account.id, account.roles, act)
    return account


def log_in_of(connection: sqlite3.Connection) -> str | None:
    """The token of whoever is logged in to this store here; None where nobody is. Raises Refused where others may read
    it."""
    return login_file.read(identity(connection)[0])


def _second(
    connection: sqlite3.Connection, given: Mapping[str, Any], shows: tuple[Path | None, bool], act: Act
) -> Account:
    """A second person, who shows by the own password, or anew at the provider, to be it. Raises Refused, Misuse."""
    named, (file, oidc), purpose = given["confirmed_by"], shows, f"confirm: {act}"
    if oidc:
        from acquire.cli.single_sign_on import at_provider  # noqa: PLC0415 - brings the provider's configuration

        account = at_provider(connection, given.get("config"), named, purpose, fresh=True)
    else:
        account = prove(connection, named, password(named, file, "--confirm-password-file"), purpose)
    must_be_own(connection, account)
    must_be_allowed(account.id, account.roles, Act.CONFIRM)
    return account


def password(of: str, file: Path | None, option: str = "--password-file") -> str:
    """A password, from a file or asked for at the terminal; never from the command line. Raises Refused."""
    if file is not None:
        try:
            return Secret(file=file).read()
        except Unusable as error:
            raise Refused(f"{error}.") from None
    if not sys.stdin.isatty():
        raise Refused(f"Nobody can be asked for the password of {of} here: name a file that holds it with {option}.")
    return getpass.getpass(f"Password of {of}: ")
