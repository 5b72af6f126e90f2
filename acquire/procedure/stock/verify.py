"""Every calibration computed again from its own inputs, bit for bit, and its readings held against the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from typing import Any

from acquire.canonical import canonical, digest, parse
from acquire.dosimetry.errors import DosimetryError
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.methods.signals import signals
from acquire.procedure.stock.formulas import FORMULAS, formula_named
from acquire.store import entries


def verify_calibrations(connection: sqlite3.Connection, changed: Collection[tuple[str, Any]]) -> Iterator[str]:
    """One sentence for each calibration that does not hold, but for those that were found changed already."""
    for row in connection.execute("SELECT * FROM element_calibration_result ORDER BY calibration, version"):
        if ("element_calibration_result", (row["calibration"], row["version"])) not in changed:
            yield from _held(connection, row)


def _held(connection: sqlite3.Connection, row: sqlite3.Row) -> Iterator[str]:
    name = f"Calibration {row['calibration']} v{row['version']}"
    if digest(row["inputs"]).hex() != row["inputs_sha256"] or digest(row["output"]).hex() != row["output_sha256"]:
        yield f"{name} was changed after it was stored, and its audit entry was recomputed."
        return
    formula = formula_named(row["formula"])
    if formula is None:
        known = " and ".join(repr(each.name) for each in FORMULAS)
        yield f"{name} was computed with '{row['formula']}'; this program has {known} and cannot repeat it."
        return
    try:
        inputs = parse(row["inputs"])
        for part in inputs.get("parts", ()):
            yield from (f"{name}: {wrong}" for wrong in _readings(connection, part))
        if canonical(formula.calculate(inputs)) != row["output"]:
            yield f"{name}: the same inputs give other coefficients now."
    except (DosimetryError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        yield f"{name} cannot be computed again: what it names is no content of a calibration ({error!r})."


def _readings(connection: sqlite3.Connection, part: dict[str, Any]) -> Iterator[str]:
    """The signals of a part against the bytes of the entries they came from."""
    if "readings" not in part:
        return
    bodies = []
    for ref in part["readings"]:
        entry = entries.entry_at(connection, ref["stream"], ref["seq"])
        if entry is None or entry.digest != ref["digest"] or entry.status == "damaged":
            yield f"entry {ref['seq']} of stream {ref['stream']} is not the one {part['element']} was read from."
            return
        bodies.append(parse(entry.body))
    try:
        said = signals(part["element"], bodies)
    except Invalid as why:
        yield str(why)
        return
    if (list(said.every), said.unit) != (part["signals"], part["unit"]):
        yield f"the readings of {part['element']} give other signals than it was computed from."
