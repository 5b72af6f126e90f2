"""Running the steps of a plan on real instruments: every attempt is a measurement between two markers in a stream.

A step that is measured on several instruments at once has one attempt on each, begun and ended together.

A step has begun only when the instrument's answer names the stream and seq of its marker; until then the same
measurement id is asked for again. How the instrument adds up and what frames the measurement is taken from its state at
the begin, and written down with the attempt. Nobody is ever asked for more beam.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.plan import CHARGES, Step
from acquire.procedure.session import framing, input_stops, once_more, rests, stops
from acquire.procedure.session.attempts import Attempt, attempts, mark, request
from acquire.procedure.session.beams_given import must_not_repeat
from acquire.procedure.session.framing import InForce
from acquire.procedure.session.progress import next_step, progress
from acquire.procedure.session.rests import Rest, may_measure
from acquire.procedure.session.serials import exchanged
from acquire.procedure.session.session import (
    Session,
    SessionState,
    get_session,
    move,
    must_be_identified_here,
    state_of,
)
from acquire.procedure.stock.received import irradiated_rows
from acquire.store import audit
from acquire.store.database import transaction
from drivers.model import Framing

if TYPE_CHECKING:
    from acquire.bus.messages import State


class AnyInstrumentClient(Protocol):
    """Whoever can ask instruments: over MQTT in the service (acquire.bus), directly in tests."""

    async def command(self, instrument: str, name: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask and wait for the answer; raises when refused or not answered.

        `begin` and `end` take {"measurement", "session", "step", "channel"} and answer {"stream", "seq"}; `begin` takes
        also "allows": the commands that the step needs before its end.
        """

    async def state(self, instrument: str) -> State | None:
        """What the instrument says of itself now; None where nothing of that name is known."""


During = Callable[[Step], Awaitable[None]]


async def begin_step(
    connection: sqlite3.Connection,
    client: AnyInstrumentClient,
    session_id: str,
    step_id: str,
    who: str,
    rest: Rest | None = None,
    *,
    again: bool = False,
) -> Attempt:
    """Begin a step with markers, on each of its instruments. Asked again before it has begun, it uses the same ids.

    `rest`: what is measured now is the rest of the step's interrupted beam; `again`: a zero or background that was done
    is done once more, before its beam. Raises Refused when it is not this step's turn, before the time-out, when it
    would mean more beam on a patient, or where an instrument's own state contradicts the inventory or cannot give what
    the step collects: then nothing has begun on any, or what had is given up.
    """
    session = get_session(connection, session_id)
    step = session.plan.step_named(step_id)
    must_be_identified_here(connection, session_id)
    began: str | None = None
    if rest is not None:
        began = rests.may_begin(connection, session, step, rest, who)
    elif again:
        once_more.may_begin(connection, session, step)
    else:
        _may_begin(connection, session, step)
        _still_holds(connection, session, step)
        if step.kind in CHARGES:
            input_stops.must_hold(connection, session, step)
    forces = {name: await _in_force(connection, client, session, step, name) for name in session.plan.inputs(step)}
    beside = rests.row_of(session_id, step, rest, who, began)
    for name in forces if rest is None and step.kind != "threshold" else ():
        if (cold := input_stops.warm_up_stop(connection, session, name)) is not None:
            raise Refused(cold)
    for name, force in forces.items():
        attempt = request(connection, session.id, step, who, name, beside)
        if attempt.begun:
            continue  # asked again after another instrument had failed
        here = rest is None or began is not None  # a rest in the same session is of the same irradiation
        points = session.plan.inputs(step)[name] if here else ()
        lies = irradiated_rows(session.inventory, session.plan, step, points, attempt.measurement)
        try:
            await _begin_on(connection, client, attempt, step, force, who, lies)
        except Exception as reason:
            if len(forces) > 1:
                await _nothing_begun(connection, client, session_id, step, name, who, reason)
            raise
    for name, force in forces.items():
        for command in force.framing.start if step.integrates else ():
            await client.command(name, command, {})
    return attempts(connection, session_id, step_id)[-1]


async def _begin_on(
    connection: sqlite3.Connection,
    client: AnyInstrumentClient,
    attempt: Attempt,
    step: Step,
    force: InForce,
    who: str,
    lies: Sequence[audit.Row],
) -> None:
    """lies: rows of what lies in the beam."""
    for name in force.framing.before if step.integrates else ():
        await client.command(attempt.instrument, name, {})
    answer = await client.command(attempt.instrument, "begin", _marker(attempt, force.channel) | _allowed(force, step))
    with transaction(connection):
        mark(connection, attempt, "begun", answer, who, force, lies)
        if state_of(connection, attempt.session) is SessionState.READY:
            move(connection, attempt.session, SessionState.MEASURING, who)


