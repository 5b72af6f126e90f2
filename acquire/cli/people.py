"""login, logout, whoami, user: who people are to the store."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from acquire.cli import login_file
from acquire.cli.door import Oidc, PasswordFile
from acquire.cli.let_in import password, person
from acquire.cli.place import By, ConfigOption, StoreOption, number, open_store, store_path
from acquire.cli.single_sign_on import at_provider, provider_of
from acquire.errors import Refused
from acquire.people import (
    Account,
    Act,
    Role,
    add_account,
    change,
    every_account,
    forgive,
    get_account,
    has_accounts,
    hashed,
    here,
    hours_of,
    link,
    links,
    log_in,
    log_out,
    must_be_allowed,
    prove,
    set_hours,
    set_password,
    who_holds,
)
from acquire.people.linked import Link
from acquire.people.linked import row_of as link_row
from acquire.people.passwords import failures_of
from acquire.store.audit import Row
from acquire.store.database import identity
from acquire.terminal.output import Json, emit, say, table, tell
from drivers import Misuse

users = typer.Typer(no_args_is_help=True, help="Accounts: who may do what.")

MADE = "account made"

AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT")]
Roles = Annotated[list[Role], typer.Option("--role", help="What this person is here; may be said several times.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (login, logout, whoami):
        app.command()(command)
    app.add_typer(users, name="user")


# --- log-in ---------------------------------------------------------------------------------------------------------


def login(
    account: AccountId, password_file: PasswordFile = None, oidc: Oidc = False, config: ConfigOption = None,
    store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Log in to a store for a shift; whoever was logged in from this file before is logged out."""
    with open_store(config, store) as connection:
        _must_have_accounts(connection)
        name = identity(connection)[0]
        found = shown(connection, config, account, password_file, "log in", oidc=oidc, fresh=False)
        path = login_file.write(name, log_in(connection, found, login_file.read(name)))
    if as_json:
        emit({**_plain(found), "file": str(path)})
    else:
        tell(f"{found.id} ({found.name}, {', '.join(found.roles)}) is logged in.")


