"""broker config: what Mosquitto needs so that everybody on the bus may do what they must, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from acquire.broker.access import Role, checked, roles_of
from acquire.broker.cautions import is_loopback
from acquire.broker.generated import Identify, Written, write
from acquire.config import Loaded, load
from acquire.errors import Refused
from acquire.terminal.output import Json, emit, tell
from drivers import Misuse

DEFAULT_PORT = 8883  # MQTT over TLS, as registered

app = typer.Typer(no_args_is_help=True, help="The broker's configuration.")


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="broker")


@app.callback()
def _group() -> None:
    """The broker's configuration."""


@app.command("config")
def config_(
    configs: Annotated[list[Path] | None, typer.Argument(help="Configurations of the site.", metavar="CONFIG")] = None,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Where to write.")] = Path("broker"),
    host: Annotated[
        list[str] | None, typer.Option("--host", help="NAME=INSTRUMENT,INSTRUMENT of a host not configured here.")
    ] = None,
    site: Annotated[str | None, typer.Option("--site", help="The site, where no CONFIG says so.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port, where no CONFIG says so; 8883.")] = None,
    operator: Annotated[list[str] | None, typer.Option("--operator", help="Who may give commands.")] = None,
    viewer: Annotated[list[str] | None, typer.Option("--viewer", help="Who may only watch.")] = None,
    identify: Annotated[Identify, typer.Option("--identify", help="How clients say who they are.")] = "certificates",
    as_json: Json = False,
) -> None:
    """Write a Mosquitto configuration with TLS, users and access rules for one site."""
    loaded = [load(each) for each in configs or ()]
    where = _site(loaded, site)
    roles = checked(_roles(loaded, host or (), operator or ("operator",), viewer or ("viewer",)))
    listening = _port(loaded, port)
    hosts = {each.config.broker.host for each in loaded}
    bind = next(iter(hosts)) if len(hosts) == 1 and all(map(is_loopback, hosts)) else None
    try:
        written = write(folder, where, roles, listening, bind, identify)
    except OSError as error:
        raise Refused(f"{error.filename} cannot be written: {error.strerror}.") from error
    steps = _next(folder.resolve(), roles, identify, written)
    if as_json:
        shown = [{"name": r.name, "kind": r.kind, "instruments": list(r.instruments), "host": r.host} for r in roles]
        files = [str(each) for each in [*written.files, *written.new_passwords.values()]]
        emit({"site": where, "port": listening, "files": files, "roles": shown, "next": steps})
        return
    tell(f"Site {where}, port {listening}, written to {folder}:")
    for role in roles:
        tell(f"  {role.name}: {role.kind}{' of ' if role.instruments else ''}{', '.join(role.instruments)}")
    tell("Next:")
    for n, step in enumerate(steps, start=1):
        tell(f"  {n}. {step}")


def _site(loaded: Sequence[Loaded], asked: str | None) -> str:
    sites = {each.config.site for each in loaded} | ({asked} if asked else set())
    if not sites:
        raise Misuse("Say for which site: a CONFIG, or --site NAME with --host NAME=INSTRUMENT,INSTRUMENT.")
    if len(sites) > 1:
        raise Misuse(f"One broker configuration is for one site, and here are {', '.join(sorted(sites))}.")
    return sites.pop()


def _port(loaded: Sequence[Loaded], asked: int | None) -> int:
    ports = {each.config.broker.port for each in loaded} | ({asked} if asked else set())
    if len(ports) > 1:
        raise Misuse(f"The configurations name the ports {', '.join(map(str, sorted(ports)))}; give all the same.")
    return ports.pop() if ports else DEFAULT_PORT


def _roles(
    loaded: Sequence[Loaded], hosts: Sequence[str], operators: Sequence[str], viewers: Sequence[str]
) -> list[Role]:
    roles = [role for each in loaded for role in roles_of(each)]
    for text in hosts:
        name, _, instruments = text.partition("=")
        if not name or not instruments:
            raise Misuse(f"'{text}' is not NAME=INSTRUMENT,INSTRUMENT.")
        roles.append(Role(name, "host", tuple(instruments.split(",")), name))
    if not any(role.kind == "store" for role in roles):
        roles.append(Role("store", "store"))
    roles += [Role(name, "operator") for name in operators]
    return roles + [Role(name, "viewer") for name in viewers]


def _next(folder: Path, roles: Sequence[Role], identify: Identify, written: Written) -> list[str]:
    names = ", ".join(dict.fromkeys(role.name for role in roles))
    steps = [f"Put the broker's certificate and key there as {folder}/broker.crt and {folder}/broker.key."]
    if identify == "certificates":
        steps += [
            f"Put the certificate of the authority that signs the clients' there as {folder}/ca.crt.",
            f"Make a certificate for each of {names}, with that name as common name; name it in [broker] tls.",
        ]
    elif written.new_passwords:
        made = ", ".join(f"{name} ({path})" for name, path in written.new_passwords.items())
        steps.append(f"Move each new password to its host, name it with password_file, and delete it here: {made}.")
    return [
        *steps,
        f"Let the broker read the files and nobody else the keys: chown -R mosquitto: {folder}",
        f"Start it: mosquitto -c {folder}/mosquitto.conf; after a change of users or rules, send it SIGHUP.",
        "Every step with its commands is in docs/security.md.",
    ]
