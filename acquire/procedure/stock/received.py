"""What detectors have received: what the inventory says, and on top of it what was measured here since.

An inventory says how much a detector had received (accumulated_gy), and may say on which day that was (accumulated_on);
then what was measured here from that day on comes on top, and without a day all that was. An irradiation without a
result counts, against the limit, with the dose that was expected. A MOSFET's threshold is where it was last read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from acquire.canonical import parse
from acquire.errors import Refused
from acquire.procedure.documents.asked import kinds_that
from acquire.procedure.documents.causes import Stop
from acquire.procedure.documents.inventory import Detector, Inventory
from acquire.procedure.documents.plan import CHARGES, Plan, Step
from acquire.procedure.documents.point import Point
from acquire.store import audit
from acquire.sums import added

FALLEN = 0.99  # of what it was known to have received: a total is typed with two or three digits


@dataclass(frozen=True, slots=True)
class Irradiated:
    """One irradiation: when (UTC), the dose of its result in Gy or None, and the most that was to be expected."""

    at: str
    point: str
    session: str
    dose_gy: float | None
    at_most_gy: float
    before_gy: float | None


def irradiations(connection: sqlite3.Connection, serial: str) -> list[Irradiated]:
    """Every irradiation of the detector with a serial number, oldest first; not those that gave no beam.

    Where two people have bound diodes to other ports than planned, those of the ports at which it really lay. Those
    that were entered from a form come last.
    """
    planned = _rows(connection, "d.serial = ?", serial)
    detectors = {row["session"]: row["detector"] for row in planned}
    lay = {session: _bound(connection, session) for session in detectors}
    found = [(row, row["before_gy"]) for row in planned if _lay_at(lay, row) == row["detector"]]
    for session, detector in detectors.items():
        for point in (p for p, really in lay[session].items() if really == detector):
            rows = _rows(connection, "a.session = ? AND d.point = ?", session, point)
            found += [(row, None) for row in rows if row["detector"] != detector]
    return [
        Irradiated(
            row["at"], row["point"], row["session"], _dose_gy(connection, row["session"], row["point"]),
            row["at_most_gy"], before_gy,
        )
        for row, before_gy in (*sorted(found, key=lambda each: int(each[0]["n"])), *_written(connection, serial))
    ]  # fmt: skip


def _written(connection: sqlite3.Connection, serial: str) -> Iterator[tuple[sqlite3.Row, None]]:
    """What was entered from forms; a correction is of the same irradiation."""
    rows = connection.execute(
        "SELECT read_at AS at, point, session, at_most_gy FROM transcription WHERE serial = ? AND replaces IS NULL"
        " ORDER BY n",
        (serial,),
    )
    yield from ((row, None) for row in rows)


def _rows(connection: sqlite3.Connection, which: str, *values: str) -> list[sqlite3.Row]:
    return connection.execute(
        "SELECT d.*, a.session, m.at, m.n FROM detector_irradiated d JOIN attempt a ON a.measurement = d.measurement"
        f" JOIN attempt_mark m ON m.measurement = d.measurement AND m.mark = 'begun' WHERE {which} AND NOT EXISTS"
        " (SELECT 1 FROM attempt_mark x WHERE x.measurement = d.measurement AND x.mark = 'abandoned'"
        " AND x.beam_given = 0) ORDER BY m.n",
        values,
    ).fetchall()


def _bound(connection: sqlite3.Connection, session: str) -> dict[str, str]:
    """The detector by point, where two people have said that it was not the planned one: the newest counts."""
    rows = connection.execute("SELECT point, detector FROM binding WHERE session = ? ORDER BY n", (session,))
    return {row["point"]: row["detector"] for row in rows}


def _lay_at(lay: Mapping[str, Mapping[str, str]], row: sqlite3.Row) -> str:
    return lay[row["session"]].get(row["point"], row["detector"])


def with_received(connection: sqlite3.Connection, plan: Plan, inventory: Inventory) -> Inventory:
    """The inventory with what the plan's detectors received here: the session keeps this one."""
    used = {p.detector for p in plan.point if p.detector is not None}
    found = tuple(received_by(connection, each) if each.id in used else each for each in inventory.detector)
    return inventory if found == inventory.detector else inventory.model_copy(update={"detector": found})


