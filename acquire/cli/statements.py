"""session console-time, spectrum, exclude, correct, imaging, ...: what only people can say of a session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from acquire.cli import completing
from acquire.cli.place import (
    By,
    ConfigOption,
    ElementId,
    PointId,
    SecondPerson,
    SessionId,
    StoreOption,
    Why,
    file_bytes,
    named_once,
    number,
    open_store,
    two_names,
    with_session,
)
from acquire.plain_files import name_of
from acquire.terminal.output import Json, told
from drivers import Misuse


def register(sessions: typer.Typer) -> None:
    """Add these commands to those of sessions."""
    for name, command in (
        ("console-time", console_time), ("spectrum", spectrum), ("exclude", exclude), ("correct", correct),
        ("bind", bind), ("imaging", imaging), ("pre-irradiated", pre_irradiated), ("read-at", read_at),
        ("reader-run", reader_run), ("clock", clock), ("take-over", take_over), ("changed", changed),
    ):  # fmt: skip
        sessions.command(name)(command)


def console_time(
    session: SessionId, seconds: Annotated[float, number("--seconds", "Total dwell time in s.")],
    at: Annotated[str, typer.Option(help="When, with its offset: 2027-02-05T10:31:00+01:00.")], by: By,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """What an afterloader's console showed; held against plan and decay of the source."""
    from acquire.procedure.session.console import enter_console_time  # noqa: PLC0415

    with open_store(config, store) as connection:
        enter_console_time(connection, session, by, total_s=seconds, treated_at=at)
    told(f"{session}: {seconds:g} s at the console.", as_json=as_json, session=session, seconds=seconds, at=at)


def spectrum(
    session: SessionId, point: PointId, file: Annotated[Path, typer.Argument(metavar="FILE")], by: By,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The spectrum file of a point; read as the plan says, and kept."""
    from acquire.procedure.session.spectrum_file import attach_spectrum  # noqa: PLC0415

    body = file_bytes(file)
    with_session(
        config, store, session,
        lambda c, s: attach_spectrum(c, s.id, s.plan.point_named(point), name_of(file), body, by),
    )  # fmt: skip
    told(f"{session}: {name_of(file)} for {point}.", as_json=as_json, session=session, point=point, file=name_of(file))


def exclude(
    session: SessionId, element: ElementId, by: By, confirmed_by: SecondPerson, reason: Why,
    config: ConfigOption = None,    store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Leave one element out of its point's dose; its reading stays."""
    from acquire.procedure.session import statements  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: statements.exclude(c, s, element, by, confirmed_by, reason))
    told(f"{session}: {element} is left out.", as_json=as_json, session=session, excluded=element)


