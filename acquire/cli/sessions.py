"""session start, time-out, environment, step, place, remove, close: what people do in a session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from acquire.cli import beams, presence, session_lists, signing, statements
from acquire.cli.orders import orders_room
from acquire.cli.place import (
    By,
    ConfigOption,
    ElementId,
    OrderId,
    PointId,
    SessionId,
    StepId,
    StoreOption,
    file_bytes,
    number,
    open_instrument_client,
    open_store,
    plannable_store,
    with_session,
)
from acquire.errors import Refused
from acquire.plain_files import name_of
from acquire.terminal.output import Json, emit, tell, told
from acquire.terminal.progress import waiting
from drivers import Misuse

sessions = typer.Typer(no_args_is_help=True, help="Sessions: one execution of a plan.")

Calibrations = Annotated[Path, typer.Option("--calibrations", help="Calibration file (TOML).")]
Inventory = Annotated[Path, typer.Option("--inventory", help="Inventory file (TOML).")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why; kept in the audit trail.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for part in (session_lists, statements, beams, presence, signing):
        part.register(sessions)
    app.add_typer(sessions, name="session")


@sessions.command("start")
def session_start(
    order: OrderId, calibrations: Calibrations, inventory: Inventory, by: By,
    fraction: Annotated[int | None, typer.Option(min=1, max=999, help="Fraction; the plan's by default.")] = None,
    simulated: Annotated[bool, typer.Option("--simulated", help="Measured on simulators.")] = False,
    rest_of: Annotated[
        str | None, typer.Option(help="The session in which a beam began whose rest is measured in this one.")
    ] = None,
    instead_of: Annotated[
        str | None, typer.Option(help="An open session for the same ports, which is given up for this one (--reason).")
    ] = None,
    reason: Reason = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Open a session of the newest plan of an order."""
    from acquire.cli.asking import states_there  # noqa: PLC0415 - brings the client of the broker
    from acquire.procedure.session.session import start_session  # noqa: PLC0415

    with plannable_store(config, store) as connection:
        if not simulated:
            _must_know_people(connection, config, order)
        session = start_session(
            connection, order, by, calibrations=(name_of(calibrations), file_bytes(calibrations)),
            inventory=(name_of(inventory), file_bytes(inventory)), fraction=fraction, simulated=simulated,
            states=states_there(config, by, _instruments(connection, order)), rest_of=rest_of,
            instead_of=None if instead_of is None else (instead_of, reason or ""),
        )  # fmt: skip
    emit({"session": session.id, "state": session.state}) if as_json else tell(session.id)


def _must_know_people(connection: Any, config: Path | None, order: str) -> None:
    """Raises Refused for a patient before real instruments where the store does not know who people are."""
    from acquire.config_part import measures_really  # noqa: PLC0415
    from acquire.people import has_accounts  # noqa: PLC0415
    from acquire.procedure.session.planning import get_plan, newest_version  # noqa: PLC0415

    if config is None or has_accounts(connection) or not measures_really(config):
        return
    if get_plan(connection, order, newest_version(connection, order)).purpose == "patient":
        raise Refused(
            "A patient is measured with real instruments by people who log in: this store has no accounts (acquire user"
            " add)."
        )


def _instruments(connection: Any, order: str) -> list[str]:
    from acquire.procedure.session.planning import get_plan, newest_version  # noqa: PLC0415

    return get_plan(connection, order, newest_version(connection, order)).instruments


