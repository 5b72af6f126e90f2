"""drivers, discover, read, simulate: instruments without the service."""

from __future__ import annotations

import asyncio
import signal
import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from acquire import event_loop
from acquire.canonical import canonical, parse
from acquire.cli import completing
from acquire.cli.found import tables
from acquire.cli.writing import Force, new_file, wrote
from acquire.errors import Refused
from acquire.instruments.entries import reading_body
from acquire.instruments.trial import KEEP, Trial, is_good
from acquire.profiles import offer_profiles
from acquire.terminal.cards import card
from acquire.terminal.output import Json, emit, emit_line, say, table, tell
from acquire.terminal.progress import waiting
from drivers import Flag, Instrument, Misuse, Model, ReplyTimeout, Settings, connect
from drivers.plain_words import plain
from drivers.registry import model as model_named
from drivers.registry import models
from drivers.trace import Trace

ModelName = Annotated[
    str, typer.Argument(help="Model, as `acquire drivers` lists it.", autocompletion=completing.models)
]
Profiles = Annotated[
    list[Path] | None, typer.Option("--profile", help="A profile (TOML), or a folder of them, to be read as well.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("drivers")(list_drivers)
    app.command()(discover)
    app.command()(read)
    app.command()(verify)
    app.command()(simulate)


def list_drivers(
    only: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="Everything of this one.", autocompletion=completing.models)
    ] = None,
    commands: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="List what this model's simulator understands on its wire.",
            autocompletion=completing.simulators,
        ),
    ] = None,
    profile: Profiles = None,
    as_json: Json = False,
) -> None:
    """Models, what each gives, how far it is verified and against what (docs/quality-scale.md)."""
    offer_profiles(profile or ())
    if commands is not None:
        _list_commands(commands, as_json)
        return
    known = [_described(name) for name in (models() if only is None else [model_named(only).name])]
    if as_json:
        emit(known)
    else:
        tell("\n\n".join(card(each, whole=only is not None) for each in known))


def _described(name: str) -> dict[str, Any]:
    """One model for the list. Somebody's package that cannot be loaded is named and stands in nobody's way."""
    try:
        found = model_named(name)
    except Misuse as error:
        empty: dict[str, Any] = {"transports": [], "quantities": [], "verified": [], "assumed": []}
        return {"model": name, "vendor": "", "title": "", "label": "", **empty, "level": 0, "fault": str(error)}
    return {
        "model": found.name,
        "vendor": found.vendor,
        "title": found.title,
        "label": found.label,
        "transports": list(found.transports),
        "quantities": [{"name": q.name, "unit": q.unit, "integrates": q.integrates} for q in found.quantities],
        "channels": list(found.channels),
        "framing": asdict(found.framing),
        "settings": list(found.settings.model_fields),
        "level": found.level,
        "verified": [{name: said for name, said in asdict(v).items() if said} for v in found.verified],
        "assumed": list(found.assumed),
    }


def _list_commands(name: str, as_json: bool) -> None:
    from simulators import commands as understood  # noqa: PLC0415 - only here

    try:
        found = understood(name)
    except ValueError as error:
        raise Misuse(str(error)) from error
    rows = [asdict(each) for each in found]
    if as_json:
        emit(rows)
    else:
        table(name, tuple(rows[0]) if rows else (), [tuple(row.values()) for row in rows])


