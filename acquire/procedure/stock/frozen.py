"""What a plan or session takes from the stock: the batches it uses, as a part of its inventory and calibrations.

An element has one home. What the plan names and the store has is taken from the store, with the coefficients in force
on the day; a file that has the same element, or a coefficient of its reader, is refused. What was taken is written
into the files that the session keeps, so that nothing confirmed or withdrawn later changes a result of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibration, Calibrations, Elements, FactorEntry, Range
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.stock.elements import StockElement, every_element, of_inventory
from acquire.procedure.stock.equipment import ended_of_file
from acquire.procedure.stock.history import is_set_aside
from acquire.procedure.stock.issued import Issued, coefficient_of, corrections, issued
from acquire.procedure.stock.toml_text import toml_of
from acquire.procedure.stock.usable import not_usable, otherwise_read, planned, without_coefficient, without_correction

File = tuple[str, bytes]
ADDED = " with the stock's elements"


@dataclass(frozen=True, slots=True)
class Frozen:
    """Inventory and calibrations with what was taken from the stock; `taken` is False where that is nothing."""

    inventory: Inventory
    calibrations: Calibrations
    taken: bool

    def files(self, calibrations: File, inventory: File) -> tuple[File, File]:
        """The files that the session keeps: those that were given, or these in their place."""
        if not self.taken:
            return calibrations, inventory
        of_calibrations = f"{calibrations[0]}{ADDED}", toml_of(self.calibrations)
        return of_calibrations, (f"{inventory[0]}{ADDED}", toml_of(self.inventory))


def with_stock(
    connection: sqlite3.Connection, plan: Plan, inventory: Inventory, calibrations: Calibrations, on: date
) -> Frozen:
    """Inventory and calibrations of a plan on a day, with the elements and coefficients that the store has for it.

    Raises Refused for a calibration of a file that an event has ended, an element that both have, one that may not be
    used (expired, withdrawn, over its limits, without a correction in force), two batches on one reader, and a reader
    without a coefficient where one is needed.
    """
    if ended := list(ended_of_file(connection, plan, calibrations, on)):
        raise Refused(*ended)
    every = every_element(connection)
    used = [e for e in every if e.element in planned(plan)]
    if not used:
        return Frozen(inventory, calibrations, taken=False)
    batches = _batches(used)
    ours = [e for e in every if e.batch in batches.values()]
    _one_home(ours, batches, inventory, calibrations)
    holding, readers = _in_force(connection, plan, used, batches, on)
    elements = (*inventory.element, *(of_inventory(connection, e) for e in ours))
    usable = [e for e in ours if not is_set_aside(connection, e.element)]
    owned = inventory.model_copy(update={"element": elements})
    return Frozen(owned, _with(calibrations, readers, holding, usable), taken=True)


def _in_force(
    connection: sqlite3.Connection, plan: Plan, used: Sequence[StockElement], batches: dict[str, str], on: date
) -> tuple[dict[tuple[str, str], Issued], list[Issued]]:
    """Element corrections by (element, reader), and the coefficients of readers without standards. Raises Refused."""
    checks = {b.check.element for b in plan.batch if b.check}
    why = {each.element: not_usable(connection, each, on) for each in used}
    sound = [e for e in used if e.element not in checks and not why[e.element]]
    holding = corrections(issued(connection), on)
    without_standards = {r: name for r, name in batches.items() if (b := plan.batch_of(r)) and not b.standards}
    asked = (coefficient_of(connection, name, reader, on)[0] for reader, name in without_standards.items())
    readers = [each for each in asked if each is not None]
    of_used = [holding[e.element, e.reader] for e in sound if (e.element, e.reader) in holding]
    wrong = [
        *(sentence for sentences in why.values() for sentence in sentences),
        *without_correction(connection, sound, on),
        *without_coefficient(connection, plan, batches, on),
        *otherwise_read(plan, {each.id: each for each in (*of_used, *readers)}.values()),
    ]
    if wrong:
        raise Refused(*wrong)
    return holding, readers


def _batches(used: Sequence[StockElement]) -> dict[str, str]:
    """By reader, the batch it reads. Raises Refused where a plan uses two of one reader."""
    found: dict[str, set[str]] = {}
    for each in used:
        found.setdefault(each.reader, set()).add(each.batch)
    for reader, several in found.items():
        if len(several) > 1:
            raise Refused(
                f"The plan uses elements of {', '.join(sorted(several))} on {reader}: a plan has one batch a reader,"
                " since its coefficient is of one."
            )
    return {reader: next(iter(names)) for reader, names in found.items()}


def _one_home(
    ours: Sequence[StockElement], batches: Mapping[str, str], inventory: Inventory, calibrations: Calibrations
) -> None:
    names = {e.element for e in ours}
    of_file = [*(e.id for e in inventory.element), *(d.id for d in inventory.detector)]
    both = sorted(names & {*of_file, *(i.id for i in inventory.instrument)})
    if both:
        raise Refused(f"The store and the inventory file both have {_few(both)}: take it out of the file.")
    read = {(e.reader, e.read_as, e.element_index) for e in ours}
    alike = sorted(e.id for e in inventory.element if (e.reader, e.read_as, e.element_index) in read)
    if alike:
        raise Refused(f"{_few(alike)} of the inventory file is read as an element of the store is.")
    for each in calibrations.elements:
        if both := sorted(names & each.ecc.keys()):
            raise Refused(
                f"{each.id} of the calibration file corrects {_few(both)}, which the store has: the store's correction"
                " counts; take it out of the file."
            )
    if others := [c.id for c in calibrations.calibration if c.of in batches]:
        raise Refused(
            f"{_few(others)} of the calibration file is of a reader whose elements the store has: the store's"
            " coefficient counts; take it out of the file."
        )


def _few(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _with(
    calibrations: Calibrations,
    readers: Sequence[Issued],
    holding: Mapping[tuple[str, str], Issued],
    usable: Sequence[StockElement],
) -> Calibrations:
    """The file's calibrations and the stock's: readers' coefficients, and elements by what corrects them."""
    by: dict[str, list[str]] = {}
    for each in usable:
        if (each.element, each.reader) in holding:
            by.setdefault(holding[each.element, each.reader].id, []).append(each.element)
    found = {each.id: each for each in holding.values()}
    return calibrations.model_copy(
        update={
            "calibration": (*calibrations.calibration, *map(_of_reader, readers)),
            "elements": (*calibrations.elements, *(_of_elements(found[name], of) for name, of in sorted(by.items()))),
        }
    )


