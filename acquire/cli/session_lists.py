"""session list, status: which sessions there are, and how far one is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from acquire.cli.place import ConfigOption, SessionId, StoreOption, open_store
from acquire.terminal.output import Json, day_and_minute, emit, say, table

if TYPE_CHECKING:
    import sqlite3

    from acquire.procedure.documents.plan import Step
    from acquire.procedure.session.session import Session

StateName = Literal["PLANNED", "READY", "MEASURING", "MEASURED", "CALCULATED", "CANCELLED"]


def register(sessions: typer.Typer) -> None:
    """Add these commands to those of sessions."""
    sessions.command("list")(session_list)
    sessions.command("status")(session_status)


def session_list(
    state: Annotated[
        StateName | None, typer.Option("--state", case_sensitive=False, help="Only those in this state.")
    ] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """All sessions, the newest first, with order, day and state."""
    from acquire.procedure.session import lists  # noqa: PLC0415
    from acquire.procedure.session.session import SessionState  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = lists.sessions(connection, SessionState(state) if state else None)
    if as_json:
        emit(found)
        return
    rows = [
        (f["session"], f["order"], f["fraction"], day_and_minute(f["started_at"]), f["state"],
         "simulated" if f["simulated"] else "") for f in found
    ]  # fmt: skip
    table("Sessions", ("session", "order", "fraction", "began (UTC)", "state", ""), rows)


def session_status(
    session: SessionId, config: ConfigOption = None, store: StoreOption = None, as_json: Json = False
) -> None:
    """Every step with how far it is, its beams, what keeps it open, what nobody has said, and what is in doubt."""
    from acquire.procedure.results.beam_assignment import in_words  # noqa: PLC0415

    with open_store(config, store) as connection:
        found = _how_it_is(connection, session)
    if as_json:
        emit(found)
        return
    rows = [
        (of["step"], of["kind"], of["progress"],
         of["reason"] or " ".join(of["missing"]) or in_words(found["beams"], of["step"]))
        for of in found["steps"]
    ]  # fmt: skip
    table(f"Session {session}: {found['state']}", ("step", "kind", "progress", ""), rows)
    noticed = [f"Notice {n['notice']}: {n['says']}: {n['stands']}." for n in (*found["notices"], *found["held_by"])]
    for sentence in (*found["keeps_open"], *found["asks"], *found["doubts"], *found["fits"], *noticed):
        say(sentence)


def _how_it_is(connection: sqlite3.Connection, session_id: str) -> dict[str, Any]:
    """All that is known of an open session now, as the JSON has it."""
    from acquire.fits.shown import fits_of_session, said  # noqa: PLC0415
    from acquire.procedure.results.beam_assignment import beams_shown  # noqa: PLC0415
    from acquire.procedure.session.closing import keeps_open  # noqa: PLC0415
    from acquire.procedure.session.holds import holding  # noqa: PLC0415
    from acquire.procedure.session.notices import notices, plain  # noqa: PLC0415
    from acquire.procedure.session.progress import progress  # noqa: PLC0415
    from acquire.procedure.session.session import get_session  # noqa: PLC0415
    from acquire.procedure.session.statements import open_questions  # noqa: PLC0415

    session = get_session(connection, session_id)
    steps, beams = progress(connection, session), beams_shown(connection, session)
    return {
        "session": session_id,
        "state": session.state,
        "steps": [
            {"step": p.step.id, "kind": p.step.kind, "progress": p.progress, "missing": list(p.missing),
             "reason": p.reason} for p in steps
        ],
        "beams": beams,
        "keeps_open": keeps_open(connection, session),
        "asks": open_questions(connection, session),
        "doubts": _doubts(connection, session, beams, [p.step for p in steps if p.progress == "waiting"]),
        "fits": said(fits_of_session(connection, session)),
        "notices": [plain(n) for n in notices(connection, session_id)],
        "held_by": [plain(n) for n in holding(connection, session.order_id, session.plan) if n.session != session_id],
    }  # fmt: skip


def _doubts(
    connection: sqlite3.Connection, session: Session, beams: list[dict[str, Any]], to_come: list[Step]
) -> list[str]:
    from acquire.procedure.results.beam_assignment import beam_doubts  # noqa: PLC0415
    from acquire.procedure.results.held import held_in_beam  # noqa: PLC0415
    from acquire.procedure.session.background_after import too_short_in_words  # noqa: PLC0415
    from acquire.procedure.session.background_seen import backgrounds_in_doubt  # noqa: PLC0415
    from acquire.procedure.session.beams_outside import beams_outside  # noqa: PLC0415
    from acquire.procedure.session.exposure import presence_doubts  # noqa: PLC0415
    from acquire.procedure.session.input_stops import of_beams_to_come  # noqa: PLC0415
    from acquire.procedure.session.run_of_point import run_doubts  # noqa: PLC0415

    return [
        *backgrounds_in_doubt(connection, session),
        *of_beams_to_come(connection, session, to_come),
        *too_short_in_words(connection, session),
        *presence_doubts(connection, session),
        *run_doubts(connection, session),
        *beam_doubts(beams),
        *held_in_beam(connection, session),
        *(each.says for each in beams_outside(connection, session)),
    ]
