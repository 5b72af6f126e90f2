"""results, report: the doses of a session, and its record."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from acquire.cli import completing
from acquire.cli.place import ConfigOption, SessionId, StoreOption, open_store
from acquire.cli.writing import Force, new_file, wrote
from acquire.errors import Refused
from acquire.terminal.output import Json, emit, say, tell
from acquire.terminal.progress import waiting
from drivers import Misuse

_KINDS: Mapping[str, Literal["html", "pdf", "json"]] = {
    "": "html", ".html": "html", ".htm": "html", ".pdf": "pdf", ".json": "json",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(results)
    app.command()(report)


def results(
    session: Annotated[
        str | None, typer.Argument(metavar="SESSION", autocompletion=completing.sessions)
    ] = None,
    calculate: Annotated[bool, typer.Option("--calculate", help="Compute them first (new versions).")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Each step with its numbers and source.")] = False,
    trend: Annotated[bool, typer.Option("--trend", help="Control charts over all sessions of the store.")] = False,
    by: Annotated[str | None, typer.Option("--by", envvar="ACQUIRE_BY", help="Who computes.")] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The doses of a session, with uncertainty, decision and, if asked, every step of the calculation; or trends."""
    from acquire.fits.shown import fits_of_point  # noqa: PLC0415
    from acquire.procedure.results.result import calculate_session  # noqa: PLC0415
    from acquire.procedure.results.result import results as stored  # noqa: PLC0415
    from acquire.procedure.session.session import get_session  # noqa: PLC0415
    from acquire.procedure.session.what_next import no_results_yet  # noqa: PLC0415

    if (session is None) != trend:
        raise Misuse("Name one session, or ask for --trend over all of them.")
    if session is None:
        _trend(config, store, as_json)
        return
    with open_store(config, store) as connection:
        if calculate:
            if by is None:
                raise Refused("Say who computes: --by ROLE.")
            with waiting("Calculating"):
                calculate_session(connection, session, by)
        of = get_session(connection, session)
        found = [
            {"point": r.point, "version": r.version, "detector": of.plan.point_named(r.point).measured_by}
            | r.output.plain()
            | {"fits": fits_of_point(connection, of, r)}
            for r in stored(connection, session)
        ]
        why_none = None if found else no_results_yet(connection, of)
    from acquire.terminal.results import mean_of_points, print_results  # noqa: PLC0415

    if as_json:
        said = {} if why_none is None else {"says": why_none}
        emit({"session": session, "results": found, "mean_deviation": mean_of_points(found), **said})
    elif why_none is not None:
        tell(why_none)
    else:
        print_results(found, explain=explain)


def _trend(config: Path | None, store: str | None, as_json: bool) -> None:
    from acquire.procedure.results.trends import observations, trends  # noqa: PLC0415
    from acquire.terminal.results import print_trends, trends_as_json  # noqa: PLC0415

    with open_store(config, store) as connection, waiting("Looking at all sessions"):
        made = trends(observations(connection))
    emit(trends_as_json(*made)) if as_json else print_trends(*made)


def report(
    session: SessionId,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write; - is the output.")],
    format: Annotated[
        Literal["html", "pdf", "json"] | None, typer.Option("--format", help="Otherwise by the name of the file; html.")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", min=1, help="A version as it was signed, byte for byte.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Who is given it: they get its corrections.")] = None,
    by: Annotated[str | None, typer.Option("--by", envvar="ACQUIRE_BY", help="With --to: who gives it.")] = None,
    force: Force = False,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """The record of a session as it stands, or as a version was signed; a page, a PDF, or canonical JSON."""
    from acquire.procedure.signing.writing import give  # noqa: PLC0415

    if to is not None and by is None:
        raise Misuse("Say who gives it: --by.")
    form = format or _KINDS.get(output.suffix.lower())
    if form is None:
        raise Misuse(f"{output} ends in none of .html, .pdf and .json: say with --format which it is to be.")
    with open_store(config, store) as connection:
        with waiting("Making the record"):
            body, given = _bytes_of(connection, session, form, version)
        output.parent.mkdir(parents=True, exist_ok=True)
        with new_file(output, force=force) as file:
            file.write(body)
            if to is not None and by is not None:
                give(connection, session, given, body, form, to, by)
            else:
                _looked(connection, session, f"{'the draft' if given is None else f'version {given}'} as {form}")
    wrote(output, str(output), as_json=as_json, session=session, format=form, version=given)


def _looked(connection: Any, session: str, shown: str) -> None:
    """Write down who looked. Nobody is kept from reading by it: where it cannot be written, that is said."""
    from acquire.cli.let_in import log_in_of  # noqa: PLC0415
    from acquire.people.looks import looked_at_record  # noqa: PLC0415

    token = None
    with suppress(Refused):
        token = log_in_of(connection)
    if not looked_at_record(connection, session, shown, token):
        say("That you looked could not be written down: the store is busy, full or can only be read.")


def _bytes_of(connection: Any, session: str, form: str, version: int | None) -> tuple[bytes, int | None]:
    """A record's bytes, and which signed version they are. Raises Refused for one that was never signed."""
    from acquire.procedure.session.session import get_session  # noqa: PLC0415
    from acquire.procedure.signing.rows import rendition_of  # noqa: PLC0415
    from acquire.procedure.signing.standing import standing  # noqa: PLC0415
    from acquire.record import as_json, build, html  # noqa: PLC0415
    from acquire.record.pdf import pdf  # noqa: PLC0415
    from acquire.record.signing import kept_pdf  # noqa: PLC0415

    now = standing(connection, get_session(connection, session))
    asked = version or (now.version if now.is_signed else None)
    kept = rendition_of(connection, session, asked) if asked is not None else None
    if version is not None and kept is None:
        raise Refused(
            f"There is no signed version {version} of {session}; acquire session versions {session} shows them."
        )
    if kept is not None and asked is not None:
        if asked != now.version or now.changes:
            say(f"Version {asked} of {session} is not how things stand now: acquire session versions {session}.")
        return (kept_pdf(connection, session, asked) if form == "pdf" else kept[0 if form == "json" else 1]), asked
    record = build(connection, session)
    made = pdf(record) if form == "pdf" else html(record).encode() if form == "html" else as_json(record)
    return made, None