async def _nothing_begun(
    connection: sqlite3.Connection,
    client: AnyInstrumentClient,
    session_id: str,
    step: Step,
    failed: str,
    who: str,
    reason: Exception,
) -> None:
    """One of several instruments did not begin: the others are ended and given up; no beam was asked for.

    Raises Refused, which says so.
    """
    why = f"{failed} did not begin: {str(reason).rstrip('.') or type(reason).__name__}"
    begun = [a for a in _open(connection, session_id, step.id) if a.begun]
    for attempt in begun:
        try:
            await _end_on(connection, client, get_session(connection, session_id), attempt, step, who)
        except Exception as also:  # it is given up all the same: its readings stay
            why += f"; {attempt.instrument} could not be ended ({also})"
        _give_up(connection, attempt, who, f"{why}; no beam was asked for", beam_given=False)
    others = f"{', '.join(a.instrument for a in begun)} was ended; " if begun else ""
    raise Refused(f"{step.id} was not begun: {why}. {others}no beam is to be given. Begin {step.id} again.") from reason


async def end_step(
    connection: sqlite3.Connection, client: AnyInstrumentClient, session_id: str, step_id: str, who: str
) -> Attempt:
    """End the running attempts of a step. Raises Refused when none is running, or where an instrument did not end.

    An instrument that does not end leaves the others ended; the step is then ended again.
    """
    session = get_session(connection, session_id)
    step = session.plan.step_named(step_id)
    running = [a for a in _open(connection, session_id, step_id) if a.begun]
    if not running:
        raise Refused(f"No attempt of {step_id} is running in session {session_id}.")
    failed: list[tuple[Attempt, Exception]] = []
    for attempt in running:
        try:
            await _end_on(connection, client, session, attempt, step, who)
        except Exception as reason:
            if len(running) == 1:
                raise
            failed.append((attempt, reason))
    if failed:
        said = "; ".join(f"{a.instrument}: {reason or type(reason).__name__}" for a, reason in failed)
        raise Refused(f"{step_id} has not ended everywhere ({said}); the others are ended. End {step_id} again.")
    return attempts(connection, session_id, step_id)[-1]


async def _end_on(
    connection: sqlite3.Connection,
    client: AnyInstrumentClient,
    session: Session,
    attempt: Attempt,
    step: Step,
    who: str,
) -> None:
    for name in _framing(session, attempt).stop if step.integrates else ():
        await client.command(attempt.instrument, name, {})
    channel = attempt.in_force.channel if attempt.in_force else None
    answer = await client.command(attempt.instrument, "end", _marker(attempt, channel))
    with transaction(connection):
        mark(connection, attempt, "ended", answer, who)


async def run_step(
    connection: sqlite3.Connection,
    client: AnyInstrumentClient,
    session_id: str,
    step_id: str,
    who: str,
    during: During,
    rest: Rest | None = None,
    *,
    again: bool = False,
) -> Attempt:
    """Begin, let `during` happen (the beam, the background time), end. A zero step sends each instrument's own zero."""
    await begin_step(connection, client, session_id, step_id, who, rest, again=again)
    session = get_session(connection, session_id)
    step = session.plan.step_named(step_id)
    for attempt in _open(connection, session_id, step_id) if step.kind == "zero" else ():
        for name in _framing(session, attempt).zero:
            await client.command(attempt.instrument, name, {})
    await during(step)
    return await end_step(connection, client, session_id, step_id, who)


async def abandon_step(
    connection: sqlite3.Connection,
    session_id: str,
    step_id: str,
    who: str,
    reason: str,
    *,
    beam_given: bool | None,
    client: AnyInstrumentClient | None = None,
) -> None:
    """Give the running attempts of a step up, with the reason; their readings stay.

    `beam_given` decides whether it may be repeated; None, where nobody knows, counts as given. With a client the end
    marker is set first. Raises Refused when no attempt is open.
    """
    waiting = _open(connection, session_id, step_id)
    if not waiting:
        raise Refused(f"No attempt of {step_id} is running in session {session_id}.")
    if client is not None and any(a.begun for a in waiting):
        await end_step(connection, client, session_id, step_id, who)
    if beam_given is None:
        reason = f"{reason.strip().rstrip('.')}; whether beam was given is not known, and counts as given"
    for attempt in waiting:
        _give_up(connection, attempt, who, reason, beam_given=beam_given is not False)


