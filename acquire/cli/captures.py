"""capture, replay: a wire is recorded while somebody else talks over it, and a recording served as an instrument."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError

from acquire import event_loop
from acquire.errors import Refused
from acquire.terminal.output import emit_line, say
from drivers import Misuse
from drivers.plain_words import plain

Listen = Annotated[str, typer.Option(help="Where the program connects: tcp:HOST:PORT (0: a free port) or pty[:LINK].")]
T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(capture)
    app.command()(replay)


def capture(
    resource: Annotated[str, typer.Argument(help="The instrument, for example /dev/ttyUSB0 or tcp:HOST:PORT.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The recording; a new file (JSON lines).")],
    listen: Listen = "tcp:127.0.0.1:0",
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Of a serial line, key=value: baud_rate=38400, parity=even, ...")
    ] = None,
) -> None:
    """Record both directions of a wire with times, while a program talks through a port of ours; Ctrl-C ends it."""
    event_loop.run(_capture(resource, output, listen, setting or []))


async def _capture(resource: str, output: Path, listen: str, given: list[str]) -> None:
    from acquire.capture import PassThrough, Recording  # noqa: PLC0415 - only here
    from drivers import open_transport  # noqa: PLC0415
    from simulators import port_from  # noqa: PLC0415

    try:
        port = port_from(listen)
    except ValueError as error:
        raise Misuse(str(error)) from error
    transport = open_transport(resource, _serial(given))
    try:
        recording = Recording.create(output, _kind(resource))
    except FileExistsError as error:
        raise Refused(f"{output} is there already; no recording is written over.") from error
    passing = PassThrough(transport, port, recording)
    try:
        await _had(passing.start(), listen)
        emit_line({"resource": port.resource, "records": resource, "file": str(output)})
        lost = await _until_stopped(passing.ended)
    finally:
        await passing.close()
        recording.close()
    say(f"{recording.bytes_of['host']} bytes of the host and {recording.bytes_of['instrument']} of the instrument.")
    if lost is not None:
        raise lost


def replay(
    file: Annotated[Path, typer.Argument(help="A recording, as `acquire capture` writes it.")],
    listen: Listen = "tcp:127.0.0.1:0",
    compressed: Annotated[bool, typer.Option("--compressed", help="Without the pauses of the recording.")] = False,
    any_order: Annotated[
        bool, typer.Option("--any-order", help="Answer a recorded request whenever it comes.")
    ] = False,
) -> None:
    """Serve a recording as an instrument, strict about what it is asked; the first line on stdout says where it is."""
    event_loop.run(_replay(file, listen, compressed, any_order))


async def _replay(file: Path, listen: str, compressed: bool, any_order: bool) -> None:
    from simulators import read_recording, serve_replay  # noqa: PLC0415 - only here

    try:
        exchanges = read_recording(file)
        serving = serve_replay(exchanges, listen, any_order=any_order, compressed=compressed)
        served = await _had(serving, listen)
    except ValueError as error:
        raise Misuse(str(error)) from error
    try:
        emit_line({"resource": served.resource, "exchanges": len(exchanges)})
        await _until_stopped(asyncio.ensure_future(served.over.wait()))
    finally:
        await served.close()
    if served.fault is not None:
        raise Refused(served.fault)


async def _had(opening: Awaitable[T], listen: str) -> T:
    try:
        return await opening
    except OSError as error:
        raise Refused(f"{listen} cannot be had: {error.strerror or error}.") from error


async def _until_stopped(other: asyncio.Future[T]) -> T | None:
    """What the other came to; None when a signal came first."""
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    other.add_done_callback(lambda _: stop.set())
    try:
        await stop.wait()
        return other.result() if other.done() else None
    finally:
        other.cancel()


def _kind(resource: str) -> str:
    """What carries it, without the address."""
    if resource.startswith(("/", "COM", "serial:", "usb:", "pyserial:", "ASRL")):
        return "serial"
    return "tcp" if resource.startswith(("tcp:", "TCPIP")) else "other"


def _serial(given: list[str]) -> Any:
    from drivers import SerialSettings  # noqa: PLC0415

    pairs = [each.partition("=") for each in given]
    if bad := next((each[0] for each in pairs if not each[1]), None):
        raise Misuse(f"'{bad}' is no setting; write key=value.")
    values: dict[str, Any] = {key: int(value) if value.isdigit() else value for key, _, value in pairs}
    try:
        return SerialSettings(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        allowed = ", ".join(SerialSettings.model_fields)
        raise Misuse(f"Setting {where} of a serial line: {plain(first)}. The settings are {allowed}.") from error
