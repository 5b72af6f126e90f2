"""store create, migrate, verify, anchor, stats, backup, restore, export, declare-ended."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from acquire import people
from acquire.checking import last_check, note_verified, sentence
from acquire.cli import completing
from acquire.cli.place import By, ConfigOption, StoreOption, open_store, store_path
from acquire.cli.writing import STDOUT, Force, new_file
from acquire.config import SpoolConfig
from acquire.config_part import spool_place, store_place
from acquire.errors import Refused
from acquire.filesystem import problem
from acquire.printable import printable_json
from acquire.store import anchors, audit, copies
from acquire.store.database import StoreError, connect, identity, transaction
from acquire.store.entries import counts
from acquire.store.export import export as rows_of
from acquire.store.streams import every
from acquire.store.tails import NotDeclared, completeness
from acquire.store.tails import declare_ended as declare
from acquire.terminal.output import Json, emit, say, table, tell, told
from acquire.terminal.progress import progress, waiting

SHOWN = ("instrument", "stream", "through", "head", "ended", "why", "last_heard")

app = typer.Typer(no_args_is_help=True, help="The session store.")


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="store")


@app.command()
def create(
    replaces: Annotated[
        str | None, typer.Option("--replaces", metavar="STORE", help="Id of the record that this store goes on with.")
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Make a new, empty store. With --replaces it is the same record: the sources fill it from their journals."""
    path = store_path(config, store)
    if path.exists():
        raise Refused(f"There is a store at {path} already; it is left as it is.")
    if (why := problem(path.parent)) is not None:
        raise Refused(f"There can be no store at {path}: {why}.")
    if replaces is not None:
        copies.replacing(path, replaces)
    _tell(path, connect(path, create=True), as_json)


