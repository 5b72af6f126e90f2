"""downtime form, enter, check, total, set-aside: what is measured while the computer is down."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acquire.cli.place import (
    By,
    ConfigOption,
    PointId,
    SecondPerson,
    SessionId,
    SessionOrOrder,
    StoreOption,
    Why,
    number,
    plannable_store,
    with_session,
)
from acquire.cli.writing import Force, new_file, wrote
from acquire.plain_files import name_of, read_plain
from acquire.terminal.output import Json, emit, tell, told

if TYPE_CHECKING:
    from acquire.procedure.session.stops import Execution

forms = typer.Typer(no_args_is_help=True, help="While the computer is down: a form printed beforehand, entered later.")
Charge = Annotated[str, typer.Option("--charge", help="As it stands on the form, with its unit: '36.02 nC'.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(forms, name="downtime")


@forms.command("form")
def downtime_form(
    name: SessionOrOrder, by: By,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, HTML; print it.")],
    force: Force = False,
    fraction: Annotated[
        int | None, typer.Option(min=1, max=999, help="Of an order: the fraction; the plan's by default.")
    ] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Print today's plan as a numbered form: detectors, serials, factors, expected doses, and room to write."""
    from acquire.canonical import utc_now  # noqa: PLC0415
    from acquire.procedure.documents.kept import fetch  # noqa: PLC0415
    from acquire.procedure.session.downtime import keep_form  # noqa: PLC0415
    from acquire.record.downtime_form import form_page  # noqa: PLC0415

    with plannable_store(config, store) as connection:
        asked = _asked(connection, name, fraction)
        with new_file(output, force=force) as file:
            form = keep_form(connection, asked, by, lambda n: form_page(asked, n, utc_now(), by))
            file.write(fetch(connection, form.sha256)[1])
    wrote(output, f"{output}: form {form.n}.", as_json=as_json, form=form.n, sha256=form.sha256)


@forms.command("enter")
def downtime_enter(
    session: SessionId, point: PointId, charge: Charge, by: By,
    form: Annotated[int, typer.Option("--form", help="The number at the top of the form.")],
    at: Annotated[str, typer.Option("--at", help="When, as on the form, with its offset: 2027-02-15T15:00:00+01:00.")],
    written_by: Annotated[str, typer.Option("--written-by", help="Who filled the form.")],
    scan: Annotated[Path, typer.Option("--scan", help="Picture of the form: PDF, PNG, JPEG or TIFF.")],
    reason: Why,
    correct: Annotated[bool, typer.Option("--correct", help="In the place of what was entered before.")] = False,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """A late entry from a form; another person compares it before it gives a dose."""
    from acquire.procedure.session import downtime  # noqa: PLC0415

    picture = name_of(scan), read_plain(scan, downtime.LARGEST_SCAN)
    with_session(
        config, store, session,
        lambda c, s: downtime.enter(
            c, s, point, charge, by, form=form, read_at=at, written_by=written_by, scan=picture, reason=reason,
            correct=correct,
        ),
    )  # fmt: skip
    told(
        f"{session}: {charge} at {point}, TRANSCRIBED from form {form}; a second person compares it (downtime check).",
        as_json=as_json,
        session=session,
        point=point,
        charge=charge,
        form=form,
        at=at,
    )


@forms.command("check")
def downtime_check(
    session: SessionId,
    point: PointId,
    charge: Charge,
    by: By,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """A second person reads the number from the form again; it must be what was entered."""
    from acquire.procedure.session import downtime  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: downtime.check(c, s, point, charge, by))
    told(
        f"{session}: {charge} at {point} is what the form says.",
        as_json=as_json,
        session=session,
        point=point,
        charge=charge,
    )


@forms.command("total")
def downtime_total(
    session: SessionId, point: PointId, by: By,
    limit_percent: Annotated[float, number("--limit-percent", "How far the two may be apart; beyond it, no dose.")],
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """What the electrometer kept, as its driver read it last, against what was entered."""
    from acquire.procedure.session import downtime  # noqa: PLC0415

    nc, difference = with_session(
        config, store, session, lambda c, s: downtime.read_back(c, s, point, limit_percent, by)
    )
    held = abs(difference) > limit_percent
    if as_json:
        emit({"session": session, "point": point, "nc": nc, "difference_percent": difference, "held": held})
        return
    tell(f"{point}: the electrometer kept {nc:.6g} nC, {difference:+.2f} %.{' Held: no dose.' if held else ''}")


@forms.command("set-aside")
def downtime_set_aside(
    session: SessionId, point: PointId, by: By, confirmed_by: SecondPerson, reason: Why, config: ConfigOption = None,
    store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The total that was read back is not of this beam, as two people say."""
    from acquire.procedure.session import downtime  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: downtime.set_aside(c, s, point, by, confirmed_by, reason))
    told(f"{session}: the total at {point} is set aside.", as_json=as_json, session=session, point=point)


def _asked(connection: sqlite3.Connection, name: str, fraction: int | None) -> Execution:
    """Of a session, or of the newest plan of an order with the files it came in with. Raises Refused, Misuse."""
    from acquire.errors import Refused  # noqa: PLC0415
    from acquire.procedure.session.planning import files_of_plan, newest_version  # noqa: PLC0415
    from acquire.procedure.session.session import asked_for, get_session  # noqa: PLC0415

    if connection.execute("SELECT 1 FROM session WHERE id = ?", (name,)).fetchone():
        return get_session(connection, name).now
    version = newest_version(connection, name)
    files = files_of_plan(connection, name, version)
    if files is None:
        raise Refused(f"Plan v{version} of {name} was taken in by an earlier version, without its files; add it again.")
    return asked_for(connection, name, *files, fraction)
