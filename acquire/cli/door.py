"""The door: before a command that writes runs, who asks for it is known, may do it, and so is a second person;
one that reads can write nothing.

It stands before every command of the program (`put_before`). The command is given the name and never asks; in a
store without accounts it is the one that was typed.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from acquire.cli.acts import READS, When, act_of
from acquire.cli.place import READING
from acquire.duties import Act

ASKS = ("by", "read_by")  # parameters that name whoever asks
PASSWORD, OIDC = "confirm_password_file", "confirm_oidc"
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", help="A file whose first line is the password; else it is asked for.")
]
Oidc = Annotated[bool, typer.Option("--oidc", help="Show who you are at the site's provider of log-ins instead.")]
SecondPassword = Annotated[
    Path | None, typer.Option("--confirm-password-file", help="The second person's password; else it is asked for.")
]
SecondOidc = Annotated[
    bool, typer.Option("--confirm-oidc", help="The second person shows it at the site's provider of log-ins instead.")
]
Command = Callable[..., Any]


def put_before(command: Command, called: str) -> Command:
    """The command with the door before it. Raises LookupError where no act is known of one that is called so."""
    act = act_of(called)
    if act is not None:
        return behind(act, command)
    return reading(command) if called in READS else command


def reading(command: Command) -> Command:
    """A command that sees the store at one moment and can write nothing in it (`acquire.cli.place.open_store`)."""

    @functools.wraps(command)
    def read(*given: Any, **options: Any) -> Any:
        before = READING.set(True)
        try:
            return command(*given, **options)
        finally:
            READING.reset(before)

    return read


def behind(act: Act | When, command: Command) -> Command:
    """A command that runs in the name of whoever was let in; who is asked for it may then be left out."""
    asked = inspect.signature(command, eval_str=True)
    (who,) = (name for name in ASKS if name in asked.parameters)
    needed = asked.parameters[who].default is inspect.Parameter.empty

    @functools.wraps(command)
    def entered(**given: Any) -> Any:
        second = given.pop(PASSWORD, None), given.pop(OIDC, False)
        if isinstance(act, When) and bool(given[act.option]) is not act.given:
            return command(**given)
        from acquire.cli.let_in import let_in  # noqa: PLC0415 - brings the store

        with let_in(act.act if isinstance(act, When) else act, given, who, second, needed=needed):
            return command(**given)

    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in asked.parameters.values()]
    parameters = [each.replace(default=None) if each.name == who else each for each in parameters]
    if "confirmed_by" in asked.parameters:
        parameters += [
            inspect.Parameter(PASSWORD, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=SecondPassword),
            inspect.Parameter(OIDC, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=SecondOidc),
        ]
    entered.__signature__ = asked.replace(parameters=parameters)  # type: ignore[attr-defined]
    return entered
