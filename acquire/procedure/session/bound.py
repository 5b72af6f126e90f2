"""Which diode really lay at which port, where two people have said that it was not the planned one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.records.selection import BoundDetector


@dataclass(frozen=True, slots=True)
class Binding:
    """One detector and channel bound to a point, beside those that were planned; `at` on the store's clock (UTC).

    instrument: where the diode is, if that is another one than the point's; with the entries of it that count.
    """

    point: str
    planned: str
    planned_channel: str
    detector: str
    channel: str
    reason: str
    who: str
    confirmed_by: str
    at: str
    instrument: str | None
    stream: str | None
    first_seq: int | None
    last_seq: int | None

    @property
    def really(self) -> BoundDetector:
        """What the point is measured with; no channel where its instrument has one input."""
        return BoundDetector(
            detector=self.detector, channel=self.channel or None, instrument=self.instrument, stream=self.stream,
            first_seq=self.first_seq, last_seq=self.last_seq,
        )  # fmt: skip

    @property
    def says(self) -> str:
        """The sentence that stands with the result."""
        on, planned_on = (f" (channel {each})" if each else "" for each in (self.channel, self.planned_channel))
        on += f" (read on {self.instrument})" if self.instrument else ""
        return (
            f"{self.detector}{on} lay at {self.point}, where {self.planned}{planned_on} was planned:"
            f" {self.reason.strip().rstrip('.')} ({self.who}, confirmed by {self.confirmed_by})."
        )


def every_binding(connection: sqlite3.Connection, session_id: str) -> list[Binding]:
    """All bindings of a session, oldest first."""
    rows = connection.execute(
        "SELECT point, planned, planned_channel, detector, channel, reason, who, confirmed_by, at, instrument, stream,"
        " first_seq, last_seq FROM binding WHERE session = ? ORDER BY n",
        (session_id,),
    )
    return [Binding(**dict(row)) for row in rows]


def bindings(connection: sqlite3.Connection, session_id: str) -> dict[str, Binding]:
    """The binding that counts of each point that has one: the newest."""
    return {each.point: each for each in every_binding(connection, session_id)}


def as_bound(plan: Plan, said: Mapping[str, BoundDetector]) -> Plan:
    """The plan with the detectors and channels as they really were, by point."""
    return plan.model_copy(update={"point": tuple(_lay(p, said.get(p.id)) for p in plan.point)})


def _lay(point: Point, said: BoundDetector | None) -> Point:
    if said is None:
        return point
    on = {"channel": said.channel, "instrument": said.instrument}
    return point.model_copy(update={"detector": said.detector} | {k: v for k, v in on.items() if v is not None})


def is_port(point: Point) -> bool:
    """Whether the beam that is on must give the largest signal here: a diode on the entrance side of a port."""
    return point.asks.tells_ports and point.surface == "entrance" and point.port is not None


def channel_of(inventory: Inventory, point: Point) -> str | None:
    """The channel of a point, or else the one its detector is plugged into."""
    return point.channel or inventory.detector_named(point.detector or "").channel


def planned_at(plan: Plan, point: str, detector: str) -> Point:
    """A port for which a planned diode was planned, of the point's instrument if there is one: its channel is there."""
    instrument = plan.point_named(point).instrument
    there = [p for p in plan.point if is_port(p) and p.detector == detector]
    return next((p for p in there if p.instrument == instrument), there[0])
