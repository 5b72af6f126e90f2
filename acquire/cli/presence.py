"""session beam-given, was-there, was-removed, was-read-as, read-anew: what people say of elements and the beam."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from acquire.cli.place import (
    By,
    ConfigOption,
    ElementId,
    SecondPerson,
    SessionId,
    StoreOption,
    Why,
    named_once,
    open_store,
    two_names,
    with_session,
)
from acquire.terminal.output import Json, say, told
from drivers import Misuse


def register(sessions: typer.Typer) -> None:
    """Add these commands to those of sessions."""
    said: dict[str, Any] = {
        "beam-given": beam_given, "was-there": was_there, "was-removed": was_removed, "was-read-as": was_read_as,
        "read-anew": read_anew,
    }  # fmt: skip
    for name, command in said.items():
        sessions.command(name)(command)


def beam_given(
    session: SessionId, by: By,
    points: Annotated[
        list[str] | None, typer.Argument(metavar="[POINT]...", help="All whose elements lie there now by default.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="No beam was given, and none will be.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="With --none: why.")] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The beam that no instrument measures was given and is off, said before the elements come off; or none was."""
    from acquire.procedure.session import presence  # noqa: PLC0415
    from acquire.procedure.session.session import get_session  # noqa: PLC0415

    if none != (reason is not None):
        raise Misuse("--reason belongs to --none, and --none needs it.")
    with open_store(config, store) as connection:
        of = get_session(connection, session)
        if reason is not None:
            said = presence.no_beam(connection, of, by, reason, points or ())
        else:
            said = presence.beam_given(connection, of, by, points or ())
    told(
        f"{session}: {'no beam' if none else 'the beam'} was given while elements lay at {', '.join(said)}.",
        as_json=as_json,
        session=session,
        given=not none,
        points=list(said),
    )


def was_there(
    session: SessionId, element: ElementId, by: By, confirmed_by: SecondPerson, reason: Why,
    config: ConfigOption = None,    store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """An element lay at its point while the beam was on, though placing or removing it was written at another time."""
    from acquire.procedure.session import presence  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: presence.was_there(c, s, element, by, confirmed_by, reason))
    told(f"{session}: {element} lay there during the beam.", as_json=as_json, session=session, element=element)


def was_removed(
    session: SessionId, element: ElementId, by: By, confirmed_by: SecondPerson, reason: Why,
    config: ConfigOption = None,    store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """An element was off the patient before it was read, though its removal was written afterwards."""
    from acquire.procedure.session import presence  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: presence.was_removed(c, s, element, by, confirmed_by, reason))
    told(f"{session}: {element} was off before it was read.", as_json=as_json, session=session, element=element)


def was_read_as(
    session: SessionId,
    names: Annotated[list[str], typer.Argument(metavar="ELEMENT=NAME...", help="Such as T-017=T-071.")],
    by: By, confirmed_by: SecondPerson, reason: Why, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """A reader has an element under another name (a mistyped tray list, exchanged chips); the readings are its own."""
    from acquire.procedure.session.read_names import was_read_as as state  # noqa: PLC0415

    pairs = named_once(names, lambda word: two_names(word, "ELEMENT=NAME", "T-017=T-071"), "element")
    with_session(config, store, session, lambda c, s: state(c, s, pairs, by, confirmed_by, reason))
    told(
        f"{session}: {', '.join(f'{real} was read as {name}' for real, name in pairs.items())}.",
        as_json=as_json,
        session=session,
        read_as=pairs,
    )


def read_anew(
    session: SessionId, reader: Annotated[str, typer.Argument(metavar="READER")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="Its name in the reader's folder.")],
    by: By, confirmed_by: SecondPerson, reason: Why, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """A file that was read with a wrong description of its columns counts as it was taken again; both stay."""
    from acquire.procedure.session.read_anew import read_anew as state  # noqa: PLC0415

    done, others = with_session(
        config, store, session, lambda c, s: state(c, s, reader, file, by, confirmed_by, reason)
    )
    told(
        f"{session}: {done} readings of {file} count as they were taken again.",
        as_json=as_json,
        session=session,
        readings=done,
        to_calculate=others,
    )
    for each in others:
        say(f"What {each} has was made of the earlier ones: acquire results {each} --calculate.")


def say_doubts(config: Path | None, store: str | None, session: str, element: str) -> None:
    """At once, while it can still be put right: where an element was not in its beam by what is written."""
    from acquire.procedure.session.exposure import presence_doubts  # noqa: PLC0415

    for sentence in with_session(config, store, session, presence_doubts):
        if element in sentence:
            say(sentence)
