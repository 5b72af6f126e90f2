"""What would stop a measurement, before the patient is called: everything that refuses, asked beforehand.

It changes nothing. What a session's start, its time-out, a step's begin and a placement refuse is asked of the
functions that refuse it; beside that stand the instruments as they are now, the computer's clock and its disks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from acquire.bus.presence import VALID_S
from acquire.errors import Refused
from acquire.procedure.documents.causes import Stop, of_kind
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import CHARGES, Plan, Step
from acquire.procedure.readouts.elements import of_element, readout
from acquire.procedure.readouts.placed import placements, where_out
from acquire.procedure.session import holds, input_stops, stops
from acquire.procedure.session.background_seen import backgrounds_in_doubt
from acquire.procedure.session.placement import cannot_be_placed
from acquire.procedure.session.planning import unconfirmed
from acquire.procedure.session.progress import StepStatus, progress
from acquire.procedure.session.session import Session, SessionState, fraction_is_free
from acquire.procedure.session.stops import Execution

if TYPE_CHECKING:
    from acquire.bus.messages import State

SET_BACK = timedelta(minutes=1)
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of the computer and the instruments. `states`: None for an instrument of which nothing is known.

    not_asked: why the instruments were not asked, where they were not. disks: free bytes by what lies on each disk,
    held against `needed_bytes`.
    """

    now: datetime
    states: Mapping[str, State | None] = field(default_factory=dict)
    not_asked: str | None = None
    disks: Mapping[str, int] = field(default_factory=dict)
    needed_bytes: int = 0

    @property
    def there(self) -> dict[str, State]:
        """The states of instruments that are there."""
        return {name: each for name, each in self.states.items() if each is not None and each.state not in stops.SILENT}


def of_order(connection: sqlite3.Connection, asked: Execution, seen: Seen) -> list[Stop]:
    """What would stop a session of the newest plan of an order, if it were started now."""
    found, _ = stops.of_start(connection, asked, seen.there)
    found += _expected(connection, asked)
    try:
        fraction_is_free(connection, asked.plan, asked.order_id, asked.fraction)
    except Refused as reason:
        found += [of_kind(each, "fraction") for each in reason.sentences]
    found += _elements(connection, asked.plan, asked.inventory, asked.plan.step)
    found += _zero_checks(asked.plan, asked.plan.step, seen)
    return [*found, *_offline(asked.plan, asked.plan.step, seen), *_computer(connection, seen)]


def of_session(connection: sqlite3.Connection, session: Session, seen: Seen) -> list[Stop]:
    """What stops what is left of a session."""
    if session.state not in (SessionState.PLANNED, SessionState.READY, SessionState.MEASURING):
        return [Stop("session", f"Session {session.id} is {session.state}; nothing can be measured in it any more.")]
    steps = progress(connection, session)
    left = [each.step for each in steps if each.progress in ("waiting", "running")]
    asked = {name for step in left for name in step.named}
    now, points = session.now, [p for p in session.plan.point if p.id in asked]
    found = stops.of_session(connection, now, points)
    found += stops.of_states(session.inventory, seen.there)
    found += stops.of_told_ranges(session.plan, session.inventory, session.calibrations, now.on, seen.there)
    found += _expected(connection, now)
    if session.state is SessionState.PLANNED:
        found.append(Stop("time-out", f"Session {session.id} has had no time-out (acquire session time-out)."))
        found += holds.of_next(connection, session.order_id, session.plan, session.fraction, session.id)
    found += [*_running(steps), *_zero(session.plan, steps), *_zero_checks(session.plan, left, seen)]
    found += _made_before(connection, session, steps)
    found += _elements(connection, session.plan, session.inventory, left)
    found += _unread_beside(connection, session)
    return [*found, *_offline(session.plan, left, seen), *_computer(connection, seen)]


def _expected(connection: sqlite3.Connection, asked: Execution) -> Iterator[Stop]:
    for point in unconfirmed(connection, asked.order_id, asked.plan.version):
        version = asked.plan.version
        yield Stop(
            "expected-dose",
            f"The expected dose of {point} in plan v{version} waits for a second person (acquire plan confirm"
            f" {asked.order_id} {version} {point}).",
        )


def _elements(
    connection: sqlite3.Connection, plan: Plan, inventory: Inventory, steps: Sequence[Step]
) -> Iterator[Stop]:
    """Elements that could not be placed now, and those that travel with them and are out."""
    placing = [each for s in steps if s.kind == "place" for p in s.points for each in plan.point_named(p).elements]
    owned = {each.id: each for each in inventory.element}
    for name in dict.fromkeys(placing):
        if name in owned and (says := cannot_be_placed(connection, owned[name])):
            yield Stop("elements", says)
    for name in dict.fromkeys(e for batch in plan.batch for e in batch.travelling) if placing else ():
        if where := where_out(connection, name):
            yield Stop("standards", f"{name} travels with the elements of this plan and is out, at {where}.")


def _unread_beside(connection: sqlite3.Connection, session: Session) -> Iterator[Stop]:
    """Standards, controls and check elements that were not read although elements of the session were."""
    read = set()
    for placement in placements(connection, session.id):
        element = session.inventory.element_named(placement.dosimeter)
        if readout(connection, element, placement, session.plan.batch_of(element.reader)).used is not None:
            read.add(element.reader)
    for batch in session.plan.batch:
        for name in batch.travelling if batch.reader in read else ():
            every = of_element(connection, session.inventory.element_named(name), batch)
            if not any(session.started.precedes(each.received) for each in every):
                yield Stop(
                    "standards",
                    f"{name} has not been read, and elements of this session were: no result without the standards and"
                    f" controls of their run on {batch.reader}.",
                )


