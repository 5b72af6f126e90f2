"""Every number that goes into a dose: values out of the selected readings' bytes, factors out of the documents."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date
from typing import Any

from acquire.dosimetry import DosimetryError, net_charge, slope
from acquire.errors import Refused
from acquire.procedure import documents, factors
from acquire.procedure.calibrations import Calibrations, read_calibrations
from acquire.procedure.charge import Charge, Invalid, collected, curve, in_nc
from acquire.procedure.factors import Inputs
from acquire.procedure.inventory import Inventory, read_inventory
from acquire.procedure.plan import Plan, Point, read_plan
from acquire.procedure.selection import Selection, load

Bodies = dict[str, list[dict[str, Any]]]


def prepare(connection: sqlite3.Connection, selection: Selection) -> Inputs:
    """The inputs of a result. What forbids a number stands under `invalid`, one sentence each.

    Depends on nothing but the selection and the bytes it names. Raises Refused when those are not in the store.
    """
    plan, calibrations, inventory = _documents(connection, selection)
    point = plan.point_named(selection["point"])
    day = date.fromisoformat(selection["day"])
    bodies = {name: [load(connection, ref) for ref in refs] for name, refs in selection["readings"].items()}
    inputs: Inputs = {
        "point": point.id,
        "method": point.method,
        "invalid": list(selection["problems"]),
        "remarks": list(selection["remarks"]),
    }
    try:
        inputs |= factors.of_point(plan, point, inventory, calibrations, day)
        if point.method == "tld":
            inputs |= _elements(selection, inventory, calibrations, day, bodies)
        else:
            inputs |= _environment(selection, point)
            if "measurement" in bodies and "background" in bodies:
                integrates = inventory.instrument_named(point.instrument or "").integrates
                charge = collected(bodies["measurement"], integrates)
                inputs |= _net(charge, bodies["background"], collected(bodies["background"], integrates))
    except (Refused, Invalid, DosimetryError) as reason:
        if not inputs["invalid"] or str(reason) not in " ".join(inputs["invalid"]):
            inputs["invalid"].append(str(reason))
    return inputs


def _documents(connection: sqlite3.Connection, selection: Selection) -> tuple[Plan, Calibrations, Inventory]:
    kept = {kind: documents.fetch(connection, sha256) for kind, sha256 in selection["documents"].items()}
    return (
        read_plan(kept["plan"][1], kept["plan"][0]),
        read_calibrations(kept["calibrations"][1], kept["calibrations"][0]),
        read_inventory(kept["inventory"][1], kept["inventory"][0]),
    )


def _environment(selection: Selection, point: Point) -> dict[str, Any]:
    if point.method == "chamber" and selection["environment"] is None:
        raise Refused("Temperature and pressure were not entered; the chamber's air density correction needs them.")
    return {"environment": selection["environment"]}


def _net(charge: Charge, background_bodies: Sequence[dict[str, Any]], background: Charge) -> dict[str, Any]:
    """Charge after leakage; the background must have lasted at least as long as the measurement."""
    if background.time_s < charge.time_s:
        raise Invalid(
            f"The background lasted {background.time_s:.1f} s, the measurement {charge.time_s:.1f} s: it must not be"
            " shorter."
        )
    rate = slope(*curve(background_bodies))
    taken = net_charge(charge.nc, rate, charge.time_s)
    return {
        "background": {"nc": background.nc, "time_s": background.time_s, "nc_per_s": rate},
        "charge": {
            "nc": taken.value_nc,
            "gross_nc": taken.gross_nc,
            "time_s": taken.duration_s,
            "leakage_nc": taken.leakage_nc,
            "leakage_percent": taken.leakage_percent,
            "subtracted": taken.subtracted,
        },
    }


def _elements(
    selection: Selection, inventory: Inventory, calibrations: Calibrations, day: date, bodies: Bodies
) -> dict[str, Any]:
    """Signals and element corrections of chips, standards and controls that were read."""
    found: dict[str, Any] = {"standards": [], "controls": [], "elements": []}
    for kind, signals in found.items():
        for name in selection[kind]:
            if name in bodies:
                correction = factors.ecc(name, inventory, calibrations, day)
                signals.append({"element": name, **_signal(name, bodies[name][0]), "ecc": correction})
    return found


def _signal(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the reader measured: charge in nC, or counts; refused where its file states corrections of its own."""
    if body.get("value") is None:
        flags = ", ".join(body.get("flags") or ()) or "no value"
        raise Invalid(f"The reading of {name} carries no number: {flags}.")
    applied = {k: v.get("value") for k, v in (body.get("also") or {}).items() if k in ("file-ecc", "file-rcf")}
    if any(v not in (None, 0.0, 1.0) for v in applied.values()):
        said = ", ".join(f"{k} {v}" for k, v in applied.items())
        raise Invalid(f"The reader's file states corrections of its own for {name} ({said}); they would count twice.")
    if body["quantity"] == "counts":
        return {"value": body["value"], "unit": "{counts}"}
    return {"value": in_nc(body["value"], body["unit"]), "unit": "nC"}