def discover(
    ask: Annotated[
        bool, typer.Option("--ask", help="Ask VISA resources, and those named, what they are: writes *IDN? and PTW.")
    ] = False,
    resource: Annotated[
        list[str] | None, typer.Option(help="Ask this one, too. A serial port is asked only when it is named.")
    ] = None,
    configure: Annotated[
        bool, typer.Option("--configure", help="Ask, and print the tables for the configuration file.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Serial ports and VISA resources, and what answers on them if asked."""
    from drivers.discovery import discover as look  # noqa: PLC0415 - brings pyvisa

    with waiting("Looking"):
        found = event_loop.run(look(identify=ask or configure, extra=tuple(resource or ())))
    if as_json:
        emit([asdict(each) for each in found])
    elif configure:
        tell(tables(found))
    elif found:
        rows = [(f.stays or f.resource, f.usb or f.description, f.answer, f.model) for f in found]
        table("Found", ("resource", "what", "answer", "model"), rows)
        if ask and (silent := [f.resource for f in found if not f.asked]):
            say(f"Not asked: {', '.join(silent)}. Name one with --resource where you know that it may be written to.")
    else:
        say("No serial port and no local VISA resource was found.")


def settings_of(model: Model, given: list[str]) -> Settings:
    """The model's settings from key=value texts; a key of a group is written group.key.

    Raises Misuse with what is allowed.
    """
    values: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals:
            raise Misuse(f"'{each}' is no setting; write key=value.")
        *groups, last = key.split(".")
        place = values
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = None if value == "null" else value
    try:
        return model.settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        allowed = ", ".join(model.settings.model_fields)
        raise Misuse(f"Setting {where} of {model.name}: {plain(first)}. The settings are {allowed}.") from error


def read(
    model: ModelName,
    resource: Annotated[str, typer.Argument(help="Where it is, for example /dev/ttyUSB0 or tcp:HOST:PORT.")],
    count: Annotated[int, typer.Option("--count", "-n", help="Stop after this many readings; 0 goes on.")] = 0,
    setting: Annotated[list[str] | None, typer.Option("--set", help="A driver setting, key=value.")] = None,
    profile: Profiles = None,
) -> None:
    """Talk to one instrument, no broker: readings as JSON lines."""
    offer_profiles(profile or ())
    found = model_named(model)
    event_loop.run(_read(connect(found, resource, settings_of(found, setting or [])), resource, count))


async def _read(device: Instrument, resource: str, count: int) -> None:
    seq = 0
    try:
        with waiting(f"Opening {resource}"):  # set up, warmed up, zeroed
            identity = await device.open()
        say(f"{identity.vendor} {identity.model}, serial {identity.serial or 'not stated'}.")
        while True:
            try:
                readings = await device.take()
            except ReplyTimeout as error:
                say(str(error))
                await device.recover()
                continue
            for reading in readings:
                said = parse(reading_body(reading))
                if Flag.STALE in reading.flags:
                    say(f"{reading.note} {said['raw']}")
                    continue
                seq += 1
                emit_line({"seq": seq, "value": None, "flags": [], **said})
                if count and seq >= count:
                    return
            await asyncio.sleep(device.poll_interval_s)
    finally:
        await device.close()


def verify(
    model: ModelName,
    resource: Annotated[str, typer.Argument(help="Where it is, for example /dev/ttyUSB0 or tcp:HOST:PORT.")],
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="How long readings are taken.")] = 60.0,
    zero: Annotated[bool, typer.Option(help="Zero it first, where the model can; no beam may be on.")] = True,
    setting: Annotated[list[str] | None, typer.Option("--set", help="A driver setting, key=value.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The report; default: MODEL-trial.json.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Try a driver on an instrument, harmlessly: identify, read back, zero, a minute of readings.

    The report has every byte that crossed the wire, and can be sent to the project.
    """
    found = model_named(model)
    trace = Trace(keep=KEEP)
    device = connect(found, resource, settings_of(found, setting or []), trace=trace)
    if device.comes_again:
        raise Misuse(f"{model} reads files of a folder: there is no wire to try; `acquire import` reads such a file.")
    path = output or Path(f"{model}-trial.json")
    with new_file(path, force=force) as file:
        with waiting(f"Trying {model}"):
            report = event_loop.run(Trial(device, trace, say).run(seconds, zero=zero))
        file.write(canonical(report))
    readings = report["readings"]
    unparsed = len(readings["unparsed"])
    wrote(
        path,
        f"{readings['taken']} readings, {unparsed} unparsed, {readings['timeouts']} time-outs."
        f" The report is {path}; it names the instrument's serial number and no address.",
        as_json=as_json, good=is_good(report), taken=readings["taken"], unparsed=unparsed,
        timeouts=readings["timeouts"],
    )  # fmt: skip
    if not is_good(report):
        raise typer.Exit(1)


def simulate(
    model: Annotated[str, typer.Argument(help="Model to simulate.", autocompletion=completing.simulators)],
    listen: Annotated[
        str,
        typer.Option(
            help="tcp:HOST:PORT (0 takes a free port), vxi11:HOST:PORT, hislip:HOST:PORT, pty[:LINK] or dir:PATH."
        ),
    ],
    seed: Annotated[int, typer.Option(help="Of the simulated noise.")] = 0,
    speed: Annotated[float, typer.Option(help="How much faster its clock runs.")] = 1.0,
    fault: Annotated[list[str] | None, typer.Option(help="NAME[=ARG], as in the fault catalogue.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="KEY=VALUE of the model, as under [[simulator]].")] = None,
    control: Annotated[str | None, typer.Option(help="tcp:HOST:PORT of a back door (expose, state).")] = None,
) -> None:
    """A simulated instrument for any client; the first line on stdout says where it is."""
    event_loop.run(_simulate(model, listen, seed, speed, tuple(fault or ()), _options(option or []), control))


def _options(given: list[str]) -> dict[str, Any]:
    """KEY=VALUE texts, the value as TOML has it, or a text. Raises Misuse."""
    found: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals:
            raise Misuse(f"'{each}' is no option; write key=value.")
        try:
            found[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[key] = value
    return found


async def _simulate(
    model: str, listen: str, seed: int, speed: float, faults: tuple[str, ...], options: dict[str, Any],
    control: str | None,
) -> None:  # fmt: skip
    from simulators import serve  # noqa: PLC0415 - only here

    try:
        served = await serve(model, listen, seed=seed, speed=speed, faults=faults, options=options, control=control)
    except ValueError as error:
        raise Misuse(str(error)) from error
    except OSError as error:
        raise Refused(f"{listen} cannot be had: {error.strerror or error}.") from error
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    first = {"resource": served.resource, "model": model}
    emit_line(first | ({"control": served.control} if control else {}))
    try:
        await stop.wait()
    finally:
        await served.close()
