"""From the readings of a calibration session to its coefficients: pure, and the same inputs give the same bytes."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import fmean
from typing import Any

from acquire.dosimetry.believed import in_sites_range
from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.calibration import Coefficient, change_percent
from acquire.dosimetry.element_calibration import (
    NO_BLANK,
    BatchCorrections,
    Blank,
    Repeatability,
    batch_corrections,
    blank_of,
    nets_of_standards,
    reader_coefficient,
    scatter_of,
)
from acquire.dosimetry.errors import DosimetryError, MissingFactor
from acquire.dosimetry.luminescence import depletion_corrected
from acquire.dosimetry.outliers import outside
from acquire.procedure.documents.asked import element_asks
from acquire.procedure.stock.terms import Terms

Inputs = Mapping[str, Any]
Output = dict[str, Any]


def calculate(inputs: Inputs) -> Output:
    """What the readings give, with everything that lies outside; where anything forbids it, `why` says so."""
    terms = Terms.model_validate(inputs["terms"])
    if inputs["issues"] == "stated":
        return _stated(terms)
    try:
        return _measured(inputs, terms)
    except DosimetryError as reason:
        return {"decision": "not to be issued", "why": [str(reason)], "outside": _left_out(inputs)}


def _stated(terms: Terms) -> Output:
    elements = [
        {"element": name, "ecc": each.value, "u_percent": each.u_percent} for name, each in sorted(terms.stated.items())
    ]
    ecc = {"u_percent": max(each.u_percent for each in terms.stated.values())}
    return {"decision": "may be issued", "why": [], "elements": elements, "outside": [], "ecc": ecc}


def _measured(inputs: Inputs, terms: Terms) -> Output:
    cycles = _cycles(inputs)
    unit = _one_unit(inputs)
    made: Output = {
        "decision": "may be issued", "why": [], "unit": unit, "form": inputs["form"], "rule": str(terms.outlier_rule),
        "cycles": len(cycles), "outside": _left_out(inputs),
    }  # fmt: skip
    if "ecc" in inputs["issues"]:
        batch = _batch(inputs, terms, cycles)
        off, made["history"] = _off_history(batch, inputs, terms)
        if off:
            batch = _batch(inputs, terms, cycles, without=off)
            made["outside"] += [
                {"element": name, "why": why, "becomes": str(terms.outside)} for name, why in sorted(off.items())
            ]
        if terms.ecc_range is not None:
            for name, correction in batch.corrections.items():
                in_sites_range(correction.value, terms.ecc_range, f"The correction of {name}")
        made |= _of_batch(batch, terms, made["outside"])
        if inputs["issues"] == "ecc":
            return made
        own = {name: c.value for name, c in batch.corrections.items()}
        return made | _reader_of_batch(inputs, terms, cycles, own, batch, unit)
    return made | _reader_of_standards(inputs, terms, cycles, made, unit)


def _cycles(inputs: Inputs) -> list[int]:
    found = sorted({part["cycle"] for part in inputs["parts"] if part["role"] == "irradiated"})
    if not found:
        raise MissingFactor("No irradiated element was entered (acquire calibration add).")
    return found


def _one_unit(inputs: Inputs) -> str:
    units = sorted({part["unit"] for part in inputs["parts"] if "unit" in part})
    if len(units) != 1:
        said = ", ".join(units) or "none"
        raise MissingFactor(f"The elements were read in several units or not at all ({said}); one unit is needed.")
    return str(units[0])


def _left_out(inputs: Inputs) -> list[dict[str, str]]:
    """What was not read: an irradiated element without a reading in every cycle is repeated, a blank is missing."""
    blanks = [
        {"element": p["element"], "why": f"blank: {p['missing']}", "becomes": "left out"}
        for p in inputs["parts"]
        if p["role"] == "blank" and "missing" in p
    ]
    becomes = "to-repeat" if "ecc" in inputs["issues"] else "left out"  # a standard keeps the correction it has
    unread = sorted(_unread(inputs).items())
    return [*({"element": name, "why": why, "becomes": becomes} for name, why in unread), *blanks]


def _unread(inputs: Inputs) -> dict[str, str]:
    """Irradiated elements that were not read in every cycle, with the reason."""
    irradiated = [part for part in inputs["parts"] if part["role"] == "irradiated"]
    said = {part["element"]: str(part["missing"]) for part in irradiated if "missing" in part}
    cycles = {part["cycle"] for part in irradiated}
    for name in {part["element"] for part in irradiated}:
        if gone := cycles - {part["cycle"] for part in irradiated if part["element"] == name}:
            said.setdefault(name, f"was not irradiated in cycle {', '.join(map(str, sorted(gone)))}")
    return said


def _signal(inputs: Inputs, part: Mapping[str, Any]) -> float:
    """One signal of an element in one cycle: its readings brought back to the first where one empties it in part."""
    if len(part["signals"]) == 1:
        return float(part["signals"][0])
    depletion = inputs["depletion"]
    if depletion is None:
        raise MissingFactor("The batch states no depletion, and its elements were read several times each.")
    return fmean(depletion_corrected(part["signals"], depletion["per_reading"], depletion["form"]))


def _of_role(inputs: Inputs, role: str, cycle: int) -> dict[str, float]:
    parts = [p for p in inputs["parts"] if (p["role"], p["cycle"]) == (role, cycle) and "missing" not in p]
    return {p["element"]: _signal(inputs, p) for p in parts}


def _off_history(batch: BatchCorrections, inputs: Inputs, terms: Terms) -> tuple[dict[str, str], list[str]]:
    """The elements whose correction is not what it used to be, with the sentence; and what could not be judged."""
    from acquire.quality import Severity, against_history  # noqa: PLC0415 - brings numpy

    found = [
        finding
        for name, each in batch.corrections.items()
        for finding in against_history(name, each.value, inputs.get("earlier", {}).get(name, ()), terms.history_percent)
    ]
    off = {str(each.of): each.sentence.rstrip(".") for each in found if each.severity is Severity.REFUSE}
    return off, sorted({each.sentence for each in found if each.severity is Severity.NOT_JUDGED})


def _batch(inputs: Inputs, terms: Terms, cycles: Sequence[int], without: Collection[str] = ()) -> BatchCorrections:
    left_out = {*_unread(inputs), *without}
    rows = [_of_role(inputs, "irradiated", cycle) for cycle in cycles]
    signals = {name: [row[name] for row in rows] for name in rows[0] if name not in left_out}
    before = inputs["form"] == "before-sensitivity"
    blanks = [blank_of([*_of_role(inputs, "blank", c).values()]) if before else NO_BLANK for c in cycles]
    stated = None
    if terms.repeat_u_percent is not None:
        stated = Repeatability(terms.repeat_u_percent, terms.repeat_dof or math.inf, terms.repeat_source or "")
    return batch_corrections(signals, blanks, inputs["form"], terms.outlier_rule, stated)


def _of_batch(batch: BatchCorrections, terms: Terms, unread: list[dict[str, str]]) -> Output:
    u_percent, dof = batch.common
    elements = [
        {"element": name, "ecc": c.value, "u_percent": c.u_percent, **_dof(c.dof),
         **({} if c.scatter_percent is None else {"scatter_percent": c.scatter_percent})}
        for name, c in sorted(batch.corrections.items())
    ]  # fmt: skip
    judged = [{"element": n, "why": why, "becomes": str(terms.outside)} for n, why in sorted(batch.outside.items())]
    repeats = batch.repeatability
    return {
        "elements": elements,
        "outside": [*unread, *judged],
        "repeatability": {"u_percent": repeats.u_percent, "source": repeats.source, **_dof(repeats.dof)},
        "ecc": {"u_percent": u_percent, **_dof(dof)},
    }


def _reader_of_batch(
    inputs: Inputs, terms: Terms, cycles: Sequence[int], own: Mapping[str, float], batch: BatchCorrections, unit: str
) -> Output:
    """The coefficient from the batch itself, of its last cycle: that is the reader as it is now."""
    blank = _blank(inputs, cycles[-1], own)
    signals = {n: (m, own[n]) for n, m in _of_role(inputs, "irradiated", cycles[-1]).items() if n in own}
    nets, share = nets_of_standards(signals, blank, inputs["form"])
    repeats = batch.repeatability
    row = Contribution(
        "repeatability of a readout", repeats.u_percent / math.sqrt(len(nets)), repeats.source, "A", dof=repeats.dof
    )
    return _reader(inputs, terms, nets, blank, share, row, unit)


def _reader_of_standards(inputs: Inputs, terms: Terms, cycles: Sequence[int], made: Output, unit: str) -> Output:
    """The coefficient from standards whose corrections are in force, in one run of the reader."""
    if len(cycles) != 1:
        raise MissingFactor("A reader's coefficient is of one run: enter the elements of one cycle.")
    known = {name: each["value"] for name, each in inputs["eccs"].items()}
    blank = _blank(inputs, cycles[0], known)
    read = _of_role(inputs, "irradiated", cycles[0])
    if without := sorted(read.keys() - known.keys()):
        raise MissingFactor(f"{', '.join(without)} has no element correction in force; leave it out, or calibrate it.")
    nets, _ = nets_of_standards({n: (m, known[n]) for n, m in read.items()}, blank, inputs["form"])
    out = outside(nets, terms.outlier_rule)
    kept = {n: (m, known[n]) for n, m in read.items() if n not in out}
    nets, share = nets_of_standards(kept, blank, inputs["form"])
    judged = [{"element": n, "why": why, "becomes": str(terms.outside)} for n, why in sorted(out.items())]
    found = _reader(inputs, terms, nets, blank, share, scatter_of([*nets.values()]), unit)
    return found | {"outside": [*made["outside"], *judged]}


def _blank(inputs: Inputs, cycle: int, own: Mapping[str, float]) -> Blank:
    """The background of a cycle in the batch's form; after the sensitivity the blanks need corrections of their own."""
    read = _of_role(inputs, "blank", cycle)
    if inputs["form"] == "before-sensitivity":
        return blank_of([*read.values()])
    known = {name: each["value"] for name, each in inputs["eccs"].items()} | dict(own)
    if without := sorted(read.keys() - known.keys()):
        raise MissingFactor(f"Blank {', '.join(without)} has no element correction; take blanks that have one.")
    return blank_of([m * known[name] for name, m in read.items()])


