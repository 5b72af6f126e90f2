"""The command table and the one place where errors become a sentence and an exit code."""

from __future__ import annotations

import io
import signal
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from acquire.account import whose
from acquire.cli.amiss import say_what_is_amiss
from acquire.cli.on_demand import OnDemand
from acquire.errors import FileProblem, Refused
from acquire.terminal.output import say, tell

REFUSED, USAGE, INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="acquire",
    cls=OnDemand,
    help="Measurement acquisition for special dosimetry. Not a cleared medical device: results are verified by a"
    " qualified medical physicist.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 - looked up on the disk

        tell(f"dosimetry-acquire {version('dosimetry-acquire')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and end.")
]


@app.callback()
def _acquire(version: Version = False) -> None:
    """Nothing is to be done before a command."""


def main() -> None:
    """Entry point of `acquire`."""
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
    except Refused as error:
        say(str(error))
        sys.exit(REFUSED)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED)
    except OSError as error:
        _of_system(error)
        sys.exit(REFUSED)
    except TyperException as error:
        _usage(error)
    except Exception as error:
        sys.exit(_of_a_part(error))


def _of_a_part(error: Exception) -> int:
    """Says the sentence of an error that a part of the program declares, and returns its code. Raises what is none."""
    import sqlite3  # noqa: PLC0415 - each brings its part, which had raised already

    from acquire.bus.client import BusError  # noqa: PLC0415
    from acquire.bus.instrument_client import NotDone  # noqa: PLC0415
    from acquire.dosimetry.errors import DosimetryError  # noqa: PLC0415
    from acquire.spool.journal import SpoolError  # noqa: PLC0415
    from acquire.store.database import StoreError  # noqa: PLC0415
    from drivers.errors import InstrumentError, Misuse  # noqa: PLC0415

    if isinstance(error, BusError):
        say(f"The broker cannot be had: {error}.")
    elif isinstance(error, sqlite3.Error):
        say(f"The store cannot be used: {error}.")
    elif isinstance(error, InstrumentError | StoreError | SpoolError | NotDone | DosimetryError):
        say(str(error))
    else:
        raise error
    return USAGE if isinstance(error, Misuse) else REFUSED


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
