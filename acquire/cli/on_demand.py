"""The command table: which file holds a command. A file is imported when one of its commands is used, and of a group
only that command is made, so that `acquire --help`, a shell that completes a word and a command that needs little do
not wait for what the service and the other commands need.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import cache, partial
from importlib import import_module
from typing import Any, NamedTuple

import typer
import typer.main
from typer._click.shell_completion import CompletionItem  # what a group offers has no public name
from typer.core import TyperGroup
from typer.models import CommandInfo, TyperInfo

from acquire.cli import completing


class Place(NamedTuple):
    """The module of `acquire.cli` whose `register` adds the command, and what `acquire --help` says of it."""

    module: str
    says: str


TABLE: Mapping[str, Place] = {
    "run": Place("serving", "Run the service until it is told to stop (SIGINT or SIGTERM)."),
    "check": Place("serving", "Validate a configuration, try its places; changes nothing."),
    "demo": Place("serving", "An ordered procedure from order to report, on simulators."),
    "tail": Place("serving", "Watch the bus, readable."),
    "command": Place("commands", "Ask an instrument to do something."),
    "drivers": Place("instruments", "Models, what each gives, how far it is verified."),
    "discover": Place("instruments", "Serial ports and VISA resources, and what answers."),
    "read": Place("instruments", "Talk to one instrument, no broker: readings as JSON lines."),
    "verify": Place("instruments", "Try a driver on an instrument, harmlessly; a report."),
    "simulate": Place("instruments", "A simulated instrument for any client."),
    "capture": Place("captures", "Record both directions of a wire with times."),
    "replay": Place("captures", "Serve a recording as an instrument."),
    "import": Place("importing", "What is in reader files: readouts, and what was rejected."),
    "convert": Place("converting", "A reader's file as a file of another format."),
    "fit": Place("fitting", "Glow curves into peaks, OSL decay curves into components."),
    "order": Place("orders", "The physician's orders."),
    "patients": Place("patients", "Who the patients are, kept apart from the measurements."),
    "plan": Place("plans", "The physicist's plans."),
    "session": Place("sessions", "Sessions: one execution of a plan."),
    "results": Place("results", "The doses of a session, with uncertainty and decision."),
    "report": Place("results", "The record of a session, as a page or as canonical JSON."),
    "billing": Place("billing", "Charge proposals for 77331, and tables of unit limits."),
    "doctor": Place("doctoring", "What is wrong here, or would stop this measurement."),
    "downtime": Place("downtime", "While the computer is down: a form, entered later."),
    "notices": Place("noticing", "What must reach people, and who has read it."),
    "hold": Place("noticing", "What holds the next fraction's session, and lifting it."),
    "elements": Place("elements", "The stock of TLD chips and OSL dots."),
    "calibration": Place("calibrations", "Calibrations of elements, readers and files."),
    "store": Place("stores", "The session store."),
    "spool": Place("spools", "The spool of an acquisition host."),
    "broker": Place("brokers", "The broker's configuration."),
    "bus": Place("bus", "The bus and its published contract."),
    "login": Place("people", "Log in to a store for a shift."),
    "logout": Place("people", "End the log-in of this file."),
    "whoami": Place("people", "Who is logged in, with which roles, and for how long."),
    "user": Place("people", "Accounts: who may do what."),
}


class Commands(Mapping[str, Any]):
    """Commands by their names, in order; one is made when it is first asked for."""

    def __init__(self, made_by: Mapping[str, Callable[[], Any]]) -> None:
        self._made_by = {name: cache(make) for name, make in made_by.items()}

    def __getitem__(self, name: str) -> Any:
        return self._made_by[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._made_by)

    def __len__(self) -> int:
        return len(self._made_by)


def _of_table(name: str) -> Any:
    """A command of the table, or a group; its file is imported."""
    if not completing.is_asked():
        from acquire.terminal.logs import configure  # noqa: PLC0415 - brings the library of the log

        configure(logging.WARNING)  # `acquire run` turns it on
    app = typer.Typer()
    import_module(f"acquire.cli.{TABLE[name].module}").register(app)
    found = registered(app)[name]
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # acquire.start: from here on it is for the command
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return found


def registered(app: typer.Typer, path: tuple[str, ...] = ()) -> Commands:
    """The commands and groups of a file, or of the group that this path leads to."""
    made_by: dict[str, Callable[[], Any]] = {}
    for command in app.registered_commands:
        callback: Any = command.callback
        name = command.name or typer.main.get_command_name(callback.__name__)
        made_by[name] = partial(_command, command, callback, " ".join((*path, name)))
    for group in app.registered_groups:
        made_by[str(group.name)] = partial(_group, group, (*path, str(group.name)))
    return Commands(made_by)


def _command(info: CommandInfo, callback: Callable[..., Any], called: str) -> Any:
    """The command behind its door."""
    from acquire.cli.door import put_before  # noqa: PLC0415 - brings the table of acts

    command = copy(info)
    command.callback = put_before(callback, called)
    return typer.main.get_command_from_info(command, pretty_exceptions_short=True, rich_markup_mode=None)


def _group(info: TyperInfo, path: tuple[str, ...]) -> Any:
    """A group. It is made without its commands, because typer would make them all."""
    app: Any = info.typer_instance
    bare, empty = copy(info), copy(app)
    empty.registered_commands = empty.registered_groups = []
    bare.typer_instance = empty
    group: Any = typer.main.get_group_from_info(
        bare, pretty_exceptions_short=True, suggest_commands=True, rich_markup_mode=None
    )
    group.commands = registered(app, path)
    return group


COMMANDS = Commands({name: partial(_of_table, name) for name in TABLE})


class OnDemand(TyperGroup):
    """The commands of the table. Its help imports none of them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": COMMANDS})

    def list_commands(self, ctx: Any) -> list[str]:
        return list(TABLE)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[CompletionItem]:
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)  # no command is looked at for it
        return [CompletionItem(name, help=place.says) for name, place in TABLE.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.says) for name, place in TABLE.items()])
