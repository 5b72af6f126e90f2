"""run, check, demo, tail: the service and what it says."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from acquire.broker.cautions import cautions
from acquire.bus.client import Endpoint, connect
from acquire.bus.names import ROOT
from acquire.cli import beforehand
from acquire.cli.folders import FolderCheck, check_folders
from acquire.cli.place import running_service
from acquire.config import Loaded, load
from acquire.config_instruments import SIMULATOR
from acquire.errors import FileProblem, Refused
from acquire.people import has_accounts
from acquire.terminal.logs import configure
from acquire.terminal.output import Json, emit, say, table, tell
from drivers.registry import model

ConfigFile = Annotated[Path, typer.Argument(help="Configuration file (TOML).", metavar="CONFIG")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(run)
    app.command()(check)
    app.command()(demo)
    app.command()(tail)


def run(
    config: ConfigFile,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say more in the log.")] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", envvar="ACQUIRE_LOG_JSON", help="Log as JSON, an object a line.")
    ] = False,
) -> None:
    """Run the service until it is told to stop (SIGINT or SIGTERM)."""
    from acquire import service  # noqa: PLC0415 - brings the simulators and the MQTT client

    configure(logging.DEBUG if verbose else logging.INFO, as_json=log_json)
    faulthandler.enable()  # where each thread was, when the watchdog bites
    loaded = load(config)
    if not loaded.config.instrument and loaded.store is None:
        raise FileProblem(f"{config}: there is neither an [[instrument]] nor a [store]: nothing to run.")
    if found := beforehand.misplaced(loaded):
        raise FileProblem(*found)
    if found := beforehand.as_owner(loaded) or beforehand.without_database(loaded, also_passing=False):
        raise Refused(*found)
    asyncio.run(service.run(loaded))


def check(config: ConfigFile, as_json: Json = False) -> None:
    """Validate a configuration, try everything that `acquire run` would stumble on (places, accounts, ports), and
    explain it; changes nothing."""
    loaded = load(config)
    if found := beforehand.misplaced(loaded):
        raise FileProblem(*found)
    strangers = beforehand.as_owner(loaded)
    folders = check_folders(loaded)
    problems, warnings = beforehand.devices(loaded)
    tried = (beforehand.without_database, beforehand.of_another_program, beforehand.ports)
    folders.problems += strangers or [sentence for each in tried for sentence in each(loaded)]
    folders.problems += problems
    folders.warnings += warnings
    explained = _explain(loaded, folders)
    if as_json:
        emit(explained)
    else:
        _show(config, explained)
    if folders.problems:
        raise Refused(*folders.problems)


def _show(config: Path, explained: dict[str, Any]) -> None:
    judged = "cannot be run as it is" if explained["problems"] else "is sound"
    tell(f"{config} {judged}. Site {explained['site']}, broker {explained['broker']}.")
    tell(f"Roles: {', '.join(explained['roles'])}.")
    rows = [
        (i["id"], i["model"], i["resource"], i["simulated"] and "simulated", i["assumed"])
        for i in explained["instruments"]
    ]
    if rows:
        columns = ("instrument", "model", "resource", "", "facts assumed by its driver")
        table("Instruments", columns, [(*row[:3], row[3] or "", len(row[4])) for row in rows])
    if explained["profiles"]:
        table("Profiles", ("file", "model", "what"), [tuple(each.values()) for each in explained["profiles"]])
    for sentence in explained["warnings"]:
        say(f"Warning: {sentence}")


def _anchor_beside_the_store(loaded: Loaded) -> list[str]:
    if loaded.anchor is None or loaded.store is None or loaded.anchor.parent.resolve() != loaded.store.parent.resolve():
        return []
    return [
        f"the anchor file {loaded.anchor} lies beside the store: whoever can change the one can change the other; name"
        " a place on another machine."
    ]


def _people_not_known(loaded: Loaded) -> list[str]:
    """The store is only read: what is served meanwhile is not touched, and what is there not made newer."""
    real = [each.id for each in loaded.config.instrument if not each.resource.startswith(SIMULATOR)]
    if not real or loaded.store is None:
        return []
    try:
        with closing(sqlite3.connect(f"{loaded.store.absolute().as_uri()}?mode=ro", uri=True)) as store:
            if has_accounts(store):
                return []
    except sqlite3.Error:
        pass  # no store yet, or one of before accounts
    return [
        f"{', '.join(real)}: no patient is measured with real instruments before the store has accounts; make the first"
        " with `acquire user add`."
    ]


def _explain(loaded: Loaded, folders: FolderCheck) -> dict[str, Any]:
    config = loaded.config
    roles = ["acquisition host"] if config.instrument else []
    roles += ["store worker"] if config.store else []
    roles = roles or ["client of the bus"]
    instruments = [
        {
            "id": each.id,
            "model": each.model,
            "resource": each.resource,
            "simulated": each.resource.startswith("simulator:"),
            "assumed": list(model(each.model).assumed),
        }
        for each in config.instrument
    ]
    return {
        "config": str(loaded.path),
        "site": config.site,
        "broker": config.broker.mode,
        "roles": roles,
        "spool": str(loaded.spool) if loaded.spool else None,
        "store": str(loaded.store) if loaded.store else None,
        "instruments": instruments,
        "profiles": [
            {"file": str(each.path), "model": each.model.name, "label": each.model.label} for each in loaded.profiles
        ],
        "warnings": [
            *cautions(loaded),
            *folders.warnings,
            *_anchor_beside_the_store(loaded),
            *_people_not_known(loaded),
        ],
        "problems": folders.problems,
    }


def demo(
    serve: Annotated[bool, typer.Option("--serve", help="Keep everything running afterwards, to watch.")] = False,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Where to put store and record.")] = Path(
        "demo-output"
    ),
    broker: Annotated[
        Literal["auto", "mosquitto", "embedded"], typer.Option(help="Which broker of its own it uses.")
    ] = "auto",
    files: Annotated[
        bool, typer.Option("--files", help="Only write the example files, dated today, to try by hand.")
    ] = False,
    as_json: Json = False,
) -> None:
    """An ordered procedure from order to report, on simulators, in under a minute."""
    from acquire.demo import run as run_demo  # noqa: PLC0415 - brings everything
    from acquire.demo import write_files  # noqa: PLC0415

    if files:
        for path in write_files(folder):
            tell(str(path))
        return
    asyncio.run(run_demo(folder, serve=serve, broker=broker, as_json=as_json))


def tail(
    topic: Annotated[str, typer.Argument(help="Topic filter; everything of the contract by default.")] = f"{ROOT}/#",
    config: Annotated[Path | None, typer.Option("--config", help="Take the broker from this configuration.")] = None,
    host: Annotated[str, typer.Option(help="Broker host.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Broker port.")] = 1883,
    protocol: Annotated[str, typer.Option(help="MQTT version: 5 or 3.1.1.")] = "5",
    count: Annotated[int, typer.Option("--count", "-n", help="Stop after this many messages; 0 goes on.")] = 0,
    as_json: Json = False,
) -> None:
    """Watch the bus, readable. --json gives one document a message."""
    endpoint = Endpoint(host, port, "3.1.1" if protocol == "3.1.1" else "5")
    if config is not None:
        endpoint, _ = running_service(config)
    asyncio.run(_tail(endpoint, topic, count, as_json))


async def _tail(endpoint: Endpoint, topic: str, count: int, as_json: bool) -> None:
    from uuid import uuid4  # noqa: PLC0415

    from acquire.cli.tailing import Tail  # noqa: PLC0415

    async with connect(endpoint, f"tail-{uuid4().hex[:12]}") as connection:
        await connection.subscribe(topic, qos=0)
        say(f"Watching {topic} on {endpoint.host}:{endpoint.port}; stop with Ctrl-C.")
        await Tail(as_json=as_json).watch(connection, count)