def _reader(
    inputs: Inputs,
    terms: Terms,
    nets: Mapping[str, float],
    blank: Blank,
    share: float,
    scatter: Contribution,
    unit: str,
) -> Output:
    """Coefficient and background as they are issued, and the change against the last one."""
    dose = Contribution("dose", terms.dose_u_percent or 0.0, terms.source or "", dof=terms.dose_dof or math.inf)
    asks = element_asks(inputs["kind"])
    found = reader_coefficient(
        [*nets.values()],
        blank,
        share,
        100 * (terms.dose_gy or 0.0),
        dose,
        scatter,
        per_signal=asks.per_signal,
        unit=unit,
    )
    if terms.coefficient_range is not None:
        in_sites_range(found.value, terms.coefficient_range, f"The coefficient of the reader in {found.unit}")
    u_blank = 100 * blank.u / blank.value if blank.value else 0.0
    why = [] if u_blank < 100 else ["The blanks scatter more than they read: more of them are needed."]
    change, said = _change(inputs, terms, found)
    why += said
    return {
        "decision": "not to be issued" if why else "may be issued",
        "why": why,
        "standards": [{"element": name, "net": net} for name, net in sorted(nets.items())],
        "coefficient": _coefficient(found, asks.coefficient or ""),
        "background": {"value": blank.value, "unit": unit, "u_percent": u_blank, **_dof(blank.dof)},
        **change,
    }


