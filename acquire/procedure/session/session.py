"""A session: one execution of a plan, one fraction on one machine, and its states.

The state is the newest row of `session_state`; nothing is changed in place. A session keeps the calibration and
inventory files it was started with, and in them what it took of the stock: a coefficient that is approved later cannot
be used in it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import uuid4

from acquire.canonical import canonical, utc_now
from acquire.errors import Refused
from acquire.procedure.documents import kept
from acquire.procedure.documents.calibrations import Calibrations, read_calibrations
from acquire.procedure.documents.inventory import Inventory, read_inventory
from acquire.procedure.documents.kept import File
from acquire.procedure.documents.order import get_order
from acquire.procedure.documents.people import same_person
from acquire.procedure.documents.plan import Plan
from acquire.procedure.session import due, holds, stops
from acquire.procedure.session.beams_given import NEVER, last_fraction, must_be_free
from acquire.procedure.session.believed import fractions
from acquire.procedure.session.open_beside import must_be_the_only_one
from acquire.procedure.session.planning import get_plan, newest_version, unconfirmed
from acquire.procedure.session.rest_elsewhere import may_go_on
from acquire.procedure.session.stops import Execution
from acquire.procedure.session.transcribed import must_be_of
from acquire.procedure.stock.file_coefficients import first_rows
from acquire.store import audit
from acquire.store.database import transaction
from acquire.store.made import Made

if TYPE_CHECKING:
    from acquire.bus.messages import State


class SessionState(StrEnum):
    """Where a session is. A person reads these words in the record."""

    PLANNED = "PLANNED"
    READY = "READY"
    MEASURING = "MEASURING"
    MEASURED = "MEASURED"
    CALCULATED = "CALCULATED"
    CANCELLED = "CANCELLED"


ALLOWED: Mapping[SessionState, frozenset[SessionState]] = {
    SessionState.PLANNED: frozenset({SessionState.READY, SessionState.CANCELLED}),
    SessionState.READY: frozenset({SessionState.MEASURING, SessionState.MEASURED, SessionState.CANCELLED}),
    SessionState.MEASURING: frozenset({SessionState.MEASURED, SessionState.CANCELLED}),
    SessionState.MEASURED: frozenset({SessionState.CALCULATED}),
    SessionState.CALCULATED: frozenset(),
    SessionState.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Session:
    """A session with the files it is bound to."""

    id: str
    order_id: str
    plan: Plan
    fraction: int
    calibrations: Calibrations
    inventory: Inventory
    calibrations_sha256: str
    inventory_sha256: str
    simulated: bool
    started_at: str
    started_by: str
    state: SessionState
    made_after: int | None

    @property
    def day(self) -> date:
        """The day (UTC) on which calibrations must hold."""
        return datetime.fromisoformat(self.started_at).astimezone(UTC).date()

    @property
    def now(self) -> Execution:
        """Its execution as of today."""
        return Execution(self.order_id, self.plan, self.fraction, self.inventory, self.calibrations, _today(), self.id)

    @property
    def started(self) -> Made:
        """When it began, for what was received since."""
        return Made(self.made_after, self.started_at)

    @property
    def instruments(self) -> list[str]:
        """Every instrument that a step of the plan uses, in order of first use."""
        return self.plan.instruments


def start_session(
    connection: sqlite3.Connection,
    order_id: str,
    who: str,
    *,
    calibrations: tuple[str, bytes],
    inventory: tuple[str, bytes],
    fraction: int | None = None,
    simulated: bool = False,
    session_id: str | None = None,
    states: Mapping[str, State] | None = None,
    rest_of: str | None = None,
    instead_of: tuple[str, str] | None = None,
) -> Session:
    """Open a session of the newest plan of an order. Files are (name, bytes); `states`: what its instruments say now.

    rest_of: the session of the same fraction in which a beam began whose rest is to be measured in this one;
    instead_of: an open one for the same ports, which is given up for this one, and why.

    Raises Refused: no plan, a fraction that was measured already or for which another session is open, anything that
    `readiness` finds (expired calibration, detector unknown, method not fit for its tolerance, an inventory that
    contradicts a model), an element of the stock that may not be used, an instrument that says it is another one than
    the inventory has, or a hold of an earlier fraction that nobody has lifted.
    """
    asked = asked_for(connection, order_id, calibrations, inventory, fraction)
    plan, fraction = asked.plan, asked.fraction
    due.come_due(connection, order_id, plan, fraction)
    wrong, frozen = stops.of_start(connection, asked, states or {})
    if wrong or frozen is None:
        raise Refused(*wrong)
    calibrations, inventory = frozen.files(calibrations, inventory)
    session = session_id or f"s-{uuid4().hex[:8]}"
    with transaction(connection):
        fraction_is_free(connection, plan, order_id, fraction, rest_of, instead_of[0] if instead_of else None)
        if instead_of is not None:
            _given_up(connection, *instead_of, session, who)
        (c_sha256, c_file), (i_sha256, i_file) = (
            kept.to_keep(connection, k, *f) for k, f in (("calibrations", calibrations), ("inventory", inventory))
        )
        started = audit.row(
            "session", id=session, order_id=order_id, plan_version=plan.version, fraction=fraction,
            calibrations=c_sha256, inventory=i_sha256, simulated=int(simulated), started_at=utc_now(), started_by=who,
        )  # fmt: skip
        rows = [*c_file, *i_file, started, _state(session, SessionState.PLANNED, who, None)]
        rows += first_rows(connection, frozen.first, who)
        new = f"{order_id} plan v{plan.version} fx {fraction}"
        audit.keep(connection, who, "session started", session, rows=rows, new=new)
    return get_session(connection, session)


def asked_for(
    connection: sqlite3.Connection, order_id: str, calibrations: File, inventory: File, fraction: int | None = None
) -> Execution:
    """What a session of the newest plan of an order would be held against. Raises Refused, FileProblem."""
    get_order(connection, order_id)
    plan = get_plan(connection, order_id, newest_version(connection, order_id))
    return Execution(
        order_id, plan, plan.fraction if fraction is None else fraction, read_inventory(inventory[1], inventory[0]),
        read_calibrations(calibrations[1], calibrations[0]), _today(),
    )  # fmt: skip


def get_session(connection: sqlite3.Connection, session_id: str) -> Session:
    """A session of the store. Raises Refused when there is none."""
    row = connection.execute("SELECT * FROM session WHERE id = ?", (session_id,)).fetchone()
    if row is None:
        raise Refused(f"There is no session {session_id}.")
    name_c, body_c = kept.fetch(connection, row["calibrations"])
    name_i, body_i = kept.fetch(connection, row["inventory"])
    return Session(
        id=session_id,
        order_id=row["order_id"],
        plan=get_plan(connection, row["order_id"], row["plan_version"]),
        fraction=row["fraction"],
        calibrations=read_calibrations(body_c, name_c),
        inventory=read_inventory(body_i, name_i),
        calibrations_sha256=row["calibrations"],
        inventory_sha256=row["inventory"],
        simulated=bool(row["simulated"]),
        started_at=row["started_at"],
        started_by=row["started_by"],
        state=state_of(connection, session_id),
        made_after=row["made_after"],
    )


def list_sessions(connection: sqlite3.Connection, order_id: str | None = None) -> list[str]:
    """Session ids, oldest first; of one order or of all."""
    rows = connection.execute(
        "SELECT id FROM session WHERE ?1 IS NULL OR order_id = ?1 ORDER BY audit_entry NULLS FIRST, started_at, id",
        (order_id,),
    )
    return [row["id"] for row in rows]


def state_of(connection: sqlite3.Connection, session_id: str) -> SessionState:
    """The state a session is in now: the newest that was entered."""
    row = connection.execute(
        "SELECT state FROM session_state WHERE session = ? ORDER BY n DESC LIMIT 1", (session_id,)
    ).fetchone()
    return SessionState(row["state"])


def move(
    connection: sqlite3.Connection, session_id: str, to: SessionState, who: str, reason: str | None = None
) -> None:
    """Enter another state, inside the caller's transaction. Raises Refused when the vocabulary does not allow it."""
    now = state_of(connection, session_id)
    if to not in ALLOWED[now]:
        raise Refused(f"Session {session_id} is {now}; it cannot become {to}.")
    rows = [_state(session_id, to, who, reason)]
    audit.keep(connection, who, "session state", session_id, rows=rows, old=now, new=to, reason=reason)