def _of_elements(each: Issued, names: Sequence[str]) -> Elements:
    common = each.output["ecc"]
    return Elements(
        id=each.id, reader=each.reader, certificate=each.certificate, valid_from=each.valid_from,
        valid_until=each.terms.valid_until, u_percent=common["u_percent"], dof=common.get("dof"),
        range=each.terms.ecc_range, ecc={name: each.eccs[name] for name in sorted(names)},
    )  # fmt: skip


def _of_reader(each: Issued) -> Calibration:
    """The reader's coefficient and its background, as a calibration file has them."""
    output = each.output
    return Calibration(
        id=f"{each.id}.{output['coefficient']['name']}", of=each.reader, beam=each.terms.source or "",
        certificate=each.certificate, valid_from=each.valid_from, valid_until=each.terms.valid_until,
        approved_by=each.confirmed_by,
        factors={output["coefficient"]["name"]: _factor(output["coefficient"], each, each.terms.coefficient_range),
                 "background": _factor(output["background"], each)},
    )  # fmt: skip


def _factor(said: Mapping[str, Any], each: Issued, believed: Range | None = None) -> FactorEntry:
    return FactorEntry(
        value=said["value"],
        unit=said["unit"],
        u_percent=said["u_percent"],
        source=each.certificate,
        dof=said.get("dof"),
        range=believed,
    )
