"""Several results at once: a session's mean deviation with what its points share, and trends over sessions."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from acquire.dosimetry import Budget, Chart, Contribution, Observation, charts, mean_of_deviations
from acquire.procedure.documents.point import Point
from acquire.procedure.methods.output import Output
from acquire.procedure.results.result import results
from acquire.procedure.session.session import Session, SessionState, get_session, list_sessions


@dataclass(frozen=True, slots=True)
class MeanDeviation:
    """Mean deviation of several points in percent with its U, and the budget rows that they have in common."""

    points: tuple[str, ...]
    deviation_percent: float
    expanded_percent: float
    common: tuple[str, ...]


def mean_deviation(outputs: Mapping[str, Mapping[str, Any]]) -> MeanDeviation | None:
    """Of the points that have a deviation, by their stored budgets; None for fewer than two.

    Rows of the same name and `shared` are fully correlated (GUM 5.2.2); the expected doses count as independent.
    """
    compared = {
        point: out for point, out in outputs.items() if out.get("deviation_percent") is not None and "budget" in out
    }
    if len(compared) < 2:
        return None
    budgets = [_budget(output) for output in compared.values()]
    mean = mean_of_deviations([out["deviation_percent"] for out in compared.values()], budgets)
    seen = Counter((row.name, row.shared_key) for budget in budgets for row in budget.rows if row.shared_key)
    common = tuple(dict.fromkeys(f"{name} ({key})" for (name, key), times in seen.items() if times > 1))
    return MeanDeviation(tuple(compared), mean.value, mean.expanded, common)


def _budget(output: Mapping[str, Any]) -> Budget:
    rows = [
        Contribution(
            row["name"], row["u_percent"], row["source"], kind=row["kind"], shared_key=row["shared"],
            dof=math.inf if row["dof"] is None else row["dof"],
        )
        for row in output["budget"]
    ]  # fmt: skip
    expected = Contribution("expected dose", output["expected_u_percent"], "plan")
    return Budget((*rows, expected))


def observations(connection: sqlite3.Connection) -> list[Observation]:
    """Every deviation of the store, newest version of each result, by detector, kind of point and machine."""
    found = []
    for session_id in list_sessions(connection):
        session = get_session(connection, session_id)
        if session.state is SessionState.CANCELLED:
            continue
        found += [
            _observation(session, session.plan.point_named(result.point), result.output)
            for result in results(connection, session_id)
            if result.output.get("deviation_percent") is not None
        ]
    return found


def trends(found: Iterable[Observation]) -> tuple[list[Chart], list[tuple[tuple[str, str, str], int]]]:
    """Control charts, and for what has too few observations for one (less than eight) how many there are."""
    found = list(found)
    made = charts(found)
    few = [(key, n) for key, n in sorted(Counter(o.key for o in found).items()) if key not in made]
    return list(made.values()), few


def _observation(session: Session, point: Point, output: Output) -> Observation:
    """Elements are charted by their reader: a chip is seldom used twice at one point. Simulations stay apart."""
    detector = output.get("detector") or point.detector or point.method
    if point.by_element:
        detector = session.inventory.element_named(point.elements[0]).reader
    kind = f"{point.method}, {point.surface}" if point.method == "diode" else f"{point.method}, {point.position}"
    at = datetime.fromisoformat(session.started_at)
    machine = f"{session.plan.machine}, simulated" if session.simulated else session.plan.machine
    return Observation(at, output["deviation_percent"], detector, kind, machine)