def time_out(
    connection: sqlite3.Connection,
    session_id: str,
    read_by: str,
    confirmed_by: str,
    *,
    identifiers_agree: bool,
    states: Mapping[str, State] | None = None,
    form: int | None = None,
    compared: Sequence[str] = (),
) -> None:
    """Two people read aloud who, what and where, and compare two identifiers of the patient; then the session is READY.

    Names here are ids of roles ("MD-1"); `states`: what its instruments say now; `form`: the downtime form on which it
    was signed, where it is entered late; `compared`: the kinds of identifiers that were held against those kept here,
    none where none are kept. Raises Refused for one person twice,
    identifiers that do not agree, an expected dose that nobody has confirmed, whatever has come up since the session
    was started (a hold among it), or an instrument that says it is another one than the inventory has.
    """
    session = get_session(connection, session_id)
    if form is not None:
        must_be_of(connection, form, session_id, session.order_id, session.plan.version, session.fraction)
    if same_person(read_by, confirmed_by):
        raise Refused("A time-out needs two people; the same one read and confirmed.")
    if not identifiers_agree:
        raise Refused("The two identifiers of the patient do not agree with the order: do not go on.")
    if waiting := unconfirmed(connection, session.order_id, session.plan.version):
        raise Refused(
            f"The expected dose of {', '.join(waiting)} in plan v{session.plan.version} waits for a second person"
            " (acquire plan confirm)."
        )
    there = {name: each for name, each in (states or {}).items() if each.state not in stops.SILENT}
    wrong = [*stops.of_session(connection, session.now), *stops.of_states(session.inventory, there)]
    if session.state is SessionState.PLANNED:
        wrong += holds.of_next(connection, session.order_id, session.plan, session.fraction, session.id)
    if wrong:
        raise Refused(*wrong)
    read = audit.row(
        "time_out", session=session_id, read_by=read_by, confirmed_by=confirmed_by,
        stated=canonical(stated(session) | {"identifiers": [*compared]} | ({} if form is None else {"form": form})),
        at=utc_now(),
    )  # fmt: skip
    with transaction(connection):
        audit.keep(connection, read_by, "time-out", session_id, rows=[read], new=f"confirmed by {confirmed_by}")
        if state_of(connection, session_id) is SessionState.PLANNED:
            move(connection, session_id, SessionState.READY, read_by)


