"""Results as a person reads them: one line a point, the decision in words, and the calculation if asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from acquire.dosimetry import Chart
from acquire.fits.shown import said
from acquire.procedure.methods.output import not_stated
from acquire.procedure.records.output import Output, output_of
from acquire.procedure.results.trends import mean_deviation
from acquire.record.figures import cgy, deviation, fixed, probability, signed, upper_end, with_u
from acquire.terminal.output import table, tell

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
        if channel := each.get("channel"):
            tell(f"{each['point']}: measured on channel {channel}.")
        if run := each.get("reader_run"):
            tell(f"{each['point']}: {run['says']}")
        for sentence in (*each.get("why", ()), *([each["asks"]] if each.get("asks") else ())):
            tell(f"{each['point']}: {sentence}")
        for sentence in said(each.get("fits", ())):
            tell(f"{each['point']}: {sentence}")
        if window := each.get("window"):
            tell(f"{each['point']}: limits of the order: {window['says']}")
    for sentence in not_stated(_outputs(results)):
        tell(sentence)
    if mean := mean_of_points(results):
        common = ", ".join(mean["common"]) or "nothing"
        tell(
            f"Mean deviation of {', '.join(mean['points'])}: {signed(mean['deviation_percent'], 2)} %,"
            f" U = {fixed(mean['expanded_percent'], 2)} %; common to them: {common}."
        )
    for each in results if explain else ():
        _explain(each)


def mean_of_points(results: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The mean deviation of a session's points with what they share; None for fewer than two."""
    mean = mean_deviation(_outputs(results))
    return None if mean is None else asdict(mean)


def _outputs(results: Sequence[Mapping[str, Any]]) -> dict[str, Output]:
    """Of the lines that are whole results; a summary (acquire.record.summary) has no budget to say more of."""
    return {each["point"]: output_of(each) for each in results if "remarks" in each}


Few = Sequence[tuple[tuple[str, str, str], int]]


def trends_as_json(made: Sequence[Chart], few: Few) -> dict[str, Any]:
    """Charts, and what has too few observations for one."""
    names = ("detector", "point_type", "machine")
    return {
        "charts": [
            dict(zip(names, each.key, strict=True)) | {k: v for k, v in asdict(each).items() if k != "key"}
            for each in made
        ],
        "too_few": [dict(zip(names, key, strict=True)) | {"n": n} for key, n in few],
    }


def print_trends(made: Sequence[Chart], few: Few) -> None:
    """A line a chart, then what stands out; and what is not charted yet."""
    rows = [
        (*each.key, each.n, signed(each.centre, 2), f"{signed(each.lower, 2)} to {signed(each.upper, 2)}",
         len(each.signals) or "none")
        for each in made
    ]  # fmt: skip
    columns = ("detector", "kind of point", "machine", "n", "centre %", "limits %", "signals")
    table("Control charts of the deviation (Shewhart individuals)", columns, rows)
    for each in made:
        for sentence in each.signals:
            tell(f"{', '.join(each.key)}: {sentence}")
    for key, n in few:
        tell(f"{', '.join(key)}: {n} result(s); a chart needs eight.")


def _row(each: Mapping[str, Any]) -> tuple[str, ...]:
    dose, u = each.get("dose_gy"), each.get("u_gy")
    return (
        each["point"],
        each.get("detector") or "",
        cgy(dose) if dose is not None else "—",
        cgy(u) if u is not None else "",
        cgy(each["expected_gy"]) if each.get("expected_gy") is not None else "",
        deviation(each) if each.get("deviation_percent") is not None else "",
        f"{MARKS[each['decision']]} {each['decision']}",
    )


def _explain(each: Mapping[str, Any]) -> None:
    tell(f"\n{each['point']}: {each.get('formula', 'no dose')}")
    for step in each.get("steps", ()):
        tell(f"  {step['what']} = {step['formula']}")
        tell(f"      = {step['numbers']} = {step['value']:.8g} {step['unit']}   [{step['source']}]")
    for row in each.get("budget", ()):
        of = "" if row["dof"] is None else f", ν = {row['dof']:g}"
        tell(f"  u({row['name']}) {fixed(row['u_percent'], 2)} %, type {row['kind']}{of}   [{row['source']}]")
    if each.get("u_percent") is not None:
        of = "" if each["dof"] is None else f", ν = {each['dof']:.3g}"
        tell(f"  together u = {fixed(each['u_percent'], 2)} %{of}, U = {each['k']:.3g} u")
        tell(f"  D = {with_u(each['dose_gy'], each['expanded_gy'])} (U, k = {each['k']:.3g})")
    if course := each.get("course"):
        _explain_course(course)
    if each.get("deviation_percent") is not None:
        _explain_decision(each)
    for remark in (*each.get("warnings", ()), *each.get("remarks", ())):
        tell(f"  {remark}")
    if "formula_version" in each:
        tell(f"  formulas version {each['formula_version']}, inputs {each['formula_inputs_sha256']}")


def _explain_course(course: Mapping[str, Any]) -> None:
    lines = " + ".join(f"{line['times']} × {cgy(line['gy_each'])} ({line['name']})" for line in course["lines"])
    tell(f"  over the course {lines} = {with_u(course['dose_gy'], course['expanded_gy'])} (U)")
    if course["limit_gy"] is not None:
        where = "below" if course["below_limit"] else "not below"
        tell(f"  upper end {upper_end(course, 2)} cGy, {where} the order's limit of {cgy(course['limit_gy'])} cGy")


def _explain_decision(each: Mapping[str, Any]) -> None:
    dose, expected = f"{each['dose_gy']:.6g}", f"{each['expected_gy']:.6g}"
    spread, u_expected = fixed(each["deviation_expanded_percent"], 2), fixed(each["expected_u_percent"], 2)
    limits = f"tolerance {each['tolerance_percent']:g} %, action {each['action_percent']:g} %"
    tell(f"  δ = 100 × ({dose} / {expected} − 1) = {deviation(each, 2)} %")
    tell(f"  U(δ) = {spread} % in its {each['u_form']} form, u(expected dose) {u_expected} %")
    tell(f"  rule {each['rule']}, {limits}; probability of conformity {probability(each['p_conform'])}")
