"""Every number that goes into a dose: values out of the selected readings' bytes, factors out of the documents."""

from __future__ import annotations

import sqlite3
from datetime import date, timedelta
from typing import Any

from acquire.dosimetry import DosimetryError, days_between, pre_irradiated
from acquire.errors import Refused
from acquire.procedure.documents import kept
from acquire.procedure.documents.calibrations import Calibrations, read_calibrations
from acquire.procedure.documents.inventory import Inventory, read_inventory
from acquire.procedure.documents.plan import Plan, read_plan
from acquire.procedure.documents.point import Point
from acquire.procedure.methods import factors
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.dwell_check import dwell_check
from acquire.procedure.methods.factors import Inputs
from acquire.procedure.methods.signals import signals
from acquire.procedure.methods.spectrum import read
from acquire.procedure.readouts.reader_run_told import described, quality_control
from acquire.procedure.results.curve_checks import judged_curves
from acquire.procedure.results.elsewhere import none_elsewhere_is_larger
from acquire.procedure.results.neighbours import own_signal_is_largest
from acquire.procedure.results.point_charges import charges
from acquire.procedure.results.readout_times import days_since_removal, looks_older, read_at
from acquire.procedure.results.selection import Selection, load
from acquire.procedure.results.thresholds import thresholds
from acquire.procedure.results.waiting_time import Bodies, unheld
from acquire.procedure.session.bound import as_bound


def prepare(connection: sqlite3.Connection, selection: Selection) -> Inputs:
    """The inputs of a result. What forbids a number stands under `invalid`, one sentence each.

    Depends on nothing but the selection and the bytes it names. Raises Refused when those are not in the store.
    """
    plan, calibrations, inventory = _documents(connection, selection)
    point = plan.point_named(selection["point"])
    bodies = {name: [load(connection, ref) for ref in refs] for name, refs in selection["readings"].items()}
    day = _day(selection, bodies)
    marks = {name: [load(connection, ref)["time"] for ref in refs] for name, refs in selection.get("marks", {}).items()}
    inputs: Inputs = {
        "point": point.id,
        "method": point.method,
        "invalid": list(selection["problems"]),
        "remarks": list(selection["remarks"]),
        **({"channel": selection["channel"]} if "channel" in selection else {}),
        **({"bound_detector": point.detector} if point.id in selection.get("bound", {}) else {}),
        **({"reader_run": described(connection, selection)} if "run" in selection else {}),
    }
    try:
        inputs |= factors.of_point(plan, point, inventory, calibrations, day)
        if point.spectrum is not None:
            if selection["spectrum"] is not None:
                inputs["measured"] = read(point.spectrum, kept.fetch(connection, selection["spectrum"])[1])
            return inputs
        if plan.source is not None:
            inputs["dwell"] = dwell_check(plan.source, selection["console"])
            inputs["remarks"].append(inputs["dwell"]["says"])
        if point.method == "midline":
            inputs["parts"] = [prepare(connection, part) for part in selection["parts"]]
        elif point.by_element:
            inputs |= _elements(selection, plan, inventory, calibrations, day, bodies)
            inputs |= _readout_times(selection, plan, point, inventory, bodies, inputs["remarks"])
            _judge_curves(connection, selection, plan, point, inventory, bodies, inputs)
        elif point.method == "mosfet":
            inputs |= thresholds(bodies, marks)
            inputs["remarks"] += _stood_at(point, inputs)
        else:
            _pre_irradiation(selection, point, inputs["remarks"])
            valid = timedelta(minutes=plan.environment_valid_min or 0)
            inputs |= charges(selection, plan, point, inventory, bodies, marks, valid)
            inputs["remarks"] += _of_beams(inputs)
            if "beside" in selection:
                inputs["beside"] = [prepare(connection, each) for each in selection["beside"]]
            _largest_signal(connection, selection, point, inventory, bodies)
            inputs["remarks"] += unheld(selection, point)
    except (Refused, Invalid, DosimetryError) as reason:
        if not inputs["invalid"] or str(reason) not in " ".join(inputs["invalid"]):
            inputs["invalid"].append(str(reason))
    return inputs


def _of_beams(inputs: Inputs) -> list[str]:
    """What stands with the result of how long its beams were on."""
    made = [each for name in ("charge", "opposite", "reduced") if (each := inputs.get(name))]
    beams = [a.get("beam", {}) for each in made for a in each.get("attempts", [each])]
    return [said for beam in beams for said in beam.get("remarks", ())]


def _day(selection: Selection, bodies: Bodies) -> date:
    """The day on which calibrations must hold: that of the last reading, by a reader's own clock where it has one.

    Chips are read days after their session began; a reader's calibration may have ended meanwhile. Never before the
    session's own day: a clock that shows an earlier one is wrong.
    """
    days = [str(body.get("clock") or body["time"])[:10] for each in bodies.values() for body in each]
    return max(date.fromisoformat(day) for day in (selection["day"], *days))


def _documents(connection: sqlite3.Connection, selection: Selection) -> tuple[Plan, Calibrations, Inventory]:
    files = {kind: kept.fetch(connection, sha256) for kind, sha256 in selection["documents"].items()}
    return (
        as_bound(read_plan(files["plan"][1], files["plan"][0]), selection.get("bound", {})),
        read_calibrations(files["calibrations"][1], files["calibrations"][0]),
        read_inventory(files["inventory"][1], files["inventory"][0]),
    )


