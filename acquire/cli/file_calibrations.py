"""calibration enter, stated: coefficients of calibration files, and who stands by them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from acquire.cli.place import By, ConfigOption, StoreOption, file_bytes, number, open_store
from acquire.plain_files import name_of
from acquire.terminal.output import Json, emit, table, tell

SHOWN = ("owner", "calibration", "covers", "serial", "what", "entered_by", "who", "at", "reason")


def register(app: typer.Typer) -> None:
    """Add these commands to those of calibrations."""
    app.command("enter")(enter)
    app.command("stated")(stated)


def enter(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Calibration file (TOML).")],
    inventory: Annotated[Path, typer.Option("--inventory", help="Inventory file (TOML): serial numbers of detectors.")],
    by: By,
    reason: Annotated[str, typer.Option("--reason", help="Where the new coefficients come from.")],
    change_limit_percent: Annotated[
        float | None, number("--change-limit-percent", "How far a coefficient may be from the last one.")
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Enter what is new in a calibration file; another person confirms it (acquire calibration confirm)."""
    from acquire.procedure.documents.calibrations import read_calibrations  # noqa: PLC0415
    from acquire.procedure.documents.inventory import read_inventory  # noqa: PLC0415
    from acquire.procedure.stock import file_coefficients  # noqa: PLC0415

    owned = read_inventory(file_bytes(inventory), name_of(inventory))
    given = read_calibrations(file_bytes(file), name_of(file))
    with open_store(config, store) as connection:
        found = file_coefficients.enter(connection, by, owned, given, reason, change_limit_percent)
    if as_json:
        emit({"entered": [{"calibration": name, "otherwise": otherwise} for name, otherwise in found]})
        return
    for name, otherwise in found:
        tell(f"{name}: {'; '.join(otherwise)}.")
        tell(f"Another person than {by} confirms it: acquire calibration confirm {name}")


def stated(
    owner: Annotated[str | None, typer.Argument(metavar="DETECTOR|READER", help="Only of this one.")] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Coefficients of calibration files as the store knows them: what came first, was entered, confirmed, withdrawn."""
    from acquire.procedure.stock.file_coefficients import every_known  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = [asdict(each) for each in every_known(connection) if owner in (None, each.owner)]
    if as_json:
        emit(found)
        return
    table("Coefficients of files", SHOWN, [tuple(each[name] for name in SHOWN) for each in found])


def is_of_file(connection: sqlite3.Connection, calibration: str) -> bool:
    """Whether a calibration is one of a file that the store knows."""
    from acquire.procedure.stock.file_coefficients import known_by_id  # noqa: PLC0415

    return bool(known_by_id(connection, calibration))


def confirmed(connection: sqlite3.Connection, calibration: str, by: str) -> dict[str, Any]:
    """Confirm what was entered of a file."""
    from acquire.procedure.stock.file_coefficients import confirm  # noqa: PLC0415

    known = confirm(connection, calibration, by)
    return {"calibration": calibration, "state": "confirmed", "entered_by": known.entered_by, "of": known.owner}


def given_up(
    connection: sqlite3.Connection, calibration: str, by: str, reason: str
) -> tuple[str, list[dict[str, Any]]]:
    """Reject or withdraw one of a file; which, and the results that were made with just this content."""
    from acquire.procedure.stock.file_coefficients import known_by_id, withdraw  # noqa: PLC0415
    from acquire.procedure.stock.touched import touched  # noqa: PLC0415

    sha256 = known_by_id(connection, calibration)[-1].sha256
    state = withdraw(connection, calibration, by, reason)
    return state, [asdict(each) for each in touched(connection, calibration, sha256)]


def ended_of_files(connection: sqlite3.Connection, equipment: str, at: str) -> dict[str, list[dict[str, Any]]]:
    """Calibrations of files that an event ends, with the results that were made with each since it came into force."""
    from acquire.procedure.stock.file_coefficients import standing_of  # noqa: PLC0415
    from acquire.procedure.stock.touched import touched  # noqa: PLC0415

    day = datetime.fromisoformat(at).date().isoformat()
    known = [each for each in standing_of(connection, equipment) if each.content["valid_from"] <= day]
    return {each.calibration: [asdict(t) for t in touched(connection, each.calibration, each.sha256)] for each in known}


def named_nowhere(connection: sqlite3.Connection, equipment: str) -> bool:
    """Whether nothing of the store names a detector, instrument or reader so: a word that may be mistyped."""
    from acquire.procedure.stock.names import equipment_names  # noqa: PLC0415

    return equipment not in equipment_names(connection)


def print_touched(of: Mapping[str, list[dict[str, Any]]]) -> None:
    """The results of each calibration, in words."""
    columns = ("session", "point", "version", "at", "decision", "dose_gy")
    for name, found in of.items():
        if not found:
            tell(f"{name} is in no result.")
            continue
        table(f"Results with {name}", columns, [tuple(each[column] for column in columns) for each in found])
