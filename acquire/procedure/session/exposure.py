"""Whether an element lay at its point while the beam was on: by the order in which it was written, never by clocks.

What people do is ordered by the entries of the audit trail, what instruments say against it by what had been received.
The marker of a beam's begin is confirmed before it comes on, and that of its end is set once it is off. Where the order
does not show that an element lay there throughout, there is no dose of it, until two people say how it was.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from acquire.procedure.documents.plan import CHARGES, Plan, Step
from acquire.procedure.documents.point import Point
from acquire.procedure.readouts.placed import Placement, placements
from acquire.procedure.readouts.stated_presence import PresenceStated, presence_stated, stated_of
from acquire.procedure.session.attempts import attempts
from acquire.procedure.session.beam_statements import beam_statements
from acquire.procedure.session.beams_given import may_have_given
from acquire.procedure.session.session import Session
from acquire.store import audit
from acquire.store.attribution import StoredReading
from acquire.store.made import Made

WAY_OUT = "if it did, two people say so (acquire session was-there)"


@dataclass(frozen=True, slots=True)
class Beam:
    """One beam: entries of the audit trail between which it was given; `ended` None while it may still be on, `begun`
    None where an earlier release wrote it, which kept no order.

    `over`: what had been received when it was over. `stated`: a person says that it was given, no instrument does.
    """

    name: str
    begun: int | None
    ended: int | None
    over: Made | None
    stated: bool = False


@dataclass(frozen=True, slots=True)
class Stay:
    """Entries of the audit trail with which an element was placed and removed; None where that was not written."""

    placed: int | None
    removed: int | None


def absent(element: str, stay: Stay, beam: Beam) -> str | None:
    """Why it is not shown that an element lay there during a beam, None where it is. Pure."""
    if stay.placed is None or beam.begun is None or (stay.removed is None and beam.ended is None):
        return f"What came first, {element} or {beam.name}, is not told by what was written"
    if stay.placed < beam.begun and beam.ended is not None and (stay.removed is None or beam.ended < stay.removed):
        return None
    if beam.ended is not None and beam.ended < stay.placed:
        return f"{element} was placed after {beam.name}"
    if stay.removed is not None and stay.removed < beam.begun:
        return f"{element} was removed before {beam.name}"
    what = "placed" if beam.begun < stay.placed else "removed"
    return f"{element} was {what} while {beam.name} was under way"


def beam_steps(plan: Plan, point: Point) -> tuple[Step, ...]:
    """The irradiations that the elements of a point are to lie in: those of the point itself, else those of its port,
    else those that the plan has between placing and removing them. The beam of another port is never meant.
    """
    every = [s for s in plan.step if s.kind in CHARGES]
    own = [s for s in every if point.id in s.named]
    of_port = [s for s in every if point.port and point.port in {plan.port_of(p) for p in s.named}]
    of_others = [s for s in every if point.port and any(plan.port_of(p) for p in s.named)]
    return tuple(own or of_port or _while_there(plan, point, [s for s in every if s not in of_others]))


def _while_there(plan: Plan, point: Point, every: Sequence[Step]) -> list[Step]:
    kinds = [(s.kind if point.id in s.points else "") for s in plan.step]
    first = kinds.index("place") if "place" in kinds else -1
    last = kinds.index("remove") if "remove" in kinds else len(kinds)
    return [s for n, s in enumerate(plan.step) if s in every and first < n < last]


class Exposure:
    """A session's beams and the stays of its elements, as they were written."""

    def __init__(self, connection: sqlite3.Connection, session: Session) -> None:
        self._connection, self._session = connection, session
        self._attempts = [a for a in attempts(connection, session.id) if a.begun]
        subjects = [session.id, *(a.measurement for a in self._attempts)]
        self._entries = audit.entries_of_rows(connection, subjects)
        self._marks = {
            (row["measurement"], row["mark"]): row
            for a in self._attempts
            for row in connection.execute("SELECT * FROM attempt_mark WHERE measurement = ?", (a.measurement,))
        }
        self.stated = presence_stated(connection, session.id)
        self._no_beam = {s.step for s in beam_statements(connection, session.id, "no-beam")}

    def beams(self, point: Point) -> list[Beam]:
        """The beams that were given to the elements of a point: as measured, or where none was, as stated."""
        wanted = {s.id for s in beam_steps(self._session.plan, point)} - self._no_beam
        measured = [
            self._measured(a.measurement, a.step)
            for a in self._attempts
            if a.step in wanted and may_have_given(self._connection, self._session.id, a)
        ]
        return measured or [
            Beam(f"the beam of {point.id}", s.audit_entry, s.audit_entry, s.made, stated=True)
            for s in self.stated
            if (s.what, s.point) == ("beam-given", point.id)
        ]

    def none_given(self, placement: Placement) -> PresenceStated | None:
        """The newest statement that no beam was given at its point, said since the element was placed there."""
        placed = self._stay(placement).placed or 0
        said = [s for s in self.stated if (s.what, s.point) == ("no-beam", placement.point) and s.audit_entry > placed]
        return said[-1] if said else None

    def waits_for_beam(self, point: Point) -> bool:
        """Whether a step that measures the beam of a point has not been begun, nor left out."""
        left_out = {row["step"] for row in self._connection.execute(
            "SELECT step FROM not_measured WHERE session = ?", (self._session.id,)
        )}  # fmt: skip
        begun = {a.step for a in self._attempts}
        return any(s.id not in left_out | begun for s in beam_steps(self._session.plan, point))

    def doubt(self, placement: Placement) -> str | None:
        """Why a placed element is not shown to have lain in every beam of its point, with the way out; else None."""
        point = self._session.plan.point_named(placement.point)
        beams, stay = self.beams(point), self._stay(placement)
        if not beams:
            return f"Nothing says that a beam was given while {placement.dosimeter} lay at {point.id}; {WAY_OUT}."
        missed = [said for beam in beams if (said := absent(placement.dosimeter, stay, beam))]
        return f"{'; '.join(missed)}: it is not shown to have lain there; {WAY_OUT}." if missed else None

    def read_too_early(self, placement: Placement, reading: StoredReading) -> str | None:
        """The sentence where a reading was received before a beam of its point was over: it holds none of that beam."""
        point = self._session.plan.point_named(placement.point)
        for beam in self.beams(point):
            if beam.over is None or not beam.over.precedes(reading.received):
                name = placement.dosimeter
                return f"The reading of {name} was there before {beam.name} was over: it holds none of it."
        return None

    def _measured(self, measurement: str, step: str) -> Beam:
        begun, over = self._marks[measurement, "begun"], self._over(measurement)
        ended = None if over is None else self._entries.get(("attempt_mark", (over["n"],)))
        made = None if over is None else Made(over["made_after"], over["at"])
        return Beam(step, self._entries.get(("attempt_mark", (begun["n"],))), ended, made)

    def _over(self, measurement: str) -> sqlite3.Row | None:
        return self._marks.get((measurement, "ended")) or self._marks.get((measurement, "abandoned"))

    def _stay(self, placement: Placement) -> Stay:
        """Of a correction, when the element that it stands for was placed and removed as first written."""
        number, before = placement.id, placement.replaces
        removed = self._entries.get(("removal", (number,)))
        while before is not None:
            corrected = self._entries.get(("placement", (number,)))
            number = before
            if removed is not None and removed == corrected:
                removed = self._entries.get(("removal", (number,)))
            row = self._connection.execute("SELECT replaces FROM placement WHERE id = ?", (number,)).fetchone()
            before = row["replaces"]
        return Stay(self._entries.get(("placement", (number,))), removed)


