"""A curve goes in and a record comes out: what is found from the preset alone, and what is said of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from rate_equations import light
from scipy.optimize import least_squares
from tld_curves import PEAKS_002, PEAKS_005, TEMPERATURES_005, Truth, counted, noisy, rate_equation_curve

from acquire.glow import GlowError, Settings, analyse, analyse_all, glow_curve, preset, presets, refit
from acquire.glow.background import background
from acquire.glow.escape import K_EV, LinearHeating
from acquire.glow.fitting import bounds_of, fit
from acquire.glow.forms import FORMS
from acquire.glow.model import Model, Peaks

KELVIN = np.array(TEMPERATURES_005)
CURVE_002 = np.arange(301.0, 557.0)


def area_of(peak: Truth) -> float:
    fine = np.linspace(250, 700, 9001)
    return float(np.trapezoid(rate_equation_curve(fine, [peak]), fine))


def test_the_four_peaks_of_the_published_synthetic_curve_are_found() -> None:
    """RPD 47 (1993) 473: 12 of 13 programs reproduced areas and energies within 6.3 %, four within 0.4 %."""
    result = analyse(glow_curve(CURVE_002, rate_equation_curve(CURVE_002, PEAKS_002), ramp_k_s=8.4), "TLD-100")
    assert [peak.name for peak in result.peaks] == ["2", "3", "4", "5"]
    for peak, truth in zip(result.peaks, PEAKS_002, strict=True):
        assert peak.t_m_k == pytest.approx(truth.t_m, abs=0.02)
        assert peak.e_ev == pytest.approx(truth.e, rel=2e-3)
        assert peak.area == pytest.approx(area_of(truth), rel=2e-3)
    assert result.fom_percent is not None
    assert result.fom_percent < 0.02


@pytest.mark.parametrize("shift", [-28.0, -10.0, 0.0, 15.0])
def test_the_peaks_are_found_wherever_a_reader_has_them(shift: float) -> None:
    peaks = [Truth(p.t_m + shift, p.i_m, p.e) for p in PEAKS_005]
    signal = noisy(rate_equation_curve(KELVIN + shift, peaks) + 2, 1.5, 4)
    result = analyse(glow_curve(KELVIN + shift, signal), "TLD-100")
    assert [peak.name for peak in result.peaks] == ["1", "2", "3", "4", "5"]
    for peak, truth in zip(result.peaks[1:], peaks[1:], strict=True):
        assert peak.t_m_k == pytest.approx(truth.t_m, abs=0.6)
    assert result.peaks[-1].area == pytest.approx(area_of(peaks[-1]), rel=0.02)
    assert result.fom_percent is not None
    assert result.fom_percent < 1.2


def test_a_curve_whose_low_peaks_were_removed_keeps_the_names_of_the_others() -> None:
    """Like curves 007 and 008, aged: peaks 3 to 5 only, with energies the preset does not have."""
    peaks = [Truth(451.5, 28, 2.1), Truth(484.9, 261, 2.12), Truth(506.7, 523, 2.05)]
    result = analyse(glow_curve(KELVIN, noisy(rate_equation_curve(KELVIN, peaks) + 1, 1.0, 2)), "TLD-100")
    assert [peak.name for peak in result.peaks] == ["3", "4", "5"]
    assert result.peaks[-1].area == pytest.approx(area_of(peaks[-1]), rel=0.01)


def test_an_infrared_rise_is_found_to_be_one() -> None:
    signal = rate_equation_curve(KELVIN, PEAKS_005) + 20 + 90 * np.exp((KELVIN - KELVIN[-1]) / 18)
    result = analyse(glow_curve(KELVIN, noisy(signal, 2, 3)), "TLD-100")
    assert result.background == "exponential"
    assert result.under["c_k"] == pytest.approx(18, rel=0.15)
    assert result.peaks[-1].t_m_k == pytest.approx(509.4, abs=0.3)


def test_a_blank_is_taken_off_with_a_factor_of_its_own() -> None:
    blank = 5 + 40 * np.exp((KELVIN - KELVIN[-1]) / 30) + 6 * np.exp(-(((KELVIN - 330) / 15) ** 2))
    signal = rate_equation_curve(KELVIN, PEAKS_005) + 1.3 * blank
    result = analyse(glow_curve(KELVIN, noisy(signal, 0.5, 3), blank=blank), "TLD-100")
    assert result.background == "blank"
    assert result.under["blank_factor"] == pytest.approx(1.3, abs=0.02)


def test_a_heating_that_was_no_ramp_is_used_as_it_was_measured() -> None:
    """A contact heater: the same chip under a ramp of 5 K/s and under T(t) = 573 - 280 exp(-0.1 t) has one T_m."""
    seconds = np.linspace(0.5, 45, 400)

    def heater(t: float) -> float:
        return float(573 - 280 * np.exp(-0.1 * t))

    kelvin = np.array([heater(t) for t in seconds])
    log_s = np.log(1e13)
    signal = 1e4 * light("first", 0, 1.3, log_s, seconds, heater)
    result = analyse(glow_curve(kelvin, signal, seconds), "single")
    assert result.heating == "measured"
    assert result.ramp_k_s is not None
    assert result.peaks[0].e_ev == pytest.approx(1.3, rel=2e-3)
    assert result.peaks[0].log10_s == pytest.approx(13, abs=0.03)
    t_m = result.peaks[0].t_m_k  # that of a ramp: E/(kT_m²) β = s exp(-E/kT_m)
    assert result.ramp_k_s * 1.3 / (K_EV * t_m**2) == pytest.approx(np.exp(log_s - 1.3 / (K_EV * t_m)), rel=0.03)


@pytest.mark.parametrize(("form", "q"), [("general", 1.5), ("otor", 0.3), ("mixed", 0.6), ("second", 0.0)])
def test_a_peak_of_any_form_is_found_with_its_own_parameter(form: str, q: float) -> None:
    kelvin = np.linspace(330, 620, 300)
    signal = 1e3 * light(form, q, 1.2, np.log(1e12), (kelvin - 330) / 2, lambda t: 330 + 2 * t)
    result = analyse(glow_curve(kelvin, signal / signal.max(), ramp_k_s=2.0), "single", Settings(form=form))
    assert result.model == form
    assert result.peaks[0].e_ev == pytest.approx(1.2, rel=0.01)
    assert result.peaks[0].log10_s == pytest.approx(12, abs=0.15)
    if q:
        assert result.peaks[0].shape == pytest.approx(q, abs=0.05)


def test_overlapping_peaks_are_given_as_the_group_they_form() -> None:
    result = analyse(glow_curve(KELVIN, noisy(rate_equation_curve(KELVIN, PEAKS_005) + 1, 2, 5)), "TLD-100")
    last = result.groups[-1]
    assert {"4", "5"} <= set(last.peaks)
    own = [peak for peak in result.peaks if peak.name in last.peaks]
    assert last.area == pytest.approx(sum(peak.area for peak in own))
    assert last.u_area is not None
    assert last.u_area < 0.7 * sum((peak.u_area or 0) ** 2 for peak in own) ** 0.5
    assert any("overlap" in sentence for sentence in result.warnings)
    size = np.array(result.area_correlations)
    assert size == pytest.approx(size.T)
    assert np.all(np.abs(size) <= 1 + 1e-9)
    assert len(result.parameters) == len(result.parameter_correlations)


def test_a_low_figure_of_merit_does_not_hide_a_fit_that_no_trap_has() -> None:
    """A Gaussian is no glow peak; with its width it would need an energy that is not allowed."""
    signal = 500 * np.exp(-(((KELVIN - 480) / 4.0) ** 2)) + 3
    result = analyse(glow_curve(KELVIN, signal, ramp_k_s=5.0), "single")
    assert any("E lies at the bound of what is allowed" in sentence for sentence in result.warnings)
    assert any("frequency factor" in sentence for sentence in result.warnings)
    assert not result.peaks[0].identified
    assert result.peaks[0].u_e_ev is None


def test_a_spike_is_named_and_does_not_pull() -> None:
    signal = noisy(rate_equation_curve(KELVIN, PEAKS_005) + 1, 1.5, 6)
    without = analyse(glow_curve(KELVIN, signal), "TLD-100")
    signal[150] += 120
    with_it = analyse(glow_curve(KELVIN, signal), "TLD-100")
    assert any(f"at {KELVIN[150]:.1f} K" in sentence for sentence in with_it.warnings)
    assert with_it.peaks[-1].area == pytest.approx(without.peaks[-1].area, rel=0.01)


def test_a_wrong_heating_curve_is_said_to_be_missed_by_the_runs_test() -> None:
    signal = rate_equation_curve(KELVIN, [Truth(500, 500, 2.0)]) + 25 * np.sin(KELVIN / 20) ** 2
    result = analyse(glow_curve(KELVIN, signal), "single", Settings(background="constant"))
    assert result.residuals is not None
    assert result.residuals.p_runs < 1e-6
    assert any("runs test" in sentence for sentence in result.warnings)


def test_regions_are_in_kelvin_and_do_not_depend_on_the_channels() -> None:
    fine = np.linspace(KELVIN[0], KELVIN[-1], 997)
    settings = Settings(regions=(("5", 490.0, 530.0),))
    found = [
        analyse(glow_curve(t, rate_equation_curve(t, PEAKS_005) + 2), "TLD-100", settings).regions[0]
        for t in (KELVIN, fine)
    ]
    assert found[0].net == pytest.approx(found[1].net, rel=2e-3)
    truth = np.linspace(490, 530, 4001)
    assert found[1].net == pytest.approx(np.trapezoid(rate_equation_curve(truth, PEAKS_005), truth), rel=1e-3)
    assert found[1].gross == pytest.approx(found[1].net + 80, rel=1e-3)


def test_refitting_and_batches_give_what_single_fits_give() -> None:
    curves = [glow_curve(KELVIN, noisy(rate_equation_curve(KELVIN, PEAKS_005) + 1, 1.5, seed)) for seed in range(3)]
    first = analyse(curves[0])
    alone = [refit(curve, first) for curve in curves]
    assert analyse_all(curves, like=first) == alone
    assert alone[0].fom_percent == pytest.approx(first.fom_percent, rel=1e-3)
    for one in alone[1:]:
        assert [peak.t_m_k for peak in one.peaks] == pytest.approx([p.t_m for p in PEAKS_005], abs=2.0)


def test_our_fit_is_that_of_scipys_least_squares() -> None:
    signal = noisy(rate_equation_curve(KELVIN, PEAKS_005) + 1, 1.5, 8)
    model = Model(FORMS["first"], LinearHeating(KELVIN), background("linear", KELVIN), 5)
    start = Peaks(
        np.array([15.0, 150, 170, 200, 450]), np.array([360.0, 417, 452, 480, 507]), np.array([1.2, 1.4, 1.5, 1.6, 2]),
        np.zeros(5),
    )  # fmt: skip
    bounds = bounds_of(model, start, KELVIN, 480.0)
    one = np.ones_like(signal)
    p = model.pack(start, np.array([1.0, 1.0]))
    ours = fit(model, signal, one, p, bounds)
    theirs = least_squares(
        lambda p: model.value(p) - signal, p, lambda p: model.value_and_slopes(p)[1].T, (bounds.low, bounds.high),
        x_scale=bounds.scale, xtol=1e-12, ftol=1e-12,
    )  # fmt: skip
    assert ours.chi2 == pytest.approx(2 * theirs.cost, rel=1e-4)
    assert ours.peaks.t_m == pytest.approx(theirs.x[5:10], abs=0.05)


def test_a_result_goes_into_json_and_says_what_was_assumed() -> None:
    result = analyse(glow_curve(KELVIN, noisy(rate_equation_curve(KELVIN, PEAKS_005), 1, 1)), "tld-100")
    document = json.loads(json.dumps(result.to_json()))
    assert {"fom_percent", "model", "background", "peaks", "groups", "warnings", "regions"} <= set(document)
    assert {"t_m_k", "i_m", "e_ev", "area", "u_t_m_k", "u_area"} <= set(document["peaks"][0])
    assert document["peaks"][0]["start_assumed"]
    assert not document["peaks"][-1]["start_assumed"]


def test_what_there_is_not_is_a_sentence() -> None:
    curve = glow_curve(KELVIN, rate_equation_curve(KELVIN, PEAKS_005))
    with pytest.raises(GlowError, match=r"no preset 'TLD-999'; there are TLD-100, TLD-700"):
        analyse(curve, "TLD-999")
    with pytest.raises(GlowError, match="no kinetic form 'third'"):
        analyse(curve, "TLD-100", Settings(form="third"))
    with pytest.raises(GlowError, match="no background 'cubic'"):
        analyse(curve, "TLD-100", Settings(background="cubic"))
    with pytest.raises(GlowError, match="cannot begin from a curve that was not analysed"):
        refit(curve, analyse(glow_curve(KELVIN, 0 * KELVIN)))
    assert "needs the curve of an element" in (analyse(curve, "TLD-100", Settings(background="blank")).refused or "")


@pytest.mark.parametrize("name", list(presets()))
def test_a_curve_made_of_a_presets_peaks_is_taken_apart_into_them(name: str) -> None:
    material = preset(name)
    sure = [peak for peak in material.peaks if not peak.optional]
    kelvin = np.linspace(sure[0].t_m_k - 60, sure[-1].t_m_k + 70, 260)
    wanted = [Truth(p.t_m_k, 1000.0 if p.name == material.main else 500.0, p.e_ev) for p in sure]
    signal = rate_equation_curve(kelvin, wanted) + 3
    result = analyse(glow_curve(kelvin, noisy(signal, 1, 1)), replace_form(name))
    assert [peak.name for peak in result.peaks] == [peak.name for peak in sure]
    assert result.fom_percent is not None
    assert result.fom_percent < 1.5
    assert material.source
    assert all(region.first in {p.name for p in material.peaks} for region in material.regions)


def replace_form(name: str) -> object:
    """The preset with first-order peaks, which the test's curves are made of."""
    from msgspec.structs import replace as changed  # noqa: PLC0415

    return changed(preset(name), form="first")


