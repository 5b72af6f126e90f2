"""What the rules look at: orders, plans, sessions and signatures of one course, and nothing of who the patient is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """The physician's order. `need`, `effect` and `history` are the texts that it states.

    draft      why it is no physician's order; telephone: who took it, and when; copied: where its need is not its own
    treating   the physician in whose place it was ordered
    """

    id: str
    requester: str
    requester_role: str | None
    authored_on: datetime
    need: str
    effect: str | None
    history: tuple[str, ...]
    cancelled: str | None = None
    draft: str | None = None
    telephone: str | None = None
    copied: str | None = None
    treating: str | None = None


@dataclass(frozen=True, slots=True)
class PortFacts:
    """A port of a plan: its name, the fields it is irradiated with (gantry in degrees, MU), its number in an RT Plan.

    beam  (SOP Instance UID of the RT Plan, beam number); None where the plan was not made from one
    """

    name: str
    fields: frozenset[tuple[float, float]] = frozenset()
    beam: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class AdjustmentFacts:
    """What a plan version changed, as the plan itself says: which ports or volumes, what, and who decided it."""

    of: tuple[str, ...]
    what: str
    decided_by: str


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """One version of a plan. `unlisted` and `why_unlisted`: the work fits no code, of which form it is, and why."""

    version: int
    purpose: str
    place: str | None
    machine: str
    technique: str
    prescription: str
    target: str
    approved_by: str
    approved_on: date
    ports: tuple[PortFacts, ...] = ()
    adjustments: tuple[AdjustmentFacts, ...] = ()
    radionuclide: str | None = None
    unlisted: str | None = None
    why_unlisted: str | None = None


@dataclass(frozen=True, slots=True)
class PointFacts:
    """A point with its newest result. `derived`: the mean of two others, never measured itself.

    decision  None while there is no result
    volume    the volume of interest that the plan names, for points of no port
    """

    id: str
    site: str
    port: str | None
    volume: str | None
    derived: bool
    method: str
    measured_with: str
    out_of_field: bool
    decision: str | None
    calculated_with: str | None

    @property
    def has_result(self) -> bool:
        """Whether a valid result stands."""
        return self.decision not in (None, "INVALID")

    @property
    def counts(self) -> bool:
        """Whether it was measured, and validly."""
        return self.has_result and not self.derived


@dataclass(frozen=True, slots=True)
class Signed:
    """Who signed, in which role, and when (UTC, ISO 8601)."""

    who: str
    role: str
    at: str


@dataclass(frozen=True, slots=True)
class Decided:
    """The physician's decision on the plan: unchanged, adjusted or re-planned, in words."""

    what: str
    words: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session: what was measured when, by whom, with what.

    began      the first beam that was begun, or the placing of the first element where no instrument measured one
    day        the date of service, on the clock of the order
    equipment  instrument or detector: its model and serial number
    people_not_known  why nobody can say who made it; None where everybody had logged in
    """

    id: str
    order: OrderFacts
    plan: PlanFacts
    fraction: int
    state: str
    began: datetime | None
    began_with: str
    day: date | None
    points: tuple[PointFacts, ...]
    measured_by: str
    calculated_by: str | None = None
    calculated_at: str | None = None
    equipment: Mapping[str, str] | None = None
    review: Signed | None = None
    interpretation: Signed | None = None
    decision: Decided | None = None
    people_not_known: str | None = None

    @property
    def valid(self) -> list[PointFacts]:
        """The points that were measured validly."""
        return [p for p in self.points if p.counts]

    @property
    def before_order(self) -> bool:
        """Whether its measurement began before the order was written."""
        return self.began is not None and self.order.authored_on >= self.began

    @property
    def barred(self) -> str | None:
        """Why it can never be charged, as the end of a sentence; None where it may be."""
        if self.plan.purpose != "patient":
            return f"its purpose is {self.plan.purpose}"
        if self.before_order:
            return "the order is later than its measurement"
        if self.plan.radionuclide is not None:
            return f"a radionuclide given {self.plan.radionuclide} belongs to nuclear medicine"
        return None


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """Every session of a course, over its orders and plan versions, in the order in which they were started.

    plans  every plan version of each order, also such as have no session yet: (order, version)
    """

    sessions: tuple[SessionFacts, ...]
    plans: Mapping[tuple[str, int], PlanFacts]

    def newest_plan(self, order: str) -> PlanFacts | None:
        """The newest plan version of an order."""
        versions = [version for of, version in self.plans if of == order]
        return self.plans[order, max(versions)] if versions else None