def _give_up(connection: sqlite3.Connection, attempt: Attempt, who: str, reason: str, *, beam_given: bool) -> None:
    given_up = audit.row(
        "attempt_mark", measurement=attempt.measurement, mark="abandoned", at=utc_now(), who=who, reason=reason,
        beam_given=int(beam_given),
    )  # fmt: skip
    with transaction(connection):
        audit.keep(
            connection, who, "attempt abandoned", attempt.measurement, rows=[given_up], new=attempt.step, reason=reason
        )


def not_measured(connection: sqlite3.Connection, session_id: str, step_id: str, who: str, reason: str) -> None:
    """A complete, honest step: not measured, and why. Raises Refused without a reason or while the step is running."""
    session = get_session(connection, session_id)
    status = next(s for s in progress(connection, session) if s.step is session.plan.step_named(step_id))
    if not reason.strip():
        raise Refused("Say why it was not measured.")
    if status.progress != "waiting" or any(a.begun for a in _open(connection, session_id, step_id)):
        now = "running" if status.progress == "waiting" else status.progress
        raise Refused(f"Step {step_id} is {now}; only a waiting step can be left out.")
    left_out = audit.row("not_measured", session=session_id, step=step_id, reason=reason, at=utc_now(), who=who)
    with transaction(connection):
        audit.keep(connection, who, "not measured", session_id, rows=[left_out], new=step_id, reason=reason)


def _may_begin(connection: sqlite3.Connection, session: Session, step: Step) -> None:
    may_measure(session, step)
    turn = next_step(connection, session)
    if turn is not None and turn.step.id == step.id and turn.progress == "running":
        more = "; the beam is given once, never more beam" if step.kind == "irradiate" else ""
        raise Refused(f"{step.id} is running already; end it or abandon it{more}.")
    must_not_repeat(connection, session.order_id, session.plan, session.fraction, step)
    if turn is None or turn.step.id != step.id:
        waits = " ".join(["", *turn.missing]) if turn else ""
        raise Refused(f"It is not the turn of {step.id}; next is {turn.step.id if turn else 'nothing'}.{waits}")


def _open(connection: sqlite3.Connection, session_id: str, step_id: str) -> list[Attempt]:
    """The attempts of a step that were asked for and neither ended nor given up: one on each instrument."""
    return [a for a in attempts(connection, session_id, step_id) if not a.ended and a.abandoned is None]


def _still_holds(connection: sqlite3.Connection, session: Session, step: Step) -> None:
    """Raises Refused for what has come up since the session was started; what is left after a beam is measured."""
    asked = set(step.named)
    points = [p for p in session.plan.point if p.id in asked]
    beams = {s.id for s in session.plan.step if s.kind in CHARGES and asked & set(s.named)}
    if any(a.begun and a.step in beams for a in attempts(connection, session.id)) and step.kind not in CHARGES:
        return
    if wrong := stops.of_session(connection, session.now, points):
        raise Refused(*wrong)


async def _in_force(
    connection: sqlite3.Connection, client: AnyInstrumentClient, session: Session, step: Step, name: str
) -> InForce:
    """What an instrument's state says now, held against the inventory. Raises Refused."""
    instrument, points = session.inventory.instrument_named(name), session.plan.inputs(step)[name]
    state = await client.state(instrument.id)
    if state is None:
        raise Refused(
            f"Nothing is known of {instrument.id} on this broker; is `acquire run` up, and the name right? {step.id}"
            " was not begun."
        )
    if another := [*exchanged(connection, session, instrument, state)]:
        raise Refused(*another)
    channel = framing.channel_of(session.plan, session.inventory, points)
    charge = framing.collects(session.plan, step, points)
    return framing.in_force(instrument, step, channel, state, framing.installed(instrument), charge=charge)


def _framing(session: Session, attempt: Attempt) -> Framing:
    """What was in force when the attempt began; of one that an earlier release began, what its inventory has typed."""
    if attempt.in_force is not None:
        return attempt.in_force.framing
    return framing.as_typed(session.inventory.instrument_named(attempt.instrument))


def _marker(attempt: Attempt, channel: str | None) -> dict[str, Any]:
    of_channel = {} if channel is None else {"channel": channel}
    return {"measurement": attempt.measurement, "session": attempt.session, "step": attempt.step, **of_channel}


def _allowed(force: InForce, step: Step) -> dict[str, Any]:
    """What the step itself will ask of the instrument before its end; anything else is refused there until then."""
    framing = force.framing
    names = (*framing.start, *framing.stop) if step.integrates else framing.zero if step.kind == "zero" else ()
    return {"allows": list(dict.fromkeys(names))} if names else {}
