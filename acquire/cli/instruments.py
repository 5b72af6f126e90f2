"""drivers, discover, read, simulate: instruments without the service."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from acquire.errors import Refused
from acquire.terminal.output import Json, emit, emit_line, say, table
from drivers import Driver, Misuse, ReplyTimeout, to_jsonable
from drivers.registry import driver_class, models


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("drivers")(list_drivers)
    app.command()(discover)
    app.command()(read)
    app.command()(simulate)


def list_drivers(as_json: Json = False) -> None:
    """Models, transports, how far each is verified and against what."""
    infos = [driver_class(model).info for model in models()]
    if as_json:
        emit(
            [
                {
                    "model": info.model,
                    "vendor": info.vendor,
                    "title": info.title,
                    "transports": list(info.transports),
                    "verified": [{"against": v.against, "what": v.what} for v in info.verified],
                    "assumed": list(info.assumed),
                }
                for info in infos
            ]
        )
        return
    rows = [
        (
            i.model,
            i.vendor,
            ", ".join(i.transports),
            "; ".join(f"{v.what} ({v.against})" for v in i.verified),
            "; ".join(i.assumed),
        )
        for i in infos
    ]
    table("Drivers", ("model", "vendor", "transports", "verified", "assumed"), rows)


def discover(
    ask: Annotated[bool, typer.Option("--ask", help="Ask each what it is (*IDN?, PTW): writes to the ports.")] = False,
    resource: Annotated[list[str] | None, typer.Option(help="Ask this resource too.")] = None,
    as_json: Json = False,
) -> None:
    """Serial ports and VISA resources, and what answers on them if asked."""
    from drivers.discovery import discover as look  # noqa: PLC0415 - brings pyvisa

    found = asyncio.run(look(identify=ask, extra=tuple(resource or ())))
    if as_json:
        emit([{"resource": f.resource, "description": f.description, "answer": f.answer} for f in found])
    elif found:
        table("Found", ("resource", "what", "answer"), [(f.resource, f.description, f.answer) for f in found])
    else:
        say("No serial port and no local VISA resource was found.")


def settings_of(model: str, given: list[str]) -> Any:
    """The driver's settings from key=value texts. Raises Misuse with what is allowed."""
    kind = driver_class(model).settings_model
    values: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals:
            raise Misuse(f"'{each}' is no setting; write key=value.")
        values[key] = None if value == "null" else value
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        allowed = ", ".join(kind.model_fields)
        raise Misuse(f"Setting {where} of {model}: {first['msg']}. The settings are {allowed}.") from error


def read(
    model: Annotated[str, typer.Argument(help="Model, as `acquire drivers` lists it.")],
    resource: Annotated[str, typer.Argument(help="Where it is, for example /dev/ttyUSB0 or tcp:HOST:PORT.")],
    count: Annotated[int, typer.Option("--count", "-n", help="Stop after this many readings; 0 goes on.")] = 0,
    setting: Annotated[list[str] | None, typer.Option("--set", help="A driver setting, key=value.")] = None,
) -> None:
    """Talk to one instrument, no broker: readings as JSON lines."""
    make: Any = driver_class(model)
    driver: Driver = make(resource, settings_of(model, setting or []))
    asyncio.run(_read(driver, count))


async def _read(driver: Driver, count: int) -> None:
    seq = 0
    try:
        identity = await driver.open()
        say(f"{identity.vendor} {identity.model}, serial {identity.serial or 'not stated'}.")
        while True:
            try:
                readings = await driver.poll()
            except ReplyTimeout as error:
                say(str(error))
                await driver.recover()
                continue
            for reading in readings:
                seq += 1
                line = {"seq": seq, "value": None, "flags": [], **to_jsonable(reading)}
                emit_line(line)
                if count and seq >= count:
                    return
            await asyncio.sleep(driver.poll_interval_s)
    finally:
        await driver.close()


def simulate(
    model: Annotated[str, typer.Argument(help="Model to simulate.")],
    listen: Annotated[str, typer.Option(help="tcp:HOST:PORT (0 takes a free port), pty[:LINK] or dir:PATH.")],
    seed: Annotated[int, typer.Option(help="Of the simulated noise.")] = 0,
    speed: Annotated[float, typer.Option(help="How much faster its clock runs.")] = 1.0,
    fault: Annotated[list[str] | None, typer.Option(help="NAME[=ARG], as in the fault catalogue.")] = None,
    control: Annotated[str | None, typer.Option(help="tcp:HOST:PORT of a back door (expose, state).")] = None,
) -> None:
    """A simulated instrument for any client; the first line on stdout says where it is."""
    asyncio.run(_simulate(model, listen, seed, speed, tuple(fault or ()), control))


async def _simulate(
    model: str, listen: str, seed: int, speed: float, faults: tuple[str, ...], control: str | None
) -> None:
    from simulators import serve  # noqa: PLC0415 - only here

    try:
        served = await serve(model, listen, seed=seed, speed=speed, faults=faults, control=control)
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