@app.command()
def migrate(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Bring a store's schema up to date (opening it does the same)."""
    path = store_path(config, store)
    with waiting(f"Bringing {path} up to date"):
        connection = connect(path)
    _tell(path, connection, as_json)


def _tell(path: Path, connection: sqlite3.Connection, as_json: bool) -> None:
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    name, epoch = identity(connection)
    connection.close()
    if as_json:
        emit({"path": str(path), "store": name, "epoch": epoch, "schema": schema})
    else:
        tell(f"{path}: store {name}, epoch {epoch}, schema {schema}.")


@app.command()
def verify(
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            metavar="SESSION",
            help="Only this session, and the audit chain.",
            autocompletion=completing.sessions,
        ),
    ] = None,
    anchor: Annotated[
        Path | None,
        typer.Option("--anchor", metavar="FILE", help="Hold the chains against FILE, too; default: [store] anchor."),
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Hold the file, every row people made, every entry of the streams and every result against what seals them."""
    from acquire.procedure.results.verify import Counted, verify_store  # noqa: PLC0415 - brings the whole procedure

    if anchor is None and store is None and config is not None:
        anchor = store_place(config).anchor
    counted = Counted()
    with open_store(config, store) as connection, progress() as shown:
        problems = verify_store(connection, session=session, anchor=anchor, counted=counted, progress=shown)
    if session is None:
        note_verified(store_path(config, store), len(problems))
    lines = "1 line" if counted.anchors == 1 else f"{counted.anchors} lines"
    against = f"held against {lines} of {anchor}" if anchor else "held against no anchor"
    if as_json:
        held = {"file": str(anchor), "lines": counted.anchors} if anchor else None
        emit({"session": session, "entries": counted.entries, "rows": counted.rows, "results": counted.results,
              "anchor": held, "says": against, "problems": problems})  # fmt: skip
    if problems:
        for each in (*problems, f"{against[0].upper()}{against[1:]}."):
            say(each)
        raise typer.Exit(1)
    if not as_json:
        of = "" if session is None else f" of session {session}"
        what = f"{counted.entries} entries, {counted.rows} rows and {counted.results} results{of}"
        tell(f"{what} and the audit chain hold; {against}.")


@app.command()
def anchor(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """The newest hashes of the store's chains, to be kept where nobody who can write the store can: a line of an anchor
    file, a printed page. `verify --anchor` holds the store against them later."""
    with open_store(config, store) as connection:
        found = anchors.anchor(connection)
    if as_json:
        emit(found.plain)
    else:
        tell(found.line.decode().rstrip())


@app.command()
def stats(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """What the store holds: streams, entries by status, alarms; and when a service checked its file last."""
    with open_store(config, store) as connection, waiting("Counting"):
        streams = [
            {name: getattr(each, name) for name in SHOWN} | {"completeness": completeness(connection, each.stream)}
            for each in every(connection)
        ]
        name, epoch = identity(connection)
        found = counts(connection)
        alarms = [dict(row) for row in connection.execute("SELECT what, subject, message, count FROM alarm")]
    checked = last_check(store_path(config, store))
    if as_json:
        emit(
            {"store": name, "epoch": epoch, "checked": checked, "entries": found, "streams": streams, "alarms": alarms}
        )
        return
    tell(sentence(checked))
    table("Entries", ("status", "count"), sorted(found.items()))
    table("Streams", ("instrument", "through", "head", "ended", "why", "state", "last heard"),
          [(s["instrument"], s["through"], s["head"], s["ended"], s["why"], s["completeness"], s["last_heard"])
           for s in streams])  # fmt: skip
    table("Alarms", ("what", "subject", "times"), [(a["what"], a["message"], a["count"]) for a in alarms])


@app.command()
def backup(file: Path, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Copy the store into FILE, whole and consistent, while it may be served. Readings younger than the copy come back
    from the spools' journals after a restore; orders, signatures and audit entries do not: back up often."""
    path = store_path(config, store)
    with waiting(f"Copying {path}"):
        at = copies.backup(path, file)
    told(f"{file}: {path} as of {at}.", as_json=as_json, file=str(file), backed_up_at=at, bytes=file.stat().st_size)


@app.command()
def restore(
    file: Path,
    by: By,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Restore a backup older than the journals.")
    ] = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Put a backup in the store's place, in a new epoch: every source sends again what is missing. The service is
    stopped for this; what was there is kept aside."""
    path = store_path(config, store)
    retention = None if accept_loss else _retention(config)
    with waiting(f"Restoring {path}"):
        done = copies.restore(path, file, retention=retention)
    with open_store(None, f"sqlite:///{path}") as connection, transaction(connection):
        if done.aside is not None:
            _keep_accounts(connection, done.aside, by)
        audit.keep(connection, by, "store restored", done.store, new=done.epoch, reason=f"backup as of {done.as_of}")
    aside = str(done.aside) if done.aside else None
    document = {"path": str(path), "store": done.store, "epoch": done.epoch, "as_of": done.as_of, "kept": aside}
    told(
        f"{path} is as of {done.as_of}, in a new epoch; what was there: {aside or 'nothing'}.",
        as_json=as_json,
        **document,
    )
    if not as_json:
        say("Orders, plans, sessions and audit entries made since then are not in it; enter them again.")
        say("Anchors made since then do not hold any more: keep their file with what was there, and begin a new one.")


def _keep_accounts(connection: sqlite3.Connection, replaced: Path, by: str) -> None:
    """People are who they were before the restore; where the file that was replaced can be read."""
    try:
        with closing(connect(replaced)) as before:
            kept = people.carry_over(connection, before, by)
    except (StoreError, sqlite3.Error):
        say(f"Accounts as they were before the restore could not be read from {replaced}: look at acquire user list.")
        return
    if kept:
        say(f"Accounts and passwords stay as they were before the restore: {', '.join(kept)}.")


def _retention(config: Path | None) -> timedelta:
    """How long the spools keep what is confirmed: as this configuration says, or by default."""
    spool = spool_place(config) if config is not None else None
    default: float = SpoolConfig.model_fields["retention_days"].default
    return timedelta(days=spool.kept.retention_days if spool else default)


@app.command()
def export(
    output: Annotated[Path, typer.Option("-o", "--output", help="A file; - is the output.")] = STDOUT,
    force: Force = False,
    config: ConfigOption = None,
    store: StoreOption = None,
) -> None:
    """Every stream, entry, conflict and alarm as JSON lines."""
    told_of = nullcontext() if output == STDOUT else waiting(f"Writing {output}")  # not between the lines themselves
    with open_store(config, store) as connection, new_file(output, force=force) as file, told_of:
        for row in rows_of(connection):
            file.write((printable_json(json.dumps(row, ensure_ascii=False)) + "\n").encode())


@app.command("declare-ended")
def declare_ended(
    stream: str,
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="Why its source will not come back.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """End a stream with an unknown tail whose spool is lost. What is missing below its head is shown as lost."""
    with open_store(config, store) as connection, transaction(connection):
        try:
            done = declare(connection, stream)
        except NotDeclared as error:
            raise Refused(str(error)) from error
        audit.keep(connection, by, "stream declared ended", stream, new=f"{done['lost']} lost", reason=reason)
    told(f"Stream {stream} of {done['instrument']} is declared ended at {done['through']}.", as_json=as_json, **done)
