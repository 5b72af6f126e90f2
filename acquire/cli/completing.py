"""What a shell is offered for a word that is not typed whole: ids that stand in the configuration and in the store.

Asked at every press of the tabulator key, so nothing of the service is imported. Whatever cannot be had, because
nothing names it, or it is another account's, or it is damaged, is not offered, and nothing is said.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import typer

VARIABLE = "_ACQUIRE_COMPLETE"  # typer's: the shell sets it when it asks
MOST = 100  # the newest: more is no help at a prompt


def is_asked() -> bool:
    """Whether a shell asks for words, and nothing is to be done."""
    return VARIABLE in os.environ


def sessions(ctx: typer.Context) -> list[tuple[str, str]]:
    """The newest sessions, each with its order and when it was begun."""
    said = "SELECT id, order_id || ', ' || substr(started_at, 1, 16) FROM session"
    return _rows(ctx, f"{said} ORDER BY audit_entry DESC NULLS LAST, started_at DESC")


def orders(ctx: typer.Context) -> list[tuple[str, str]]:
    """The newest orders. Nothing of the patient."""
    said = "SELECT id, substr(added_at, 1, 16) FROM orders"
    return _rows(ctx, f"{said} ORDER BY audit_entry DESC NULLS LAST, added_at DESC")


def sessions_and_orders(ctx: typer.Context) -> list[tuple[str, str]]:
    """Both, where a command takes either."""
    return [*sessions(ctx), *orders(ctx)]


def steps(ctx: typer.Context) -> list[tuple[str, str]]:
    """The steps of the plan that the session was started on, in its order, each with its title."""
    return [(str(each["id"]), str(each.get("title", ""))) for each in _plan(ctx).get("step", []) if "id" in each]


def points(ctx: typer.Context) -> list[tuple[str, str]]:
    """The points of that plan, each with where it is."""
    return [(str(each["id"]), str(each.get("site", ""))) for each in _plan(ctx).get("point", []) if "id" in each]


def elements(ctx: typer.Context) -> list[tuple[str, str]]:
    """The elements of the stock with their batch, and what was placed in the session."""
    placed = "SELECT dosimeter, 'at ' || point FROM placement WHERE session = ? ORDER BY id DESC"
    stock = "SELECT element, batch FROM element GROUP BY element HAVING version = max(version) ORDER BY element"
    found = [*_rows(ctx, placed, str(ctx.params.get("session"))), *_rows(ctx, stock)]
    return [*{id_: (id_, says) for id_, says in reversed(found)}.values()][::-1]


def _plan(ctx: typer.Context) -> Mapping[str, Any]:
    import tomllib  # noqa: PLC0415 - only here

    asked = (
        "SELECT d.body, '' FROM session s JOIN plan p ON p.order_id = s.order_id AND p.version = s.plan_version"
        " JOIN document d USING (sha256) WHERE s.id = ?"
    )
    for body, _ in _rows(ctx, asked, str(ctx.params.get("session"))):
        try:
            return tomllib.loads(body)
        except ValueError:
            break
    return {}


def instruments(ctx: typer.Context) -> list[tuple[str, str]]:
    """The instruments of the configuration, each with its model."""
    return [
        (str(each["id"]), str(each.get("model", ""))) for each in _config(ctx).get("instrument", []) if "id" in each
    ]


def models(ctx: typer.Context) -> list[str]:
    """The models there are drivers, profiles or file formats for."""
    return _entry_points("acquire.drivers", "acquire.profiles", "acquire.formats")


def simulators(ctx: typer.Context) -> list[str]:
    """The models that can be simulated."""
    return _entry_points("acquire.simulators")


def _entry_points(*groups: str) -> list[str]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - looked up on the disk

    return sorted({each.name for group in groups for each in entry_points(group=group)})


def _rows(ctx: typer.Context, query: str, *given: str) -> list[tuple[str, str]]:
    import sqlite3  # noqa: PLC0415 - only here

    from acquire.account import work_as_owner_of  # noqa: PLC0415
    from acquire.errors import Refused  # noqa: PLC0415

    path = _store(ctx)
    if path is None or not path.exists():
        return []
    try:
        work_as_owner_of(path)  # what SQLite keeps beside a file is then its owner's, too
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=0.2)) as store:
            store.execute("PRAGMA query_only = 1")  # not mode=ro, which leaves files beside the store behind
            return [(_text(id_), str(says)) for id_, says in store.execute(f"{query} LIMIT {MOST}", given)]
    except (Refused, sqlite3.Error, OSError, UnicodeError):
        return []


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _store(ctx: typer.Context) -> Path | None:
    named = ctx.params.get("store")
    if named is None:
        named = _config(ctx).get("store", {}).get("url")
    if not isinstance(named, str) or not named.startswith("sqlite:///"):
        return None
    beside = Path() if ctx.params.get("store") else _config_file(ctx).parent
    return beside / named.removeprefix("sqlite:///")


def _config_file(ctx: typer.Context) -> Path:
    return Path(ctx.params.get("config") or os.environ.get("ACQUIRE_CONFIG") or os.devnull)


def _config(ctx: typer.Context) -> Mapping[str, Any]:
    import tomllib  # noqa: PLC0415 - only here

    try:
        return tomllib.loads(_config_file(ctx).read_text())
    except (OSError, ValueError):
        return {}
