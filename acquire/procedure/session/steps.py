"""Running the steps of a plan on real instruments: every attempt is a measurement between two markers in a stream.

A step has begun only when the instrument's answer names the stream and seq of its marker; until then the same
measurement id is asked for again. How the instrument adds up and what frames the measurement is taken from its state at
the begin, and written down with the attempt. Nobody is ever asked for more beam.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from acquire.bus.messages import State
from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.inventory import OwnedInstrument
from acquire.procedure.documents.plan import Step
from acquire.procedure.session import framing
from acquire.procedure.session.attempts import Attempt, attempts, mark, request
from acquire.procedure.session.framing import InForce
from acquire.procedure.session.progress import next_step, progress
from acquire.procedure.session.session import Session, SessionState, get_session, move, state_of
from acquire.store import audit
from acquire.store.database import transaction
from drivers.model import Framing


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
    connection: sqlite3.Connection, client: AnyInstrumentClient, session_id: str, step_id: str, who: str
) -> Attempt:
    """Begin a step with markers. Asked again before it has begun, it uses the same measurement id.

    Raises Refused when it is not this step's turn, before the time-out, when it would mean more beam on a patient, or
    where the instrument's own state contradicts the inventory or cannot give what the step collects.
    """
    session = get_session(connection, session_id)
    step = session.plan.step_named(step_id)
    _may_begin(connection, session, step)
    instrument = session.inventory.instrument_named(step.instrument or "")
    force = await _in_force(client, session, step, instrument)
    attempt = request(connection, session.id, step, who)
    for name in force.framing.before if step.integrates else ():
        await client.command(instrument.id, name, {})
    answer = await client.command(instrument.id, "begin", _marker(attempt, force.channel) | _allowed(force, step))
    with transaction(connection):
        mark(connection, attempt, "begun", answer, who, force)
        if state_of(connection, session_id) is SessionState.READY:
            move(connection, session_id, SessionState.MEASURING, who)
    for name in force.framing.start if step.integrates else ():
        await client.command(instrument.id, name, {})
    return attempts(connection, session_id, step_id)[-1]


async def end_step(
    connection: sqlite3.Connection, client: AnyInstrumentClient, session_id: str, step_id: str, who: str
) -> Attempt:
    """End the running attempt of a step. Raises Refused when none is running."""
    session = get_session(connection, session_id)
    attempt = _running(connection, session_id, step_id)
    for name in _framing(session, attempt).stop if session.plan.step_named(step_id).integrates else ():
        await client.command(attempt.instrument, name, {})
    channel = attempt.in_force.channel if attempt.in_force else None
    answer = await client.command(attempt.instrument, "end", _marker(attempt, channel))
    with transaction(connection):
        mark(connection, attempt, "ended", answer, who)
    return attempts(connection, session_id, step_id)[-1]


async def run_step(
    connection: sqlite3.Connection,
    client: AnyInstrumentClient,
    session_id: str,
    step_id: str,
    who: str,
    during: During,
) -> Attempt:
    """Begin, let `during` happen (the beam, the background time), end. A zero step sends the instrument's own zero."""
    attempt = await begin_step(connection, client, session_id, step_id, who)
    session = get_session(connection, session_id)
    step = session.plan.step_named(step_id)
    for name in _framing(session, attempt).zero if step.kind == "zero" else ():
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
    beam_given: bool,
    client: AnyInstrumentClient | None = None,
) -> None:
    """Give the running attempt up, with the reason; its readings stay. `beam_given` decides whether it may be repeated.

    With a client the end marker is set first. Raises Refused when no attempt is open.
    """
    attempt = _running(connection, session_id, step_id, begun=False)
    if client is not None and attempt.begun:
        await end_step(connection, client, session_id, step_id, who)
    given_up = audit.row(
        "attempt_mark", measurement=attempt.measurement, mark="abandoned", at=utc_now(), who=who, reason=reason,
        beam_given=int(beam_given),
    )  # fmt: skip
    with transaction(connection):
        audit.keep(
            connection, who, "attempt abandoned", attempt.measurement, rows=[given_up], new=step_id, reason=reason
        )


def not_measured(connection: sqlite3.Connection, session_id: str, step_id: str, who: str, reason: str) -> None:
    """A complete, honest step: not measured, and why. Raises Refused without a reason or while the step is running."""
    session = get_session(connection, session_id)
    status = next(s for s in progress(connection, session) if s.step is session.plan.step_named(step_id))
    if not reason.strip():
        raise Refused("Say why it was not measured.")
    if status.progress != "waiting":
        raise Refused(f"Step {step_id} is {status.progress}; only a waiting step can be left out.")
    left_out = audit.row("not_measured", session=session_id, step=step_id, reason=reason, at=utc_now(), who=who)
    with transaction(connection):
        audit.keep(connection, who, "not measured", session_id, rows=[left_out], new=step_id, reason=reason)


def _may_begin(connection: sqlite3.Connection, session: Session, step: Step) -> None:
    if not step.has_markers:
        raise Refused(f"Step {step.id} ({step.kind}) has no markers; it is done by placing, removing or reading.")
    if session.state is SessionState.PLANNED:
        raise Refused(f"Session {session.id} has had no time-out; no marker is set before it.")
    if session.state not in (SessionState.READY, SessionState.MEASURING):
        raise Refused(f"Session {session.id} is {session.state}; nothing can be measured in it any more.")
    turn = next_step(connection, session)
    if _beam_was_given(connection, session, step):
        raise Refused(
            f"{step.id} had its beam in fraction {session.fraction}; a repeat on a patient is the next planned"
            " fraction, never more beam today. Write it as not measured, with the reason, if no value came of it."
        )
    if turn is not None and turn.step.id == step.id and turn.progress == "running":
        raise Refused(f"{step.id} is running already; end it or abandon it.")
    if turn is None or turn.step.id != step.id:
        raise Refused(f"It is not the turn of {step.id}; next is {turn.step.id if turn else 'nothing'}.")


def _beam_was_given(connection: sqlite3.Connection, session: Session, step: Step) -> bool:
    if session.plan.purpose != "patient" or step.kind != "irradiate":
        return False
    own = attempts(connection, session.id, step.id)
    return any(a.begun and (a.abandoned is None or a.beam_given) for a in own)


def _running(connection: sqlite3.Connection, session_id: str, step_id: str, *, begun: bool = True) -> Attempt:
    own = [a for a in attempts(connection, session_id, step_id) if not a.ended and a.abandoned is None]
    if not own or (begun and not own[-1].begun):
        raise Refused(f"No attempt of {step_id} is running in session {session_id}.")
    return own[-1]


async def _in_force(client: AnyInstrumentClient, session: Session, step: Step, instrument: OwnedInstrument) -> InForce:
    """What the instrument's state says now, held against the inventory. Raises Refused."""
    state = await client.state(instrument.id)
    if state is None:
        raise Refused(
            f"Nothing is known of {instrument.id} on this broker; is `acquire run` up, and the name right? {step.id}"
            " was not begun."
        )
    channel = framing.channel_of(session.plan, session.inventory, step)
    charge = framing.collects(session.plan, step)
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
