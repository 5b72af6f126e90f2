"""The command table: which file holds a command. A file is imported when one of its commands is used, so that
`acquire --help`, a shell that completes a word and a command that needs little do not wait for what the service needs.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import typer
import typer.main
from typer._click.shell_completion import CompletionItem  # what a group offers has no public name
from typer.core import TyperGroup

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
    """Every command by its name, in the table's order; its file is imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(TABLE)

    def __len__(self) -> int:
        return len(TABLE)


@cache
def _command(name: str) -> Any:
    """The command behind its door. Raises KeyError for one that is not in the table."""
    module = TABLE[name].module
    from acquire.cli.door import put_before  # noqa: PLC0415 - brings the table of acts

    if not completing.is_asked():
        from acquire.terminal.logs import configure  # noqa: PLC0415 - brings the library of the log

        configure(logging.WARNING)  # `acquire run` turns it on
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback()(lambda: None)  # a group, however many commands the file has
    import_module(f"acquire.cli.{module}").register(app)
    put_before(app)
    group: Any = typer.main.get_command(app)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:  # acquire.start: from here on it is for the command
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return group.commands[name]


class OnDemand(TyperGroup):
    """The commands of the table. Its help imports none of them."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": Commands()})

    def list_commands(self, ctx: Any) -> list[str]:
        return list(TABLE)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[CompletionItem]:
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)  # no command is looked at for it
        return [CompletionItem(name, help=place.says) for name, place in TABLE.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.says) for name, place in TABLE.items()])