def exposure_of_point(
    connection: sqlite3.Connection, session: Session, point: Point, placed: Sequence[Placement]
) -> tuple[list[str], list[str]]:
    """(problems, remarks) of the elements that count at a point, as far as they were in the beam."""
    exposure, problems, remarks = Exposure(connection, session), [], []
    for each in placed:
        doubt = exposure.doubt(each) if each.removed_at is not None else None
        if doubt is None:
            continue
        there, none = stated_of(connection, session.id, each.id, "was-there"), exposure.none_given(each)
        if there is not None and (none is None or none.audit_entry < there.audit_entry):
            remarks.append(f"{each.dosimeter} lay at {point.id} during the beam, as two people say: {there.people}.")
        elif none is not None and not exposure.beams(point):
            problems.append(f"No beam was given while the elements lay at {point.id}: {none.people}.")
        else:
            problems.append(doubt)
    return list(dict.fromkeys(problems)), remarks


def presence_doubts(connection: sqlite3.Connection, session: Session) -> list[str]:
    """What is not shown of the elements of a session, one sentence each, as far as it can be known by now."""
    return list(_doubts(connection, session))


def _doubts(connection: sqlite3.Connection, session: Session) -> Iterator[str]:
    exposure = Exposure(connection, session)
    for each in placements(connection, session.id):
        point = session.plan.point_named(each.point)
        if stated_of(connection, session.id, each.id, "was-there") or exposure.none_given(each) is not None:
            continue
        beams = exposure.beams(point)
        if each.removed_at is None and (not beams or any(beam.ended is None for beam in beams)):
            continue
        if not beams and exposure.waits_for_beam(point):
            yield f"{each.dosimeter} was removed from {each.point} before any beam was given to it."
        elif (doubt := exposure.doubt(each)) is not None:
            yield doubt
