"""run, check, demo, tail: the service and what it says."""

from __future__ import annotations

import faulthandler
import logging
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from acquire import beforehand, event_loop
from acquire.broker.cautions import cautions
from acquire.bus.client import connect
from acquire.bus.endpoint import Endpoint
from acquire.bus.names import ROOT
from acquire.cli import completing
from acquire.cli.place import ConfigOption, running_service
from acquire.config import Loaded, load
from acquire.drop_folders import FolderCheck, check_folders
from acquire.errors import FileProblem, Refused
from acquire.terminal.logs import configure
from acquire.terminal.output import Json, emit, say, table, tell, told
from acquire.terminal.watching import Filter, Kind
from drivers.registry import model

INSTALLED = Path("/etc/dosimetry-acquire/acquire.toml")  # as the Debian package has it
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
    event_loop.run(service.run(loaded))


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
            *beforehand.anchor_beside_the_store(loaded),
            *beforehand.people_not_known(loaded),
            *beforehand.recipients_without_account(loaded),
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
        written = [str(path) for path in write_files(folder)]
        told("\n".join(written), as_json=as_json, files=written)
        return
    event_loop.run(run_demo(folder, serve=serve, broker=broker, as_json=as_json))


def tail(
    topic: Annotated[str, typer.Argument(help="Topic filter; everything of the contract by default.")] = f"{ROOT}/#",
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Broker host, instead of a configuration.")] = None,
    port: Annotated[int, typer.Option(help="With --host: its port.")] = 1883,
    protocol: Annotated[Literal["5", "3.1.1"], typer.Option(help="With --host: MQTT version.")] = "5",
    instrument: Annotated[
        list[str] | None, typer.Option(help="Only of this one.", autocompletion=completing.instruments)
    ] = None,
    kind: Annotated[
        list[Kind] | None, typer.Option(metavar="KIND", help=f"Only messages of this kind: {', '.join(Kind)}.")
    ] = None,
    session: Annotated[
        list[str] | None,
        typer.Option(help="Only its events, and its measurements.", autocompletion=completing.sessions),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="Stop after this many messages; 0 goes on.")] = 0,
    as_json: Json = False,
) -> None:
    """Watch the bus, readable, with the time of each. --json gives one document a message.

    Without --config (or ACQUIRE_CONFIG) or --host it is the service of this machine: /etc/dosimetry-acquire, or
    127.0.0.1:1883.
    """
    if host is None and (config or (INSTALLED if INSTALLED.is_file() else None)):
        endpoint, _ = running_service(config or INSTALLED)
    else:
        endpoint = Endpoint(host or "127.0.0.1", port, protocol)
    only = Filter(instrument or (), kind or (), session or ())
    event_loop.run(_tail(endpoint, topic, only, count, as_json))


async def _tail(endpoint: Endpoint, topic: str, only: Filter, count: int, as_json: bool) -> None:
    from uuid import uuid4  # noqa: PLC0415

    from acquire.cli.tailing import Tail  # noqa: PLC0415

    async with connect(endpoint, f"tail-{uuid4().hex[:12]}") as connection:
        await connection.subscribe(topic, qos=0)
        say(f"Watching {topic} on {endpoint.host}:{endpoint.port}; stop with Ctrl-C.")
        await Tail(as_json=as_json, only=only).watch(connection, count)
