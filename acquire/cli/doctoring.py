"""doctor: what would stop a measurement, on one screen, before the patient is called."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acquire.cli import completing
from acquire.cli.asking import states_or_why
from acquire.cli.installation import installation
from acquire.cli.place import ConfigOption, StoreOption, file_bytes, plannable_store, store_path
from acquire.errors import FileProblem, Refused
from acquire.plain_files import name_of
from acquire.terminal.output import Json, emit, say, tell
from drivers import Misuse

if TYPE_CHECKING:
    from acquire.procedure.documents.causes import Stop
    from acquire.procedure.session.doctor import Seen
    from acquire.procedure.session.stops import Execution

NOT_READY = 1


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(doctor)


def doctor(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[SESSION|ORDER]",
            help="Without one the installation is looked at.",
            autocompletion=completing.sessions_and_orders,
        ),
    ] = None,
    calibrations: Annotated[
        Path | None, typer.Option(help="Of an order: calibration file (TOML); else the one its plan came in with.")
    ] = None,
    inventory: Annotated[
        Path | None, typer.Option(help="Of an order: inventory file (TOML); else the one its plan came in with.")
    ] = None,
    fraction: Annotated[
        int | None, typer.Option(min=1, max=999, help="Of an order: the fraction; the plan's by default.")
    ] = None,
    ask: Annotated[
        list[str] | None,
        typer.Option(
            metavar="INSTRUMENT",
            help="Of the installation: ask this one what it is, where nobody has its port.",
            autocompletion=completing.instruments,
        ),
    ] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> int:
    """What would stop this measurement, with who can mend it; without SESSION or ORDER what is wrong with the
    installation, the worst first, beside a running service. Exit 0 when nothing is, else 1."""
    if name is None:
        if store is not None or calibrations is not None or inventory is not None or fraction is not None:
            raise Misuse("The installation is what --config names; --store and files are of a SESSION or an ORDER.")
        return installation(config, ask or (), as_json)
    if ask:
        raise Misuse("--ask is for the installation, without SESSION or ORDER.")
    if (calibrations is None) != (inventory is None):
        raise Misuse("Give --calibrations and --inventory both, or neither.")
    with plannable_store(config, store) as connection:
        connection.execute("PRAGMA query_only = ON")
        if connection.execute("SELECT 1 FROM session WHERE id = ?", (name,)).fetchone():
            if calibrations is not None or fraction is not None:
                raise Misuse(f"Session {name} keeps its files and its fraction; these options are of an order.")
            what, found, mending = _session(connection, name, config, store)
        else:
            files = None if calibrations is None or inventory is None else (_file(calibrations), _file(inventory))
            what, found, mending = _order(connection, name, files, fraction, config, store)
        clocks = _clocks(connection, what)
    told = _told(found, mending)
    if as_json:
        emit({**what, "ready": not told, "stops": told, "clocks": clocks})
    else:
        _print(what, told)
        for sentence in clocks:
            say(sentence)
    return NOT_READY if told else 0


Diagnosis = tuple[dict[str, Any], Sequence["Stop"], Any]


def _session(connection: sqlite3.Connection, name: str, config: Path | None, store: str | None) -> Diagnosis:
    from acquire.procedure.session.doctor import of_session  # noqa: PLC0415
    from acquire.procedure.session.session import get_session  # noqa: PLC0415

    session = get_session(connection, name)
    what = {"session": name, "order": session.order_id, "plan": session.plan.version, "fraction": session.fraction}
    seen = _seen(session.instruments, config, store)
    return what, of_session(connection, session, seen), session.inventory.mending


def _order(
    connection: sqlite3.Connection,
    name: str,
    files: tuple[tuple[str, bytes], tuple[str, bytes]] | None,
    fraction: int | None,
    config: Path | None,
    store: str | None,
) -> Diagnosis:
    from acquire.procedure.documents.causes import of_kind  # noqa: PLC0415
    from acquire.procedure.session.doctor import of_order  # noqa: PLC0415

    try:
        asked = _asked(connection, name, files, fraction)
    except FileProblem:
        raise
    except Refused as reason:
        return {"session": None, "order": name}, [of_kind(each, "order") for each in reason.sentences], {}
    what = {"session": None, "order": name, "plan": asked.plan.version, "fraction": asked.fraction}
    seen = _seen(asked.plan.instruments, config, store)
    return what, of_order(connection, asked, seen), asked.inventory.mending


def _asked(
    connection: sqlite3.Connection,
    order: str,
    files: tuple[tuple[str, bytes], tuple[str, bytes]] | None,
    fraction: int | None,
) -> Execution:
    """Raises Refused where there is no such order, no plan of it, or no file that it could be held against."""
    from acquire.procedure.documents.causes import Stop  # noqa: PLC0415
    from acquire.procedure.documents.order import get_order  # noqa: PLC0415
    from acquire.procedure.session.planning import files_of_plan, newest_version  # noqa: PLC0415
    from acquire.procedure.session.session import asked_for  # noqa: PLC0415

    get_order(connection, order)
    try:
        version = newest_version(connection, order)
    except Refused as reason:
        raise Refused(*(Stop("plan", each) for each in reason.sentences)) from reason
    found = files or files_of_plan(connection, order, version)
    if found is None:
        raise Refused(
            Stop("inventory", f"The store does not know with which files plan v{version} came in: name --calibrations"
                 " and --inventory.")
        )  # fmt: skip
    return asked_for(connection, order, *found, fraction)


def _seen(instruments: Sequence[str], config: Path | None, store: str | None) -> Seen:
    """The instruments over the bus, this computer's clock, and the disks of store and spool."""
    from acquire.config_part import spool_place  # noqa: PLC0415
    from acquire.procedure.session.doctor import Seen  # noqa: PLC0415
    from acquire.spool.disk_budget import PRESSURE, disk_free  # noqa: PLC0415

    disks = {"store": disk_free(store_path(config, store))}
    if config is not None and (spool := spool_place(config)) is not None:
        disks["spool"] = disk_free(spool.path)
    states, not_asked = states_or_why(config, "doctor", instruments)
    return Seen(datetime.now(UTC), states, not_asked, disks, PRESSURE)


def _clocks(connection: sqlite3.Connection, what: dict[str, Any]) -> list[str]:
    """How far the machine's clock was when somebody last compared it: it stops nothing."""
    from acquire.procedure.session.clock_offsets import clock_of  # noqa: PLC0415
    from acquire.procedure.session.planning import get_plan  # noqa: PLC0415

    if "plan" not in what:
        return []
    found = clock_of(connection, get_plan(connection, what["order"], what["plan"]).machine)
    return [] if found is None else [found.says]


def _file(path: Path) -> tuple[str, bytes]:
    return name_of(path), file_bytes(path)


def _told(found: Sequence[Stop], mending: Any) -> list[dict[str, Any]]:
    from acquire.procedure.documents.causes import WHO  # noqa: PLC0415

    return [
        {"cause": each.cause, "says": str(each), "who": WHO[each.cause], "takes": mending.get(each.cause)}
        for each in dict.fromkeys(found)
    ]


def _print(what: dict[str, Any], told: list[dict[str, Any]]) -> None:
    of = f"session {what['session']}" if what["session"] else f"order {what['order']}"
    more = f", plan v{what['plan']}, fraction {what['fraction']}" if "plan" in what else ""
    tell(f"{of}{more}: {'READY' if not told else f'NOT READY, {len(told)} cause(s)'}")
    for each in told:
        takes = f"; {each['takes']}" if each["takes"] else ""
        say(f"{each['cause']}: {each['says']} [{each['who']}{takes}]")
