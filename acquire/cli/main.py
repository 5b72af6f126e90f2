"""The command table and the one place where errors become a sentence and an exit code."""

from __future__ import annotations

import io
import logging
import signal
import sqlite3
import sys

import typer
from typer.exceptions import TyperException

from acquire.account import whose
from acquire.bus.client import BusError
from acquire.bus.instrument_client import NotDone
from acquire.cli import (
    brokers,
    bus,
    calibrations,
    captures,
    commands,
    doctoring,
    elements,
    fitting,
    importing,
    instruments,
    procedure,
    serving,
    spools,
    stores,
)
from acquire.cli.place import say_what_is_amiss
from acquire.errors import FileProblem, Refused
from acquire.spool.journal import SpoolError
from acquire.store.database import StoreError
from acquire.terminal.logs import configure
from acquire.terminal.output import say
from drivers.errors import InstrumentError, Misuse

REFUSED, USAGE, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="acquire",
    help="Measurement acquisition for special dosimetry. Not a cleared medical device: results are verified by a"
    " qualified medical physicist.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
serving.register(app)
bus.register(app)
commands.register(app)
instruments.register(app)
captures.register(app)
importing.register(app)
fitting.register(app)
procedure.register(app)
doctoring.register(app)
elements.register(app)
calibrations.register(app)
stores.register(app)
spools.register(app)
brokers.register(app)


def main() -> None:
    """Entry point of `acquire`."""
    configure(logging.WARNING)  # `acquire run` turns it on
    try:
        _run()
    except SystemExit as ended:
        if ended.code == REFUSED and not sys.stderr.closed and (account := whose()):
            say(account)
        raise
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is short, and has no traceback to give
        if not sys.stderr.closed:
            say_what_is_amiss()


def _run() -> None:
    """Raises SystemExit with the code, after a sentence where it is not 0."""
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except FileProblem as error:
        for sentence in error.sentences:
            say(sentence)
        sys.exit(USAGE)
    except Misuse as error:
        say(str(error))
        sys.exit(USAGE)
    except (Refused, InstrumentError, StoreError, SpoolError, NotDone) as error:
        say(str(error))
        sys.exit(REFUSED)
    except BusError as error:
        say(f"The broker cannot be had: {error}.")
        sys.exit(REFUSED)
    except sqlite3.Error as error:
        say(f"The store cannot be used: {error}.")
        sys.exit(REFUSED)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED)
    except OSError as error:
        _of_system(error)
        sys.exit(REFUSED)
    except TyperException as error:
        _usage(error)
    except Exception as error:
        from acquire.dosimetry.errors import DosimetryError  # noqa: PLC0415 - brings numpy

        if not isinstance(error, DosimetryError):
            raise
        say(str(error))
        sys.exit(REFUSED)


def _of_system(error: OSError) -> None:
    """A reader that went away is told nothing; a file or folder somebody named is named. Raises what is neither."""
    if isinstance(error, BrokenPipeError):
        sys.stderr.close()
    elif error.filename is not None:
        say(f"{error.filename} cannot be used: {error.strerror}.")
    else:
        raise error


def _usage(error: Exception) -> None:
    show = getattr(error, "show", None)
    said = io.StringIO()  # it may quote a word of the command line, and a shell puts names of files there
    if callable(show):
        show(file=said)
    say(said.getvalue().rstrip("\n") or str(error))
    sys.exit(USAGE)
