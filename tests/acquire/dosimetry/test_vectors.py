"""Every row of vectors.toml: the library against published and computed numbers, with the tolerance of the row."""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import vector_worksheets as sheets

from acquire import dosimetry as d
from acquire.dosimetry import microdosimetry as micro
from acquire.dosimetry import recombination, units
from acquire.dosimetry.interpolation import linear
from acquire.dosimetry.micro_calibration import SILICON_PROTON_EDGE, scale_of_edge

VECTORS = tomllib.loads(Path(__file__).with_name("vectors.toml").read_text(encoding="utf-8"))
ROWS = VECTORS["vector"]
LABELS = {"verbatim", "constant", "executed", "textbook", "computed"}


def _types(a, b):
    budget = d.Budget(
        tuple(d.Contribution("a", x, "v", kind="A") for x in a) + tuple(d.Contribution("b", x, "v") for x in b)
    )
    return {
        "a": budget.type_a_percent, "b": budget.type_b_percent, "u": budget.u_percent,
        "expanded": budget.expanded_percent,
    }  # fmt: skip


def _two_steps(one, two):
    return {"one": d.quadrature(one), "two": d.quadrature(two), "both": d.quadrature([*one, *two])}


def _unit_bins(y, f):
    spectrum = micro.counts_of_density(micro.edges_of_linear_centres(y), f)
    return spectrum, micro.means(spectrum, 0.0, 125.0)


def _k07(low, per_decade, f):
    density = [f.get(str(i), 0.0) for i in range(40)]
    spectrum = micro.counts_of_density(micro.log_edges(low, per_decade, 40), density)
    found = micro.means(spectrum, 0.0, 125.0)
    return {"y_f": found.y_f, "y_d": found.y_d, "n": found.n}


def _unit_sums(y, f):
    spectrum, found = _unit_bins(y, f)
    return {"n": found.n, "f_norm": (spectrum.counts / found.n)[0], "yf": list(spectrum.centres * spectrum.counts)}


def _guard_band(tolerance, expanded):
    decision = d.decide(
        dose_gy=1.0, expected_gy=1.0, u_measured_percent=expanded / 2, u_expected_percent=0.0,
        tolerance_percent=tolerance, action_percent=2 * tolerance, rule="guard-band",
    )  # fmt: skip
    limit = decision.acceptance_limit_percent
    return {"limit": limit, "risk": d.false_accept_risk(tolerance, limit, expanded / 2)}


def _deviation(dose_cgy, expected_cgy):
    return d.decide(
        dose_gy=dose_cgy / 100, expected_gy=expected_cgy / 100, u_measured_percent=1, u_expected_percent=1,
        tolerance_percent=5, action_percent=10, rule="simple-acceptance",
    ).deviation_percent  # fmt: skip


def _linear_against_quadratic(n, r):
    worst = 0.0
    for each in n:
        for ratio in r:
            value = d.k_s_pulsed(each, ratio)
            if value < 1.03:
                worst = max(worst, abs(value - d.k_s_linear(each, ratio)))
    return worst


def _at_equal_readings(table, form):
    return max(abs(form(n, 1.0) - 1) for n in table)


def _m_over_l(form):
    return lambda n, m_high, m_low: form(float(n), m_high / m_low)


def _certificate(expanded, k, others):
    u = d.standard_from_certificate(expanded, k)
    return {"u": u, "both": d.quadrature([u, *others])}


def _sum(parts):
    return {"u": d.quadrature(parts), "expanded": 2 * d.quadrature(parts)}


def _all_refused(cases):
    for case in cases[:-1]:
        with pytest.raises(d.OutsideValidity):
            d.pdd10x(**case)
    return d.pdd10x(**cases[-1])


