"""What stands against a beam that would begin now: a zero or leakage that does not hold, another voltage, warming up.

Each is one sentence, said beforehand (`session status`, `doctor`) and refused at the beam.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from acquire.canonical import utc_now
from acquire.errors import Refused
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.plan import CHARGES, Step
from acquire.procedure.session.input_changes import input_changes
from acquire.procedure.session.input_state import WORDS, Inputs, beams_of
from acquire.procedure.session.session import Session
from acquire.store import streams
from acquire.store.database import one_moment
from acquire.strict_numbers import moment


def must_hold(connection: sqlite3.Connection, session: Session, step: Step) -> None:
    """Raises Refused where zero or leakage do not hold for a beam that would begin now, or its voltage is another."""
    with one_moment(connection):
        wrong = [*_wrong(Inputs(connection, session), step)]
    if wrong:
        raise Refused(*wrong)


def of_beams_to_come(connection: sqlite3.Connection, session: Session, waiting: Sequence[Step]) -> list[Stop]:
    """What was made for beams that wait and holds no more, one sentence each; not what is still to be made."""
    inputs = Inputs(connection, session)
    to_do = {s.id for s in waiting} | inputs.running()
    said: dict[Stop, None] = {}
    for step in waiting:
        if step.kind not in CHARGES:
            continue
        for beam in beams_of(session.plan, step):
            for kind in WORDS:
                made_in = inputs.step_for(kind, beam)
                if made_in is not None and made_in.id not in to_do and (says := inputs.not_held(kind, beam)):
                    said[says] = None
    return [*said]


def warm_up_stop(connection: sqlite3.Connection, session: Session, instrument: str) -> Stop | None:
    """The sentence where an instrument is not known to have been on for as long as the inventory asks; None else."""
    wanted = session.inventory.instrument_named(instrument).warm_up_min
    if wanted is None:
        return None
    on_min = max(_on_for_s(connection, session, instrument), 0.0) / 60
    if on_min >= wanted:
        return None
    return Stop(
        "zero",
        f"{instrument} is known to have been on for {on_min:.0f} min, and warms up for {wanted:g} min here: wait, or"
        f" say since when it is on (acquire session changed {session.id} {instrument} on-since --at ...).",
    )


def _on_for_s(connection: sqlite3.Connection, session: Session, instrument: str) -> float:
    """As long as its newest connection has lasted, or as somebody says; less since somebody switched it off."""
    said = [each for each in input_changes(connection, session.id) if each.instrument == instrument]
    now, told_s = moment(utc_now()), 0.0
    for each in said:
        if each.what == "on-since" and each.moment is not None:
            told_s = (now - moment(each.moment)).total_seconds()
    off = [each for each in said if each.what == "switched-off"]
    since_off = (now - moment(off[-1].moment or off[-1].at)).total_seconds() if off else float("inf")
    newest = streams.newest_of(connection, instrument)
    heard_s = 0.0 if newest is None or newest.ended else (now - moment(newest.first_heard)).total_seconds()
    return min(max(told_s, heard_s), since_off)


def _wrong(inputs: Inputs, step: Step) -> Iterator[str]:
    for beam in beams_of(inputs.session.plan, step):
        for kind in WORDS:
            if (says := inputs.not_held(kind, beam)) is not None:
                yield says
        if (volts := inputs.voltage_stop(beam)) is not None:
            yield Stop("zero", volts)