@sessions.command("time-out")
def session_time_out(
    session: SessionId, read_by: Annotated[str, typer.Option()], confirmed_by: Annotated[str, typer.Option()],
    identifiers_agree: Annotated[bool, typer.Option("--identifiers-agree", help="Both were compared.")] = False,
    identifier: Annotated[
        list[str] | None,
        typer.Option(help="Read from the patient, two of: record number, birth date (1960-12-31), name."),
    ] = None,
    form: Annotated[int | None, typer.Option("--form", help="Entered late: the downtime form that has it.")] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Two people have read who, what and where; no marker is set before it."""
    from acquire.cli.asking import states_there  # noqa: PLC0415
    from acquire.procedure.documents.identities import NotThatPatient, must_be_patient_of  # noqa: PLC0415
    from acquire.procedure.session.session import get_session, time_out, wrong_patient  # noqa: PLC0415

    with orders_room(config, store) as (connection, patients, _):
        found, compared = get_session(connection, session), list[str]()
        try:
            if form is None or identifier:  # what was signed on a form was compared on it
                compared = must_be_patient_of(connection, patients, found.order_id, identifier or ())
        except NotThatPatient as refused:
            wrong_patient(connection, session, read_by, confirmed_by, str(refused))
            raise
        states = states_there(config, read_by, found.instruments)
        time_out(
            connection, session, read_by, confirmed_by, identifiers_agree=identifiers_agree or bool(compared),
            states=states, form=form, compared=compared,
        )  # fmt: skip
    told(
        f"{session}: time-out by {read_by} and {confirmed_by}.",
        as_json=as_json,
        session=session,
        read_by=read_by,
        confirmed_by=confirmed_by,
        compared=compared,
    )


@sessions.command("environment")
def session_environment(
    session: SessionId, temperature: Annotated[float, number("--temperature", "°C")],
    pressure: Annotated[float, number("--pressure", "Station pressure in kPa.")],
    source: Annotated[str, typer.Option(help="Which thermometer and barometer.")], by: By,
    humidity: Annotated[float | None, number("--humidity", "Relative humidity in percent.")] = None,
    replaces: Annotated[int | None, typer.Option(help="Number of the mistyped entry whose place it takes.")] = None,
    reason: Reason = None,
    confirmed_by: Annotated[str | None, typer.Option(help="With --replaces: the second person.")] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Air temperature and station pressure at the chamber; a reading uses the entry nearest to it in time."""
    from acquire.procedure.session.ambient_conditions import set_environment  # noqa: PLC0415

    with open_store(config, store) as connection:
        n = set_environment(
            connection, session, by, temperature_c=temperature, pressure_kpa=pressure, source=source,
            humidity_percent=humidity, replaces=replaces, reason=reason, confirmed_by=confirmed_by,
        )  # fmt: skip
    damp = "" if humidity is None else f", {humidity:g} % relative humidity"
    instead = "" if replaces is None else f", in the place of air {replaces}"
    told(
        f"{session}: air {n}: {temperature} °C, {pressure} kPa{damp}{instead}.",
        as_json=as_json,
        session=session,
        n=n,
        temperature_c=temperature,
        pressure_kpa=pressure,
        humidity_percent=humidity,
    )


@sessions.command("step")
def session_step(
    session: SessionId, step: StepId,
    action: Annotated[Literal["begin", "end", "run", "skip", "abandon"], typer.Argument()],
    by: By, reason: Reason = None,
    seconds: Annotated[float | None, typer.Option(help="With run: how long it lasts; else as planned.")] = None,
    beam_given: Annotated[
        bool | None,
        typer.Option("--beam-given/--no-beam", help="With abandon; where neither is said the beam counts as given."),
    ] = None,
    rest: Annotated[
        bool, typer.Option("--rest", help="With begin or run: the rest of this step's interrupted beam.")
    ] = False,
    rest_of: Annotated[
        str | None, typer.Option(help="With --rest: the session in which the beam began, if that is another one.")
    ] = None,
    confirmed_by: Annotated[str | None, typer.Option(help="With --rest: the second person.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="With begin or run: a zero or background once more, before its beam.")
    ] = False,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Begin or end a step, run it for some seconds, or write it as not measured. Never asks anybody for more beam."""
    import asyncio  # noqa: PLC0415 - the other commands of sessions wait for nothing

    from acquire import event_loop  # noqa: PLC0415
    from acquire.procedure.session import steps  # noqa: PLC0415
    from acquire.procedure.session.rests import Rest  # noqa: PLC0415
    from acquire.procedure.session.session import get_session  # noqa: PLC0415
    from acquire.procedure.session.step_length import seconds_of  # noqa: PLC0415

    if action in ("skip", "abandon") and not reason:
        raise Refused(f"Say why: --reason is needed to {action} a step.")
    if (rest or again) and action not in ("begin", "run"):
        raise Misuse(f"{'--rest' if rest else '--again'} goes with begin or run.")
    if rest and again:
        raise Misuse("--rest is of a beam, --again of a zero or a background: say one of the two.")
    if rest_of is not None and not rest:
        raise Misuse("--rest-of goes with --rest.")
    of_rest = Rest(reason or "", confirmed_by or "", rest_of) if rest else None
    said: list[str] = []
    with open_store(config, store) as connection:
        if action == "skip":
            steps.not_measured(connection, session, step, by, reason or "")
        else:
            plan = get_session(connection, session).plan
            lasts = seconds_of(plan, plan.step_named(step), seconds) if action == "run" else 0.0

            async def lasting(_: object) -> None:
                await _first_reading(connection, session, step)
                now(f"{step} runs", lasts)
                await asyncio.sleep(lasts)
                now(f"{step} ends")

            async def act() -> None:
                async with open_instrument_client(config, by) as client:
                    if action == "begin":
                        await steps.begin_step(connection, client, session, step, by, of_rest, again=again)
                        said.append(await _first_reading(connection, session, step))
                    elif action == "end":
                        await steps.end_step(connection, client, session, step, by)
                        said.append(await _what_was_measured(connection, session, step))
                    elif action == "run":
                        await steps.run_step(connection, client, session, step, by, lasting, of_rest, again=again)
                        said.append(await _what_was_measured(connection, session, step))
                    else:
                        await steps.abandon_step(
                            connection, session, step, by, reason or "", beam_given=beam_given, client=client
                        )

            with waiting(f"{step} {action}") as now:
                event_loop.run(act())
    unknown = action == "abandon" and beam_given is None
    counts = " Whether beam was given is not known: it counts as given (--no-beam, where none was)." if unknown else ""
    told(
        f"{session}: {step} {action}.{counts}{''.join(said)}",
        as_json=as_json,
        session=session,
        step=step,
        action=action,
        says="".join((counts, *said)).strip(),
    )


async def _first_reading(connection: Any, session: str, step: str) -> str:
    """Nothing once each instrument of a step has given a reading; else that the beam is to wait for it."""
    from acquire.procedure.session.stored import until_read  # noqa: PLC0415

    late = await until_read(connection, session, step)
    return f" {late} acquire session status shows when there is one." if late else ""


async def _what_was_measured(connection: Any, session: str, step: str) -> str:
    """What a step collected, or that it is on its way, once the store has had a moment to take it."""
    from acquire.procedure.results.beam_assignment import beams_shown, in_words  # noqa: PLC0415
    from acquire.procedure.session.session import get_session  # noqa: PLC0415
    from acquire.procedure.session.stored import until_stored  # noqa: PLC0415
    from acquire.store.database import one_moment  # noqa: PLC0415

    if await until_stored(connection, session, step):
        return " Its readings are not in the store yet: they come by themselves, acquire session status shows them."
    with one_moment(connection):
        beams = in_words(beams_shown(connection, get_session(connection, session), step), step)
    return f" {beams}." if beams else ""


@sessions.command("place")
def session_place(
    session: SessionId,
    point: PointId,
    element: ElementId,
    by: By,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """One element onto one point, scanned or read one by one."""
    from acquire.procedure.session.placement import place  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: place(c, s, point, element, by))
    told(f"{session}: {element} at {point}.", as_json=as_json, session=session, point=point, element=element)
    presence.say_doubts(config, store, session, element)


@sessions.command("remove")
def session_remove(
    session: SessionId,
    element: ElementId,
    by: By,
    config: ConfigOption = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """One element off the patient."""
    from acquire.procedure.session.placement import remove  # noqa: PLC0415

    with_session(config, store, session, lambda c, s: remove(c, s, element, by))
    told(f"{session}: {element} is back.", as_json=as_json, session=session, element=element)
    presence.say_doubts(config, store, session, element)


@sessions.command("close")
def session_close(
    session: SessionId, by: By, over: Annotated[str | None, typer.Option(help="Why over what is missing.")] = None,
    config: ConfigOption = None, store: StoreOption = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Close a session; refused, naming what is missing, while anything may still be on its way."""
    from acquire.procedure.session.closing import close_session  # noqa: PLC0415

    with open_store(config, store) as connection:
        missing = close_session(connection, session, by, over=over)
    told(
        f"{session} is closed{' over: ' + ' '.join(missing) if missing else ''}.",
        as_json=as_json,
        session=session,
        over=list(missing),
    )