def _running(steps: Sequence[StepStatus]) -> Iterator[Stop]:
    for each in steps:
        if each.step.has_markers and each.progress == "running":
            yield Stop("session", f"Step {each.step.id} is running: end it, or abandon it.")


def _zero(plan: Plan, steps: Sequence[StepStatus]) -> Iterator[Stop]:
    """Zero steps that wait before the first beam of their instrument; one that was left out is said with its beam."""
    beams = [n for n, each in enumerate(steps) if each.step.kind in CHARGES]
    until = beams[0] if beams else len(steps)
    for n, each in enumerate(steps):
        zero = each.step
        if zero.kind != "zero" or each.progress != "waiting" or n >= until:
            continue
        waiting = [s.step for s in steps[n:] if s.step.kind in CHARGES and s.progress == "waiting"]
        for name, own in plan.inputs(zero).items():
            if any(not own or {*own} & {*plan.inputs(s)[name]} for s in waiting if name in plan.inputs(s)):
                yield Stop("zero", f"{name} is not zeroed: step {zero.id} was not done yet.")


def _made_before(connection: sqlite3.Connection, session: Session, steps: Sequence[StepStatus]) -> Iterator[Stop]:
    """Zeros and leakages that hold no more, backgrounds of no use, instruments that are not warm yet."""
    waiting = [each.step for each in steps if each.progress == "waiting"]
    yield from input_stops.of_beams_to_come(connection, session, waiting)
    yield from (Stop("zero", each) for each in backgrounds_in_doubt(connection, session))
    beams = [s for s in waiting if s.kind == "zero" or s.integrates]
    for name in dict.fromkeys(name for s in beams for name in session.plan.inputs(s)):
        if (cold := input_stops.warm_up_stop(connection, session, name)) is not None:
            yield cold


def _zero_checks(plan: Plan, steps: Sequence[Step], seen: Seen) -> Iterator[Stop]:
    """Instruments that say that their zero check is on: their readings carry no value."""
    for name in _measuring(plan, steps):
        said = {key.casefold(): value for key, value in seen.there[name].settings.items()} if name in seen.there else {}
        if any(
            (key.endswith(":zch") or key == "zero check") and value in (True, 1, "1") for key, value in said.items()
        ):
            yield Stop("zero", f"{name} has its zero check on: its readings carry no value. Switch it off.")


def _offline(plan: Plan, steps: Sequence[Step], seen: Seen) -> Iterator[Stop]:
    """Instruments that a step measures with and that are not there, or not able to."""
    needed = _measuring(plan, steps)
    if needed and seen.not_asked is not None:
        yield Stop("instrument-offline", f"{', '.join(needed)} could not be asked: {seen.not_asked}")
        return
    for name in needed:
        yield from of_state(name, seen.states.get(name), seen.now)


def of_state(name: str, state: State | None, now: datetime) -> Iterator[Stop]:
    """Why an instrument cannot be measured with, by what it last said of itself; None: nothing is known of it."""
    if state is None:
        yield Stop("instrument-offline", f"Nothing is known of {name} on this broker; is `acquire run` up?")
    elif state.state not in ("ready", "measuring"):
        why = f": {state.why}" if state.why else "."
        yield Stop("instrument-offline", f"{name} is {state.state}{why}")
    elif state.valid_until is not None:
        yield from _lapsed(name, datetime.fromisoformat(state.valid_until), now)


def _lapsed(name: str, until: datetime, now: datetime) -> Iterator[Stop]:
    """A state holds for a minute from when it was said: one of long ago, or of a clock that is ahead."""
    if until < now:
        yield Stop(
            "instrument-offline", f"{name} has not been heard since what it said held, until {until:%H:%M:%S} UTC."
        )
    elif until > now + timedelta(seconds=VALID_S) + SET_BACK:
        ahead = (until - now).total_seconds() - VALID_S
        yield Stop("clock", f"The clock of the host of {name} is {ahead:.0f} s ahead of this computer's.")


def _computer(connection: sqlite3.Connection, seen: Seen) -> Iterator[Stop]:
    yield from set_back(newest_entry(connection), seen.now)
    for what, free in seen.disks.items():
        yield from disk_full(what, free, seen.needed_bytes)


def newest_entry(connection: sqlite3.Connection) -> datetime | None:
    """The moment of the newest entry of the audit trail."""
    row = connection.execute("SELECT at FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    return None if row is None else datetime.fromisoformat(row["at"])


def set_back(last: datetime | None, now: datetime) -> Iterator[Stop]:
    """Whether this computer's clock is behind the newest entry of the store."""
    if last is not None and now < last - SET_BACK:
        yield Stop(
            "clock",
            f"This computer's clock shows {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, and the newest entry of the"
            f" store is of {last:%Y-%m-%d %H:%M} UTC: it was set back.",
        )


def disk_full(what: str, free: int, needed: int) -> Iterator[Stop]:
    """Whether a disk has less than is needed; both in bytes."""
    if free < needed:
        yield Stop(
            "disk",
            f"The disk of the {what} has {free // MIB} MiB left; below {needed // MIB} MiB nothing more is taken"
            " safely.",
        )


def _measuring(plan: Plan, steps: Sequence[Step]) -> list[str]:
    """Every instrument that these steps measure with; a beam may be measured on several at once."""
    return list(dict.fromkeys(name for s in steps if s.has_markers for name in plan.inputs(s)))
