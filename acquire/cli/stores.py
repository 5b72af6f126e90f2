"""store create, migrate, verify, stats."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import typer

from acquire.cli.place import ConfigOption, StoreOption, open_store, store_path
from acquire.errors import Refused
from acquire.store.database import connect, identity
from acquire.terminal.output import Json, emit, table

app = typer.Typer(no_args_is_help=True, help="The session store.")


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="store")


@app.command()
def create(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Make a new, empty store."""
    path = store_path(config, store)
    if path.exists():
        raise Refused(f"There is a store at {path} already; it is left as it is.")
    _tell(path, connect(path, create=True), as_json)


@app.command()
def migrate(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Bring a store's schema up to date (opening it does the same)."""
    path = store_path(config, store)
    _tell(path, connect(path), as_json)


def _tell(path: Path, connection: sqlite3.Connection, as_json: bool) -> None:
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    name, epoch = identity(connection)
    connection.close()
    if as_json:
        emit({"path": str(path), "store": name, "epoch": epoch, "schema": schema})
    else:
        typer.echo(f"{path}: store {name}, epoch {epoch}, schema {schema}.")


@app.command()
def verify(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """Digest every entry again, walk the audit chain, compute every result again from the stored bytes."""
    from acquire.procedure.verify import verify_store  # noqa: PLC0415 - brings the whole procedure

    with open_store(config, store) as connection:
        problems = verify_store(connection)
        (entries,) = connection.execute("SELECT count(*) FROM entry").fetchone()
    if as_json:
        emit({"entries": entries, "problems": problems})
    if problems:
        raise Refused(*problems)
    if not as_json:
        typer.echo(f"{entries} entries, the audit chain and every result hold.")


@app.command()
def stats(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """What the store holds: streams, entries by status, alarms."""
    with open_store(config, store) as connection:
        streams = [
            dict(row)
            for row in connection.execute(
                "SELECT instrument, stream, through, head, ended, last_heard FROM stream ORDER BY first_heard"
            )
        ]
        counts = {
            row["status"]: row["n"]
            for row in connection.execute("SELECT status, count(*) AS n FROM entry GROUP BY status")
        }
        alarms = [dict(row) for row in connection.execute("SELECT what, subject, message, count FROM alarm")]
    if as_json:
        emit({"entries": counts, "streams": streams, "alarms": alarms})
        return
    table("Entries", ("status", "count"), sorted(counts.items()))
    table("Streams", ("instrument", "through", "head", "ended", "last heard"),
          [(s["instrument"], s["through"], s["head"], s["ended"], s["last_heard"]) for s in streams])  # fmt: skip
    table("Alarms", ("what", "subject", "times"), [(a["what"], a["message"], a["count"]) for a in alarms])
