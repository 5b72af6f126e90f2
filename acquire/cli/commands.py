"""command: ask one instrument of a running service to do something, over its broker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import TypeAdapter, ValidationError

from acquire import event_loop
from acquire.bus.endpoint import Endpoint
from acquire.bus.instrument_client import LONGEST_S, InstrumentClient, NotDone, instrument_client
from acquire.bus.messages import Accepts, Answer, Command, State
from acquire.bus.names import Name, Topics
from acquire.bus.presence import without_commands
from acquire.cli import completing
from acquire.cli.place import ConfigOption, running_service
from acquire.terminal.output import Json, emit, say, table, tell
from acquire.terminal.progress import waiting
from drivers import Misuse

ABSENT = ("offline", "stopped")
TAKES_COMMANDS = ("ready", "measuring")


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("command")(command)


def command(
    instrument: Annotated[
        str,
        typer.Argument(
            help="The instrument's id in the configuration.",
            metavar="INSTRUMENT",
            autocompletion=completing.instruments,
        ),
    ],
    name: Annotated[
        str | None, typer.Argument(help="What it shall do; --list shows the names.", metavar="NAME")
    ] = None,
    parameters: Annotated[
        list[str] | None, typer.Argument(help="Its parameters, as KEY=VALUE.", metavar="KEY=VALUE")
    ] = None,
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Broker host, instead of --config; needs --site.")] = None,
    port: Annotated[int, typer.Option(help="Broker port, with --host.")] = 1883,
    protocol: Annotated[Literal["5", "3.1.1"], typer.Option(help="MQTT version, with --host.")] = "5",
    site: Annotated[str | None, typer.Option(help="Site, with --host.")] = None,
    by: Annotated[
        str | None, typer.Option("--by", envvar="ACQUIRE_BY", help="Who asks: a role id such as MP-1.")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, max=LONGEST_S, help="How long to wait for the answer, in s.")
    ] = 120,
    listing: Annotated[bool, typer.Option("--list", help="Show what the instrument accepts now.")] = False,
    as_json: Json = False,
) -> None:
    """Ask an instrument to do something: the answer is its result, or a refusal with its reason (exit code 1)."""
    endpoint, topics = _where(config, host, port, protocol, site)
    _checked(instrument, Name, f"'{instrument}' cannot name an instrument; allowed are a-z, 0-9, '.', '_' and '-'.")
    if listing:
        event_loop.run(_list(endpoint, topics, instrument, as_json))
        return
    if name is None:
        raise Misuse(f"Say what {instrument} shall do; `acquire command {instrument} --list` shows what it accepts.")
    if by is None:
        raise Misuse("Say who asks: --by ROLE (or ACQUIRE_BY), a role id such as MP-1 and never a patient.")
    _checked(by, _BY, "--by takes 1 to 100 printable characters: a role id such as MP-1, and never a patient.")
    with waiting(f"{instrument}: {name}"):
        answer = event_loop.run(_ask(endpoint, topics, by, timeout, instrument, name, parameters or []))
    _show(instrument, name, answer, as_json)


_BY: Any = Annotated[str, Command.model_fields["by"]]


def _checked(value: str, kind: Any, otherwise: str) -> None:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise Misuse(otherwise) from error


def _where(
    config: Path | None, host: str | None, port: int, protocol: Literal["5", "3.1.1"], site: str | None
) -> tuple[Endpoint, Topics]:
    if host is not None:
        if site is None:
            raise Misuse("--host needs --site SITE, the `site` of the service's configuration.")
        _checked(site, Name, f"'{site}' cannot name a site; allowed are a-z, 0-9, '.', '_' and '-'.")
        return Endpoint(host, port, protocol), Topics(site)
    if config is None:
        raise Misuse("Say which service: --config CONFIG (or ACQUIRE_CONFIG), or --host HOST --site SITE.")
    return running_service(config)


async def _ask(
    endpoint: Endpoint, topics: Topics, by: str, timeout_s: float, instrument: str, name: str, words: Sequence[str]
) -> Answer:
    from acquire.cli.parameters import NotAllowed, parse  # noqa: PLC0415 - brings jsonschema

    async with instrument_client(endpoint, topics, by, timeout_s=timeout_s) as asker:
        state, lapsed = await _state(asker, instrument)
        if lapsed is not None:
            raise NotDone(f"{instrument}: {_how(state, lapsed)} Nobody would answer; is `acquire run` up?")
        spec = next((each for each in state.commands if each.name == name), None)
        if spec is None:
            if state.state not in TAKES_COMMANDS:
                raise NotDone(f"{instrument} is {_how(state)}")
            names = ", ".join(each.name for each in state.commands)
            raise Misuse(f"{instrument} has no command '{name}'; it has {names}.")
        try:
            given = parse(name, spec.parameters, words)
        except NotAllowed as error:
            raise Misuse(str(error)) from error
        return await asker.ask(instrument, name, given)


async def _state(asker: InstrumentClient, instrument: str) -> tuple[State, str | None]:
    """What the instrument says of itself, and since when nothing is known of it, where that has lapsed.

    Raises NotDone where nobody would answer.
    """
    state = await asker.state(instrument)
    if state is None:
        raise NotDone(
            f"Nothing is known of an instrument {instrument} on this broker; is `acquire run` up, and the name right?"
        )
    if state.state in ABSENT:
        raise NotDone(f"{instrument} is {_how(state)} Nobody would answer; is `acquire run` up?")
    if await asker.has_lapsed(instrument):
        return without_commands(state), asker.known_since(instrument)
    return state, None


def _how(state: State, lapsed: str | None = None) -> str:
    if lapsed is not None:
        return f"nothing known since {lapsed}; it was {state.state} then."
    since = "" if state.state == "offline" else f" since {state.since}"  # a will is written when the connection is made
    return f"{state.state}{since}{': ' + state.why if state.why else '.'}"


def _show(instrument: str, name: str, answer: Answer, as_json: bool) -> None:
    if as_json:
        emit({"instrument": instrument, "command": name, **answer.model_dump(mode="json", exclude={"schema_"})})
    elif answer.ok:
        tell("\n".join(f"{key}: {value}" for key, value in answer.result.items()) or "done")
    if not answer.ok:
        say(answer.error or f"{instrument} refused to {name}.")
        raise typer.Exit(1)


# --- what there is ----------------------------------------------------------------------------------------------------


async def _list(endpoint: Endpoint, topics: Topics, instrument: str, as_json: bool) -> None:
    async with instrument_client(endpoint, topics, "list", timeout_s=LONGEST_S) as asker:
        state, lapsed = await _state(asker, instrument)
    if as_json:
        commands = [each.model_dump(mode="json") for each in state.commands]
        said = {"state": state.state} if lapsed is None else {"state": "unknown", "last": state.state}
        document = {"instrument": instrument, **said, "nothing_known_since": lapsed, "why": state.why}
        emit({**document, "commands": commands})
        return
    tell(f"{instrument}{': ' if lapsed else ' is '}{_how(state, lapsed)}")
    columns = ("command", "what it does", "parameters", "now", "while measuring")
    table("Commands", columns, [_row(each) for each in state.commands])


def _row(each: Accepts) -> tuple[str, str, str, str, str]:
    from acquire.cli.parameters import takes  # noqa: PLC0415

    needs = takes(each.name, each.parameters).removeprefix(f"{each.name} takes ").rstrip(".")
    return each.name, each.title, needs, _yes(each.now), _yes(each.while_measuring)


def _yes(what: bool) -> str:
    return "yes" if what else "no"
