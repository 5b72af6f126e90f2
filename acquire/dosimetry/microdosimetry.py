"""Microdosimetric quantities of a spectrum (ICRU 36, 98): y_F, y_D, y*, specific energy. Reported, never decided on.

Lineal energy y in keV/µm, diameters and thicknesses in µm, specific energy z in Gy. A spectrum is a histogram: edges of
its bins and counts, or a density f(y), per bin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquire.dosimetry.errors import Blocked, OutsideValidity
from acquire.dosimetry.finite import finite

KEV_J = 1.602176634e-16  # exact, SI brochure 2019
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Event counts per bin of lineal energy: n + 1 rising edges in keV/µm, n counts of 0 or more."""

    edges: Array
    counts: Array

    def __post_init__(self) -> None:
        edges, counts = self.edges, self.counts
        if edges.ndim != 1 or counts.ndim != 1 or len(edges) != len(counts) + 1:
            raise OutsideValidity("A spectrum has one edge more than it has bins.")
        if not (np.all(np.isfinite(edges)) and np.all(np.diff(edges) > 0) and edges[0] >= 0):
            raise OutsideValidity("The edges of a spectrum rise from 0 keV/µm or more.")
        if not (np.all(np.isfinite(counts)) and np.all(counts >= 0)):
            raise OutsideValidity("The counts of a spectrum are 0 or more.")

    @property
    def centres(self) -> Array:
        """Arithmetic means of the edges."""
        return (self.edges[:-1] + self.edges[1:]) / 2


@dataclass(frozen=True, slots=True)
class Means:
    """What is reported of a spectrum; all y in keV/µm. The cut belongs beside every one of them."""

    n: float
    y_f: float
    y_d: float
    y_star: float
    y0: float
    cut: float
    bins_cut: int


@finite
def log_edges(low: float, per_decade: int, bins: int) -> Array:
    """Edges low · 10^(i / per_decade), i from 0 to bins. Raises OutsideValidity."""
    if low <= 0 or per_decade < 1 or bins < 1:
        raise OutsideValidity("Logarithmic bins need a lower edge above 0, and at least one bin per decade.")
    return low * 10.0 ** (np.arange(bins + 1) / per_decade)


@finite
def edges_of_log_centres(centres: Sequence[float]) -> Array:
    """Edges between equidistant logarithmic centres: geometric means inside, half a step beyond at both ends.

    The unit stays (keV/µm, or channels). Raises OutsideValidity.
    """
    c = np.asarray(centres, dtype=np.float64)
    if len(c) < 2 or np.any(c <= 0) or not np.allclose(np.diff(np.log(c)), np.log(c[1] / c[0]), rtol=1e-6):
        raise OutsideValidity("The centres of logarithmic bins are above 0 and a constant ratio apart.")
    half = math.sqrt(c[1] / c[0])
    return np.concatenate(([c[0] / half], c * half))


@finite
def edges_of_linear_centres(centres: Sequence[float]) -> Array:
    """Edges between equidistant centres; the unit stays (channels, or mV). Raises OutsideValidity."""
    c = np.asarray(centres, dtype=np.float64)
    if len(c) < 2 or not np.allclose(np.diff(c), c[1] - c[0], rtol=1e-9):
        raise OutsideValidity("The centres of linear bins are a constant step apart.")
    half = (c[1] - c[0]) / 2
    return np.concatenate(([c[0] - half], c + half))


@finite
def counts_of_density(edges: Array, density: Sequence[float]) -> Spectrum:
    """A spectrum from f(y) per bin: counts are f(y) times the width of the bin."""
    return Spectrum(edges, np.asarray(density, dtype=np.float64) * np.diff(edges))


@finite
def means(spectrum: Spectrum, cut: float, y0: float) -> Means:
    """y_F = Σ y n/Σ n, y_D = Σ y² n/Σ y n, and the saturation-corrected y* = y0² Σ(1 - e^-(y/y0)²) n / Σ y n.

    cut: bins whose upper edge is not above it are dropped as noise; 0 keeps all. y0: 125 (ICRU 36) or 150 keV/µm
    (Kase 2006), chosen by the site. (A form e^(-y²/y0), seen in a public script, is wrong.)
    Raises Blocked, OutsideValidity.
    """
    if y0 <= 0 or cut < 0:
        raise OutsideValidity("The saturation parameter y0 must be above 0 and the cut not negative, in keV/µm.")
    kept = spectrum.edges[1:] > cut * (1 + 1e-12)
    y, n = spectrum.centres[kept], spectrum.counts[kept]
    total = math.fsum(n)
    if total <= 0:
        raise Blocked(f"No event is left above the cut of {cut:g} keV/µm.")
    first, second = math.fsum(y * n), math.fsum(y * y * n)
    saturated = math.fsum(-np.expm1(-((y / y0) ** 2)) * n)
    return Means(total, first / total, second / first, y0 * y0 * saturated / first, y0, cut, int(np.sum(~kept)))


