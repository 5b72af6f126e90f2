"""Results as a person reads them: one line a point, the decision in words, and the calculation if asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer

from acquire.record.figures import cgy, fixed, signed
from acquire.terminal.output import table

MARKS = {
    "PASS": "●",
    "PASS, uncertainty band": "◐",
    "OUT OF TOLERANCE": "▲",
    "ACTION": "■",
    "INVALID": "✕",
    "REPORT ONLY": "○",
    "NO RESULT": "·",
}


def print_results(results: Sequence[Mapping[str, Any]], *, explain: bool) -> None:
    """A table; with `explain`, every step of each result with its numbers and source."""
    rows = [_row(each) for each in results]
    columns = ("point", "detector", "dose cGy", "u cGy", "expected", "dev. %", "decision")
    table("Results (u: standard uncertainty, k = 1)", columns, rows)
    for each in results:
        for sentence in each.get("why", ()):
            typer.echo(f"{each['point']}: {sentence}")
        if explain:
            _explain(each)


def _row(each: Mapping[str, Any]) -> tuple[str, ...]:
    dose, u = each.get("dose_gy"), each.get("u_gy")
    deviation = each.get("deviation_percent")
    return (
        each["point"],
        each.get("detector") or "",
        cgy(dose) if dose is not None else "—",
        cgy(u) if u is not None else "",
        cgy(each["expected_gy"]) if each.get("expected_gy") is not None else "",
        signed(deviation) if deviation is not None else "",
        f"{MARKS[each['decision']]} {each['decision']}",
    )


def _explain(each: Mapping[str, Any]) -> None:
    typer.echo(f"\n{each['point']}: {each.get('formula', 'no dose')}")
    for step in each.get("steps", ()):
        typer.echo(f"  {step['what']} = {step['formula']}")
        typer.echo(f"      = {step['numbers']} = {step['value']:.8g} {step['unit']}   [{step['source']}]")
    for row in each.get("budget", ()):
        typer.echo(f"  u({row['name']}) {fixed(row['u_percent'], 2)} %   [{row['source']}]")
    if each.get("u_percent") is not None:
        typer.echo(f"  together u = {fixed(each['u_percent'], 2)} %, U = {each['k']:g} u")
