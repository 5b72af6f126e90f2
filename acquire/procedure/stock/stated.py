"""A calibration as a file states it: of whom, for what, and everything in it that could change a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from acquire.canonical import canonical, digest
from acquire.dosimetry import SITES_OWN
from acquire.errors import Refused
from acquire.procedure.documents.calibrations import Calibration, Calibrations, Elements
from acquire.procedure.documents.inventory import Inventory
from acquire.procedure.documents.plan import Plan
from acquire.procedure.stock.usable import planned

EVERY_BEAM, ELEMENTS = "every beam", "elements"
PEOPLE = {"approved_by", "entered_by"}


@dataclass(frozen=True, slots=True)
class Stated:
    """`serial`: of the detector, by the inventory beside the file. `content`: without who stands by it.

    entered_by, approved_by  as the file names them; element corrections name nobody.
    """

    owner: str
    calibration: str
    covers: str
    serial: str | None
    content: Mapping[str, Any]
    entered_by: str | None = None
    approved_by: str | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the content with the serial number: the same for the same numbers of the same detector."""
        return digest(canonical({"serial": self.serial, **self.content})).hex()

    def holds(self, on: date) -> bool:
        """Whether a day lies within its time, both ends included."""
        return holds(self.content, on)


def holds(content: Mapping[str, Any], on: date) -> bool:
    """The same of a content that the store keeps."""
    return bool(content["valid_from"] <= on.isoformat() <= content["valid_until"])


def of_file(inventory: Inventory | None, each: Calibration | Elements) -> Stated:
    """One calibration or batch of element corrections of a file; a reader's needs no inventory."""
    content = each.model_dump(mode="json", exclude=PEOPLE, exclude_none=True, exclude_defaults=True)
    if isinstance(each, Elements):
        return Stated(each.reader, each.id, ELEMENTS, None, content)
    detectors = () if inventory is None else inventory.detector
    serial = next((d.serial for d in detectors if d.id == each.of), None)
    covers = EVERY_BEAM if serial is None else f"{each.beam}, {each.surface}"
    return Stated(each.of, each.id, covers, serial, content, each.entered_by, each.approved_by)


def entries_of(calibrations: Calibrations) -> list[Calibration | Elements]:
    """Everything that a calibration file states."""
    return [*calibrations.calibration, *calibrations.elements]


def used(plan: Plan, inventory: Inventory, calibrations: Calibrations, on: date) -> list[Stated]:
    """What a plan takes of a calibration file on a day: of its detectors, of readers without standards, of elements.

    What is missing there others say.
    """
    found: list[Calibration | Elements] = [*_of_owners(plan, calibrations, on)]
    found += _of_elements(plan, inventory, calibrations, on)
    return [of_file(inventory, each) for each in {each.id: each for each in found}.values()]


def _of_owners(plan: Plan, calibrations: Calibrations, on: date) -> Iterator[Calibration]:
    asked = {(p.detector, p.beam, p.surface) for p in plan.point if p.detector is not None}
    readers = [(b.reader, None, "entrance") for b in plan.batch if not b.standards]
    for owner, beam, surface in (*sorted(asked), *readers):
        try:
            yield calibrations.valid_for(owner, on, beam, surface)
        except Refused:
            continue


def _of_elements(plan: Plan, inventory: Inventory, calibrations: Calibrations, on: date) -> Iterator[Elements]:
    """Of each element the batch from which its correction is taken: the newest that holds."""
    readers = {e.id: e.reader for e in inventory.element}
    for name in sorted(planned(plan) & readers.keys()):
        holding = [b for b in calibrations.elements if b.reader == readers[name] and name in b.ecc]
        holding = [b for b in holding if b.valid_from <= on <= b.valid_until]
        if holding:
            yield max(holding, key=lambda b: b.valid_from)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What is otherwise, one clause each: "n_cal is 3.332 cGy/nC and was 3.168 (+5.18 %)"."""
    before, after = _flat(old), _flat(new)
    return [
        _clause(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def greatest_change_percent(old: Mapping[str, Any], new: Mapping[str, Any]) -> float | None:
    """How far the coefficients are from each other, in percent of the old ones; None where none can be compared.

    Those of which no sizes are published: calibration coefficients, and element corrections.
    """
    both = [(_coefficients(old).get(name), value) for name, value in _coefficients(new).items()]
    changes = [100 * (value / last - 1) for last, value in both if last]
    return max(changes, key=abs, default=None)


def _coefficients(content: Mapping[str, Any]) -> dict[str, float]:
    factors = content.get("factors", {})
    return {**{n: factors[n]["value"] for n in SITES_OWN if n in factors}, **content.get("ecc", {})}


def _flat(content: Mapping[str, Any]) -> dict[str, Any]:
    """Factors and element corrections by their own names, the rest as it stands."""
    factors = content.get("factors", {})
    rest = {name: value for name, value in content.items() if name not in ("factors", "ecc", "id")}
    details = {
        f"{name}, {key}": value
        for name, factor in factors.items()
        for key, value in factor.items()
        if key not in ("value", "unit")
    }
    values = {name: (factor["value"], factor["unit"]) for name, factor in factors.items()}
    return rest | details | values | {f"ECC of {name}": value for name, value in content.get("ecc", {}).items()}


def _clause(name: str, old: Any, new: Any) -> str:
    if old is None:
        return f"{name} is {_word(new)} and was not there"
    if new is None:
        return f"{name} was {_word(old)} and is not there"
    last, value = (each[0] if isinstance(each, tuple) else each for each in (old, new))
    both = isinstance(last, float | int) and isinstance(value, float | int) and last
    change = f" ({100 * (value / last - 1):+.2f} %)" if both else ""
    return f"{name} is {_word(new)} and was {_word(old)}{change}"


def _word(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{_word(value[0])} {value[1]}"
    if isinstance(value, list):
        return " to ".join(map(_word, value)) if len(value) == 2 else ", ".join(map(_word, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_word(each)}" for key, each in value.items())
    return f"{value:.6g}" if isinstance(value, float) else str(value)
