"""What the chamber protocols have in common: a corrected reading times N_D,w times factors of the beam."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from acquire.dosimetry.believed import believed
from acquire.dosimetry.budget import Contribution
from acquire.dosimetry.dose import Calculation, Dose, shown
from acquire.dosimetry.errors import Blocked, OutsideValidity
from acquire.dosimetry.factor import Circumstances, Factor, believable_factor, needed, no_others, positive
from acquire.dosimetry.finite import finite, finite_fields
from acquire.dosimetry.polarity import polarity_warning
from acquire.dosimetry.recombination import LIMITS

BEAM_RANGE = (0.8, 1.2)  # k_Q of every beam these protocols treat lies well inside


@dataclass(frozen=True, slots=True)
class ChamberForm:
    """A protocol: its name and source, its air density correction, and the names of its factors."""

    name: str
    source: str
    density: Callable[[float, float, float, float], float]
    zero_celsius_k: float
    density_symbol: str
    reading: tuple[str, str, str]  # electrometer, polarity, recombination
    volume: str
    beam: tuple[str, ...]
    at_calibration: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AmbientConditions:
    """Temperature and pressure at the chamber, and those its coefficient is stated for (°C, kPa)."""

    temperature_c: float
    pressure_kpa: float
    t0_c: float
    p0_kpa: float

    def __post_init__(self) -> None:
        finite_fields(self)


@finite
def chamber_dose(
    form: ChamberForm,
    charge_nc: float,
    factors: Mapping[str, Factor],
    ambient: AmbientConditions,
    components: Sequence[Contribution],
    fff: bool,
    at: Circumstances | None,
) -> Dose:
    """The dose after a protocol. Raises MissingFactor, OutsideValidity, Blocked."""
    n_dw = positive(needed(factors, "n_dw", "Gy/nC", form.name, at), "n_dw")
    optional = (each for each in form.at_calibration if each in factors)
    wanted = (*form.reading, *((form.volume,) if fff else ()), *optional)
    ks = {each: positive(needed(factors, each, "1", form.name, at), each) for each in wanted}
    qs = {each: believable_factor(needed(factors, each, "1", form.name, at), each, *BEAM_RANGE) for each in form.beam}
    qs = {each: believed("chamber", each, factor) for each, factor in qs.items()}
    believed("chamber", "k_vol", ks[form.volume] if fff else Factor(1.0, "1", 0.0, "none in this beam"))
    no_others(factors, ("n_dw", *ks, *qs), form.name)
    _check(form, charge_nc, n_dw.value, ks)
    inputs = {
        "charge_nc": charge_nc, "factors": dict(factors), "air": ambient, "components": list(components), "fff": fff,
    }  # fmt: skip
    work = Calculation(form.name, inputs)
    density = _density(work, form, ambient)
    m_q = _reading(work, form, charge_nc, density, ks)
    dose = m_q * n_dw.value
    for each in qs.values():
        dose *= each.value
    numbers = " × ".join(shown(x) for x in (m_q, n_dw.value, *(q.value for q in qs.values())))
    work.step("D_w", " · ".join(("M_Q", "N_D,w", *qs)), numbers, dose, "Gy", form.source)
    for name, factor in {"n_dw": n_dw, **ks, **qs}.items():
        work.row(name, factor, sensitivity=-1.0 if name in form.at_calibration else 1.0)
    work.rows.extend(components)
    warning = polarity_warning(ks[form.reading[1]].value)
    work.warnings.extend([warning] if warning else [])
    return work.dose(dose)


def _density(work: Calculation, form: ChamberForm, ambient: AmbientConditions) -> float:
    value = form.density(ambient.temperature_c, ambient.pressure_kpa, ambient.t0_c, ambient.p0_kpa)
    zero = form.zero_celsius_k
    formula = f"({zero} + T)/({zero} + T0) · P0/P"
    numbers = (
        f"({zero} + {ambient.temperature_c}) / ({zero} + {ambient.t0_c}) × {ambient.p0_kpa} / {ambient.pressure_kpa}"
    )
    return work.step(form.density_symbol, formula, numbers, value, "1", form.source)


def _reading(work: Calculation, form: ChamberForm, charge_nc: float, density: float, ks: Mapping[str, Factor]) -> float:
    value = abs(charge_nc) * density
    formula, numbers = f"|M| · {form.density_symbol}", f"{shown(abs(charge_nc))} × {shown(density)}"
    for name, factor in ks.items():
        divided = name in form.at_calibration
        value = value / factor.value if divided else value * factor.value
        formula += f" {'/' if divided else '·'} {name}"
        numbers += f" {'/' if divided else '×'} {shown(factor.value)}"
    return work.step("M_Q", formula, numbers, value, "nC", form.source)


def _check(form: ChamberForm, charge_nc: float, n_dw_gy_per_nc: float, ks: Mapping[str, Factor]) -> None:
    """What must hold of every chamber measurement, whatever the protocol."""
    elec, pol, ion = form.reading
    if charge_nc == 0:
        raise OutsideValidity("The reading of the chamber is zero.")
    if not 0.001 <= n_dw_gy_per_nc <= 5:
        raise OutsideValidity(
            f"N_D,w = {n_dw_gy_per_nc:g} Gy/nC lies outside 0.001 to 5 Gy/nC (a Farmer chamber has about 0.054 Gy/nC"
            " = 5.4 cGy/nC = 5.4e7 Gy/C): check its unit."
        )
    if not 0.98 <= ks[elec].value <= 1.02:
        raise OutsideValidity(f"{elec} = {ks[elec].value} lies outside 0.98 to 1.02.")
    if not 0.98 <= ks[pol].value <= 1.02:
        raise Blocked(f"{pol} = {ks[pol].value} lies outside 0.98 to 1.02.")
    if not LIMITS[0] - 1e-9 <= ks[ion].value <= LIMITS[1]:
        raise Blocked(f"{ion} = {ks[ion].value} lies outside 1 to 1.05.")
