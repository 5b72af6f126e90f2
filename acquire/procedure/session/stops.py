"""What stops a session: before it is started, at its time-out, and when a step begins.

One source of truth: whoever wants to know beforehand (acquire doctor) asks the functions that refuse.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from acquire.dosimetry import DosimetryError, RangeTooSmall
from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibrations
from acquire.procedure.documents.causes import Stop, of_kind
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.beam_seen import lasts_s
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.session import framing, holds
from acquire.procedure.session.course import carried
from acquire.procedure.session.order_holds import of_order
from acquire.procedure.session.planning import cause_of, newest_version, planned, readiness
from acquire.procedure.session.rt_plan_seen import another_rt_plan
from acquire.procedure.stock.frozen import Frozen, file_stops, taken_of_stock
from acquire.procedure.stock.lapsed import lapsed_detector
from acquire.procedure.stock.received import received_anew

if TYPE_CHECKING:
    from acquire.bus.messages import State

SILENT = ("offline", "stopped")
HOLDS_NOTHING_NC = 1e-12


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of a plan on a day (UTC), with the files it is held against; `session` is None before its start."""

    order_id: str
    plan: Plan
    fraction: int
    inventory: Inventory
    calibrations: Calibrations
    on: date
    session: str | None = None


def of_start(
    connection: sqlite3.Connection, asked: Execution, states: Mapping[str, State]
) -> tuple[list[Stop], Frozen | None]:
    """What keeps a session from being started, one sentence each, and what it would take of the stock.

    states: what instruments say of themselves; of one that is offline nothing is believed.
    """
    states = {name: each for name, each in states.items() if each.state not in SILENT}
    plan, on = asked.plan, asked.on
    stops = [*of_order(connection, asked.order_id, plan.version), *_another_rt_plan(connection, asked)]
    stops += file_stops(connection, plan, asked.inventory, asked.calibrations, on)
    frozen: Frozen | None = None
    try:
        frozen = taken_of_stock(connection, plan, asked.inventory, asked.calibrations, on)
    except Refused as reason:
        stops += [of_kind(each, "elements") for each in reason.sentences]
    else:
        told = {name for name, each in states.items() if each.framing is not None}
        wrong = readiness(plan, frozen.inventory, frozen.calibrations, on, told)
        stops += [of_kind(each, "plan") for each in wrong]
        stops += of_told_ranges(plan, frozen.inventory, frozen.calibrations, on, states)
    stops += of_states(asked.inventory, states)
    stops += of_counts(connection, asked, plan.point)
    stops += holds.of_next(connection, asked.order_id, plan, asked.fraction)
    return stops, frozen


def of_session(connection: sqlite3.Connection, now: Execution, points: Iterable[Point] | None = None) -> list[Stop]:
    """What has come up since a session was started that stops it, or of some of its points; one sentence each."""
    points = [*(now.plan.point if points is None else points)]
    stops = [
        *of_order(connection, now.order_id, now.plan.version), *_newer_plan(connection, now),
        *_another_rt_plan(connection, now),
    ]  # fmt: skip
    inventory = received_anew(connection, now.plan, now.inventory)
    for point in points:
        try:
            planned(now.plan, point, inventory, now.calibrations, now.on)
        except (Refused, DosimetryError, Invalid) as reason:
            stops.append(Stop(cause_of(reason), f"{point.id}: {reason}"))
        if point.detector is not None:
            stops += lapsed_detector(connection, inventory, now.calibrations, point, now.on, None)
    return [*dict.fromkeys(stops), *of_counts(connection, now, points)]


def of_states(inventory: Inventory, states: Mapping[str, State]) -> Iterator[Stop]:
    """Where an instrument that is there says something else of itself than the inventory."""
    for name, state in states.items():
        try:
            owned = inventory.instrument_named(name)
        except Refused:
            continue  # readiness says so
        said = framing.of_state(owned, framing.completed(state, framing.installed(owned)))
        yield from (of_kind(each, "inventory") for each in said)


def of_told_ranges(
    plan: Plan, inventory: Inventory, calibrations: Calibrations, on: date, states: Mapping[str, State]
) -> Iterator[Stop]:
    """Points whose expected charge, or current, is more than the range takes that their instrument is set to."""
    for point in (p for p in plan.point if p.instrument in states):
        state = states[point.instrument or ""]
        in_nc, in_na = framing.told_full_scale_nc(state), framing.told_full_scale_na(state)
        if (in_nc, in_na) == (None, None):
            continue
        expected = expected_nc(plan, point, inventory, calibrations, on)
        if expected is not None and in_nc is not None and expected > in_nc:
            yield Stop(
                "range",
                f"{point.id}: The expected {expected:.4g} nC would overload the range of {in_nc:g} nC that"
                f" {point.instrument} is set to: take the next one.",
            )
        seconds = _shortest_beam_s(plan, point)
        if expected is not None and in_na is not None and seconds is not None and expected / seconds > in_na:
            yield Stop(
                "range",
                f"{point.id}: The expected {expected:.4g} nC in {seconds:.0f} s are {expected / seconds:.4g} nA, and"
                f" the range that {point.instrument} is set to takes {in_na:g} nA: take the next one.",
            )


def _shortest_beam_s(plan: Plan, point: Point) -> float | None:
    """By MU and dose rate, where the plan states both."""
    beams = [s for s in plan.step if s.kind == "irradiate" and point.id in s.measured]
    found = [lasts_s(s.mu, s.dose_rate_mu_per_min or plan.dose_rate_mu_per_min) for s in beams]
    return min((each for each in found if each is not None), default=None)


def expected_nc(plan: Plan, point: Point, inventory: Inventory, calibrations: Calibrations, on: date) -> float | None:
    """The charge that a point's expected dose gives, in nC: what a range that holds nothing is refused for."""
    none = tuple(each.model_copy(update={"full_scale_nc": HOLDS_NOTHING_NC}) for each in inventory.instrument)
    try:
        planned(plan, point, inventory.model_copy(update={"instrument": none}), calibrations, on)
    except RangeTooSmall as reason:
        return reason.expected_nc
    except (Refused, DosimetryError, Invalid):
        pass  # the point says so by itself
    return None


def of_counts(connection: sqlite3.Connection, asked: Execution, points: Iterable[Point]) -> Iterator[Stop]:
    """Points that carried a detector on as many fractions of the course as the plan allows."""
    for point in (p for p in points if p.detector_fractions is not None):
        found = carried(connection, asked.order_id, point, but=asked.session)
        if (asked.fraction, asked.on.isoformat()) in found or len(found) < (point.detector_fractions or 0):
            continue
        fractions = ", ".join(str(each) for each, _ in sorted(found))
        yield Stop(
            "detector-count",
            f"{point.id} may carry a detector on {point.detector_fractions} fraction(s) of this course, and the place"
            f" carried one on {len(found)} (fraction {fractions}): move the point, or leave it out in a new version of"
            " the plan.",
        )


def _another_rt_plan(connection: sqlite3.Connection, now: Execution) -> list[Stop]:
    said = another_rt_plan(connection, now.plan)
    return [] if said is None else [Stop("expected-dose", said)]


def _newer_plan(connection: sqlite3.Connection, now: Execution) -> list[Stop]:
    newest = newest_version(connection, now.order_id)
    if newest <= now.plan.version:
        return []
    return [
        Stop(
            "plan-newer",
            f"Plan v{newest} of {now.order_id} has come in, and this session is of v{now.plan.version}: what was"
            " expected may hold no longer. Write what is left as not measured, and start a session of the new plan.",
        )
    ]
