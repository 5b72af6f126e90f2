"""The door: before a command that writes runs, who asks for it is known, may do it, and so is a second person.

It stands before every command of the program at once (`put_before`). The command is given the name and never asks; in a
store without accounts it is the one that was typed.
"""

from __future__ import annotations

import functools
import getpass
import inspect
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from acquire.bus.tls import Secret, Unusable
from acquire.cli import login_file
from acquire.cli.acts import When, act_of
from acquire.cli.place import store_path
from acquire.errors import Refused
from acquire.people import Account, must_be_allowed, must_be_own, prove, who_holds
from acquire.people.duties import Act
from acquire.store.database import connect, identity
from acquire.store.present import has_accounts, here
from drivers import Misuse

ASKS = ("by", "read_by")  # parameters that name whoever asks
PASSWORD = "confirm_password_file"
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", help="A file whose first line is the password; else it is asked for.")
]
SecondPassword = Annotated[
    Path | None, typer.Option("--confirm-password-file", help="The second person's password; else it is asked for.")
]
Command = Callable[..., Any]


def put_before(app: typer.Typer, path: tuple[str, ...] = ()) -> None:
    """Put the door before every command of a program. Raises LookupError for one of which no act is known."""
    for command in app.registered_commands:
        if command.callback is not None:
            name = command.name or command.callback.__name__.lower().replace("_", "-")
            act = act_of(" ".join((*path, name)))
            command.callback = command.callback if act is None else behind(act, command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            put_before(group.typer_instance, (*path, str(group.name)))


def behind(act: Act | When, command: Command) -> Command:
    """A command that runs in the name of whoever was let in; who is asked for it may then be left out."""
    asked = inspect.signature(command, eval_str=True)
    (who,) = (name for name in ASKS if name in asked.parameters)
    needed = asked.parameters[who].default is inspect.Parameter.empty

    @functools.wraps(command)
    def entered(**given: Any) -> Any:
        second_file = given.pop(PASSWORD, None)
        if isinstance(act, When) and bool(given[act.option]) is not act.given:
            return command(**given)
        with _let_in(act.act if isinstance(act, When) else act, given, who, second_file, needed=needed):
            return command(**given)

    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in asked.parameters.values()]
    parameters = [each.replace(default=None) if each.name == who else each for each in parameters]
    if "confirmed_by" in asked.parameters:
        parameters.append(
            inspect.Parameter(PASSWORD, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=SecondPassword)
        )
    entered.__signature__ = asked.replace(parameters=parameters)  # type: ignore[attr-defined]
    return entered


@contextmanager
def _let_in(act: Act, given: dict[str, Any], who: str, second_file: Path | None, *, needed: bool) -> Iterator[None]:
    """Put the names of those who are here into what the command was given. Raises Refused, Misuse."""
    with _accounts(act, given) as connection:
        if connection is None:
            if given[who] is None and needed:
                raise Misuse(f"Say who does this: --{who.replace('_', '-')} (or ACQUIRE_BY), a role id such as MP-1.")
            people = [str(given[who])]
        else:
            first = person(connection, act, given[who])
            given[who], people = first.id, [first.id]
            if given.get("confirmed_by") is not None:
                second = _second(connection, given["confirmed_by"], second_file, act)
                given["confirmed_by"] = second.id
                people.append(second.id)
    with here(*people):
        yield


@contextmanager
def _accounts(act: Act, given: Mapping[str, Any]) -> Iterator[sqlite3.Connection | None]:
    """The store's accounts; None where it has none, or where the command needs no store and names none."""
    path = _store_of(act, given)
    if path is None:
        yield None
        return
    with closing(connect(path)) as connection:
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
    account = who_holds(connection, login_file.read(identity(connection)[0])).account
    if named is not None and named.casefold() != account.id.casefold():
        raise Refused(f"{account.id} is logged in, not {named}: a name that is typed must be the log-in.")
    must_be_own(connection, account)
    must_be_allowed(account.id, account.roles, act)
    return account


def _second(connection: sqlite3.Connection, named: str, file: Path | None, act: Act) -> Account:
    """A second person, who shows by the own password to be it. Raises Refused."""
    account = prove(connection, named, password(named, file, "--confirm-password-file"), f"confirm: {act}")
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