def _coefficient(found: Coefficient, name: str) -> dict[str, Any]:
    budget = found.budget
    rows = [
        {"name": r.name, "u_percent": r.part_percent, "source": r.source, "kind": r.kind, **_dof(r.dof)}
        for r in budget.rows
    ]
    return {
        "name": name, "value": found.value, "unit": found.unit, "u_percent": budget.u_percent, **_dof(budget.dof),
        "k": budget.k, "expanded_percent": budget.expanded_percent, "numbers": found.numbers, "rows": rows,
    }  # fmt: skip


def _change(inputs: Inputs, terms: Terms, found: Coefficient) -> tuple[Output, list[str]]:
    """How far the coefficient is from the last one, and why it is not issued where that is too far."""
    last = inputs["last"]
    if last is None or last["unit"] != found.unit:
        return {}, []
    change = change_percent(found.value, last["value"])
    said = {"change": {"percent": change, "from": last["id"]}}
    limit = terms.change_limit_percent
    if limit is None:
        return said, [f"There is a coefficient of before ({last['id']}): say by how much it may change."]
    if abs(change) <= limit:
        return said, []
    why = (
        f"The coefficient changed by {change:+.2f} % against {last['id']}, the limit is {limit:g} %: look for the"
        " cause; where there is one (a lamp, a repair), enter it (acquire calibration ended), and the last one does not"
        " count."
    )
    return said, [why]


def _dof(dof: float) -> dict[str, float]:
    """Degrees of freedom; ample ones are not written."""
    return {} if math.isinf(dof) else {"dof": dof}