def _stood_at(point: Point, inputs: Inputs) -> list[str]:
    """A remark where a MOSFET stood higher than the inventory knows: it was used since, and its life is shorter."""
    found, recorded = inputs.get("threshold"), inputs["threshold_mv"]
    if found is None or found["before_mv"] <= 1.01 * recorded:
        return []
    return [
        f"{point.detector} stood at {found['before_mv']:g} mV before its irradiation, the inventory says {recorded:g}"
        " mV: enter what it was used for."
    ]


def held_against_neighbours(connection: sqlite3.Connection, selection: Selection) -> None:
    """Raises Blocked where a diode of another port collected more, Invalid or Refused where that is not known."""
    plan, _, inventory = _documents(connection, selection)
    bodies = {name: [load(connection, ref) for ref in refs] for name, refs in selection["readings"].items()}
    _largest_signal(connection, selection, plan.point_named(selection["point"]), inventory, bodies)


def _largest_signal(
    connection: sqlite3.Connection, selection: Selection, point: Point, inventory: Inventory, bodies: Bodies
) -> None:
    """Diodes of other ports that were read during this one. Raises Blocked, Invalid, Refused."""
    integrates = selection.get("integrates") or inventory.instrument_named(point.instrument or "").integrates
    if integrates is None or point.detector is None:
        return
    for key, held in (("neighbours", own_signal_is_largest), ("elsewhere", none_elsewhere_is_larger)):
        others = {
            name: {detector: [load(connection, ref) for ref in refs] for detector, refs in found.items()}
            for name, found in selection.get(key, {}).items()
        }
        held(point.detector, bodies, others, integrates)


def _pre_irradiation(selection: Selection, point: Point, remarks: list[str]) -> None:
    """What the chamber received before its readings, where the plan asks for it. Raises Refused, Blocked."""
    if point.pre_irradiation_gy is None:
        return
    stated = selection["pre_irradiation"]
    if stated is None:
        raise Refused(
            f"What {point.detector} received before its readings is not stated (acquire session pre-irradiated); the"
            f" plan asks for {point.pre_irradiation_gy:g} Gy."
        )
    pre_irradiated(stated["gy"], point.pre_irradiation_gy)
    remarks.append(
        f"{point.detector} received {stated['gy']:g} Gy before its readings ({stated['reason'].rstrip('.')})."
    )


def _elements(
    selection: Selection, plan: Plan, inventory: Inventory, calibrations: Calibrations, day: date, bodies: Bodies
) -> dict[str, Any]:
    """Signals and element corrections of chips or dots, standards and controls that were read."""
    found: dict[str, Any] = {"standards": [], "controls": [], "elements": [], "imaging": selection["imaging"]}
    checks = [{"element": name, **signals(name, bodies[name])} for name in selection.get("checks", ())]
    for kind in ("standards", "controls", "elements"):
        for name in selection[kind]:
            if name in bodies:
                correction = factors.ecc(name, plan, inventory, calibrations, day)
                found[kind].append({"element": name, **signals(name, bodies[name]), "ecc": correction})
    if dark := [c["element"] for c in found["controls"] if c["value"] == 0]:
        raise Invalid(f"{', '.join(dark)} read exactly 0: what was read shows at least the reader's own signal.")
    return found | ({"checks": checks} if checks else {})


def _judge_curves(
    connection: sqlite3.Connection,
    selection: Selection,
    plan: Plan,
    point: Point,
    inventory: Inventory,
    bodies: Bodies,
    inputs: Inputs,
) -> None:
    """What the curves, and the light of their run, say; a refusal among `invalid`."""
    kinds = {kind: selection.get(kind, ()) for kind in ("elements", "standards", "controls", "checks")}
    batch = plan.batch_of(inventory.element_named(point.elements[0]).reader)
    found = judged_curves(point.id, kinds, inputs, bodies, batch, quality_control(connection, selection))
    inputs["invalid"] += found["invalid"]
    inputs["remarks"] += found["remarks"]
    inputs |= {"quality": found["quality"], "doubts": found["doubts"]}


def _readout_times(
    selection: Selection, plan: Plan, point: Point, inventory: Inventory, bodies: Bodies, remarks: list[str]
) -> dict[str, Any]:
    """Days from removal to readout where fading is corrected; elsewhere a remark on a readout that looks older."""
    read = {name: bodies[name][0] for name in selection["elements"] if name in bodies}
    reader = inventory.instrument_named(inventory.element_named(point.elements[0]).reader)
    removed, stated = selection.get("removed", {}), selection.get("read_at")
    if point.fading is None:
        said = (looks_older(name, body, removed[name], reader) for name, body in read.items())
        remarks.extend(each for each in said if each)
        return {}
    days = {name: days_since_removal(name, body, removed[name], reader, stated) for name, body in read.items()}
    batch = plan.batch_of(reader.id)
    if batch is None or batch.standards_irradiated is None:
        if batch is not None and batch.standards:
            remarks.append(
                f"The standards count as {point.fading.days_of_standards:g} d old, as the plan says; when they were"
                " irradiated (standards_irradiated) is not stated."
            )
        return {"days": days}
    standards = {name: read_at(name, bodies[name][0], reader, stated) for name in selection["standards"]}
    return {
        "days": days,
        "standard_days": {n: days_between(batch.standards_irradiated, at) for n, at in standards.items()},
    }
