"""What an analysis found: one frozen record that goes into JSON as it is.

Uncertainties (u_...) are standard uncertainties. null where there is none: a parameter that lies at its bound has none,
and of a curve that could not be analysed there are no numbers but one sentence in `refused`.
"""

from __future__ import annotations

from typing import Any

import msgspec


class PeakResult(msgspec.Struct, frozen=True, kw_only=True):
    """One peak: t_m_k in K, i_m in the signal's unit, e_ev in eV, area in signal · K (of a profile that was no ramp:
    of the ramp to which T_m is referred), log10_s of the frequency factor in 1/s where the ramp is known, shape the
    form's own parameter (b, α or R)."""

    name: str
    t_m_k: float
    u_t_m_k: float | None
    i_m: float
    u_i_m: float | None
    e_ev: float
    u_e_ev: float | None
    area: float
    u_area: float | None
    fwhm_k: float
    log10_s: float | None = None
    shape: float | None = None
    u_shape: float | None = None
    identified: bool = True
    start_assumed: bool = False


class GroupResult(msgspec.Struct, frozen=True, kw_only=True):
    """Peaks whose areas only their sum tells apart from the rest; a peak that stands alone is a group of one."""

    peaks: tuple[str, ...]
    area: float
    u_area: float | None


class RegionResult(msgspec.Struct, frozen=True, kw_only=True):
    """A region of interest in K, its integral over temperature with and without background, signal · K."""

    name: str
    low_k: float
    high_k: float
    gross: float
    net: float
    u_net: float


class Residuals(msgspec.Struct, frozen=True, kw_only=True):
    """Signal minus fit: runs of one sign, as many as expected by chance, and the probability of so few."""

    runs: int
    expected_runs: float
    p_runs: float
    largest: float
    largest_at_k: float


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a picture: K, signal, fit, background, each peak."""

    temperature_k: tuple[float, ...]
    signal: tuple[float, ...]
    fit: tuple[float, ...]
    background: tuple[float, ...]
    peaks: tuple[tuple[float, ...], ...]


class GlowResult(msgspec.Struct, frozen=True, kw_only=True):
    """The analysis of one curve.

    model: kinetic form. background: its name; under its parameters by name. weights: "poisson", "gaussian" (one unknown
    noise for all points) or "stated". reduced_chi2: in units of the noise that was stated or Poisson's; of "gaussian"
    the variance of the residuals. correlations: of the areas, row by row. warnings: plain sentences.
    """

    name: str
    preset: str
    refused: str | None = None
    model: str
    background: str = "none"
    under: dict[str, float] = {}
    weights: str = "gaussian"
    unit: str = "1"
    heating: str = "ramp"
    ramp_k_s: float | None = None
    fom_percent: float | None = None
    reduced_chi2: float | None = None
    points: int = 0
    peaks: tuple[PeakResult, ...] = ()
    groups: tuple[GroupResult, ...] = ()
    area_correlations: tuple[tuple[float, ...], ...] = ()
    parameters: tuple[str, ...] = ()
    parameter_correlations: tuple[tuple[float, ...], ...] = ()
    regions: tuple[RegionResult, ...] = ()
    residuals: Residuals | None = None
    warnings: tuple[str, ...] = ()
    drawn: Drawn | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, without the columns of the picture."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        del document["drawn"]
        return document