@finite
def dose_distribution(spectrum: Spectrum) -> Array:
    """d(y) = y f(y)/y_F per keV/µm, so that its integral is 1. Raises Blocked."""
    n, width = spectrum.counts, np.diff(spectrum.edges)
    dose = spectrum.centres * n
    total = math.fsum(dose)
    if total <= 0:
        raise Blocked("The spectrum holds no event.")
    return dose / total / width


@finite
def log_plot(spectrum: Spectrum) -> tuple[Array, Array]:
    """(y, y·d(y)) for a plot against log y, where equal areas are equal dose.

    y is the arithmetic, the height uses the logarithmic width of each bin: Σ height · ln(upper/lower) = 1.
    Raises Blocked, OutsideValidity.
    """
    if spectrum.edges[0] <= 0:
        raise OutsideValidity("A plot against log y needs edges above 0 keV/µm.")
    dose = spectrum.centres * spectrum.counts
    total = math.fsum(dose)
    if total <= 0:
        raise Blocked("The spectrum holds no event.")
    return spectrum.centres, dose / total / np.diff(np.log(spectrum.edges))


@finite
def rebin(spectrum: Spectrum, edges: Array) -> Spectrum:
    """The same events in other bins, each old bin spread evenly over its width. Total counts are kept.

    Raises OutsideValidity when events would fall outside the new edges.
    """
    cumulative = np.concatenate(([0.0], np.cumsum(spectrum.counts)))
    at = np.interp(edges, spectrum.edges, cumulative)
    if at[0] > 0 or at[-1] < cumulative[-1] * (1 - 1e-12):
        raise OutsideValidity("The new bins do not cover all events of the spectrum.")
    return Spectrum(edges, np.diff(at))


@finite
def mean_chord_um(shape: str, size_um: float) -> float:
    """Mean chord: 2d/3 of a sphere of diameter d; the thickness of a slab at normal incidence.

    Raises OutsideValidity.
    """
    if size_um <= 0:
        raise OutsideValidity("The size of a site must be above 0 µm.")
    match shape:
        case "sphere":
            return 2 * size_um / 3
        case "slab":
            return size_um
    raise OutsideValidity(f"The shape '{shape}' is unknown: sphere or slab; for others use mean_chord_convex_um.")


@finite
def mean_chord_convex_um(volume_um3: float, surface_um2: float) -> float:
    """4 V/S of a convex body in isotropic radiation (Cauchy). Raises OutsideValidity."""
    if min(volume_um3, surface_um2) <= 0:
        raise OutsideValidity("Volume and surface of a site must be above 0.")
    return 4 * volume_um3 / surface_um2


@finite
def specific_energy_gy(y_kev_um: float, diameter_um: float, density_g_cm3: float = 1.0) -> float:
    """z = 4 y/(π ρ d²) of a sphere: 0.2040 y/d² Gy at unit density (y in keV/µm, d in µm). Raises OutsideValidity."""
    if diameter_um <= 0 or density_g_cm3 <= 0:
        raise OutsideValidity("Diameter and density of a site must be above 0.")
    kg_per_um3 = density_g_cm3 * 1e-15
    return 4 * y_kev_um * KEV_J / (math.pi * kg_per_um3 * diameter_um**2)


@finite
def quality_factor_icru40(y_kev_um: float) -> float:
    """Q(y) = 5510/y · (1 - exp(-5e-5 y² - 2e-7 y³)), ICRU 40. Raises OutsideValidity."""
    if y_kev_um <= 0:
        raise OutsideValidity("A quality factor needs y above 0 keV/µm.")
    return -5510 / y_kev_um * math.expm1(-5e-5 * y_kev_um**2 - 2e-7 * y_kev_um**3)


@finite
def alpha_mkm(y_star: float, alpha0_per_gy: float, beta_per_gy2: float, r_domain_um: float) -> float:
    """α = α0 + β z*, z* = y*/(ρ π r²) of the microdosimetric kinetic model (Kase 2006), at unit density, in 1/Gy.

    Raises OutsideValidity.
    """
    if r_domain_um <= 0:
        raise OutsideValidity("The domain's radius must be above 0 µm.")
    return alpha0_per_gy + beta_per_gy2 * y_star * KEV_J / (math.pi * 1e-15 * r_domain_um**2)


@finite
def live_time_flag(live_s: float, real_s: float, at_least: float = 0.9) -> str | None:
    """A sentence when live over real time is below a fraction (pile-up, dead time); the run is kept and flagged.

    Raises OutsideValidity.
    """
    if real_s <= 0 or not 0 < live_s <= real_s * (1 + 1e-9):
        raise OutsideValidity(f"Live {live_s:g} s and real {real_s:g} s are no times of one measurement.")
    ratio = live_s / real_s
    return None if ratio >= at_least else f"Live/real time is {ratio:.2f}, below {at_least:g}: dead time or pile-up."