def logout(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """End the log-in of this file."""
    with open_store(config, store) as connection:
        name = identity(connection)[0]
        token = login_file.read(name)
        if token is None:
            raise Refused("Nobody is logged in to this store.")
        try:
            log_out(connection, token)
        finally:
            login_file.forget(name)
    emit({"logged_out": True}) if as_json else tell("Logged out.")


def whoami(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Who is logged in, with which roles, and for how long."""
    with open_store(config, store) as connection:
        _must_have_accounts(connection)
        found = who_holds(connection, login_file.read(identity(connection)[0]))
    minutes = int(found.left_s // 60)
    if as_json:
        emit({**_plain(found.account), "minutes_left": minutes})
    else:
        tell(f"{found.account.id}: {found.account.name}, {', '.join(found.account.roles)}; {minutes} minutes left.")


def shown(
    connection: sqlite3.Connection, config: Path | None, account: str, password_file: Path | None, purpose: str, *,
    oidc: bool, fresh: bool = True,
) -> Account:  # fmt: skip
    """The account of a person who shows now that it is theirs: by its password, or at the provider. Raises Refused."""
    if oidc and password_file is not None:
        raise Misuse("Show who you are by a password or at the provider: --password-file and --oidc are two ways.")
    if oidc:
        return at_provider(connection, config, account, purpose, fresh=fresh)
    return prove(connection, account, password(account, password_file), purpose)


def _must_have_accounts(connection: sqlite3.Connection) -> None:
    if not has_accounts(connection):
        raise Refused(
            "This store has no accounts; whoever owns its file makes the first one:"
            " acquire user add ADMIN-1 --name NAME --role administrator."
        )


# --- accounts -------------------------------------------------------------------------------------------------------


@users.command("add")
def user_add(
    account: AccountId,
    name: Annotated[str, typer.Option(help="As it is printed beside a signature.")],
    role: Roles,
    known_as: Annotated[
        list[str] | None, typer.Option(help="How orders name this physician, where that is not the account's id.")
    ] = None,
    oidc_subject: Annotated[
        str | None, typer.Option(help="Whom the site's provider means by this person, who then needs no password.")
    ] = None,
    password_file: PasswordFile = None, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Make an account: the first one by whoever owns the store's file, every other by an administrator."""
    with open_store(config, store) as connection:
        if has_accounts(connection):
            by: str | None = person(connection, Act.KEEP_PEOPLE).id
        else:
            by = None
            _must_own(store_path(config, store))
        made = Account(account, name, tuple(role), tuple(known_as or ()))
        issuer = _issuer(config, oidc_subject, first=by is None)
        kept = None
        if issuer is None or password_file is not None:
            kept = hashed(_new_password(account, password_file, "--password-file"), account, name)

        def linked() -> list[Row]:
            return [] if issuer is None else [link_row(connection, account, issuer, oidc_subject, str(by), MADE)]

        with here(*([] if by is None else [by])):
            add_account(connection, made, kept, by, linked)
        found = get_account(connection, account)
    if as_json:
        emit(_plain(found))
        return
    tell(f"{found.id}: {found.name}, {', '.join(found.roles)}.")
    if by is None:
        say(
            "From now on nothing is written into this store without a log-in (acquire login), and there is no way back."
        )
    elif kept is None:
        say(f"{found.id} logs in at the provider: acquire login {found.id} --oidc")
    else:
        say(f"{found.id} sets an own password before anything else: acquire user password {found.id}")


@users.command("list")
def user_list(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """All accounts with their roles and states."""
    with open_store(config, store) as connection:
        linked = links(connection)
        found = [
            {**_plain(each), "failures": failures_of(connection, each.id), "oidc": _linked(linked.get(each.id))}
            for each in every_account(connection)
        ]
    if as_json:
        emit(found)
        return
    columns = ("account", "name", "roles", "orders name", "state", "failed log-ins", "at the provider")
    table("Accounts", columns, [
        (f["account"], f["name"], ", ".join(f["roles"]), ", ".join(f["known_as"]), f["state"], f["failures"],
         f["oidc"]["subject"] if f["oidc"] else "")
        for f in found
    ])  # fmt: skip


@users.command("role")
def user_role(
    account: AccountId, role: Roles, by: By, reason: Reason, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Give an account other roles, in the place of those it has."""
    with open_store(config, store) as connection:
        found = change(connection, account, by, roles=role, reason=reason)
    _told(found, as_json)


@users.command("lock")
def user_lock(
    account: AccountId, by: By, reason: Reason, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Let nobody in with this account any more; its log-ins end at once."""
    with open_store(config, store) as connection:
        found = change(connection, account, by, state="locked", reason=reason)
    _told(found, as_json)


@users.command("unlock")
def user_unlock(
    account: AccountId, by: By, reason: Reason, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Let an account in again; failed log-ins are forgotten, so that the next one does not wait."""
    with open_store(config, store) as connection:
        found = change(connection, account, by, state="active", reason=reason)
        forgive(connection, found.id, by)
    _told(found, as_json)


@users.command("password")
def user_password(
    account: AccountId,
    password_file: PasswordFile = None,
    new_password_file: Annotated[
        Path | None, typer.Option(help="A file whose first line is the new password; else it is asked for.")
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="By an administrator: a password until its owner sets an own one.")
    ] = False,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Set another password, by the one it has now; or, by an administrator, reset one that was forgotten."""
    with open_store(config, store) as connection:
        if reset:
            by = person(connection, Act.KEEP_PEOPLE).id
            found = get_account(connection, account)
        else:
            found = prove(connection, account, password(account, password_file), "password")
            by = found.id
            must_be_allowed(by, found.roles, Act.OWN_PASSWORD)
        with here(by):
            set_password(connection, found, _new_password(found.id, new_password_file, "--new-password-file"), by)
    _told(found, as_json)


@users.command("link")
def user_link(
    account: AccountId,
    oidc_subject: Annotated[str, typer.Option(help="Whom the site's provider means by this person.")],
    by: By, reason: Reason, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Link an account to whom the site's provider means by this person; its log-ins end."""
    with open_store(config, store) as connection:
        found = link(connection, account, provider_of(config)[0].issuer, oidc_subject, by, reason)
    _told(found, as_json)


@users.command("unlink")
def user_unlink(
    account: AccountId, by: By, reason: Reason, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Let nobody in with this account by a provider any more; its log-ins end."""
    with open_store(config, store) as connection:
        found = get_account(connection, account)
        had = links(connection).get(found.id)
        if had is None:
            raise Refused(f"{found.id} is linked to nobody at a provider.")
        link(connection, found.id, had.issuer, None, by, reason)
    _told(found, as_json)


@users.command("hours")
def user_hours(
    by: By,
    hours: Annotated[float | None, number("--set", "For how many hours a later log-in holds: 0.25 to 12.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit trail.")] = "",
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """For how many hours a log-in holds; --set says so for those that begin from now on."""
    with open_store(config, store) as connection:
        if hours is not None:
            set_hours(connection, hours, by, reason)
        found = hours_of(connection)
    emit({"hours": found}) if as_json else tell(f"A log-in holds for {found:g} hours.")


def _issuer(config: Path | None, subject: str | None, *, first: bool) -> str | None:
    """Whose subject it is; None without one. Raises Refused for the first account, Misuse, FileProblem."""
    if subject is None:
        return None
    if first:
        raise Refused("The first account has a password, so that accounts can be kept while the provider is down.")
    return provider_of(config)[0].issuer


def _linked(found: Link | None) -> dict[str, str] | None:
    return None if found is None else {"issuer": found.issuer, "subject": found.subject}


def _new_password(of: str, file: Path | None, option: str) -> str:
    """A new one; asked for twice at a terminal. Raises Refused."""
    first = password(f"{of} (new)", file, option)
    if file is None and password(f"{of} (again)", None, option) != first:
        raise Refused("The two are not the same; nothing was changed.")
    return first


def _must_own(path: Path) -> None:
    if path.stat().st_uid != os.geteuid():
        raise Refused(f"The first account is made by whoever owns the store's file ({path}).")


def _plain(account: Account) -> dict[str, Any]:
    return {"account" if key == "id" else key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(account).items() if key != "version"}  # fmt: skip


def _told(account: Account, as_json: bool) -> None:
    if as_json:
        emit(_plain(account))
    else:
        tell(f"{account.id}: {_roles(account.roles)}, {account.state}.")


def _roles(roles: Iterable[Role]) -> str:
    return ", ".join(roles)
