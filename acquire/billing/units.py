"""Units of 77331 over a course: one a measured port, or one a volume of interest where a cumulative dose is measured.

What was measured counts, not how a point is called: chips, points and repeats are no units, and a port that had its
unit adds none in a later session. A session that is barred (routine work, an order that came late) neither counts nor
uses up the unit of its ports. Source: AAPC Coding Alerts on special dosimetry (dossier 3 [5]; scenarios [C1]).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from acquire.billing.facts import AdjustmentFacts, CourseFacts, PointFacts, SessionFacts
from acquire.billing.ports import Ports, spelled

UNNAMED = "volume of interest, not named"
USUAL_LARGEST = 6  # a course; dossier 3 [5][6]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: of which port or volume, and the session and date of service in which it was first measured."""

    kind: Literal["port", "volume"]
    of: str
    session: str
    order: str
    version: int
    day: date | None
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Additional:
    """A port or volume that was measured again after a documented change of the plan: one unit more, shown apart.

    signed_in  the session before it in which the physician signed that the plan is changed; None where there is none
    """

    unit: Unit
    first: Unit
    change: AdjustmentFacts
    signed_in: str | None = None

    @property
    def says(self) -> str:
        """Why it is offered."""
        return (
            f"{self.unit.of} measured again in session {self.unit.session}: documented change v{self.first.version} →"
            f" v{self.unit.version} ({self.change.what.rstrip('.')}, decided by {self.change.decided_by})."
        )

    @property
    def by_whom(self) -> str:
        """Whether a physician has signed the change: whoever writes the plan's file can name anybody in it."""
        if self.signed_in is not None:
            return f"{self.unit.of}: the physician signed a change of the plan in session {self.signed_in}."
        return f"{self.unit.of}: no physician has signed a change of the plan before it; the plan's file alone says so."


@dataclass(frozen=True, slots=True)
class Counted:
    """The units of a course, in the order in which they were measured.

    repeats  what was measured again without a change, and adds nothing; beside  points outside the ports of a plan by
    ports, which the coder decides on; barred  sessions that count for nothing, with the reason
    """

    units: tuple[Unit, ...]
    additional: tuple[Additional, ...]
    repeats: tuple[Unit, ...]
    beside: tuple[tuple[str, PointFacts], ...]
    barred: tuple[tuple[str, str], ...]
    ports: Ports

    @property
    def total(self) -> int:
        """With what is shown apart."""
        return len(self.units) + len(self.additional)


def count(course: CourseFacts) -> Counted:
    """The units of a whole course."""
    ports = Ports(course.plans.items())
    units: dict[tuple[str, str], Unit] = {}
    additional: list[Additional] = []
    repeats: list[Unit] = []
    barred: list[tuple[str, str]] = []
    for session in course.sessions:
        if session.barred is not None:
            barred.append((session.id, session.barred))
            continue
        for unit in _measured(session, ports):
            key = unit.kind, unit.of if unit.kind == "port" else spelled(unit.of)
            first = units.setdefault(key, _not_named(units, unit) or unit)
            if first is unit:
                continue
            if change := _change(course, first, unit, ports, [a.unit for a in additional]):
                additional.append(Additional(unit, first, change, _signed_in(course, unit)))
            else:
                repeats.append(unit)
    beside = [(s.id, p) for s in course.sessions if s.barred is None for p in _beside(s)]
    counted = tuple(dict.fromkeys(units.values()))
    return Counted(counted, tuple(additional), tuple(repeats), tuple(beside), tuple(barred), ports)


def _not_named(units: dict[tuple[str, str], Unit], unit: Unit) -> Unit | None:
    """Which unit a volume may be that nobody named, then or now: where that is open it adds none."""
    volumes = [each for (kind, _), each in units.items() if kind == unit.kind == "volume"]
    if unit.of == UNNAMED:
        return volumes[0] if volumes else None
    open_ = [each for each in volumes if each.of == UNNAMED]
    return open_[0] if len(open_) == len(volumes) == 1 else None


def _measured(session: SessionFacts, ports: Ports) -> Iterator[Unit]:
    """What a session measured validly, by port or volume, each once."""
    found: dict[tuple[Literal["port", "volume"], str], list[str]] = {}
    for point in session.valid:
        if point.port is not None:
            name = ports.name(session.order.id, session.plan.version, point.port)
            found.setdefault(("port", name), []).append(point.id)
        elif not session.plan.ports:
            same = next((of for _, of in found if spelled(of) == spelled(point.volume or UNNAMED)), None)
            found.setdefault(("volume", same or point.volume or UNNAMED), []).append(point.id)
    for (kind, of), points in found.items():
        yield Unit(kind, of, session.id, session.order.id, session.plan.version, session.day, tuple(points))


def _signed_in(course: CourseFacts, again: Unit) -> str | None:
    """The last session of the order before a unit's in which the physician signed that the plan is changed."""
    before = [s for s in course.sessions if s.order.id == again.order]
    before = before[: next(n for n, s in enumerate(before) if s.id == again.session)]
    changed = [s.id for s in before if s.decision is not None and s.decision.what != "unchanged"]
    return changed[-1] if changed else None


def _beside(session: SessionFacts) -> Iterator[PointFacts]:
    """Points of no port, where the plan measures by ports."""
    if session.plan.ports:
        yield from (p for p in session.valid if p.port is None)


def _change(course: CourseFacts, first: Unit, again: Unit, ports: Ports, used: list[Unit]) -> AdjustmentFacts | None:
    """The newest documented change of this port or volume between two measurements, which no unit was given for yet."""
    last = max([first.version, *(u.version for u in used if (u.kind, u.of) == (again.kind, again.of))])
    for (order, version), plan in sorted(course.plans.items(), key=lambda each: each[0][1], reverse=True):
        if order == again.order == first.order and last < version <= again.version:
            known = {spelled(each) for each in (ports.names(again.of) if again.kind == "port" else [again.of])}
            for change in plan.adjustments:
                if known & {spelled(each) for each in change.of}:
                    return change
    return None