COMPUTE: Mapping[str, Callable[..., Any]] = {
    "p_tp": d.p_tp,
    "k_tp": d.k_tp,
    "pressure_kpa": units.pressure_kpa,
    "temperature_c": units.temperature_c,
    "n_dw": units.n_dw_gy_per_nc,
    "k_pol": d.k_pol,
    "k_pol of each pair": lambda pairs: [d.k_pol(*pair) for pair in pairs],
    "p_ion": _m_over_l(d.p_ion_pulsed),
    "k_s pulsed": _m_over_l(d.k_s_pulsed),
    "k_s scanned": _m_over_l(d.k_s_scanned),
    "k_s continuous": _m_over_l(d.k_s_continuous),
    "k_s linear": _m_over_l(d.k_s_linear),
    "largest |k_s - 1| at equal readings, pulsed": lambda: _at_equal_readings(
        recombination.RECOMBINATION_PULSED, d.k_s_pulsed
    ),
    "largest |k_s - 1| at equal readings, scanned": lambda: _at_equal_readings(
        recombination.RECOMBINATION_SCANNED, d.k_s_scanned
    ),
    "largest |quadratic - linear| while k_s < 1.03": _linear_against_quadratic,
    "corrected reading": lambda readings, **ps: d.mean_of(readings).value * math.prod(ps.values()),
    "net charge": lambda gross_nc, duration_s, leakage_pa: (
        d.net_charge(gross_nc, units.current_na(leakage_pa, "pA"), duration_s, always_subtract=True).value_nc
    ),
    "tpr20_10": d.tpr20_10_of_pdd,
    "r50": d.r50_of_i50,
    "d_ref": lambda i50_cm: d.d_ref_of_r50(d.r50_of_i50(i50_cm)),
    "pdd10x": d.pdd10x,
    "pdd10x of each": _all_refused,
    "k_q tg51 at each": lambda chamber, x: [d.k_q_tg51(chamber, each) for each in x],
    "k_q of a, b, c at each": lambda a, b, c, x: [d.k_q_of_abc(a, b, c, each) for each in x],
    "k_q tg51 of a foil measurement": lambda chamber, **beam: d.k_q_tg51(chamber, d.pdd10x(**beam, fff=True)),
    "k_q electrons 2014": d.k_q_electrons_2014,
    "k_q sigmoid": d.k_q_sigmoid,
    "k_q rev1": d.k_q_rev1,
    "k_vol": d.k_vol,
    "linear table": lambda xs, ys, x: linear(xs, ys, x, "TPR20,10"),
    "p_rp of a parabola": d.p_rp_of_parabola,
    "tg51 photons": sheets.tg51_photons,
    "tg51 electrons 1999": sheets.tg51_electrons_1999,
    "tg51 with the laboratory's T0 and P0": sheets.tg51_laboratory,
    "dose at maximum": d.dose_at_maximum,
    "trs398 of 2000": sheets.trs398_2000,
    "trs398 rev1": sheets.trs398_rev1,
    "k_q photons 2000": d.k_q_photons_2000,
    "k_q electrons 2000": d.k_q_electrons_2000,
    "k_q of Report 385": lambda r50_cm, cylindrical, plane_parallel: [
        d.k_q_relative_2014(cylindrical, r50_cm), d.k_q_relative_2014(plane_parallel, r50_cm),
        d.k_q_electrons_2014(cylindrical, r50_cm),
    ],
    "reader dose in mrad": d.reader_dose_mrad,
    "counts over counts per cGy": lambda counts, per_cgy: counts / per_cgy,
    "mean after depletion, falling": lambda readings, loss: fmean(d.depletion_corrected(readings, loss, "falling")),
    "angle factor": d.angle_factor,
    "product with each": lambda dose, factors: [dose * factor for factor in factors],
    "osl chain": sheets.osl_chain,
    "audit form": d.audit_form_cgy,
    "diode": sheets.diode,
    "over-reading without temperature correction": lambda svwt, t_c, t_cal: (
        100 / d.cf_temperature(svwt, t_c, t_cal) - 100
    ),
    "detector calibration": lambda dose_cgy, readings_nc: (
        d.detector_calibration(dose_cgy / 100, d.Budget(()), readings_nc).value
    ),
    "midline mean": sheets.midline,
    "deviation": _deviation,
    "inverse square": lambda dose, from_cm, to_cm: dose * d.inverse_square(from_cm, to_cm),
    "mosfet": sheets.mosfet,
    "mosfet of a sensitivity": lambda shift_mv, mv_per_gy: sheets.mosfet(shift_mv, d.cf_of_sensitivity(mv_per_gy)),
    "dose left in a mosfet": lambda threshold_mv, limit_mv, cf: d.remaining_mv(threshold_mv, limit_mv) * cf,
    "mV/rad to mV/Gy": lambda mv_per_rad: mv_per_rad / units.dose_gy(1.0, "rad"),
    "unit bins, sums": _unit_sums,
    "unit bins, means": lambda y, f: {"y_f": (found := _unit_bins(y, f)[1]).y_f, "y_d": found.y_d},
    "edges of log centres": lambda centres: list(micro.edges_of_log_centres(centres)),
    "log spectrum, means": _k07,
    "specific energy": micro.specific_energy_gy,
    "mean chords": lambda sphere_um, slab_um: [
        micro.mean_chord_um("sphere", sphere_um), micro.mean_chord_um("slab", slab_um)
    ],
    "silicon proton edge": lambda slab_um: SILICON_PROTON_EDGE[slab_um],
    "edge scale": lambda marker, y_edge, height: scale_of_edge(marker, y_edge, 0.0, "vector").y(height),
    "quality factor at each": lambda y: [micro.quality_factor_icru40(each) for each in y],
    "y* of one value": lambda y, y0: micro.means(
        micro.Spectrum(np.array([y - 1e-6, y + 1e-6]), np.array([1.0])), 0.0, y0
    ).y_star,
    "alpha of the kinetic model": micro.alpha_mkm,
    "budget of types": _types,
    "t times u": lambda u, dof, p: d.coverage_factor(dof, p) * u,
    "one-sided conformity": lambda limit, value, u: 1 - d.false_accept_risk(limit, value, u),
    "p_conform": d.p_conform,
    "guard band": _guard_band,
    "quadrature": _sum,
    "e_n": d.e_n,
    "two steps": _two_steps,
    "certificate in a budget": _certificate,
    "percent beyond": d.percent_beyond,
    "dose in cGy": lambda value, unit: 100 * units.dose_gy(value, unit),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_vector(row: dict[str, Any]) -> None:
    compute = COMPUTE[row["what"]]
    if "refused" in row:
        with pytest.raises(d.DosimetryError, match=row["refused"]):
            compute(**row["inputs"])
        return
    ours = compute(**row["inputs"])
    disputed = row.get("disputed")
    if disputed:
        assert disputed["why"]
        assert ours == pytest.approx(disputed["ours"], abs=row["tolerance"])
        assert ours != pytest.approx(row["expected"], abs=row["tolerance"])
        return
    _close(ours, row["expected"], row)


def _close(ours: Any, expected: Any, row: Mapping[str, Any]) -> None:
    if isinstance(expected, dict):
        for name, value in expected.items():
            _close(ours[name], value, {**row, "tolerance": row.get("tolerances", {}).get(name, row.get("tolerance"))})
    elif isinstance(expected, list):
        assert len(ours) == len(expected)
        for a, b in zip(ours, expected, strict=True):
            _close(a, b, row)
    elif "relative" in row:
        assert ours == pytest.approx(expected, rel=row["relative"])
    else:
        assert abs(ours - expected) <= row["tolerance"]


def test_no_row_is_lost_and_every_row_says_where_it_comes_from() -> None:
    assert Counter(row["id"][0] for row in ROWS) == VECTORS["count"]
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert all(row["label"] in LABELS and row["source"] for row in ROWS)
    assert {row["what"] for row in ROWS} == set(COMPUTE)


def test_snc600c_is_refused_without_a_value_of_the_site() -> None:
    with pytest.raises(d.Doubtful, match="enter the site's own k_Q"):
        d.k_q_tg51("SNC600c", 66.0)
