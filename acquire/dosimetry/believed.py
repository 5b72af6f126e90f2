"""Which sizes of a factor are believed: published ranges by method, each with its source; the site's own elsewhere.

They catch a mistyped digit, a unit, a U taken for a value. Coefficients for which nothing is published (N_cal, N_D,w,
RCF, a reader's factor, ECC) have no range here and no default: the calibration or the plan states the site's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from acquire.dosimetry.errors import OutsideValidity
from acquire.dosimetry.factor import Factor, believable_factor
from acquire.dosimetry.finite import finite, finite_fields

Kind = Literal["chamber", "diode", "tld", "osl", "mosfet", "midline"]
WIDEST = 3.0  # a site's range may span this factor; a decimal point that slipped then always falls outside
SITES_OWN = ("n_cal", "n_dw", "rcf", "reader_factor")  # and the element corrections


@dataclass(frozen=True, slots=True)
class Believed:
    """A range in the factor's unit, both ends included, and where it is published."""

    low: float
    high: float
    source: str

    def __post_init__(self) -> None:
        finite_fields(self)


_BOOKLET = "ESTRO booklet 5 and AAPM TG-62 practice (recalled): corrections of entrance diodes lie well inside"
_KQ = "TRS-398 Rev.1 eq. 34 and TG-51 addendum table I give 0.945 to 1.001; electrons 0.88 to 0.96 (Muir and Rogers)"
_VOLUME = "volume averaging of FFF beams, TRS-398 Rev.1 (recalled): below 2 %"
PUBLISHED: Mapping[tuple[Kind, str], Believed] = {
    ("chamber", "k_q"): Believed(0.86, 1.02, _KQ),
    ("chamber", "k_elec"): Believed(0.98, 1.02, "electrometer calibrations, TRS-398 Rev.1 practice (recalled)"),
    ("chamber", "k_vol"): Believed(1.0, 1.05, _VOLUME),
    ("diode", "cf_ssd"): Believed(0.8, 1.25, _BOOKLET),
    ("diode", "cf_fs"): Believed(0.8, 1.25, _BOOKLET),
    ("diode", "cf_wedge"): Believed(0.8, 1.25, _BOOKLET),
    ("diode", "cf_tray"): Believed(0.8, 1.25, _BOOKLET),
    ("diode", "cf_angle"): Believed(0.8, 1.25, _BOOKLET),
    ("diode", "cf_dose_rate"): Believed(0.8, 1.25, _BOOKLET),
    ("diode", "cf_energy"): Believed(0.8, 1.25, _BOOKLET),
    ("diode", "cf_backscatter"): Believed(0.8, 1.25, _BOOKLET),
    ("tld", "k_f"): Believed(0.8, 1.3, "fading of LiF under 20 % in months (recalled); IROC: 3 to 180 d"),
    ("tld", "k_l"): Believed(0.7, 1.1, "LiF supralinear above 1 Gy; IROC corrects 25 to 350 cGy"),
    ("tld", "k_q"): Believed(0.65, 1.15, "LiF over-responds by up to 1.4 at kV, ±3 % outside MV fields"),
    ("tld", "k_theta"): Believed(0.9, 1.1, "chips: angular response within some per cent (recalled)"),
    ("osl", "k_f"): Believed(0.9, 1.1, "nanoDot −1 % in 17 d; IROC: 3 to 180 d"),
    ("osl", "k_l"): Believed(0.7, 1.1, "nanoDot linear to 5 Gy, supralinear above 3 Gy; IROC corrects 25 to 350 cGy"),
    ("osl", "k_q"): Believed(0.3, 1.15, "nanoDot 0.97 to 1.00 in MV fields; Al2O3 over-responds by 3.2 at kV"),
    ("osl", "k_q_out"): Believed(0.6, 1.15, "nanoDot outside the field 0.69 to 0.95, another study to 1.1"),
    ("osl", "k_theta"): Believed(0.95, 1.1, "edge-on −3 to −5 % at 6 to 18 MV (PMC3133805)"),
    ("mosfet", "cf"): Believed(0.2, 5.0, "mobileMOSFET 0.33 to 1.03, unbiased 4, floating gate 0.36 to 1.43 cGy/mV"),
    ("mosfet", "cf_energy"): Believed(0.5, 1.3, "mobileMOSFET: 0.79 at 15 MV against 1.03 in Co-60"),
    ("mosfet", "cf_angle"): Believed(0.9, 1.1, "isotropy ±3 % over 360° (vendor)"),
    ("midline", "f_mid"): Believed(0.5, 1.5, "ratio of a midline dose to the mean of two surfaces (inferred)"),
}  # fmt: skip
DEPLETION = Believed(0.0, 0.02, "0.013 % (check chip) to 1.0 % (strong beam) per reading")
SLOPE_PER_GY = Believed(-0.1, 0.1, "LiF and Al2O3 between 1 and 10 Gy: a few per cent per Gy (recalled)")
THRESHOLD_MV = Believed(100.0, 30_000.0, "sensors stand at volts when new and end at 20 V")


def believed(kind: Kind, name: str, factor: Factor) -> Factor:
    """The factor, which lies in the published range of its kind where there is one. Raises OutsideValidity."""
    within = PUBLISHED.get((kind, name))
    if within is None:
        return factor
    try:
        return believable_factor(factor, name, within.low, within.high)
    except OutsideValidity as outside:
        raise OutsideValidity(f"{outside} (Published: {within.source}.)") from None


@finite
def believed_threshold(mv: float, what: str) -> float:
    """The threshold voltage in mV. Raises OutsideValidity for what can only be volts, or no threshold at all."""
    if not THRESHOLD_MV.low <= mv <= THRESHOLD_MV.high:
        volts = f"; it looks like {mv:g} V" if 0 < mv <= 30 else ""
        raise OutsideValidity(
            f"{what} is {mv:g} mV; a MOSFET stands at {THRESHOLD_MV.low:g} to {THRESHOLD_MV.high:g} mV{volts}."
        )
    return mv


@finite
def sites_range(low: float, high: float) -> None:
    """Raises OutsideValidity for a range that says nothing: not above 0, or wider than a factor of three."""
    if not 0 < low < high <= WIDEST * low * (1 + 1e-9):
        raise OutsideValidity(
            f"A range of {low:g} to {high:g} says nothing: it needs two numbers above 0, at most a factor of"
            f" {WIDEST:g} apart."
        )


@finite
def in_sites_range(value: float, believed_range: tuple[float, float], what: str) -> None:
    """Raises OutsideValidity for a coefficient outside the range that the site believes, in the coefficient's unit."""
    low, high = believed_range
    sites_range(low, high)
    if not low <= value <= high:
        raise OutsideValidity(
            f"{what} is {value:.5g}, outside the {low:g} to {high:g} that the site believes: look for another unit, a"
            " mistyped digit, or standards of another reader run."
        )


@finite
def fraction_dose(expected_gy: float, fraction_gy: float, most: float = 5.0) -> None:
    """Raises OutsideValidity for an expected dose that no fraction of this prescription gives (Gy).

    Five times the prescribed dose of a fraction is more than entrance, hot spot and junction come to (inferred; as much
    as a result may differ from its expected dose).
    """
    if expected_gy > most * fraction_gy:
        raise OutsideValidity(
            f"The expected {expected_gy:g} Gy is {expected_gy / fraction_gy:.3g} times the {fraction_gy:g} Gy"
            " prescribed for a fraction: is it cGy, or the dose of the whole course?"
        )
