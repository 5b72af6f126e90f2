"""Factors, budget rows and steps of the dose library, from the records that are stored with a result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import UNSET

from acquire.dosimetry import CalculationStep, Contribution, Factor, LeakageFit, ReadCharge, reading_rows
from acquire.dosimetry.dose import shown
from acquire.procedure.methods.collected_charge import Invalid
from acquire.procedure.records.factors import ComponentRecord, FactorRecord
from acquire.procedure.records.measured import AmbientConditions, AttemptRead, ChargeRead, Charges
from acquire.procedure.records.needs import DetectorNeeds
from acquire.procedure.records.record import Number

OF_CHARGES = {"charge": "M", "opposite": "M at the opposite polarity", "reduced": "M at the lower voltage"}


def factor_of(entry: FactorRecord) -> Factor:
    """One factor, from what a stored row says of it: value in its UCUM unit, u in percent, source."""
    return Factor(entry.value, entry.unit, entry.u_percent, entry.source, entry.dof or math.inf, entry.shared)


def factors_of(entries: Mapping[str, FactorRecord]) -> dict[str, Factor]:
    """The same for several factors, by name."""
    return {name: factor_of(entry) for name, entry in entries.items()}


def components_of(entries: Sequence[ComponentRecord], per: str | None = None) -> list[Contribution]:
    """Budget rows that belong to no factor: all of them, or those of a "result" or of an "element" alone."""
    wanted = [c for c in entries if per is None or c.per == per]
    return [
        Contribution(c.name, c.u_percent, c.source, dof=c.dof or math.inf, shared_key=c.shared) for c in wanted
    ]  # fmt: skip


def charge_steps(measured: Charges) -> tuple[CalculationStep, ...]:
    """How the charge (and those at the other voltages) came from the readings; nothing before the measurement."""
    read = {what: getattr(measured, name) for name, what in OF_CHARGES.items()}
    found = [(what, charge) for what, charge in read.items() if charge is not None and charge.gross_nc is not None]
    return tuple(step for what, charge in found for step in (*_of_attempts(charge), _mean_step(what, charge)))


def ambient_steps(ambient: AmbientConditions) -> tuple[CalculationStep, ...]:
    """Which entry of the ambient conditions the readings are corrected with; nothing before the measurement."""
    if ambient.step is None or ambient.minutes is None:
        return ()
    side = "before" if ambient.minutes >= 0 else "after the beginning of"
    source = f"{ambient.source}: air {ambient.n}, {abs(ambient.minutes):.0f} min {side} {ambient.step}"
    values = (("T", ambient.temperature_c, "Cel"), ("P", ambient.pressure_kpa, "kPa"))
    return tuple(
        CalculationStep(what, "entry nearest in time", f"{value}", value, unit, source) for what, value, unit in values
    )


def repeats_rows(needs: DetectorNeeds, measured: Charges, name: str, k_s_follows: float = 0.0) -> list[Contribution]:
    """The type A rows of the session's readings and leakage; for a single one the plan states a type B component.

    k_s_follows: relative change of k_s for a relative change of M1/M2, where the session measured it.
    Raises Invalid where repeats were planned, one alone counts, and no such component is there: its scatter is unknown.
    """
    charge = measured.charge
    alone = charge.rule == "mean-of-valid" and charge.repeats == 1
    if alone and name not in {c.name for c in needs.components}:
        raise Invalid(
            f"Of the repeats only {(charge.used or ('one',))[0]} counts, so their scatter is not known, and the plan"
            f" states no component '{name}' for a single one."
        )
    return _scatter(needs, measured, name, k_s_follows)


def _of_attempts(charge: ChargeRead) -> list[CalculationStep]:
    """Those of several attempts whose charge is not what was collected, each by itself."""
    return [
        _charge_step(f"M({each.step})", each) for each in _used(charge) if each.subtracted or each.brought is not None
    ]


def _used(charge: ChargeRead) -> list[AttemptRead]:
    return [each for each in charge.attempts or () if each.step in (charge.used or ())]


def _mean_step(what: str, charge: ChargeRead) -> CalculationStep:
    if charge.attempts is None or charge.used is None:
        return _charge_step(what, charge)
    values = [shown(each.nc) for each in _used(charge) if each.nc is not None]
    numbers, formula = f"({' + '.join(values)}) / {len(values)}", f"mean of {', '.join(charge.used)}"
    return CalculationStep(what, formula, numbers, charge.nc, "nC", "net charges between the markers")


def _charge_step(what: str, charge: ChargeRead | AttemptRead) -> CalculationStep:
    formula, numbers, source = "Q", shown(_number(charge.gross_nc)), "charge between the markers"
    if charge.subtracted:
        formula, source = "Q − I_leak · t", f"{source}, leakage"
        numbers = f"{numbers} − {shown(_number(charge.leakage_nc))}"
    if charge.brought is not None:
        brought = charge.brought
        symbol = brought.symbol
        formula, numbers = f"({formula}) · {symbol}/{symbol}({brought.to})", f"({numbers}) × {brought.numbers}"
        source = f"{source}; brought to the air of {brought.to}"
    return CalculationStep(what, formula, numbers, _number(charge.nc), "nC", source)


def _scatter(needs: DetectorNeeds, measured: Charges, name: str, k_s_follows: float) -> list[Contribution]:
    """Rows of the readings that were made in the session: nothing before it."""
    fit = measured.background
    if measured.charge.time_s is None or fit is None:
        return []
    opposite = measured.opposite if needs.polarity is not None else None
    reduced = measured.reduced if needs.recombination is not None else None
    leakage = None if fit.u_nc_per_s is None else LeakageFit(fit.u_nc_per_s, math.inf if fit.dof is None else fit.dof)
    return reading_rows(
        _read(measured.charge), name, opposite=_read_if(opposite), reduced=_read_if(reduced), k_s_follows=k_s_follows,
        leakage=leakage,
    )  # fmt: skip


def _read_if(charge: ChargeRead | None) -> ReadCharge | None:
    return None if charge is None or charge.time_s is None else _read(charge)


def _read(charge: ChargeRead) -> ReadCharge:
    """A charge with its scatter; leakage that was only named lies in the reading as the plan's budget has it."""
    counting: Sequence[ChargeRead | AttemptRead] = _used(charge) if charge.attempts is not None else [charge]
    seconds = [_number(each.time_s) if each.subtracted else 0.0 for each in counting]
    scatter = None if charge.sem_percent is UNSET else charge.sem_percent
    return ReadCharge(charge.nc, math.fsum(seconds) / len(seconds), scatter, charge.repeats or 1)


def _number(value: Number | None) -> float:
    """Of a reading that has it: only what has no charge is without."""
    return 0.0 if value is None else value
