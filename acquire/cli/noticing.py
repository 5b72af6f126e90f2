"""notices list, acknowledge; hold list, lift: what must reach people, and who has read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acquire.cli.amiss import consulted
from acquire.cli.place import By, ConfigOption, StoreOption, open_store
from acquire.config_part import notices_of
from acquire.errors import Refused
from acquire.terminal.output import Json, emit, say, tell
from drivers import Misuse

if TYPE_CHECKING:
    from acquire.procedure.session.notices import Notice, Role

noticed = typer.Typer(no_args_is_help=True, help="What must reach people: out of tolerance, or a result that is late.")
holds = typer.Typer(no_args_is_help=True, help="What holds the next fraction's session until somebody lifts it.")
Number = Annotated[int, typer.Argument(metavar="NOTICE", min=1)]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(noticed, name="notices")
    app.add_typer(holds, name="hold")


@noticed.command("list")
def notices_list(
    session: Annotated[str | None, typer.Argument(metavar="[SESSION]")] = None,
    unread: Annotated[bool, typer.Option("--unread", help="Only those that somebody is still to acknowledge.")] = False,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """All notices, or those about a session, with what became of each."""
    from acquire.procedure.session.notices import notices  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = notices(connection, session, unread=unread)
    if as_json:
        emit([_plain(each) for each in found])
        return
    _print(found)
    if config is not None and notices_of(config) is None:
        say(f"{config} has no [notices]: nobody is told by mail.")


@noticed.command("acknowledge")
def notices_acknowledge(
    notice: Number, by: By, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False
) -> None:
    """Say that you have read it; its mail to your role ends."""
    from acquire.procedure.session.notices import acknowledge  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = acknowledge(connection, notice, by, _roles(connection, config, by))
    emit(_plain(found)) if as_json else tell(f"Notice {notice}: {found.stands}.")


@holds.command("list")
def hold_list(config: ConfigOption = None, store: StoreOption = None, as_json: Json = False) -> None:
    """What holds a next fraction now."""
    from acquire.procedure.session.notices import notices  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = [each for each in notices(connection) if each.is_holding]
    if as_json:
        emit([_plain(each) for each in found])
        return
    _print(found)


@holds.command("lift")
def hold_lift(
    notice: Number, by: By, reason: Annotated[str, typer.Option("--reason", help="Why; printed in the record.")],
    confirmed_by: Annotated[
        str | None, typer.Option("--confirmed-by", help="The second person, where the action level was passed.")
    ] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Let the next fraction be measured again; a physicist or physician does it, with the reason."""
    from acquire.procedure.session.notices import lift  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = lift(connection, notice, by, _roles(connection, config, by), reason, confirmed_by)
    emit(_plain(found)) if as_json else tell(f"Notice {notice}: {found.stands}. The next fraction may be measured.")


def _print(found: Sequence[Notice]) -> None:
    for each in found:
        tell(f"Notice {each.n}, {each.at[:16]}Z: {each.says}: {each.stands}.")
    if not found:
        tell("None.")


def _roles(connection: sqlite3.Connection, config: Path | None, by: str) -> list[Role]:
    """As what a person is told of notices: by the account, or where the store has none by the configuration.

    Raises Misuse, FileProblem, Refused.
    """
    from acquire.duties import Role as Duty  # noqa: PLC0415
    from acquire.people import get_account, has_accounts  # noqa: PLC0415
    from acquire.procedure.documents.people import same_person  # noqa: PLC0415

    if has_accounts(connection):
        account = get_account(connection, by)
        known: dict[Role, Duty] = {"physicist": Duty.PHYSICIST, "physician": Duty.PHYSICIAN}
        return [role for role, duty in known.items() if account.has(duty)]
    if config is None:
        raise Misuse("Say which service: --config CONFIG (or ACQUIRE_CONFIG); its [notices] says who has which role.")
    told = notices_of(config)
    consulted(config)
    found = [each.role for each in (told.recipient if told is not None else ()) if same_person(each.name, by)]
    if not found:
        raise Refused(f"{by} is no physicist or physician of [notices] in {config}; only they do this.")
    return found


def _plain(notice: Notice) -> dict[str, Any]:
    from acquire.procedure.session.notices import plain  # noqa: PLC0415

    return plain(notice)
