"""Several results at once: a session's mean deviation with what its points share, and trends over sessions."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from acquire.dosimetry import Budget, Chart, Contribution, Observation, charts, mean_of_deviations
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.registry import method_of
from acquire.procedure.records.output import DoseFound, Output
from acquire.procedure.results.result import results
from acquire.procedure.session.session import Session, SessionState, get_session, list_sessions


@dataclass(frozen=True, slots=True)
class MeanDeviation:
    """Mean deviation of several points in percent with its U, and the budget rows that they have in common."""

    points: tuple[str, ...]
    deviation_percent: float
    expanded_percent: float
    common: tuple[str, ...]


def mean_deviation(outputs: Mapping[str, Output]) -> MeanDeviation | None:
    """Of the points that have a deviation, by their stored budgets; None for fewer than two.

    Rows of the same name and `shared` are fully correlated (GUM 5.2.2); the expected doses count as independent.
    """
    doses = {point: out.dose for point, out in outputs.items() if out.dose is not None}
    compared = {point: dose for point, dose in doses.items() if dose.deviation_percent is not None}
    if len(compared) < 2:
        return None
    budgets = [_budget(dose) for dose in compared.values()]
    mean = mean_of_deviations([dose.deviation_percent or 0.0 for dose in compared.values()], budgets)
    seen = Counter((row.name, row.shared_key) for budget in budgets for row in budget.rows if row.shared_key)
    common = tuple(dict.fromkeys(f"{name} ({key})" for (name, key), times in seen.items() if times > 1))
    return MeanDeviation(tuple(compared), mean.value, mean.expanded, common)


def _budget(dose: DoseFound) -> Budget:
    rows = [
        Contribution(
            row.name, row.u_percent, row.source, kind=row.kind, shared_key=row.shared,
            dof=math.inf if row.dof is None else row.dof,
        )
        for row in dose.budget
    ]  # fmt: skip
    return Budget((*rows, Contribution("expected dose", dose.expected_u_percent or 0.0, "plan")))


def observations(connection: sqlite3.Connection) -> list[Observation]:
    """Every deviation of the store, newest version of each result, by detector, kind of point and machine."""
    found = []
    for session_id in list_sessions(connection):
        session = get_session(connection, session_id)
        if session.state is SessionState.CANCELLED:
            continue
        found += [
            _observation(session, session.plan.point_named(result.point), result.output.detector, deviation)
            for result in results(connection, session_id)
            if (deviation := result.output.deviation_percent) is not None
        ]
    return found


def trends(found: Iterable[Observation]) -> tuple[list[Chart], list[tuple[tuple[str, str, str], int]]]:
    """Control charts, and for what has too few observations for one (less than eight) how many there are."""
    found = list(found)
    made = charts(found)
    few = [(key, n) for key, n in sorted(Counter(o.key for o in found).items()) if key not in made]
    return list(made.values()), few


def _observation(session: Session, point: Point, bound: str | None, deviation_percent: float) -> Observation:
    """Elements are charted by their reader: a chip is seldom used twice at one point. Simulations stay apart."""
    detector = bound or point.detector or point.method
    if point.by_element:
        detector = session.inventory.element_named(point.elements[0]).reader
    kind = f"{point.method}, {method_of(point.method).trend(point)}"
    at = datetime.fromisoformat(session.started_at)
    machine = f"{session.plan.machine}, simulated" if session.simulated else session.plan.machine
    return Observation(at, deviation_percent, detector, kind, machine)