def received_anew(connection: sqlite3.Connection, plan: Plan, kept: Inventory) -> Inventory:
    """The inventory that a session keeps, with what its detectors have received by now."""
    stated = tuple(
        each
        if each.measured_here_gy is None or each.accumulated_gy is None
        else each.model_copy(
            update={"accumulated_gy": each.accumulated_gy - each.measured_here_gy, "measured_here_gy": None}
        )
        for each in kept.detector
    )
    return with_received(connection, plan, kept.model_copy(update={"detector": stated}))


def not_received(connection: sqlite3.Connection, plan: Plan, inventory: Inventory) -> Iterator[Stop]:
    """A sentence for each detector of which the inventory says less than it was known to have received before."""
    used = {p.detector for p in plan.point if p.detector is not None}
    for each in (d for d in inventory.detector if d.id in used):
        had = max((i.before_gy for i in irradiations(connection, each.serial) if i.before_gy is not None), default=0.0)
        now = received_by(connection, each).accumulated_gy
        if now is not None and now < FALLEN * had:
            yield Stop(
                "inventory",
                f"The inventory says that {each.id} has received {each.accumulated_gy or 0:g} Gy; with it and what was"
                f" measured here that is {now:.4g} Gy, and it was {had:.4g} Gy before: a dose does not fall. Correct"
                " accumulated_gy, or say of which day it is (accumulated_on).",
            )


def irradiated_rows(
    inventory: Inventory, plan: Plan, step: Step, of: Collection[str], measurement: str
) -> list[audit.Row]:
    """What lies in the beam, at the points that an attempt measures, when it begins: for the caller's own entry."""
    if step.kind not in CHARGES:
        return []
    points = [plan.point_named(each) for each in of]
    return [
        audit.row(
            "detector_irradiated", measurement=measurement, point=point.id, detector=point.detector,
            serial=(own := inventory.detector_named(point.detector)).serial, before_gy=own.accumulated_gy,
            at_most_gy=at_most_gy(point),
        )
        for point in points
        if point.detector is not None
    ]  # fmt: skip


def received_by(connection: sqlite3.Connection, detector: Detector) -> Detector:
    """A detector with what it received here on top of what its inventory says. Raises Refused."""
    if detector.measured_here_gy is not None:
        raise Refused(
            f"The inventory states measured_here_gy of {detector.id}; the program writes that, strike it out."
        )
    found = irradiations(connection, detector.serial)
    here = added(_counts_gy(each) for each in found if _since(each, detector.accumulated_on))
    reached = None
    if detector.kind in kinds_that(lambda asks: asks.way == "threshold"):
        reached = _threshold_mv(connection, {(each.session, each.point) for each in found})
    update: dict[str, Any] = {}
    if here and detector.accumulated_gy is not None:
        update |= {"accumulated_gy": detector.accumulated_gy + here, "measured_here_gy": here}
    if reached is not None and detector.threshold_mv is not None and reached > detector.threshold_mv:
        update["threshold_mv"] = reached
    return detector.model_copy(update=update) if update else detector


def _counts_gy(each: Irradiated) -> float:
    return each.at_most_gy if each.dose_gy is None else each.dose_gy


def _since(each: Irradiated, day: date | None) -> bool:
    return day is None or datetime.fromisoformat(each.at).date() >= day


def _dose_gy(connection: sqlite3.Connection, session: str, point: str) -> float | None:
    return _latest(connection, "output", session, point).get("dose_gy")


def _threshold_mv(connection: sqlite3.Connection, where: Collection[tuple[str, str]]) -> float | None:
    """The highest threshold in mV that was read after an irradiation here."""
    read = (_latest(connection, "inputs", *each).get("threshold") for each in sorted(where))
    return max((each["after_mv"] for each in read if each), default=None)


def _latest(
    connection: sqlite3.Connection, what: Literal["inputs", "output"], session: str, point: str
) -> dict[str, Any]:
    """That part of the newest result of a point; empty where there is none."""
    row = connection.execute(
        f"SELECT {what} FROM result WHERE session = ? AND point = ? ORDER BY version DESC LIMIT 1", (session, point)
    ).fetchone()
    return {} if row is None else dict(parse(row[what]))


def at_most_gy(point: Point) -> float:
    """The most that a point is believed to receive, in Gy."""
    if point.expected is not None:
        return point.expected.dose_gy
    return point.plausible.high_gy if point.plausible is not None else 0.0