def correct(
    session: SessionId, wrong: str, right: str, by: By, confirmed_by: SecondPerson, reason: Why,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The element that was placed is another one than written; the old entry stays."""
    from acquire.procedure.session import placement  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: placement.correct(c, s, wrong, right, by, confirmed_by, reason))
    told(f"{session}: {right} was placed, not {wrong}.", as_json=as_json, session=session, wrong=wrong, right=right)


def bind(
    session: SessionId,
    lay: Annotated[list[str], typer.Argument(metavar="POINT=DIODE...", help="Every exchanged port: B2=D-12 B7=D-14.")],
    by: By, confirmed_by: SecondPerson, reason: Why, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Diodes lay at other ports than planned: bind each to where it was, by two people; the signals must agree."""
    from acquire.procedure.results import binding  # noqa: PLC0415

    found = named_once(lay, lambda word: two_names(word, "POINT=DIODE", "B2=D-12"), "point")
    with_session(config, store, session, lambda c, s: binding.bind(c, s, found, by, confirmed_by, reason))
    told(
        f"{session}: {', '.join(f'{diode} lay at {point}' for point, diode in found.items())}.",
        as_json=as_json,
        session=session,
        bound=found,
    )


def imaging(
    session: SessionId, point: PointId, by: By,
    what: Annotated[str | None, typer.Option(help="What was given.")] = None,
    none: Annotated[bool, typer.Option("--none", help="None was given.")] = False,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Whether imaging was given while the elements of a point lay there: if so, no therapy dose comes of them."""
    from acquire.procedure.session import statements  # noqa: PLC0415

    if none == (what is not None):
        raise Misuse("Say --what was given, or --none.")
    if what is None:
        with_session(config, store, session, lambda c, s: statements.no_imaging(c, s, point, by))
    else:
        with_session(config, store, session, lambda c, s: statements.imaging_given(c, s, point, by, what))
    told(
        f"{session}: {'no ' if none else ''}imaging at {point} is noted.",
        as_json=as_json,
        session=session,
        point=point,
        given=what,
    )


def pre_irradiated(
    session: SessionId, detector: str, gy: Annotated[float, number("--gy", "How much, in Gy.")], by: By,
    reason: Annotated[str, typer.Option("--beam", help="In which beam; printed with the result.")],
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """What a chamber received before its readings."""
    from acquire.procedure.session import statements  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: statements.pre_irradiated(c, s, detector, by, gy, reason))
    told(
        f"{session}: {detector} received {gy:g} Gy.",
        as_json=as_json,
        session=session,
        detector=detector,
        gy=gy,
        beam=reason,
    )


def read_at(
    session: SessionId, reader: str, at: Annotated[str, typer.Option(help="2027-02-05T10:20:00+01:00")], by: By,
    confirmed_by: SecondPerson, reason: Why, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """When a reader really read the elements of a session, where its own clock is missing or wrong."""
    from acquire.procedure.session import statements  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: statements.read_at(c, s, reader, at, by, confirmed_by, reason))
    told(f"{session}: {reader} read at {at}.", as_json=as_json, session=session, reader=reader, at=at)


def reader_run(
    session: SessionId,
    elements: Annotated[list[str], typer.Argument(
            metavar="ELEMENT...", help="Elements that were read in that run.", autocompletion=completing.elements
        )],
    standards: Annotated[
        Literal["before", "after"],
        typer.Option(help="Which standards and controls were read with them: the ones before, or the ones after."),
    ],
    by: By, confirmed_by: SecondPerson, reason: Why, config: ConfigOption = None, store: StoreOption = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """With which standards elements were read, where the reader's records leave open which run they are of."""
    from acquire.procedure.session import run_of_point  # noqa: PLC0415

    with_session(
        config, store, session,
        lambda c, s: run_of_point.state_run(c, s, elements, standards, by, confirmed_by, reason),
    )  # fmt: skip
    told(
        f"{session}: {', '.join(elements)} were read with the standards {standards} them.",
        as_json=as_json,
        session=session,
        elements=elements,
        standards=standards,
    )


def clock(
    session: SessionId, machine: Annotated[str, typer.Argument(metavar="MACHINE", help="LA-2, a reader, ...")], by: By,
    theirs: Annotated[str, typer.Option(help="What its clock shows: 2027-02-15T07:58:41+01:00.")],
    ours: Annotated[str, typer.Option(help="What this computer's clock shows at that moment.")],
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """How far the clock of another machine is from this computer's; printed, and nothing is attributed by it."""
    from acquire.procedure.session.clock_offsets import compare_clock  # noqa: PLC0415

    found = with_session(config, store, session, lambda c, s: compare_clock(c, s, machine, theirs, ours, by))
    told(f"{session}: {found.says}", as_json=as_json, session=session, machine=machine, behind_s=found.behind_s)


def take_over(
    session: SessionId,
    by: By,
    reason: Why,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Go on with a session that somebody else has; each step names who does it."""
    from acquire.procedure.session import take_over as taking  # noqa: PLC0415

    found = with_session(config, store, session, lambda c, s: taking.take_over(c, s, by, reason))
    told(
        f"{session}: {by} has taken it over from {found.from_whom}.",
        as_json=as_json,
        session=session,
        from_whom=found.from_whom,
        by=by,
    )


def changed(
    session: SessionId,
    instrument: Annotated[str, typer.Argument(metavar="INSTRUMENT")],
    what: Annotated[
        Literal["cable", "detector", "channel", "range", "voltage", "switched-off", "on-since"], typer.Argument()
    ],
    by: By,
    reason: Why,
    at: Annotated[str | None, typer.Option(help="When, with its offset: 2027-02-05T07:30:00+01:00.")] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Something was changed at an instrument's input, so that zero and leakage end; or since when it is on."""
    from acquire.procedure.session import input_changes  # noqa: PLC0415

    with_session(
        config, store, session, lambda c, s: input_changes.state_change(c, s, instrument, what, by, reason, at)
    )
    ends = "" if what == "on-since" else "; its zero and its leakage have ended"
    told(
        f"{session}: {instrument}: {what}{f' at {at}' if at else ''}{ends}.",
        as_json=as_json,
        session=session,
        instrument=instrument,
        what=what,
    )