@pytest.mark.parametrize("noise", ["counts", "normal"])
def test_stated_uncertainties_cover_the_truth(noise: str) -> None:
    """Of 120 curves the area of peak 5, its T_m and the group's area lie within 2 u in 95 %; 0.88 to 1 are allowed."""
    light = 4 * rate_equation_curve(KELVIN, PEAKS_005[1:]) + 8
    unit = "{counts}" if noise == "counts" else "1"
    first = None
    inside: list[tuple[bool, ...]] = []
    whole = 4 * sum(area_of(peak) for peak in PEAKS_005[2:])
    for seed in range(120):
        signal = counted(light, seed) if noise == "counts" else noisy(light, 12.0, seed)
        curve = glow_curve(KELVIN, signal, unit=unit)
        first = first or analyse(curve, settings=Settings(background="linear"))
        found = refit(curve, first)
        peak = found.peaks[-1]
        group = sum(p.area for p in found.peaks[1:])
        u = np.array([p.u_area for p in found.peaks[1:]])
        u_group = float(np.sqrt(u @ np.array(found.area_correlations)[1:, 1:] @ u))
        assert peak.u_area is not None
        assert peak.u_t_m_k is not None
        inside.append((
            abs(peak.area - 4 * area_of(PEAKS_005[-1])) < 2 * peak.u_area,
            abs(peak.t_m_k - PEAKS_005[-1].t_m) < 2 * peak.u_t_m_k,
            abs(group - whole) < 2 * u_group,
        ))  # fmt: skip
    assert np.all(np.mean(inside, axis=0) > 0.88), np.mean(inside, axis=0)


def test_a_curve_of_counts_has_a_reduced_chi_squared_of_one() -> None:
    light = 10 * rate_equation_curve(KELVIN, PEAKS_005) + 20
    result = analyse(replace(glow_curve(KELVIN, counted(light, 1)), unit="{counts}"))
    assert result.weights == "poisson"
    assert result.reduced_chi2 == pytest.approx(1, abs=0.25)