def must_be_identified_here(connection: sqlite3.Connection, session_id: str) -> None:
    """Raises Refused where the only time-out of a session is one that was entered from a downtime form: it was signed
    at another hour, and nobody has identified who lies here now."""
    rows = connection.execute("SELECT stated FROM time_out WHERE session = ?", (session_id,)).fetchall()
    if rows and all("form" in json.loads(row["stated"]) for row in rows):
        raise Refused(
            f"The time-out of session {session_id} was entered from a downtime form: before an instrument measures, two"
            " people identify the patient here (acquire session time-out)."
        )


REFUSED = "time-out refused"  # what the audit entry says


def wrong_patient(connection: sqlite3.Connection, session_id: str, read_by: str, confirmed_by: str, why: str) -> None:
    """Keep that a time-out was refused, since what was read is of another patient: no value of it."""
    with transaction(connection):
        said = f"{why} Read by {read_by}, with {confirmed_by}."
        audit.keep(connection, read_by, REFUSED, session_id, new=said)


def refused_time_outs(connection: sqlite3.Connection, session_id: str) -> list[dict[str, str]]:
    """Each time-out that was refused for another patient: when, and the sentence."""
    rows = connection.execute(
        "SELECT at, new FROM audit WHERE subject = ? AND what = ? ORDER BY n", (session_id, REFUSED)
    )
    return [{"at": row["at"], "why": row["new"]} for row in rows]


def stated(session: Session) -> dict[str, object]:
    """What is read aloud: order, plan version, machine, fraction, and for each point side, port and detector."""
    points = [
        {"point": p.id, "site": p.site, "side": p.side, "port": p.port, "detector": p.detector or list(p.elements)}
        for p in session.plan.point
    ]
    return {
        "order": session.order_id,
        "plan_version": session.plan.version,
        "machine": session.plan.machine,
        "fraction": session.fraction,
        "points": points,
    }


def cancel(connection: sqlite3.Connection, session_id: str, who: str, reason: str) -> None:
    """Give the session up, with the reason. What was read stays. Raises Refused where its state does not allow it."""
    with transaction(connection):
        move(connection, session_id, SessionState.CANCELLED, who, reason)


def fraction_is_free(
    connection: sqlite3.Connection,
    plan: Plan,
    order_id: str,
    fraction: int,
    rest_of: str | None = None,
    instead_of: str | None = None,
) -> None:
    """A repeat on a patient is the next planned fraction, never more beam today; one session is open. Raises Refused.

    rest_of: of a session for the rest of a beam that began there, which is of the same fraction.
    """
    if plan.purpose != "patient":
        return
    if rest_of is not None:
        may_go_on(connection, order_id, plan, fraction, rest_of)
    else:
        _must_be_new(connection, plan, order_id, fraction)
    must_be_the_only_one(connection, plan, order_id, fraction, instead_of=instead_of, rest_of=rest_of)


def _must_be_new(connection: sqlite3.Connection, plan: Plan, order_id: str, fraction: int) -> None:
    last = last_fraction(connection, order_id)
    if last is not None and fraction <= last:
        raise Refused(
            f"Fraction {last} of {order_id} was measured already; {NEVER}: start the session for fraction {last + 1} or"
            " later."
        )
    must_be_free(connection, plan, order_id, fraction)
    prescribed = fractions(plan)
    if prescribed is not None and fraction > prescribed:
        raise Refused(f"There is no fraction {fraction}: the prescription '{plan.prescription}' has {prescribed}.")
    if fraction < plan.fraction:
        raise Refused(f"Plan v{plan.version} is for fraction {plan.fraction} or later, not for fraction {fraction}.")


def _given_up(connection: sqlite3.Connection, before: str, reason: str, session: str, who: str) -> None:
    """Another session takes the place of one that has given no beam, inside its transaction. Raises Refused."""
    if not reason.strip():
        raise Refused(f"Say why session {before} is given up for another one (--reason).")
    move(connection, before, SessionState.CANCELLED, who, f"{reason.strip().rstrip('.')}; {session} is in its place")


def _state(session_id: str, state: SessionState, who: str, reason: str | None) -> audit.Row:
    return audit.row("session_state", session=session_id, state=state, at=utc_now(), who=who, reason=reason)


def _today() -> date:
    return datetime.now(UTC).date()
